# SPDX-License-Identifier: GPL-2.0
"""Starts one guest, streams what it says, and ends it in bounded time.

The verdict channel is a file that QEMU appends to, so it survives whatever
happens to this process; it is handed on as it grows. A guest that says
nothing for too long is ended and called a hang; one that only goes on to say
that it stalls is called down. What the text means is for transcript.py and
console.py.
"""

from __future__ import annotations

import ctypes
import os
import select
import shutil
import signal
import subprocess
import termios
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import FrameType

from qemu import qmp
from qemu.machine import Accel, GuestError, Machine
from qemu.topology import Topology

POLL_S = 0.02
# A dying kernel is left to itself for so long: it may still panic, or recover
# and say so. A stall is told after 21 s or more in which a CPU got nowhere.
GRACE_S = 20.0
_PR_SET_PDEATHSIG = 1
_SHELL_BEGINS = b"@ fact rescue_shell="  # said by init


class Stopped(Exception):
    """The user or the system asked this process to stop."""

    def __init__(self, number: int) -> None:
        super().__init__(signal.Signals(number).name)
        self.number = number


@dataclass(frozen=True)
class GuestSpec:
    """All it takes to boot a guest; times in seconds."""

    machine: Machine
    topology: Topology
    accel: Accel
    image: Path
    initrd: Path
    run_dir: Path
    idle_s: float
    total_s: float
    append: str = ""
    interactive: bool = False
    monitor_fd: int = -1  # QEMU's end of a pair of sockets, see qmp.py
    # takes what is new of console and channel; see console.py's Pulse
    is_dying: Callable[[bytes, bytes], bool] = lambda console, channel: False
    grace_s: float = GRACE_S

    @property
    def channel(self) -> Path:
        return self.run_dir / "channel"

    @property
    def console(self) -> Path:
        return self.run_dir / "console"


@dataclass(frozen=True)
class GuestResult:
    """How a guest ended: `powered-off` (QEMU left by itself, which a panic
    does too), `down` (its kernel was dying), `hang`, `timeout`, or `died` (QEMU
    failed; `detail` says why)."""

    outcome: str
    seconds: float
    detail: str = ""


def command(spec: GuestSpec) -> list[str]:
    """The QEMU command for this guest."""
    machine = spec.machine
    words = " ".join(filter(None, (machine.command_line(spec.accel),
                                   *spec.topology.plan.cmdline, spec.append)))
    if spec.interactive:
        console = f"stdio,id=con,signal=off,logfile={_value(spec.console)}"
    else:
        console = f"file,id=con,path={_value(spec.console)}"
    return [
        machine.qemu, "-nodefaults", "-no-user-config", "-display", "none",
        "-nic", "none", "-no-reboot",
        *machine.cpu_options(spec.accel),
        *machine.numa_options(spec.topology),
        *machine.boot_options(),
        "-chardev", console, "-chardev", f"file,id=out,path={_value(spec.channel)}",
        *machine.device_options("con", "out"),
        *(qmp.options(spec.monitor_fd) if spec.monitor_fd >= 0 else ()),
        "-kernel", str(spec.image), "-initrd", str(spec.initrd), "-append", words,
    ]


def _value(path: Path) -> str:
    """A path as the value of a QEMU option, where a comma is doubled."""
    return str(path).replace(",", ",,")


def _die_with_parent() -> None:
    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)


@contextmanager
def stop_signals() -> Iterator[None]:
    """Turn SIGINT, SIGTERM and SIGHUP into Stopped, so that `finally` runs."""

    def stop(number: int, _frame: FrameType | None) -> None:
        raise Stopped(number)

    numbers = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
    before = {number: signal.signal(number, stop) for number in numbers}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


@contextmanager
def _terminal_kept(interactive: bool) -> Iterator[None]:
    """QEMU makes the terminal raw, and cannot restore it when it is killed."""
    if not interactive or not os.isatty(0):
        yield
        return
    before = termios.tcgetattr(0)
    try:
        yield
    finally:
        termios.tcsetattr(0, termios.TCSADRAIN, before)


@contextmanager
def _started(spec: GuestSpec) -> Iterator[subprocess.Popen[bytes]]:
    """QEMU in a process group of its own; ended on the way out, always."""
    program = shutil.which(spec.machine.qemu)
    if program is None:
        raise GuestError(f"{spec.machine.qemu} is not installed",
                         f"install the package {spec.machine.package}")
    for path in (spec.channel, spec.console):
        path.write_bytes(b"")
    with open(spec.run_dir / "qemu.log", "wb") as log:
        process = subprocess.Popen(
            [program, *command(spec)[1:]],
            stdin=None if spec.interactive else subprocess.DEVNULL,
            stdout=None if spec.interactive else log, stderr=log,
            pass_fds=(spec.monitor_fd,) if spec.monitor_fd >= 0 else (),
            start_new_session=not spec.interactive, preexec_fn=_die_with_parent)
    try:
        yield process
    finally:
        if process.poll() is None:
            process.kill()
        process.wait()


class _Tail:
    """Hands on what a growing file has gained, undamaged UTF-8 or not."""

    def __init__(self, path: Path) -> None:
        self._file = open(path, "rb")

    def read(self) -> bytes:
        return self._file.read()

    def close(self) -> None:
        self._file.close()


class _Patience:
    """How long a guest is waited for."""

    def __init__(self, spec: GuestSpec) -> None:
        self._spec = spec
        self._start = self._progress = time.monotonic()
        self._dying_since: float | None = None

    def lost_with(self, said: bool, dying: bool) -> str:
        """Why it is to be ended now, or ""; `said`: on channel or console."""
        now = time.monotonic()
        if said:
            self._progress = now
        if not dying:
            self._dying_since = None
        elif self._dying_since is None:
            self._dying_since = now
        if self._dying_since is not None and now - self._dying_since > self._spec.grace_s:
            return "down"
        if now - self._progress > self._spec.idle_s:
            return "hang"
        return "timeout" if now - self._start > self._spec.total_s else ""


def _watch(spec: GuestSpec, process: subprocess.Popen[bytes], channel: _Tail, console: _Tail,
           on_bytes: Callable[[bytes], None]) -> str:
    """Follow a guest until it ends or must be ended; says which."""
    poller = select.poll()
    ended = os.pidfd_open(process.pid)
    poller.register(ended, select.POLLIN)
    patience, shell = _Patience(spec), False
    try:
        while True:
            gone = bool(poller.poll(POLL_S * 1000))
            new, printed = channel.read(), console.read()
            on_bytes(new)
            if gone:
                return "died" if process.wait() else "powered-off"
            lost = patience.lost_with(bool(new or printed), spec.is_dying(printed, new))
            shell = shell or (spec.interactive and _SHELL_BEGINS in new)
            if lost and not shell:  # a shell's user may be silent for as long as they like
                return lost
    finally:
        os.close(ended)


def run(spec: GuestSpec, on_bytes: Callable[[bytes], None]) -> GuestResult:
    """Boot a guest and follow it to its end.

    `on_bytes` gets the verdict channel as it grows, and b"" about every
    POLL_S seconds of silence.
    """
    start = time.monotonic()
    with _terminal_kept(spec.interactive), _started(spec) as process:
        channel, console = _Tail(spec.channel), _Tail(spec.console)
        try:
            outcome = _watch(spec, process, channel, console, on_bytes)
        finally:
            channel.close()
            console.close()
    log = spec.run_dir / "qemu.log"
    detail = log.read_text(errors="replace").strip()
    if not detail:
        log.unlink()
    return GuestResult(outcome, time.monotonic() - start, detail)
