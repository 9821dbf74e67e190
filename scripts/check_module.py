# SPDX-License-Identifier: GPL-2.0
"""What must hold of slubtorture.ko after every build, or the kernel would
refuse it, or silently not run a part of it.

    check_module.py MODULE.ko --kdir KDIR [--log BUILD.LOG]

Reads the file and Kbuild's output only; how it behaves is for the guest.
"""

from __future__ import annotations

import argparse
import re
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

sys.path[:0] = [str(Path(__file__).resolve().parent.parent)]

import btf
import elf
from entry import guarded
from errors import ToolError

# Distribution kernels have CONFIG_CONSTRUCTORS off: these would not be run.
# Where it is on, KASAN's instrumentation has some in every object, C's too.
_CONSTRUCTORS = re.compile(r"\.(rela?)?(\.?)(pre)?(init_array|ctors|fini_array|dtors)\b")
_RUNTIME = re.compile(r"(_Z|__cxa_|_Unwind_|__gxx_|__dso_handle$|__gcc_personality)")
_DYNAMIC_INIT = re.compile(r"(_GLOBAL__sub_[ID]_|_Z\d+__static_initialization_and_destruction)")
_RTTI = re.compile(r"_ZT[IS]")
_GUARD = re.compile(r"_ZGV")
# Symbols that the assembler leaves and nothing has to provide; .TOC. is powerpc's.
_HARMLESS = {"_GLOBAL_OFFSET_TABLE_", ".TOC."}
_OBJTOOL = re.compile(r".*(warning: objtool:|error: objtool:).*")


@dataclass(frozen=True)
class Problem:
    """One broken rule: what, named by symbol or section, and the way out."""

    what: str
    way_out: str


@dataclass(frozen=True)
class Kernel:
    """What a module is checked against. `base_btf` is b"" if there is none."""

    release: str
    exported: frozenset[str]
    btf_modules: bool
    base_btf: bytes
    runs_constructors: bool = False  # CONFIG_CONSTRUCTORS, as KASAN selects it


def dynamic_initialisers(found: list[elf.Section]) -> Iterator[Problem]:
    """What the compiler makes for a global that is not constinit."""
    for symbol in elf.symbols(found):
        if _DYNAMIC_INIT.match(symbol.name):
            yield Problem(f"symbol {symbol.name}: a global is initialised when the module loads",
                          "make the global constinit, or build it in a create function")


def constructors(found: list[elf.Section], allowed: bool = False) -> Iterator[Problem]:
    if allowed:
        return
    for section in found:
        if _CONSTRUCTORS.match(section.name) and not section.name.startswith(".rel"):
            yield Problem(f"section {section.name}: a global constructor or destructor, which "
                          "stock kernels silently do not run",
                          "make the global constinit, or build it in a create function")


def undefined_symbols(found: list[elf.Section], exported: frozenset[str]) -> Iterator[Problem]:
    for name in sorted({s.name for s in elf.symbols(found) if s.undefined} - _HARMLESS):
        if _RUNTIME.match(name):
            yield Problem(f"undefined symbol {name}: it belongs to the C++ runtime or to code "
                          "that is not linked in",
                          "list the missing file in module/Kbuild, or do without new, delete, "
                          "exceptions, RTTI and guarded statics")
        elif name not in exported:
            yield Problem(f"undefined symbol {name}: this kernel does not export it",
                          "reach it through the table in module/shims, or skip without it")


def cxx_runtime(found: list[elf.Section]) -> Iterator[Problem]:
    for section in found:
        if section.name.startswith(".gcc_except_table"):
            yield Problem(f"section {section.name}: C++ exception tables",
                          "build with -fno-exceptions (module/cxx.kbuild)")
    for name in sorted({s.name for s in elf.symbols(found) if not s.undefined}):
        if _RTTI.match(name):
            yield Problem(f"symbol {name}: C++ run-time type information",
                          "build with -fno-rtti (module/cxx.kbuild)")
        if _GUARD.match(name):
            yield Problem(f"symbol {name}: a function-local static with a guard",
                          "make it constinit, or a member of the object that uses it")


def module_btf(found: list[elf.Section], kernel: Kernel) -> Iterator[Problem]:
    again = "is pahole there and as new as the kernel's? see the build log"
    section = elf.named(found, ".BTF")
    if section is None:
        if kernel.btf_modules:
            yield Problem("section .BTF is missing", again)
        return
    distilled = elf.named(found, ".BTF.base")
    try:
        base = btf.check(distilled.data) if distilled else (
            btf.extent(kernel.base_btf) if kernel.base_btf else None)
        if base is None:
            yield Problem("section .BTF has no base to be checked against: KDIR has no vmlinux "
                          "with BTF", again)
            return
        btf.check(section.data, base)
    except btf.BtfError as error:
        yield Problem(f"section .BTF is not valid: {error}", again)


def vermagic(found: list[elf.Section], release: str) -> Iterator[Problem]:
    section = elf.named(found, ".modinfo")
    match = re.search(rb"(?:^|\0)vermagic=([^ \0]*)", section.data if section else b"")
    said = match[1].decode(errors="replace") if match else "missing"
    if said != release:
        yield Problem(f"section .modinfo: vermagic is {said}, the kernel is {release}",
                      "build with the kernel tree of that very kernel (KDIR)")


def objtool_warnings(log: str) -> Iterator[Problem]:
    for line in log.splitlines():
        if _OBJTOOL.match(line):
            yield Problem(f"objtool: {line.strip()}",
                          "keep the kernel's own flags, and leave functions by their end only")


def problems(image: bytes, kernel: Kernel, log: str) -> list[Problem]:
    """Every broken rule of a built module."""
    try:
        found = elf.sections(image)
        return [*constructors(found, kernel.runs_constructors), *dynamic_initialisers(found),
                *undefined_symbols(found, kernel.exported),
                *cxx_runtime(found), *module_btf(found, kernel),
                *vermagic(found, kernel.release), *objtool_warnings(log)]
    except elf.ElfError as error:
        return [Problem(f"the module is not a whole ELF object: {error}", "build it again")]


def exported_symbols(symvers: str) -> frozenset[str]:
    """Names in Module.symvers: "CRC<tab>NAME<tab>OWNER<tab>KIND"."""
    lines = (line.split("\t") for line in symvers.splitlines())
    return frozenset(fields[1] for fields in lines if len(fields) > 1)


def release_of(kdir: Path) -> str:
    """The release that modules are marked with. Debian's kernel.release of
    older series says another, so the header comes first."""
    for name in ("include/generated/utsrelease.h", "include/config/kernel.release"):
        path = kdir / name
        text = path.read_text() if path.exists() else ""
        match = re.search(r'UTS_RELEASE "([^"]+)"', text) or re.match(r"\s*(\d\S*)\s*$", text)
        if match:
            return match[1]
    raise ToolError(f"{kdir} is not a prepared kernel tree: it does not say its release",
                    "set KDIR to one, such as /lib/modules/$(uname -r)/build")


def _base_btf(kdir: Path) -> bytes:
    vmlinux = kdir / "vmlinux"
    if not vmlinux.exists():
        return b""
    section = elf.named(elf.sections(vmlinux.read_bytes()), ".BTF")
    return section.data if section else b""


def kernel_of(kdir: Path) -> Kernel:
    """Facts of a prepared tree. Without a vmlinux Kbuild makes no BTF."""
    release = release_of(kdir)
    symvers = kdir / "Module.symvers"
    if not symvers.exists():
        raise ToolError(f"{kdir} has no Module.symvers",
                        "build the kernel's modules first, or install its headers package")
    config = (kdir / ".config").read_text() if (kdir / ".config").exists() else ""
    base = _base_btf(kdir)
    makes = "CONFIG_DEBUG_INFO_BTF_MODULES=y" in config and bool(base)
    return Kernel(release, exported_symbols(symvers.read_text()), makes, base,
                  "CONFIG_CONSTRUCTORS=y" in config)


def check(module: Path, kdir: Path, log: str) -> None:
    """Raise ToolError, naming every broken rule, unless all hold."""
    found = problems(module.read_bytes(), kernel_of(kdir), log)
    if found:
        text = "\n".join(f"  {problem.what}\n      {problem.way_out}" for problem in found)
        raise ToolError(f"{module.name} must not be loaded:\n{text}")


def main() -> int:
    parser = argparse.ArgumentParser(description="check a built slubtorture.ko")
    parser.add_argument("module", type=Path)
    parser.add_argument("--kdir", type=Path, required=True, help="the kernel tree it is built for")
    parser.add_argument("--log", type=Path, help="what Kbuild printed")
    args = parser.parse_args()
    try:
        check(args.module, args.kdir, args.log.read_text() if args.log else "")
    except OSError as error:
        raise ToolError(f"the module cannot be checked: {error}", "build it first") from error
    return 0


if __name__ == "__main__":
    raise SystemExit(guarded(main))
