# SPDX-License-Identifier: GPL-2.0
"""One view of every lab kernel: a mount namespace in which the kernel and the
module's tree have the same paths whichever they are. Modules for kernels of one
series, with other patches, are made of the same headers by the same commands;
with the same paths ccache knows that, and compiles what they share once.

Where such a namespace or ccache is not to be had, things are built where they are.
"""

from __future__ import annotations

import os
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

from lab.store import kernels_dir
from options import cache_dir
from qemu.store import write_whole

# Arguments: kernel, its place; module's tree, its place; Makefile, its place; command.
_SCRIPT = ('mount --bind "$1" "$2"; mount --bind "$3" "$4"; mount --bind "$5" "$6"; '
           'shift 6; exec "$@"')
MAKEFILE = ".kdir-Makefile"


@dataclass(frozen=True)
class View:
    """`source` holds the build directory `name`; `place` is the view's own."""

    cache: Path
    source: Path
    name: str
    tree: Path

    @property
    def place(self) -> Path:
        return self.cache / "lab/view"

    @property
    def kdir(self) -> Path:
        return self.place / "kernel" / self.name

    @property
    def module(self) -> Path:
        return self.place / "module"

    def words(self, command: list[str]) -> list[str]:
        """The command, in a namespace of its own; nobody else sees its mounts."""
        mapped = [] if os.geteuid() == 0 else ["--map-root-user"]
        return ["unshare", "--mount", *mapped, "sh", "-ec", _SCRIPT, "sh",
                str(self.source), str(self.place / "kernel"), str(self.tree), str(self.module),
                str(self.tree / MAKEFILE), str(self.kdir / "Makefile"), *command]

    def prepare(self) -> bool:
        """Whether it can be had."""
        for place in (self.place / "kernel", self.module):
            place.mkdir(parents=True, exist_ok=True)
        own = (self.source / self.name / "Makefile").read_text()
        write_whole(self.tree / MAKEFILE,
                    own.replace(str(self.source), str(self.place / "kernel")).encode())
        try:
            done = subprocess.run(self.words(["test", "-e", str(self.kdir / ".config")]),
                                  capture_output=True, check=False)
        except OSError:
            return False
        return done.returncode == 0

    def told(self, text: str) -> str:
        """What was said in the view, with the paths that there are outside."""
        return text.replace(str(self.module), str(self.tree)).replace(
            str(self.place / "kernel"), str(self.source))

    def environment(self) -> dict[str, str]:
        return {"CCACHE_DIR": str(self.cache / "ccache"), "CCACHE_NOHASHDIR": "1",
                "CCACHE_MAXSIZE": "5G"}


def of(kdir: Path, tree: Path) -> View | None:
    """None of kernels that are not the lab's, and where it cannot be had."""
    cache = cache_dir(os.environ).resolve()
    real = kdir.resolve()
    if not real.is_relative_to(kernels_dir(cache)) or shutil.which("ccache") is None:
        return None
    view = View(cache, real.parent, real.name, tree)
    return view if view.prepare() else None
