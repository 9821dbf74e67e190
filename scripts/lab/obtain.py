# SPDX-License-Identifier: GPL-2.0
"""From a spec to a kernel that boots: from the store when the same was made
before, else built, resumed where an interrupted build stopped.
"""

from __future__ import annotations

import hashlib
import re
import shutil
import time
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path

from check_module import release_of
from errors import ToolError
from kdir import PreparedKernel
from lab import config, store
from lab.build import Build, compile_kernel
from lab.patches import diff_of, text_of, touched
from lab.source import Source, WorkTree, find, say
from lab.spec import Spec
from lab.tools import check_compiler, check_programs, compiler_text
from qemu.store import locked

# Raised when kernels are built in another way: older ones are made anew.
RECIPE = 1
# A source tree, a build directory and the finished kernel.
_NEEDED_BYTES = 4 << 30
_NEEDED_AGAIN_BYTES = 3 << 29
# Files of a source that tinyconfig and olddefconfig read.
_CONFIGURES = re.compile(r"Kconfig|\.config$|^scripts/|(^|/)Makefile$")


@dataclass(frozen=True)
class Wanted:
    """A spec with its source found: all that the kernel will be made of, as it
    is when it is first asked for; files may be edited while a kernel is built."""

    spec: Spec
    source: Source
    cache: Path

    @property
    def made_of(self) -> str:
        """One line for people."""
        words = [self.source.identity, self.spec.machine.arch, f"{self.spec.page_kib} KiB pages",
                 *(path.stem for path in self.spec.fragments),
                 *(f"patch {path.stem}" for path in self.spec.patches)]
        return ", ".join(words)

    @cached_property
    def config_key(self) -> str:
        """Of what a build directory is kept for: patches come and go in it."""
        wishes = [f"{wish.option}={wish.value}" for wish in config.read(self.spec.fragments)]
        return _digest([self.spec.named, compiler_text(self.spec.machine), *wishes])[:8]

    @cached_property
    def key(self) -> str:
        """The content of everything that the kernel is made of."""
        texts = [diff_of(text_of(path)) for path in self.spec.patches]
        return _digest([str(RECIPE), self.source.identity, self.config_key, *texts])[:12]

    @property
    def root(self) -> Path:
        return store.kernels_dir(self.cache) / f"{self.spec.named}-{self.key}"

    @property
    def work(self) -> WorkTree:
        return WorkTree(self.cache / "lab/source" / self.source.lineage)

    @property
    def build(self) -> Build:
        return Build(self.spec, self.work.tree, f"build-{self.spec.named}-{self.config_key}",
                     self.cache, f"-lab-{self.key[:8]}")


def _digest(texts: list[str]) -> str:
    return hashlib.sha256("\0".join(texts).encode()).hexdigest()


def check_room(wanted: Wanted) -> None:
    """A disk that would fill is said before the work, not after."""
    wanted.cache.mkdir(parents=True, exist_ok=True)
    if re.search(r"[\s:]", str(wanted.cache)):
        raise ToolError(f"{wanted.cache}: the kernel's make takes no path with a blank or a colon",
                        "set XDG_CACHE_HOME to another directory")
    free = shutil.disk_usage(wanted.cache).free
    need = _NEEDED_AGAIN_BYTES if wanted.build.directory.exists() else _NEEDED_BYTES
    if free < need:
        raise ToolError(f"{wanted.cache} has {free >> 20} MiB free, a lab kernel takes up to "
                        f"{need >> 20} MiB",
                        "make kernels shows what can go (make kernel REMOVE=…), or set "
                        "XDG_CACHE_HOME to a larger disk")


def _kernel(wanted: Wanted) -> PreparedKernel:
    """Where the finished kernel will be, once it has been kept."""
    build = wanted.root / "source" / wanted.build.name
    release = release_of(wanted.build.directory)
    match = re.match(r"\d+\.\d+", release)
    machine = wanted.spec.machine
    return PreparedKernel(match[0] if match else "", release, wanted.source.identity,
                          str(build / machine.image), str(build), str(build / "vmlinux"),
                          str(build / ".config"), machine.arch)


def _config_stamp(wanted: Wanted) -> str:
    """What .config depends on besides the name of the build directory."""
    texts = [text_of(path) for path in wanted.spec.patches]
    kconfig = [diff_of(text) for text in texts
               if any(_CONFIGURES.search(name) for name in touched(text))]
    return _digest([wanted.source.identity, *kconfig])


def _build(wanted: Wanted) -> PreparedKernel:
    """Build and keep; the work tree's lock is held by the caller."""
    check_room(wanted)
    wanted.work.root.mkdir(parents=True, exist_ok=True)
    started = time.monotonic()
    wanted.work.bring_to(wanted.source, wanted.spec.patches)
    check_compiler(wanted.spec.machine, wanted.work.tree)
    say(f"building {wanted.root.name} from {wanted.source.identity}"
        f"{''.join(f' with {path.stem}' for path in wanted.spec.patches)}: up to 10 minutes on "
        "2 cores the first time, goes on where it stopped")
    compile_kernel(wanted.build, _config_stamp(wanted))
    took = time.monotonic() - started
    if replace(wanted).key != wanted.key:
        raise ToolError("a fragment or a patch was edited while the kernel was built from it",
                        "the same command builds what there is now")
    stored = store.keep(wanted.build, wanted.root, _kernel(wanted), wanted.made_of, wanted.key,
                        took)
    say(f"{stored.kernel.release} is ready, after {took:.0f} s")
    return stored.kernel


def _stored(wanted: Wanted) -> PreparedKernel | None:
    """From the store; since it was built, fragments may allow less to be lost."""
    ready = store.load(wanted.root)
    if ready is None:
        return None
    found = Path(ready.kernel.config).read_text()
    config.check_lost(config.read(wanted.spec.fragments), found, wanted.spec.named)
    return ready.kernel


def at_hand(spec: Spec, cache: Path) -> PreparedKernel | None:
    """The kernel that `spec` names, if it has been built; nothing is built."""
    return _stored(Wanted(spec, find(spec.source, cache), cache))


def obtain(spec: Spec, cache: Path) -> PreparedKernel:
    """The kernel that `spec` names."""
    check_programs(spec.machine)
    try:
        wanted = Wanted(spec, find(spec.source, cache), cache)
        ready = _stored(wanted)
        if ready:
            return ready
        with locked(wanted.work.lock, lambda: say("waiting for another build from this source")):
            # another process may have built it meanwhile
            return _stored(wanted) or _build(wanted)
    except OSError as error:
        raise ToolError(f"building a kernel failed: {error}",
                        f"is there room in {cache}, and may this user write there?") from error
