# SPDX-License-Identifier: GPL-2.0
"""Looks at a module after its build: no constructors, no C++ runtime, nothing
undefined that the kernel does not export, valid BTF, the kernel's vermagic,
and no objtool warning in the build's log.

Distribution kernels run no constructors and load a module with bad BTF
without it, both silently: so it has to be seen here. Building is
build_module.py's.
"""

from __future__ import annotations

import argparse
import re
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

sys.path[:0] = [str(Path(__file__).resolve().parent.parent)]

import elf
from btf_check import Extent, extent
from entry import guarded
from errors import ToolError

_CONSTRUCTORS = re.compile(r"\.(?:(?:pre)?init_array|fini_array|ctors|dtors)(?:\.\d+)?")
_RUNTIME = re.compile(r"_Z\w*|__cxa_\w*|_Unwind\w*|__gxx\w*|__dso_handle")
_OBJTOOL = re.compile(r"(?:warning|error): objtool\b|^objtool: ", re.IGNORECASE)
# Put there by the assembler, resolved by nobody.
_NOT_LINKED = {"_GLOBAL_OFFSET_TABLE_"}


@dataclass(frozen=True)
class Finding:
    """One thing that is wrong, and what to do about it."""

    what: str
    way_out: str


@dataclass(frozen=True)
class Target:
    """What the kernel expects of a module built for it."""

    release: str
    exported: frozenset[str]
    wants_btf: bool
    base_btf: bytes


def constructors(found: list[elf.Section]) -> Iterator[Finding]:
    for section in found:
        if section.size and _CONSTRUCTORS.fullmatch(section.name):
            yield Finding(f"section {section.name}: something wants to run before init or "
                          "after exit, which this kernel will not do",
                          "make that global constinit, with a trivial destructor")
        elif section.size and section.name.startswith(".gcc_except_table"):
            yield Finding(f"section {section.name}: exceptions are on",
                          "compile C++ with -fno-exceptions, as the Kbuild rule does")


def undefined(found: list[elf.Section], exported: frozenset[str]) -> Iterator[Finding]:
    for symbol in elf.symbols(found):
        if not symbol.undefined or symbol.name in _NOT_LINKED:
            continue
        if _RUNTIME.fullmatch(symbol.name):
            yield Finding(f"undefined {symbol.name}: the kernel has no C++ runtime",
                          "define it in the module, or do without what asks for it "
                          f"(c++filt {symbol.name} says what that is)")
        elif not symbol.weak and symbol.name not in exported:
            yield Finding(f"undefined {symbol.name}: this kernel does not export it",
                          "reach it another way, or leave it out where it is missing")


def btf(found: list[elf.Section], target: Target) -> Iterator[Finding]:
    """Valid BTF, on the module's own base or else on the kernel's."""
    parts = {section.name: section.data for section in found}
    if not parts.get(".BTF"):
        if target.wants_btf:
            yield Finding("no .BTF section, though the kernel is configured for module BTF",
                          "is pahole there and new enough, and vmlinux in the kernel tree? "
                          "C++ objects need -g0")
        return
    try:
        base = parts.get(".BTF.base") or target.base_btf
        extent(parts[".BTF"], extent(base) if base else Extent())
    except ValueError as error:
        yield Finding(f"section .BTF is not valid: {error}",
                      "remove the build directory and build again; if it stays, pahole and "
                      "the kernel do not fit each other")


def vermagic(found: list[elf.Section], release: str) -> Iterator[Finding]:
    info = b"\0".join(section.data for section in found if section.name == ".modinfo")
    match = re.search(rb"(?:^|\0)vermagic=([^ \0]*)", info)
    built = match[1].decode(errors="replace") if match else ""
    if built != release:
        yield Finding(f"vermagic is for {built or 'no kernel'}, not for {release}",
                      "build against the headers of the kernel that is to load it")


def objtool(log: str) -> Iterator[Finding]:
    for line in log.splitlines():
        if _OBJTOOL.search(line):
            yield Finding(f"objtool: {line.strip()}",
                          "keep the kernel's own flags for that object; see the Kbuild rule")


def check(image: bytes, target: Target, log: str) -> list[Finding]:
    """All that is wrong with a module."""
    try:
        found = elf.sections(image)
    except ValueError as error:
        return [Finding(str(error), "remove it and build again")]
    return [*constructors(found), *undefined(found, target.exported), *btf(found, target),
            *vermagic(found, target.release), *objtool(log)]


def exports(symvers: str) -> frozenset[str]:
    """The names in a Module.symvers."""
    rows = (line.split("\t") for line in symvers.splitlines())
    return frozenset(row[1] for row in rows if len(row) > 1)


def _section(path: Path, name: str) -> bytes:
    if not path.exists():
        return b""
    return next((s.data for s in elf.sections(path.read_bytes()) if s.name == name), b"")


def release_of(kdir: Path) -> str:
    """Built trees say it in a file, headers packages in their header alone."""
    header = kdir / "include/generated/utsrelease.h"
    match = re.search(r'UTS_RELEASE "([^"]+)"', header.read_text()) if header.exists() else None
    if match is None:
        raise ToolError(f"{kdir} is not prepared for modules: {header} says no release",
                        "run make modules_prepare there, or install the kernel's headers")
    return match[1]


def target_of(kdir: Path) -> Target:
    """What the kernel of a build directory expects."""
    conf, symvers = kdir / "include/config/auto.conf", kdir / "Module.symvers"
    for path in (conf, symvers):
        if not path.exists():
            raise ToolError(f"{path} is missing",
                            "give a kernel tree that is built, or a headers package's")
    wants_btf = "\nCONFIG_DEBUG_INFO_BTF_MODULES=y\n" in f"\n{conf.read_text()}\n"
    base = _section(kdir / "vmlinux", ".BTF")
    # Without the kernel's own BTF Kbuild leaves module BTF out, which is its
    # right on a test machine: only what is there can be checked then.
    return Target(release_of(kdir), exports(symvers.read_text()), wants_btf and bool(base), base)


def require(ko: Path, kdir: Path, log: str) -> None:
    """ToolError that names everything wrong with a module."""
    try:
        image = ko.read_bytes()
    except OSError as error:
        raise ToolError(f"{ko}: {error.strerror}", "build it first: make module") from error
    wrong = check(image, target_of(kdir), log)
    if wrong:
        lines = [f"{finding.what}\n    {finding.way_out}" for finding in wrong]
        raise ToolError(f"{ko} must not be loaded:\n  " + "\n  ".join(lines), "")


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="check a built kernel module")
    parser.add_argument("--ko", type=Path, required=True, help="the module")
    parser.add_argument("--kdir", type=Path, required=True, help="the kernel it was built for")
    parser.add_argument("--log", type=Path, help="what its build printed")
    return parser.parse_args()


def action(args: argparse.Namespace) -> int:
    require(args.ko, args.kdir, args.log.read_text(errors="replace") if args.log else "")
    return 0


def main() -> int:
    args = arguments()
    return guarded(lambda: action(args))


if __name__ == "__main__":
    sys.exit(main())
