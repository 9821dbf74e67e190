# SPDX-License-Identifier: GPL-2.0
"""Builds slubtorture.ko for one kernel, in a tree of symbolic links under
OUT/build/<release>, so that builds for several kernels do not undo each
other; then has check_module.py look at it. Prints the module's path.

    build_module.py --kernel JSON | --kdir DIR  [--out DIR] [--in-tree]

Nothing is run when sources, kernel and compiler are as they were.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import platform
import re
import shutil
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path

sys.path[:0] = [str(Path(__file__).resolve().parent.parent)]

import check_module
import compiler
import module_view
from entry import guarded
from errors import SourceError, ToolError
from lab.spec import machine_of
from lab.telling import telling_lines
from lab.tools import cross_prefix, kbuild_environment, make_variables
from options import ROOT
from qemu.store import locked, write_whole

MODULE = Path("module/slubtorture.ko")
PARTS = ("Kbuild", "module", "kunit")
_SOURCE = re.compile(r"(Kbuild|Makefile|.*\.(c|h|cc|def|kbuild|S))$")
_HOST_ONLY = ("module/tests",)


@dataclass(frozen=True)
class Build:
    """One module for one kernel tree."""

    kdir: Path
    release: str
    tree: Path
    arch: str = platform.machine()
    suites: bool = True  # of KUnit as well, where the kernel has it

    @property
    def foreign(self) -> bool:
        """Whether it takes a cross compiler."""
        return self.arch != platform.machine()

    @property
    def variables(self) -> list[str]:
        """Of make; a stock kernel's headers know their own."""
        own = make_variables(machine_of(self.arch)) if self.foreign else []
        return own if self.suites else [*own, "CONFIG_KUNIT="]

    @property
    def compiler(self) -> str:
        return f"{cross_prefix(machine_of(self.arch))}gcc"

    @property
    def module(self) -> Path:
        return self.tree / MODULE

    @property
    def stamp(self) -> Path:
        return self.tree / ".built"

    @property
    def seen(self) -> Path:
        """The sources that were last given to make, by content."""
        return self.tree / ".sources"

    @property
    def log(self) -> Path:
        return self.tree / "build.log"


def sources(clone: Path) -> list[Path]:
    """What Kbuild may read, relative to the clone."""
    found: list[Path] = []
    for part in PARTS:
        place = clone / part
        found += [place] if place.is_file() else sorted(place.rglob("*"))
    names = (path.relative_to(clone) for path in found if path.is_file()
             and _SOURCE.match(path.name) and not path.name.endswith(".mod.c"))
    return [name for name in names if not str(name).startswith(_HOST_ONLY)]


def mirror(clone: Path, names: list[Path], tree: Path) -> None:
    """Make `tree` hold links to exactly these sources beside what was built."""
    wanted = {tree / name: clone / name for name in names}
    for path in tree.rglob("*"):
        if path.is_symlink() and (path not in wanted or Path(os.readlink(path)) != wanted[path]):
            path.unlink()
    for link, source in wanted.items():
        link.parent.mkdir(parents=True, exist_ok=True)
        if not link.is_symlink():
            link.unlink(missing_ok=True)
            link.symlink_to(source)


def _stat_text(path: Path) -> str:
    try:
        found = path.stat()
    except OSError:
        return "absent"
    return f"{found.st_size} {found.st_mtime_ns}"


def state_of(clone: Path, names: list[Path], build: Build) -> str:
    """A digest of all that the module depends on."""
    facts = [str(clone), str(build.kdir), build.release, build.arch,
             compiler.host_facts(build.compiler)["CC_VERSION_TEXT"]]
    facts += [_stat_text(build.kdir / name)
              for name in (".config", "Module.symvers", "vmlinux", ".kernelvariables")]
    facts += [f"{name} {digest}" for name, digest in digests(clone, names).items()]
    return hashlib.sha256("\n".join(facts).encode()).hexdigest()


def digests(clone: Path, names: list[Path]) -> dict[str, str]:
    return {str(name): hashlib.sha256((clone / name).read_bytes()).hexdigest() for name in names}


def deceives_make(clone: Path, found: dict[str, str], build: Build) -> bool:
    """Whether a source has changed that make takes for unchanged, because it is
    no newer than what was built of it: another clone's with the same OUT, or one
    that was copied together with its time."""
    try:
        before, when = json.loads(build.seen.read_text()), build.seen.stat().st_mtime
    except (OSError, ValueError):
        return False
    return any(name in before and before[name] != digest
               and (clone / name).stat().st_mtime <= when for name, digest in found.items())


def up_to_date(build: Build, state: str) -> bool:
    """Whether the stamp, which is written last, vouches for the module."""
    try:
        stored = json.loads(build.stamp.read_text())
    except (OSError, ValueError):
        return False
    return bool(stored == {"state": state, "module": _stat_text(build.module)})


def make_modules(kdir: Path, tree: Path, variables: list[str], jobs: int) -> tuple[int, str]:
    """Kbuild's status for the modules in `tree`, and all that it printed."""
    command = ["make", "-C", str(kdir), f"M={tree}", f"-j{jobs}", *variables, "modules"]
    done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
                          check=False, env=kbuild_environment())
    return done.returncode, done.stdout


def make_viewed(view: module_view.View, variables: list[str], compiler_name: str,
                jobs: int) -> tuple[int, str]:
    """The same in a view, where what was compiled for a like kernel is known."""
    command = ["make", "-C", str(view.kdir), f"M={view.module}", f"-j{jobs}", *variables,
               f"CC=ccache {compiler_name}", "ST_CCACHE=ccache", "modules"]
    done = subprocess.run(view.words(command), stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                          text=True, check=False,
                          env={**kbuild_environment(), **view.environment()})
    return done.returncode, view.told(done.stdout)


def run_kbuild(build: Build, jobs: int) -> str:
    """Build, keep what Kbuild printed in the log, return it."""
    view = module_view.of(build.kdir, build.tree)
    status, said = make_viewed(view, build.variables, build.compiler, jobs) if view else (
        make_modules(build.kdir, build.tree, build.variables, jobs))
    build.log.write_text(said)
    if status or not build.module.exists():
        shown = "\n  ".join(telling_lines(said))
        full = "No space left on device" in said
        raise (ToolError if full else SourceError)(
            f"slubtorture.ko does not build for {build.release}:\n  {shown}",
            f"all that was printed is in {build.log}")
    return said


def build_module(clone: Path, build: Build) -> Path:
    """The module, built and checked if anything has changed."""
    names = sources(clone)
    with locked(build.tree.with_name(f".{build.tree.name}.lock")):
        state = state_of(clone, names, build)
        if up_to_date(build, state):
            return build.module
        started = time.monotonic()
        print(f"slubtorture: building slubtorture.ko for {build.release} "
              "(10 to 60 s the first time)", file=sys.stderr, flush=True)
        build.stamp.unlink(missing_ok=True)
        found = digests(clone, names)
        if deceives_make(clone, found, build):
            shutil.rmtree(build.tree)
            build.tree.mkdir()
        mirror(clone, names, build.tree)
        write_whole(build.seen, json.dumps(found).encode())
        log = run_kbuild(build, os.cpu_count() or 1)
        try:
            check_module.check(build.module, build.kdir, log)
        except ToolError:
            # A warning comes only when its object is compiled: begin anew then.
            shutil.rmtree(build.tree)
            raise
        stamp = {"state": state, "module": _stat_text(build.module)}
        write_whole(build.stamp, json.dumps(stamp).encode())
        print(f"slubtorture: built and checked in {time.monotonic() - started:.0f} s",
              file=sys.stderr, flush=True)
    return build.module


def is_built(kdir: Path, release: str, out: Path, arch: str = platform.machine()) -> bool:
    """Whether build_for() would have nothing to do."""
    build = Build(kdir, release, out / "build" / release, arch)
    return up_to_date(build, state_of(ROOT, sources(ROOT), build))


def build_for(kdir: Path, release: str, out: Path, arch: str = platform.machine(),
              suites: bool = True) -> Path:
    """The module for one kernel, in its place under `out`; without the `suites`,
    which have a copy of core of their own, in half the time."""
    build = Build(kdir, release, out / "build" / release, arch, suites)
    if re.search(r"[\s:]", f"{build.tree}{kdir}"):
        raise ToolError(f"Kbuild cannot build in a path with blanks or colons: {build.tree}",
                        "set OUT (and KDIR) to a path without")
    try:
        build.tree.mkdir(parents=True, exist_ok=True)
        return build_module(ROOT, build)
    except OSError as error:
        raise ToolError(f"building in {build.tree} failed: {error}",
                        "is there room, and may this user write there? OUT names another place"
                        ) from error


def kdir_of(args: argparse.Namespace) -> Path:
    """The kernel tree asked for: by JSON of kernels.py, by path, or the running kernel's."""
    if args.kernel:
        try:
            values = json.loads(Path(args.kernel).read_text())
            return Path(values["build"])
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise ToolError(f"{args.kernel} does not describe a prepared kernel: {error}",
                            "make it with scripts/kernels.py prepare") from error
    own = f"/lib/modules/{os.uname().release}/build"
    kdir = Path(args.kdir or own)
    if not kdir.is_dir():
        way_out = ("name the build directory of a kernel, or leave KDIR out for the running one's"
                   if str(kdir) != own else
                   f"apt-get install linux-headers-{os.uname().release}, or set KDIR; for another "
                   "machine's kernel: make module KERNEL=7.2")
        raise ToolError(f"there is no kernel tree at {kdir}", way_out)
    return kdir.resolve()


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description="build slubtorture.ko for one kernel")
    which = parser.add_mutually_exclusive_group()
    which.add_argument("--kernel", help="JSON file, as kernels.py prepare prints it")
    which.add_argument("--kdir", help="a prepared kernel tree; default: the running kernel's")
    parser.add_argument("--out", type=Path, default=Path(os.environ.get("OUT") or "out"),
                        help="default: OUT, or ./out")
    parser.add_argument("--in-tree", action="store_true",
                        help="copy the module to module/, to be loaded by hand")
    return parser


def main() -> int:
    args = _parser().parse_args()
    kdir = kdir_of(args)
    module = build_for(kdir, check_module.release_of(kdir), args.out.resolve())
    if args.in_tree:
        placed = ROOT / MODULE
        write_whole(placed, module.read_bytes())
        module = placed
    print(module)
    return 0


if __name__ == "__main__":
    raise SystemExit(guarded(main))
