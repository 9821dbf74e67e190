# SPDX-License-Identifier: GPL-2.0
"""Which stock kernels the archive offers, and the packages one of them needs.

Reads package stanzas, as apt-cache prints them; where they come from is for
archive.py.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass

from debversion import sort_key
from errors import ToolError

FLAVOUR = "cloud-amd64"
_HEADERS = re.compile(rf"linux-headers-(\d.*-{FLAVOUR})$")
_SERIES = re.compile(r"\d+\.\d+")
_DEPEND = re.compile(r"([a-z0-9.+-]+)(?::\w+)?(?:\s*\(([<>=]+)\s*([^)]+)\))?")
_CANDIDATE = re.compile(r"~rc\d|~exp\d")


@dataclass(frozen=True)
class Depend:
    """One dependency; `relation` and `version` are "" when any will do."""

    name: str
    relation: str = ""
    version: str = ""


@dataclass(frozen=True)
class Package:
    """One version of a package. `size` is the download's, in bytes."""

    name: str
    version: str
    depends: tuple[Depend, ...] = ()
    size: int = 0

    @property
    def pinned(self) -> str:
        return f"{self.name}={self.version}"


@dataclass(frozen=True)
class StockKernel:
    """A kernel of the archive with the packages that make it usable."""

    series: str
    release: str
    version: str
    image: Package
    headers: Package
    common: Package
    kbuild: Package

    @property
    def packages(self) -> tuple[Package, ...]:
        return self.image, self.headers, self.common, self.kbuild


def parse_depends(text: str) -> tuple[Depend, ...]:
    """First alternatives of a Depends field."""
    found = (_DEPEND.match(part.strip().split("|")[0].strip()) for part in text.split(","))
    return tuple(Depend(m[1], m[2] or "", (m[3] or "").strip()) for m in found if m)


def parse_packages(text: str) -> list[Package]:
    """Packages from stanzas; a stanza without name or version is passed over."""
    packages: list[Package] = []
    for stanza in text.split("\n\n"):
        fields = dict(line.split(": ", 1) for line in stanza.splitlines()
                      if ": " in line and not line.startswith(" "))
        if "Package" in fields and "Version" in fields:
            depends = parse_depends(", ".join(
                fields[name] for name in ("Pre-Depends", "Depends") if name in fields))
            packages.append(Package(fields["Package"], fields["Version"], depends,
                                    int(fields.get("Size", "0"))))
    return packages


def series_key(series: str) -> tuple[int, ...]:
    return tuple(int(part) for part in series.split("."))


def _wanted(headers: Package, prefix: str, suffix: str = "") -> str:
    for depend in headers.depends:
        if depend.name.startswith(prefix) and depend.name.endswith(suffix):
            return depend.name
    return ""


def _kernel(headers: Package, offered: dict[tuple[str, str], Package]) -> StockKernel | None:
    """The kernel of a headers package, or None if a part of it is missing."""
    match, series = _HEADERS.match(headers.name), _SERIES.match(headers.version)
    if not match or not series:
        return None
    release, version = match[1], headers.version
    image = (offered.get((f"linux-binary-{release}", version))
             or offered.get((f"linux-image-{release}", version)))
    common = offered.get((_wanted(headers, "linux-headers-", "-common"), version))
    kbuild = offered.get((_wanted(headers, "linux-kbuild-"), version))
    if not image or not common or not kbuild:
        return None
    return StockKernel(series[0], release, version, image, headers, common, kbuild)


def stock_kernels(packages: Iterable[Package]) -> list[StockKernel]:
    """Every whole kernel that is offered, oldest first."""
    offered = {(package.name, package.version): package for package in packages}
    found = (_kernel(package, offered) for package in offered.values())
    return sorted((kernel for kernel in found if kernel),
                  key=lambda kernel: sort_key(kernel.version))


def series_offered(kernels: Iterable[StockKernel]) -> list[str]:
    """The series offered, newest first."""
    return sorted({kernel.series for kernel in kernels}, key=series_key, reverse=True)


def choose(kernels: list[StockKernel], series: str) -> StockKernel:
    """The newest kernel of a series; of the newest series that is out for "".

    A release candidate is taken only when its series is named. Raises
    ToolError, which lists what there is.
    """
    released = [kernel for kernel in kernels if not _CANDIDATE.search(kernel.version)]
    pool = [k for k in kernels if k.series == series] if series else released
    if not pool:
        there = ", ".join(series_offered(kernels)) or "none"
        raise ToolError(f"no stock kernel of series {series or '(newest)'} can be obtained",
                        f"set KERNEL to one of those the archive offers: {there}; "
                        "or to the path of a built kernel tree")
    top = max(series_key(kernel.series) for kernel in pool)
    # Of one series the released kernel is newer than any candidate of it.
    return [kernel for kernel in pool if series_key(kernel.series) == top][-1]
