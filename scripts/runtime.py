# SPDX-License-Identifier: GPL-2.0
"""Runs the tools of a newer Debian here: with that release's own C library
and loader, unpacked privately.

A stock kernel's fixdep, modpost and objtool come built with its headers, and
often for a newer libc than this machine's; likewise pahole, which must be no
older than the kernel's. Nothing is installed.
"""

from __future__ import annotations

import re
import shlex
import shutil
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from archive import Archive
from errors import ToolError
from qemu.store import locked, write_whole
from series import Package

LIBRARIES = "usr/lib/x86_64-linux-gnu"
LOADER = "ld-linux-x86-64.so.2"
# What a module's build runs of the kernel's tools; the rest (signing, which
# wants OpenSSL) is not used here.
NEEDED = ("scripts/basic/fixdep", "scripts/mod/modpost", "scripts/genksyms/genksyms",
          "tools/objtool/objtool", "tools/bpf/resolve_btfids/resolve_btfids")
# Debian's modpost and objtool choose one of these by the target's kind.
_KINDS = (".real-lsb-64", ".real-x86", ".real")
_ROOTS = ("libc6", "libelf1t64", "zlib1g", "pahole")
_NO_BTF_IDS = """\
#!/bin/sh
for object; do :; done
readelf -SW "$object" | grep -q '[.]BTF_ids' || exit 0
echo "$object has .BTF_ids, and this kernel's packages have no resolve_btfids" >&2
exit 1
"""
_LIBRARY = re.compile(r"(lib|zlib|pahole)")


@dataclass(frozen=True)
class Runtime:
    """A libc of its own under `root`, and the pahole that came with it."""

    root: Path

    @property
    def libraries(self) -> Path:
        return self.root / LIBRARIES

    def words(self, program: Path) -> tuple[str, ...]:
        """The command that runs `program` on this libc."""
        return (str(self.libraries / LOADER), "--library-path", str(self.libraries), str(program))

    def command(self, program: Path) -> str:
        """The same as a shell command line."""
        return shlex.join(self.words(program))

    def wrap(self, program: Path, wrapper: Path) -> None:
        """Put a script at `wrapper` that runs `program` on this libc."""
        wrapper.unlink(missing_ok=True)
        wrapper.write_text(f'#!/bin/sh\nexec {self.command(program)} "$@"\n')
        wrapper.chmod(0o755)


def closure(roots: tuple[str, ...], known: Mapping[str, Package]) -> list[Package]:
    """Packages that `roots` need to run, libraries only."""
    found: dict[str, Package] = {}
    waiting = list(roots)
    while waiting:
        name = waiting.pop()
        package = known.get(name)
        if package is None or name in found:
            continue
        found[name] = package
        waiting += [d.name for d in package.depends if _LIBRARY.match(d.name)]
    return sorted(found.values(), key=lambda package: package.name)


def library_packages(archive: Archive, roots: tuple[str, ...] = _ROOTS) -> list[Package]:
    """`roots` and the libraries that they need to run, as the archive has them."""
    known: dict[str, Package] = {}
    waiting = set(roots)
    while waiting:
        shown = archive.show(waiting, every_version=False)
        known.update({package.name: package for package in shown})
        waiting = {d.name for package in shown for d in package.depends
                   if _LIBRARY.match(d.name)} - set(known) - waiting
    return closure(roots, known)


def unpack(archive: Archive, packages: list[Package], root: Path) -> None:
    """Fill `root` with the packages' files; a C library must be among them."""
    shutil.rmtree(root, ignore_errors=True)
    debs = archive.download(packages, root / "debs")
    for deb in debs:
        subprocess.run(["dpkg-deb", "-x", str(deb), str(root)], check=True)
    shutil.rmtree(root / "debs")
    if not (root / LIBRARIES / LOADER).exists():
        raise ToolError("the unpacked C library has no loader", f"remove {root} and try again")


def fetch(archive: Archive, cache: Path) -> Runtime:
    """The newest libc and pahole that the archive has, from the cache if they
    are there whole (the stamp is written last)."""
    archive.refresh()
    packages = library_packages(archive)
    named = {package.name: package for package in packages}
    missing = [name for name in _ROOTS if name not in named]
    if missing:
        raise ToolError(f"the archive offers no {', '.join(missing)}",
                        "is trixie or newer reachable on this machine's mirror?")
    root = cache / "runtime" / f"{named['libc6'].version}_{named['pahole'].version}"
    stamp = root / "complete"
    with locked(cache / "runtime" / ".lock"):
        if not stamp.exists():
            unpack(archive, packages, root)
            write_whole(stamp, "\n".join(p.pinned for p in packages).encode())
    return Runtime(root)


def real_program(tool: Path) -> Path:
    """The program behind one of Debian's dispatching front ends."""
    kinds = (tool.with_name(tool.name + kind) for kind in _KINDS)
    return next((path for path in kinds if path.exists()), tool)


def runs_here(tool: Path) -> bool:
    """Whether this machine's own loader and libraries will do for a tool."""
    done = subprocess.run(["ldd", str(tool)], capture_output=True, text=True, check=False)
    return done.returncode == 0 and "not found" not in done.stdout + done.stderr


def needed_tools(kbuild: Path) -> list[Path]:
    """The tools that a build runs, as far as this kernel has them."""
    return [kbuild / name for name in NEEDED if (kbuild / name).is_file()]


def foreign_tools(kbuild: Path) -> list[Path]:
    return [tool for tool in needed_tools(kbuild) if not runs_here(real_program(tool))]


def wrap_tools(kbuild: Path, runtime: Runtime) -> None:
    """Run the kernel's tools on the private libc from now on."""
    for tool in needed_tools(kbuild):
        program = real_program(tool)
        if program == tool:
            program = tool.rename(tool.with_name(tool.name + ".real"))
        runtime.wrap(program, tool)


def supply_resolve_btfids(kbuild: Path) -> None:
    """Debian's linux-kbuild before 6.12 has no resolve_btfids, which the build
    of a module with BTF calls. It has work only for a module with BTF IDs of
    its own (.BTF_ids); for others this stands in, and refuses those."""
    tool = kbuild / "tools/bpf/resolve_btfids/resolve_btfids"
    if tool.exists():
        return
    tool.parent.mkdir(parents=True, exist_ok=True)
    tool.write_text(_NO_BTF_IDS)
    tool.chmod(0o755)
