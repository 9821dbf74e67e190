# SPDX-License-Identifier: GPL-2.0
"""The columns of a matrix: which kernels are asked, on which machines and with
which configurations. Nothing is built and nothing is asked here.
"""

from __future__ import annotations

import hashlib
import os
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import busted
import findings
import kernels
import options as opt
import series as ser
from errors import ToolError
from lab import spec
from lab.patches import Header, diff_of
from series import series_key

NONE, CHECKED, PLAIN = "none", "check", "plain"
STOCK = "stock"
_STOCK = re.compile(r"(?:\w+:)?\d+\.\d+")


def numbers(series: str) -> str:
    """7.2 of rt:7.2, which names a stock kernel's flavour, too."""
    return series.rpartition(":")[2]


@dataclass(frozen=True)
class Kernel:
    """A column: a series as it is, or with one of the project's patches, built
    in the lab; or a stock kernel. `page` in KiB; arch and page are "" for this
    computer's own, `config` has fragments beyond what is always there."""

    series: str
    patch: str = ""
    header: Header | None = None
    content: str = ""  # of the patch, for what was recorded of another one
    arch: str = ""
    page: str = ""
    config: tuple[str, ...] = ()
    stock: bool = False

    @property
    def name(self) -> str:
        machine = "/".join(part for part in (self.arch, self.page) if part)
        fragments = "".join(f"+{name}" for name in self.config)
        words = (self.patch or self.series, STOCK if self.stock else "", machine, fragments)
        return " ".join(word for word in words if word)

    @property
    def is_busted(self) -> bool:
        return self.header is not None and not self.header.harmless

    @property
    def is_known_to_fail(self) -> bool:
        """Of a series that breaks promises without a patch: what else fails on
        its kernels says nothing of a patch."""
        return bool(findings.certain(numbers(self.series)))


@dataclass(frozen=True)
class Wishes:
    """What the user asked for, in words."""

    series: str = ""
    stock: str = ""
    patch: str = ""
    machines: str = ""
    configs: str = ""
    arch: str = ""
    page: str = ""


def wishes(options: opt.Options, environment: Mapping[str, str]) -> Wishes:
    return Wishes(options.kernel, environment.get("STOCK", "").strip(), options.patch,
                  environment.get("MACHINES", "").strip(), environment.get("CONFIGS", "").strip(),
                  options.arch, options.page)


def machines_of(wished: Wishes) -> list[tuple[str, str]]:
    """Architecture and page size of each machine, "" for what is usual here."""
    if not wished.machines:
        return [_machine(wished.arch, wished.page)]
    if wished.arch or wished.page:
        raise ToolError(f"MACHINES={wished.machines} names machines, and so does ARCH or PAGE",
                        "leave ARCH and PAGE out")
    found = []
    for word in spec.words(wished.machines):
        arch, slash, page = word.partition("/")
        if slash and not page:
            raise ToolError(f"MACHINES={wished.machines}: {word} ends with a slash",
                            "for example MACHINES=x86_64,ppc64le/64")
        found.append(_machine(arch, page))
    return list(dict.fromkeys(found))


def _machine(arch: str, page: str) -> tuple[str, str]:
    machine = spec.machine_of(arch)
    kib = spec.page_of(machine, page)
    own = machine.arch == spec.machine_of("").arch
    usual = kib == machine.pages_kib[0]
    return "" if own and usual else machine.arch, "" if usual else str(kib)


def configs_of(text: str) -> list[tuple[str, ...]]:
    """Alternatives, fragments of one joined by +; `plain` has none of its own."""
    found = []
    for word in spec.words(text) or [PLAIN]:
        names = () if word == PLAIN else tuple(word.split("+"))
        for name in names:
            spec.fragment_of(name)
        found.append(names)
    return list(dict.fromkeys(found))


def patched_series() -> list[str]:
    return sorted({name.partition("/")[0] for name in spec.known_patches()}, key=series_key,
                  reverse=True)


def series_of(text: str) -> list[str]:
    """Series to build in the lab; ToolError for one without patches."""
    known = patched_series()
    for name in spec.words(text):
        if name not in known:
            raise ToolError(f"KERNEL={name}: no patches were made for this series",
                            f"series with patches: {', '.join(known)}; of an unmodified stock "
                            f"kernel: STOCK={name}")
    return list(dict.fromkeys(spec.words(text))) or known


def lab_kernels(series: Sequence[str], arch: str = "", page: str = "",
                config: tuple[str, ...] = ()) -> list[Kernel]:
    """Each series unmodified, then with each of its patches; of a series with
    findings of its own only those."""
    found = []
    for name in series:
        found.append(Kernel(name, arch=arch, page=page, config=config))
        for patch in spec.known_patches():
            if patch.partition("/")[0] == name:
                text = (spec.PATCHES / f"{patch}.patch").read_text()
                header = busted.read_header(patch)
                made_of = "\0".join([diff_of(text), *header.config])
                digest = hashlib.sha256(made_of.encode()).hexdigest()[:8]
                found.append(Kernel(name, patch, header, digest, arch, page, config))
    return [kernel for kernel in found if kernel.is_busted or not kernel.is_known_to_fail]


def _named(found: Sequence[Kernel], text: str) -> list[Kernel]:
    """Those that PATCH names; unmodified kernels stay. `all`, or nothing, is all
    of them, `check` those whose header says so."""
    if text in ("", busted.ALL):
        return list(found)
    if text == CHECKED:
        return [kernel for kernel in found if kernel.header is None or kernel.header.check]
    wanted: set[str] = set()
    for word in spec.words(text):
        names = {kernel.patch for kernel in found if word in (
            kernel.patch, kernel.patch.partition("/")[2]) and kernel.patch}
        if not names and word != NONE:
            raise ToolError(f"PATCH={word}: no such patch of {', '.join(_series(found))}",
                            f"{busted.ALL}, {CHECKED}, {NONE}, or of these: "
                            + ", ".join(dict.fromkeys(k.patch for k in found if k.patch)))
        wanted |= names
    return [kernel for kernel in found if not kernel.patch or kernel.patch in wanted]


def _series(found: Sequence[Kernel]) -> list[str]:
    return list(dict.fromkeys(kernel.series for kernel in found))


def obtainable(arch: str = kernels.HOST) -> tuple[list[str], str]:
    """Stock series that can be had here for a machine, and a warning, or "":
    those that the archive names, or, where it is out of reach, those that are
    prepared."""
    cache = opt.cache_dir(os.environ).resolve()
    try:
        return kernels.offered_names(cache, arch), ""
    except (ToolError, OSError) as error:
        before = "" if arch == kernels.HOST else f"{arch}-"
        names = [path.stem.removeprefix(before) for path in
                 (cache / "series").glob(f"{before}*.json")]
        there = [name for name in names if _STOCK.fullmatch(name)]
        there.sort(key=lambda name: (":" not in name, series_key(numbers(name))), reverse=True)
        return there, (
            f"which stock kernels there are cannot be asked: {error}; those that are prepared: "
            + (", ".join(there) or "none"))


def stock_kernels(text: str, arch: str = "") -> tuple[list[Kernel], str]:
    """Stock kernels for a machine, "" for this computer's, and a warning, or "";
    unless they are named, or `all` is, none of another flavour."""
    if text == NONE:
        return [], ""
    for name in spec.words(text) if text != busted.ALL else ():
        if not _STOCK.fullmatch(name):
            raise ToolError(f"STOCK={name}: no series, such as 6.12 or rt:7.2",
                            f"make kernels lists those there are; {NONE}: ask none")
    named = [] if text == busted.ALL else spec.words(text)
    offered, warning = obtainable(arch or kernels.HOST)
    missing = [name for name in named if name not in offered]
    if missing:
        raise ToolError(f"STOCK={missing[0]}: no stock kernel of this series can be had here"
                        + (f" for {arch}" if arch else ""),
                        f"those there are: {', '.join(offered) or 'none'}")
    wanted = [name for name in offered if name in named or text == busted.ALL
              or not text and ":" not in name]
    return [Kernel(name, arch=arch, stock=True) for name in wanted], warning


def all_stock(text: str, machines: Sequence[tuple[str, str]]) -> tuple[list[Kernel], str]:
    """Of all machines that there are stock kernels for, which have usual pages."""
    found: list[Kernel] = []
    warnings = []
    for arch in dict.fromkeys(arch for arch, page in machines if not page):
        if (arch or kernels.HOST) in ser.ARCHITECTURES:
            more, warning = stock_kernels(text, arch)
            found += more
            warnings += [warning] if warning else []
    return found, "; ".join(warnings)


def chosen(wished: Wishes) -> tuple[list[Kernel], str]:
    """All columns, and a warning, or ""."""
    machines = machines_of(wished)
    series = series_of(wished.series) if wished.series != NONE else []
    stock, warning = all_stock(wished.stock, machines)
    built = [kernel for arch, page in machines for config in configs_of(wished.configs)
             for kernel in lab_kernels(series, arch, page, config)]
    found = [*_named(built, wished.patch), *stock]
    if not found:
        raise ToolError("no kernel is left to be asked", "KERNEL, STOCK and PATCH say which")
    return found, warning
