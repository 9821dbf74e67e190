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

# What KERNEL= puts before a series, and Debian's name for it: the smallest of
# the usual kernels, and the one with PREEMPT_RT. stock: is for ARCH=, which
# asks for a lab kernel otherwise.
FLAVOURS = {"": "cloud", "rt": "rt", "stock": "cloud"}
# Machines that stock kernels are taken for, and Debian's names of them.
ARCHITECTURES = {"x86_64": "amd64", "aarch64": "arm64"}
_RELEASE = rf"\d[^ ]*-(?:cloud|rt)-(?:{'|'.join(ARCHITECTURES.values())})"
_HEADERS = re.compile(rf"linux-headers-({_RELEASE})$")
# Three numbers at least: linux-image-6.12-cloud-amd64 only names another one.
_IMAGE = re.compile(rf"linux-(?:image|binary)-((?=\d+\.\d+\.\d){_RELEASE})$")
_NAME = re.compile(r"(?:(\w+):)?(\d+\.\d+)?$")
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
    """A kernel of the archive with the packages that make it usable. Backports
    keep images, and the source that they are made of, for longer than the
    packages to build modules with: then there are none here."""

    series: str
    release: str
    version: str
    image: Package
    headers: Package | None = None
    common: Package | None = None
    kbuild: Package | None = None

    @property
    def flavour(self) -> str:
        """As KERNEL= has it: "" or rt."""
        return "rt" if re.search(r"-rt-\w+$", self.release) else ""

    @property
    def arch(self) -> str:
        """Of its machine, as uname -m names it."""
        return next(arch for arch, full in ARCHITECTURES.items() if self.release.endswith(full))

    @property
    def name(self) -> str:
        """What KERNEL= calls the newest one of this kind."""
        return f"{self.flavour}:{self.series}" if self.flavour else self.series

    @property
    def bare(self) -> bool:
        """Whether its headers must be made from its source."""
        return self.headers is None

    @property
    def packages(self) -> tuple[Package, ...]:
        return tuple(package for package in (self.image, self.headers, self.common, self.kbuild)
                     if package)


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


def _wanted(headers: Package, prefix: str, suffix: str | tuple[str, ...] = "") -> str:
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
    common = offered.get((_wanted(headers, "linux-headers-",
                                  ("-common", "-common-rt")), version))
    kbuild = offered.get((_wanted(headers, "linux-kbuild-"), version))
    if not image or not common or not kbuild:
        return None
    return StockKernel(series[0], release, version, image, headers, common, kbuild)


def _bare(image: Package) -> StockKernel | None:
    """The kernel of an image alone."""
    match, series = _IMAGE.match(image.name), _SERIES.match(image.version)
    return StockKernel(series[0], match[1], image.version, image) if match and series else None


def stock_kernels(packages: Iterable[Package]) -> list[StockKernel]:
    """Every kernel that is offered, oldest first: whole ones, and images alone."""
    offered = {(package.name, package.version): package for package in packages}
    found = {kernel.release: kernel for kernel in map(_bare, offered.values()) if kernel}
    # Since 6.19 what is called image is a package of dependencies.
    found |= {kernel.release: kernel for kernel in map(_bare, offered.values())
              if kernel and kernel.image.name.startswith("linux-binary-")}
    whole = (_kernel(package, offered) for package in offered.values())
    found |= {kernel.release: kernel for kernel in whole if kernel}
    return sorted(found.values(), key=lambda kernel: sort_key(kernel.version))


def series_offered(kernels: Iterable[StockKernel]) -> list[str]:
    """What KERNEL= can name, newest first."""
    at = {kernel.name: (kernel.flavour == "", series_key(kernel.series)) for kernel in kernels}
    return sorted(at, key=lambda name: at[name], reverse=True)


def parse_name(name: str) -> tuple[str, str] | None:
    """Flavour and series of "7.2", "rt:6.12" or "rt:"; None if it is no such name."""
    match = _NAME.match(name)
    return (match[1] or "", match[2] or "") if match and (match[1] or "") in FLAVOURS else None


def says_stock(name: str) -> bool:
    """Whether KERNEL= names a stock kernel whatever else is asked for."""
    return ":" in name and parse_name(name) is not None


def choices(kernels: list[StockKernel], name: str) -> list[StockKernel]:
    """Kernels of a series, best first: whole ones, each kind with the newest
    first; of the newest whole series that is out for "".

    A release candidate is taken only when its series is named. Raises
    ToolError, which lists what there is.
    """
    flavour, series = parse_name(name) or ("", name)
    own = [kernel for kernel in kernels if FLAVOURS[kernel.flavour] == FLAVOURS[flavour]]
    out = [kernel for kernel in own if not kernel.bare and not _CANDIDATE.search(kernel.version)]
    pool = [kernel for kernel in own if kernel.series == series] if series else out
    if not pool:
        there = ", ".join(series_offered(kernels)) or "none"
        raise ToolError(f"no stock kernel of series {name or '(newest)'} can be obtained",
                        f"set KERNEL to one of those the archive offers: {there}; "
                        "or to the path of a built kernel tree")
    top = max(series_key(kernel.series) for kernel in pool)
    # Of one series the released kernel is newer than any candidate of it.
    of_top = [kernel for kernel in pool if series_key(kernel.series) == top]
    return sorted(reversed(of_top), key=lambda kernel: kernel.bare)


def choose(kernels: list[StockKernel], name: str) -> StockKernel:
    """The best of them."""
    return choices(kernels, name)[0]
