# SPDX-License-Identifier: GPL-2.0
"""Finds what went wrong in a kernel's console: panics, oopses, sanitizer and
lockdep reports, warnings, stalls. Pure functions from text to values.

Verdicts are never read here. Which test was running is known from marker
lines whose prefix the caller gives.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from enum import Enum

from qemu.ktap import STAMP

_CUT_HERE = "------------[ cut here ]------------"
_RULER = re.compile(r"^=+$")
_END = re.compile(r"---\[ end (trace|Kernel panic)|^=+$")
_LONGEST = 80


class Kind(Enum):
    """What a splat is, in the order in which its first line is tried."""

    KASAN = "kasan"
    KCSAN = "kcsan"
    KFENCE = "kfence"
    UBSAN = "ubsan"
    LOCKDEP = "lockdep"
    SOFT_LOCKUP = "soft-lockup"
    RCU_STALL = "rcu-stall"
    HUNG_TASK = "hung-task"
    SLUB = "slub"
    REFCOUNT = "refcount"
    BUG = "bug"
    WARNING = "warning"
    OOPS = "oops"
    PANIC = "panic"

    @property
    def is_stall(self) -> bool:
        """Time that did not pass: under emulation on a busy host this alone
        proves nothing about the kernel."""
        return self in (Kind.SOFT_LOCKUP, Kind.RCU_STALL, Kind.HUNG_TASK)


_FIRST_LINE: tuple[tuple[Kind, re.Pattern[str]], ...] = tuple(
    (kind, re.compile(pattern))
    for kind, pattern in (
        (Kind.KASAN, r"BUG: KASAN: "),
        (Kind.KCSAN, r"BUG: KCSAN: "),
        (Kind.KFENCE, r"BUG: KFENCE: "),
        (Kind.UBSAN, r"^(Internal error: )?UBSAN: "),
        (Kind.LOCKDEP, r"WARNING: (possible (circular locking|recursive locking|irq lock)"
                       r"|inconsistent lock state|suspicious RCU usage|lock held when returning"
                       r"|bad unlock balance|held lock freed|HARDIRQ-safe|SOFTIRQ-safe"
                       r"|Nested lock was not taken|bad contention detected|chain_key collision"
                       r"|\S+/\d+ still has locks held)"
                       r"|INFO: trying to register non-static key|BUG: Invalid wait context"
                       r"|\[ BUG: Invalid wait context \]|BUG: key \S+ has not been registered"
                       r"|BUG: MAX_(STACK_TRACE_ENTRIES|LOCKDEP_\w+|LOCK_DEPTH) too low"),
        (Kind.SOFT_LOCKUP, r"BUG: (soft|workqueue) lockup|CPU ?\d+ Hard LOCKUP"
                           r"|CPU ?\d+:? (Watchdog |self-)?detected hard LOCKUP"
                           r"|watchdog: Watchdog detected hard LOCKUP"),
        (Kind.RCU_STALL, r"rcu: INFO: .* (detected stalls|self-detected stall|expedited stalls)"
                         r"|rcu: .* kthread (starved|timer wakeup)"),
        (Kind.HUNG_TASK, r"INFO: task .* blocked for more than"),
        (Kind.SLUB, r"^BUG \S+ \(.*\): "),
        (Kind.REFCOUNT, r"refcount_t: "),
        (Kind.BUG, r"kernel BUG at |^BUG: "),
        # The nvram of a guest without Open Firmware is blank, which is no fault.
        (Kind.WARNING, r"^WARNING: (?!nvram corruption detected)"),
        (Kind.OOPS, r"^(Oops|general protection fault|Unable to handle kernel|invalid opcode)"
                    r"|^(divide error|double fault|stack segment|int3): |PANIC: double fault"
                    # arm64; riscv; arm64 and riscv; powerpc; s390, which names the exception
                    r"|^Internal error: |^Kernel BUG \[#\d|^Insufficient stack space to handle"
                    r"|^Bad kernel stack pointer |^Kernel stack (pointer invalid|overflow)"
                    r"|^[A-Za-z][\w ,/-]*: [0-9a-f]{4} ilc:\d \[#\d"),
        (Kind.PANIC, r"(?<!end )Kernel panic - not syncing"),
    )
)


@dataclass(frozen=True)
class Splat:
    """One report of the kernel's. `during` is the test that was running, or "";
    `in_boot` means that nothing had begun yet."""

    kind: Kind
    title: str
    text: tuple[str, ...]
    during: str = ""
    in_boot: bool = False


@dataclass(frozen=True)
class Markers:
    """What the lines have in common by which a test begins and ends on the
    console, and `any`, which is in every line once the boot is over."""

    begin: str
    end: str
    any: str


def kernel_lines(data: bytes) -> list[str]:
    """Lines of a console without time stamps and carriage returns."""
    text = data.decode(errors="replace").replace("\r", "")
    return [STAMP.sub("", line.rstrip()) for line in text.split("\n")]


def kind_of(line: str) -> Kind | None:
    """The kind of splat whose title this line is, if it is one."""
    for kind, pattern in _FIRST_LINE:
        if pattern.search(line):
            return kind
    return None


def _running(line: str, markers: Markers, now: str) -> str:
    at = line.find(markers.begin)
    if at >= 0:
        return (line[at + len(markers.begin):].split() or [""])[0]
    return "" if markers.end in line else now


def _is_marker(line: str, markers: Markers) -> bool:
    return markers.begin in line or markers.end in line


def _last_line(lines: list[str], title: int, markers: Markers) -> int:
    """Index after the last line of the splat whose title is at `title`."""
    stop = min(len(lines), title + _LONGEST)
    for at in range(title + 1, stop):
        if _is_marker(lines[at], markers) or lines[at] == _CUT_HERE:
            return at
        # s390 draws no line between an oops and the panic that it ends in.
        if kind_of(lines[at]) is Kind.PANIC:
            return at
        # Lockdep and KASAN draw a ruler under the title too.
        if _END.search(lines[at]) and at > title + 2:
            return at + 1
    return stop


def _refcount_title(text: list[str]) -> str:
    for line in text:
        if "refcount_t: " in line:
            return line
    return ""


def _splat(lines: list[str], title: int, kind: Kind, markers: Markers,
           during: str) -> tuple[Splat, int]:
    end = _last_line(lines, title, markers)
    drawn = title > 0 and (lines[title - 1] == _CUT_HERE or bool(_RULER.match(lines[title - 1])))
    first = title - 1 if drawn else title
    text = [line for line in lines[first:end] if line.strip()]
    name = lines[title].strip()
    refcount = _refcount_title(text)
    if kind is Kind.WARNING and refcount:
        kind, name = Kind.REFCOUNT, refcount.strip()
    return Splat(kind, name, tuple(text), during), end


def find_splats(data: bytes, markers: Markers) -> list[Splat]:
    """Every splat of a console, in order, each with the test it fell into."""
    lines = kernel_lines(data)
    splats: list[Splat] = []
    during, at, in_boot = "", 0, True
    while at < len(lines):
        in_boot = in_boot and markers.any not in lines[at]
        during = _running(lines[at], markers, during)
        kind = kind_of(lines[at])
        if kind is None or _is_marker(lines[at], markers):
            at += 1
            continue
        splat, at = _splat(lines, at, kind, markers, during)
        splats.append(replace(splat, in_boot=in_boot))
    return splats


class Condition(Enum):
    """What the console says of a kernel that is still running."""

    WELL = "well"
    HURT = "hurt"    # a real splat fell into the test that is running
    DYING = "dying"  # and then a CPU came no further


def condition_after(line: str, before: Condition, running: str, markers: Markers) -> Condition:
    """The condition once this line was read; `running` is the test at this line.

    A stall without a splat is a busy host's, a splat without a stall is reported
    by kernels that go on: only both, one after the other in one test, tell of a
    CPU that spins on what the splat was about. A further splat is news.
    """
    if _is_marker(line, markers):
        return Condition.WELL
    kind = kind_of(line)
    if kind is None or not running:
        return before
    if not kind.is_stall:
        return Condition.HURT
    # a hung task sleeps, and others may go on
    stuck = before is not Condition.WELL and kind is not Kind.HUNG_TASK
    return Condition.DYING if stuck else before


class Pulse:
    """Follows console and verdict channel of a guest as they grow."""

    def __init__(self, markers: Markers) -> None:
        self._markers = markers
        self._rest = b""
        self._running = ""
        self._condition = Condition.WELL

    def is_dying(self, console: bytes, channel: bytes = b"") -> bool:
        """Takes what came anew; whether the kernel is dying now. Word from the
        channel is a sign of life, until there is another stall; of what came
        together it counts as the later one."""
        whole, newline, rest = (self._rest + console).rpartition(b"\n")
        self._rest = rest
        for line in kernel_lines(whole) if newline else ():
            self._running = _running(line, self._markers, self._running)
            self._condition = condition_after(line, self._condition, self._running, self._markers)
        if channel and self._condition is Condition.DYING:
            self._condition = Condition.HURT
        return self._condition is Condition.DYING


def last_begun(data: bytes, markers: Markers) -> str:
    """The test that was running when the console ended, or ""."""
    during = ""
    for line in kernel_lines(data):
        during = _running(line, markers, during)
    return during


def tail(data: bytes, lines: int = 15) -> list[str]:
    """The last lines of a console that say something."""
    return [line for line in kernel_lines(data) if line.strip()][-lines:]


# x86, s390 and powerpc name registers before a colon, arm64 and riscv a few a line.
_REGISTERS = re.compile(r"^\s*(?:[A-Z][A-Z0-9]{1,5}|x\d+|[a-z][0-9a-z]{1,3}|GPR\d\d|Krnl GPRS)"
                        r"\s?:\s+(?=[0-9a-fx]{4})|^\s*(?:Krnl )?Code: ")
_TRACE = re.compile(r"^\s*Call [Tt]race:|^\s*call trace:")
_GUESSED = re.compile(r"^\s*(?:\[<?[0-9a-f]+>?\] )?\? ")


def telling(text: tuple[str, ...], most: int) -> list[str]:
    """At most so many lines of a splat, chosen for who did what: without dumped
    registers and guessed frames, so that there is room for the calls."""
    where = re.compile(r"^\s*(?:RIP|NIP|pc|epc|Krnl PSW)\b")
    kept = [line for at, line in enumerate(text) if not at or where.match(line)
            or not (_REGISTERS.match(line) or _GUESSED.match(line))]
    trace = next((at for at, line in enumerate(kept) if _TRACE.match(line)), len(kept))
    head = min(trace, max(1, most // 2))
    return kept[:head] + kept[trace:trace + most - head]
