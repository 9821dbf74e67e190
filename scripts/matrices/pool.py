# SPDX-License-Identifier: GPL-2.0
"""Guests at work, several at once, and beside them one build at a time: of the
next kernel that has a visit to come. A visit starts as soon as its kernel is
there, those that tell most first. Whatever ends this process ends its children.

What is asked, in which order, is in plan.py; what becomes of an answer is for
who gets it.
"""

from __future__ import annotations

import ctypes
import os
import signal
import subprocess
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from errors import GONE
from matrices.asking import MAKER, Asking, complaint
from matrices.columns import Kernel
from matrices.facts import Seen
from matrices.plan import Visit
from prepared import AtHand

POLL_S = 0.05
# What a script may take to end its guest or its build before it is killed.
PATIENCE_S = 40.0
ATTEMPTS = 2  # at a guest that gives no verdict
_PR_SET_PDEATHSIG = 1


class Pricing(Protocol):
    """What things are expected to take, in seconds."""

    def of(self, visit: Visit) -> float: ...
    def of_build(self, kernel: Kernel, there: AtHand) -> float: ...


_STOPPING = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


@contextmanager
def unstopped() -> Iterator[set[int]]:
    """No signal stops this process meanwhile; yields the mask of before. What a
    handler raises while Python forks is swallowed, in functions that others have
    registered for that (logging does): the matrix would go on as if nobody had
    asked it to stop."""
    before = signal.pthread_sigmask(signal.SIG_BLOCK, _STOPPING)
    try:
        yield {int(number) for number in before}
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


@dataclass(frozen=True)
class Child:
    """A script at work; its words go to its log alone."""

    process: subprocess.Popen[bytes]
    log: Path
    began: float

    @property
    def took(self) -> float:
        return time.monotonic() - self.began


def start(words: Sequence[str], environment: dict[str, str], log: Path,
          mask: set[int]) -> Child:
    """In a session of its own: a terminal's Ctrl-C is for this process, which
    hands it on."""
    def prepare() -> None:
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGTERM)
        signal.pthread_sigmask(signal.SIG_SETMASK, mask)

    with log.open("w") as sink:
        process = subprocess.Popen(words, stdin=subprocess.DEVNULL, stdout=sink,
                                   stderr=subprocess.STDOUT, env=environment,
                                   start_new_session=True, preexec_fn=prepare)
    return Child(process, log, time.monotonic())


def end(children: Sequence[Child]) -> None:
    """All of them are gone when this returns."""
    for child in children:
        child.process.terminate()
    until = time.monotonic() + PATIENCE_S
    for child in children:
        try:
            child.process.wait(max(0.0, until - time.monotonic()))
        except subprocess.TimeoutExpired:
            os.killpg(child.process.pid, signal.SIGKILL)
            child.process.wait()


@dataclass(frozen=True)
class Takers:
    """Who is told what: of an answer, with its seconds and exit status; of a
    kernel that was made; of one that is not to be had; of what could not be asked
    or made, and why."""

    answer: Callable[[Visit, list[Seen], float, int], None]
    made: Callable[[Kernel, float], None]
    gone: Callable[[Kernel, str], None]
    failed: Callable[[str, str], None]
    note: Callable[[str], None]


@dataclass
class Pool:
    """`deadline` is of the monotonic clock; infinity is none. `waiting` is in
    the order in which it tells most."""

    asking: Asking
    jobs: int
    pricing: Pricing
    there: dict[str, AtHand]
    takers: Takers
    waiting: list[Visit]
    deadline: float = float("inf")
    guests: dict[Visit, Child] = field(default_factory=dict)
    maker: tuple[Kernel, Child] | None = None
    attempts: dict[Visit, int] = field(default_factory=dict)
    lost: set[str] = field(default_factory=set)  # kernels that could not be made

    def work(self) -> None:
        """Until nothing is left, or nothing fits any more."""
        try:
            while self._start_all() or self.guests or self.maker:
                time.sleep(POLL_S)
                self._look()
        finally:
            end(self._children())

    def _children(self) -> list[Child]:
        return [*self.guests.values(), *([self.maker[1]] if self.maker else [])]

    def _is_ready(self, kernel: Kernel) -> bool:
        there = self.there[kernel.name]
        return there.kernel and there.modules

    def _fits(self, seconds: float) -> bool:
        return time.monotonic() + seconds <= self.deadline

    def _start_all(self) -> bool:
        """Whatever can start now; whether anything did."""
        began = self.maker is None and self._make_next()
        while len(self.guests) < self.jobs:
            visit = next((visit for visit in self.waiting if self._is_ready(visit.kernel)
                          and self._fits(self.pricing.of(visit))), None)
            if visit is None:
                break
            self.waiting.remove(visit)
            with unstopped() as mask:
                self.guests[visit] = start(self.asking.words(visit.kind),
                                           self.asking.of_visit(visit),
                                           self.asking.log(visit.key), mask)
            began = True
        return began

    def _make_next(self) -> bool:
        """The kernel of the first visit that lacks one, if the visit fits, too."""
        for visit in self.waiting:
            kernel = visit.kernel
            if self._is_ready(kernel) or not self._fits(
                    self.pricing.of_build(kernel, self.there[kernel.name])
                    + self.pricing.of(visit)):
                continue
            self.takers.note(f"making {kernel.name} ready")
            with unstopped() as mask:
                self.maker = kernel, start(self.asking.words(MAKER), self.asking.of_kernel(kernel),
                                           self.asking.log(f"{kernel.name} {MAKER}"), mask)
            return True
        return False

    def _look(self) -> None:
        for visit, child in list(self.guests.items()):
            status = child.process.poll()
            if status is not None:
                del self.guests[visit]
                self._answered(visit, child, status)
        if self.maker and self.maker[1].process.poll() is not None:
            kernel, child = self.maker
            self.maker = None
            self._made(kernel, child)

    def _answered(self, visit: Visit, child: Child, status: int) -> None:
        seen = self.asking.answers(visit, child.log, status)
        if seen:
            self.takers.answer(visit, seen, child.took, status)
            return
        self.attempts[visit] = self.attempts.get(visit, 0) + 1
        if self.attempts[visit] < ATTEMPTS:
            self.takers.note(f"{visit.key}: no answer, and asked again later: "
                             f"{complaint(child.log)}")
            self.waiting.append(visit)
        else:
            self.takers.failed(visit.key, f"exit status {status}: {complaint(child.log)}")

    def _made(self, kernel: Kernel, child: Child) -> None:
        if child.process.returncode == 0:
            self.takers.made(kernel, child.took)
            self.there[kernel.name] = AtHand(True, True)
            return
        self.lost.add(kernel.name)
        self.waiting = [visit for visit in self.waiting if visit.kernel.name != kernel.name]
        why = complaint(child.log)
        if child.process.returncode == GONE:
            self.takers.gone(kernel, why)
        else:
            self.takers.failed(kernel.name, f"it cannot be made: {why}")
