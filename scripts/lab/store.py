# SPDX-License-Identifier: GPL-2.0
"""Finished lab kernels: of the build tree only what booting and building a
module take, each below its key, whole when its stamp is there.

The copy has the shape of the tree it comes from (source/, and the build
directory in it), so that the kernel's Makefile works in it as it is.
"""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import subprocess
import time
from dataclasses import asdict, dataclass
from pathlib import Path

from errors import ToolError
from kdir import PreparedKernel
from lab.build import Build
from lab.tools import cross_prefix
from qemu.store import write_whole

STAMP = "kernel.json"
_BUILT = (".config", "Makefile", "Module.symvers", "modules.order", "System.map", "include",
          "scripts", "tools/objtool/objtool", "tools/bpf/resolve_btfids/resolve_btfids")
_SOURCE = ("Makefile", "Kbuild", "include", "scripts", "tools/testing/kunit")


@dataclass(frozen=True)
class Stored:
    """A finished kernel, and what it was made of, for people to read."""

    kernel: PreparedKernel
    key: str
    made_of: str
    built_s: float
    when: float

    @property
    def text(self) -> str:
        return json.dumps(asdict(self), indent=1)


def kernels_dir(cache: Path) -> Path:
    return cache / "lab/kernels"


def load(root: Path) -> Stored | None:
    """The kernel below `root`, or None if it is not whole."""
    try:
        values = json.loads((root / STAMP).read_text())
        values["kernel"] = PreparedKernel(**values["kernel"])
        stored = Stored(**values)
    except (OSError, ValueError, KeyError, TypeError):
        return None
    kernel = stored.kernel
    there = (kernel.image, kernel.build, kernel.vmlinux, kernel.config)
    return stored if all(Path(path).exists() for path in there) else None


def discard(root: Path) -> None:
    """Remove what is kept below `root`; the stamp first, so that what an
    interruption leaves is not taken for a whole kernel."""
    (root / STAMP).unlink(missing_ok=True)
    if root.exists():
        shutil.rmtree(root)


def _copy(source: Path, target: Path) -> None:
    if not source.exists():
        return
    target.parent.mkdir(parents=True, exist_ok=True)
    if source.is_dir():
        shutil.copytree(source, target, symlinks=True, dirs_exist_ok=True,
                        ignore=shutil.ignore_patterns("*.o", "*.cmd", "*.a"))
    else:
        shutil.copy2(source, target)


def _copy_tree(build: Build, into: Path) -> None:
    arch = f"arch/{build.spec.machine.source_arch}"
    names = [*_SOURCE, *(str(path.relative_to(build.tree)) for path in
                         [*(build.tree / arch).glob("Makefile*"), *(build.tree / "mm").glob("*.h")])]
    for name in [*names, f"{arch}/include", f"{arch}/scripts"]:
        _copy(build.tree / name, into / name)
    own = into / build.name
    for name in [*_BUILT, f"{arch}/include", build.spec.machine.image]:
        _copy(build.directory / name, own / name)
    # powerpc links it into every module
    _copy(build.directory / "arch/powerpc/lib/crtsavres.o", own / "arch/powerpc/lib/crtsavres.o")


def _strip(build: Build, into: Path) -> None:
    """vmlinux without DWARF: BTF and symbols are what is read of it."""
    target = into / build.name / "vmlinux"
    target.parent.mkdir(parents=True, exist_ok=True)
    done = subprocess.run([f"{cross_prefix(build.spec.machine)}objcopy", "--strip-debug",
                           str(build.directory / "vmlinux"), str(target)],
                          capture_output=True, text=True, check=False)
    if done.returncode:
        raise ToolError(f"vmlinux cannot be stripped: {done.stderr.strip()[-200:]}",
                        "is the disk full?")


def keep(build: Build, root: Path, kernel: PreparedKernel, made_of: str, key: str,
         built_s: float) -> Stored:
    """Copy a finished build below `root`; the stamp comes last."""
    discard(root)
    tree = root / "source"
    _copy_tree(build, tree)
    _strip(build, tree)
    makefile = tree / build.name / "Makefile"
    makefile.write_text(makefile.read_text().replace(str(build.tree), str(tree)))
    stored = Stored(kernel, key, made_of, round(built_s, 1), time.time())
    write_whole(root / STAMP, stored.text.encode())
    if load(root) is None:
        raise ToolError(f"the build of {root.name} left no image, vmlinux or .config",
                        f"{kernel.image} should be there; all that was printed is in {build.log}")
    return stored


def all_stored(cache: Path) -> list[tuple[Path, Stored]]:
    """Finished kernels, the latest last."""
    place = kernels_dir(cache)
    found = [(root, load(root)) for root in sorted(place.iterdir())] if place.is_dir() else []
    return sorted(((root, stored) for root, stored in found if stored),
                  key=lambda pair: pair[1].when)


def names(cache: Path) -> list[str]:
    """All that lies where kernels are kept, whole or not."""
    place = kernels_dir(cache)
    return sorted(root.name for root in place.iterdir()
                  if root.is_dir()) if place.is_dir() else []


def disk_mib(place: Path) -> int:
    """Room that a directory takes; a build may be at work in it."""
    total = 0
    for here, _, names in os.walk(place):
        for name in names:
            with contextlib.suppress(FileNotFoundError):
                total += os.lstat(os.path.join(here, name)).st_blocks
    return total // 2048
