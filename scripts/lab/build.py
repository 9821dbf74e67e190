# SPDX-License-Identifier: GPL-2.0
"""Builds a kernel in its source's work tree with the kernel's own make, ccache
in front of the compiler. Interrupted builds go on where they stopped, because
make does. Progress is a count of steps against those of the last such build.

The build directory lies in the source tree, so that the compiler sees relative
paths only and ccache knows a file again in every work tree.
"""

from __future__ import annotations

import contextlib
import ctypes
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO

import compiler
from errors import SourceError, ToolError
from lab import config
from lab.spec import Spec
from lab.telling import telling_lines
from lab.tools import cross_prefix
from qemu.store import write_whole

# Steps of a first build when none was counted yet (7.2 on x86-64: 1862).
STEPS_GUESSED = 1800
_STEP = re.compile(rb"^  [A-Z][A-Z0-9_ -]*(?:\[M\])? +\S+")
_FULL = re.compile(r"No space left on device")
# As gcc says it of its parts; the kernel takes them where memory is short.
_KILLED = re.compile(r"Killed signal terminated program|^Killed$", re.MULTILINE)
_FULL_BYTES = 32 << 20  # less than one linked kernel takes
_EVERY_S = 20.0
# All that the kernel's make sees of the caller's variables. Kbuild, gcc and
# ccache read dozens (KCFLAGS, LLVM, KCONFIG_CONFIG, CPATH, ...), and none is in
# the kernel's key.
_KEPT = ("PATH", "HOME", "USER", "LOGNAME", "SHELL", "TERM", "TMPDIR", "LD_LIBRARY_PATH")
_PR_SET_PDEATHSIG = 1
# What make may take to end its jobs before they are killed.
_PATIENCE_S = 20.0


@dataclass(frozen=True)
class Build:
    """One kernel to be built in `tree`; `name` of its build directory."""

    spec: Spec
    tree: Path
    name: str
    cache: Path
    local_version: str = ""

    @property
    def directory(self) -> Path:
        return self.tree / self.name

    @property
    def log(self) -> Path:
        return self.directory / "lab.log"

    def variables(self) -> list[str]:
        machine = self.spec.machine
        cross = cross_prefix(machine)
        return [f"O={self.name}", f"ARCH={machine.kernel_arch}", f"CROSS_COMPILE={cross}",
                f"CC=ccache {cross}gcc", "HOSTCC=ccache gcc",
                f"LOCALVERSION={self.local_version}", "KBUILD_BUILD_USER=slubtorture",
                "KBUILD_BUILD_HOST=lab", "KBUILD_BUILD_TIMESTAMP=Thu Jan 1 00:00:00 UTC 1970"]

    def environment(self) -> dict[str, str]:
        own = {name: os.environ[name] for name in _KEPT if name in os.environ}
        return {**own, "LC_ALL": "C", "CCACHE_DIR": str(self.cache / "ccache"),
                "CCACHE_NOHASHDIR": "1", "CCACHE_MAXSIZE": "5G"}


@dataclass
class Steps:
    """Progress of one make, told now and then, or drawn on a terminal."""

    expected: int
    started: float = field(default_factory=time.monotonic)
    done: int = 0
    said: float = field(default_factory=time.monotonic)

    def line(self, text: bytes) -> None:
        if not _STEP.match(text):
            return
        self.done += 1
        now = time.monotonic()
        terminal = sys.stderr.isatty()
        if now - self.said < (0.5 if terminal else _EVERY_S):
            return
        self.said = now
        begin, end = ("\r", "\x1b[K") if terminal else ("", "\n")
        print(f"{begin}slubtorture:   {self.text(now)}{end}", end="", file=sys.stderr, flush=True)

    def text(self, now: float) -> str:
        """"620 of about 1380 steps, 190 s, about 230 s left"; of 0 expected steps
        nobody knows how many there will be."""
        took = now - self.started
        if not self.expected:
            return f"{self.done} steps, {took:.0f} s"
        if self.done >= self.expected:
            return f"{self.done} steps, {took:.0f} s, linking"
        left = took / self.done * (self.expected - self.done)
        return f"{self.done} of about {self.expected} steps, {took:.0f} s, about {left:.0f} s left"

    def close(self) -> None:
        if sys.stderr.isatty() and self.done:
            print("\r\x1b[K", end="", file=sys.stderr, flush=True)


def _stats(build: Build) -> Path:
    return build.cache / "lab/steps.json"


def expected_steps(build: Build) -> int:
    try:
        stored = json.loads(_stats(build).read_text())
        return int(stored.get(build.spec.machine.arch, STEPS_GUESSED))
    except (OSError, ValueError, AttributeError, TypeError):
        return STEPS_GUESSED


def remember_steps(build: Build, done: int) -> None:
    """Only a whole build tells how long one is."""
    try:
        stored: dict[str, int] = dict(json.loads(_stats(build).read_text()))
    except (OSError, ValueError, TypeError):
        stored = {}
    if done > STEPS_GUESSED // 2:
        text = json.dumps({**stored, build.spec.machine.arch: done})
        write_whole(_stats(build), text.encode())


def _is_full(place: Path) -> bool:
    """Whoever met the full disk may not have been able to write down so."""
    try:
        return shutil.disk_usage(place).free < _FULL_BYTES
    except OSError:
        return False


def failure(build: Build, what: str, said: str) -> ToolError:
    if _FULL.search(said) or _is_full(build.tree):
        return ToolError(f"{what}: the disk with {build.tree} is full",
                         "make kernels shows what can go (make kernel REMOVE=…); then the same "
                         "command goes on where it stopped")
    if _KILLED.search(said):
        return ToolError(f"{what} was killed in {build.tree}: memory is short, or somebody did it",
                         "end what takes the memory; the same command goes on where it stopped")
    shown = "\n  ".join(telling_lines(said, 25))
    return SourceError(f"{what} failed for {build.spec.named}:\n  {shown}",
                       f"all that was printed is in {build.log}")


def _follow(stream: IO[bytes], log: IO[bytes], steps: Steps) -> None:
    for line in stream:
        log.write(line)
        steps.line(line)


def _end_with_parent() -> None:
    """The lock of the work tree goes with this process, even by kill -9: make
    must not go on there beside the next one."""
    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGTERM)


def _end(process: subprocess.Popen[bytes]) -> None:
    """End make and its jobs; what has ended already is no error."""
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGTERM)
    try:
        process.wait(_PATIENCE_S)
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()


def make(build: Build, targets: list[str], what: str, steps: Steps | None = None) -> None:
    """Run the kernel's make; its process group ends with this function."""
    steps = steps or Steps(0)
    jobs = len(os.sched_getaffinity(0))
    command = ["make", "-C", str(build.tree), f"-j{jobs}", *build.variables(), *targets]
    build.directory.mkdir(exist_ok=True)
    with build.log.open("ab") as log:
        begin = log.tell()
        process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                                   stderr=subprocess.STDOUT, env=build.environment(),
                                   start_new_session=True, preexec_fn=_end_with_parent)
        try:
            assert process.stdout is not None
            _follow(process.stdout, log, steps)
            status = process.wait()
        except BaseException:
            _end(process)
            raise
        finally:
            steps.close()
    if status:
        said = build.log.read_bytes()[begin:].decode(errors="replace")
        raise failure(build, what, said)


def configure(build: Build, stamp: str) -> list[str]:
    """Make .config, unless `stamp` says that it is there; one that comes out as
    it was keeps its date. Returns options that were lost with permission."""
    done = build.directory / ".lab-config"
    if done.exists() and done.read_text() == stamp:
        return []
    # From here on .config is not what the old stamp says, also if this stops.
    done.unlink(missing_ok=True)
    wishes = config.read(build.spec.fragments)
    kept = build.directory / ".config"
    before = kept.read_bytes() if kept.exists() else b""
    make(build, ["tinyconfig"], "tinyconfig")
    text = kept.read_text() + "".join(f"{wish.line}\n" for wish in wishes)
    kept.write_text(text)
    make(build, ["olddefconfig"], "olddefconfig")
    found = kept.read_text()
    gone = config.check_lost(wishes, found, build.spec.named)
    if before and compiler.settings(found) == compiler.settings(before.decode()):
        kept.write_bytes(before)
    write_whole(done, stamp.encode())
    return gone


def compile_kernel(build: Build, stamp: str) -> None:
    """The image and modules; what a module build needs comes with them. `stamp`
    is all that the configuration depends on, beside the fragments."""
    build.log.unlink(missing_ok=True)
    gone = configure(build, stamp)
    if gone:
        print(f"slubtorture:   not to be had here: {', '.join(gone)}", file=sys.stderr)
    again = (build.directory / "vmlinux").exists()
    steps = Steps(0 if again else expected_steps(build))
    make(build, [build.spec.machine.image_target, "modules"], "the kernel's build", steps)
    remember_steps(build, steps.done)
