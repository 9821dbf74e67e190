# SPDX-License-Identifier: GPL-2.0
"""One commit: made ready once, run until its runs decide, every run recorded
as it ends. What was recorded before is not done again.

What makes kernels and runs them is a Bench (bench.py, or an imitation in the
tests); how many runs an answer takes is for statistics.py.
"""

from __future__ import annotations

import itertools
import shutil
import textwrap
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Protocol

from bisection import statistics
from bisection.outcomes import LOCAL, Answer, Outcome, Ran, Step
from bisection.session import Session
from bisection.signature import Signature, outcome_of, proposed
from errors import SourceError, ToolError

# A disk so full is why a run came to nothing, not the kernel.
_FULL_BYTES = 32 << 20


class OutOfTime(Exception):
    """The time that the whole bisection was given is spent."""


@dataclass(frozen=True)
class Built:
    """A commit's kernel and module, ready for runs; `seconds` is what that
    took, 0 where it was there."""

    commit: str
    seconds: float
    place: Path


Judging = Callable[[Path, int], tuple[Outcome, str]]


class Bench(Protocol):
    """What kernels are made and run with."""

    @property
    def jobs(self) -> int:
        """Runs at once."""

    def build(self, commit: str) -> Built:
        """SourceError where the commit is at fault, ToolError for all else."""

    def run(self, built: Built, wanted: Sequence[tuple[int, int]], judge: Judging,
            take: Callable[[Ran], bool]) -> None:
        """Run each (number, seed), numbers rising; each run's files are where its
        session wants them, and are judged with its exit status. `take` gets each
        as it ends, and ends them all by returning False."""

    def close(self) -> None:
        """Nothing more is asked of any commit."""


@dataclass
class Clock:
    """The time that is left; `began` is moved back by what was used before."""

    seconds: float = 0.0  # 0: no end
    began: float = field(default_factory=time.monotonic)

    @property
    def spent(self) -> bool:
        return bool(self.seconds) and time.monotonic() - self.began > self.seconds

    def check(self) -> None:
        if self.spent:
            raise OutOfTime


@dataclass
class Judge:
    """Names what a run came to. While nothing is hunted yet, the first failure
    says what is."""

    session: Session
    say: Callable[[str], None]

    def __post_init__(self) -> None:
        text = self.session.signature()
        self.signature = Signature.parsed(text) if text else None

    def of(self, files: Path, status: int) -> tuple[Outcome, str]:
        if self.signature is None and status:
            self._propose(files)
        hunted = self.signature or Signature.parsed("panic")  # nothing failed: any will do
        return outcome_of(files, status, hunted)

    def _propose(self, files: Path) -> None:
        try:
            found = proposed(files)
        except ToolError:  # it failed without a word of why
            return
        if not found:
            return
        self.signature = found[0]
        also = ", ".join(f"'{one}'" for one in found[1:4])
        self.session.add("signature", text=str(found[0]), proposed=True,
                         why=str(files.relative_to(self.session.directory)))
        self.say(f"hunting '{found[0]}', the first failure of BAD"
                 + (f"; it also showed {also}" if also else "")
                 + ". SIGNATURE= hunts another")


@dataclass
class Asker:
    """Asks commits, one after the other."""

    session: Session
    bench: Bench
    judge: Judge
    clock: Clock
    say: Callable[[str], None]

    def subject(self, commit: str) -> str:
        return next((one.subject for one in self.session.commits() if one.name == commit), "")

    def prepared(self, commit: str) -> Built:
        """The commit's kernel and module; what that took is remembered, because
        a later session finds them made."""
        began = time.monotonic()
        try:
            built = self.bench.build(commit)
        except SourceError:  # that took its time, too
            self._took(commit, time.monotonic() - began)
            raise
        if built.seconds:
            self._took(commit, built.seconds)
        return built

    def _took(self, commit: str, seconds: float) -> None:
        self.session.add("built", commit=commit, seconds=round(seconds, 1))

    def build_s(self, commit: str) -> float:
        return max((float(values["seconds"]) for values in self.session.journal.lines()
                    if values["what"] == "built" and values["commit"] == commit), default=0.0)

    def runs(self, built: Built, count: int, enough: Callable[[tuple[Ran, ...]], bool]) -> None:
        """At least `count` more runs, unless there are `enough` before."""
        taken = {one.number for one in self.session.ran(built.commit)}
        free = (number for number in itertools.count() if number not in taken)
        wanted = [(number, self.session.seed_of(built.commit, number))
                  for number in itertools.islice(free, count)]

        def take(ran: Ran) -> bool:
            self._record(ran)
            self.clock.check()
            return not enough(self.session.ran(built.commit))

        for number, _ in wanted:
            shutil.rmtree(self.session.files_of(built.commit, number), ignore_errors=True)
        self.clock.check()
        self.bench.run(built, wanted, self.judge.of, take)

    def _record(self, ran: Ran) -> None:
        if ran.outcome is Outcome.BROKEN:
            check_room(self.session.directory)
        self.session.add_ran(ran)
        where = "" if ran.host == LOCAL else f", {ran.host}"
        said = textwrap.shorten(ran.said, 50, placeholder=" ...")
        self.say(f"  run {ran.number}: {ran.outcome}, {said} ({ran.seconds:.0f} s{where})")

    def known(self, commit: str) -> Step | None:
        """The recorded answer, unless a run of later says otherwise, as when this
        was stopped while a good commit was confirmed."""
        step = next((step for step in self.session.steps() if step.commit == commit), None)
        if step and step.answer is Answer.GOOD and any(
                one.outcome is Outcome.BAD for one in step.ran):
            return None
        return step

    def answered(self, commit: str, answer: Answer, why: str) -> Step:
        """Record an answer."""
        step = Step(commit, self.subject(commit), answer, why, self.build_s(commit))
        self.session.add_step(step)
        return replace(step, ran=self.session.ran(commit))

    def ask(self, commit: str, plan: statistics.Plan) -> Step:
        """The commit's answer; OutOfTime where there is none before the end of
        the time, with all runs so far recorded."""
        known = self.known(commit)
        if known:
            return known
        found = verdict(plan, self.session.ran(commit))
        if found:  # stopped between the last run and the answer
            return self.answered(commit, *found)
        try:
            built = self.prepared(commit)
        except SourceError as error:
            return self.answered(commit, Answer.SKIP, _first_line(str(error)))
        return self._decided(built, plan)

    def confirm(self, commit: str, plan: statistics.Plan, more: int) -> Step:
        """A good commit asked for so many clean runs more than it had."""
        clean = sum(one.outcome is Outcome.GOOD for one in self.session.ran(commit))
        return self._decided(self.prepared(commit), replace(plan, clean_runs=clean + more))

    def _decided(self, built: Built, plan: statistics.Plan) -> Step:
        commit = built.commit
        while True:
            ran = self.session.ran(commit)
            found = verdict(plan, ran)
            if found:
                return self.answered(commit, *found)
            more = max(plan.clean_runs - sum(one.outcome is Outcome.GOOD for one in ran), 1)
            self.runs(built, more, lambda now: verdict(plan, now) is not None)


def verdict(plan: statistics.Plan, ran: Sequence[Ran]) -> tuple[Answer, str] | None:
    """Answer and reason, or None where more runs are needed."""
    answer = statistics.answer_of(plan, ran)
    if answer is None:
        return None
    kinds = {Answer.BAD: (Outcome.BAD,), Answer.SKIP: (Outcome.BROKEN, Outcome.OTHER)}
    telling = [one for one in ran if one.outcome in kinds.get(answer, ())]
    counts = ", ".join(f"{count} {outcome}" for outcome in Outcome
                       if (count := sum(one.outcome is outcome for one in ran)))
    return answer, f"{counts}: {telling[0].said}" if telling else f"{counts} runs"


def check_room(place: Path) -> None:
    if shutil.disk_usage(place).free < _FULL_BYTES:
        raise ToolError(f"the disk with {place} is full",
                        "make room; then the same command goes on where it was")


def _first_line(text: str) -> str:
    """Of a failed build the line that says why: the first error."""
    lines: Iterator[str] = (line.strip() for line in text.splitlines())
    head, rest = next(lines, ""), list(lines)
    error = next((line for line in rest if "error" in line.lower()), rest[0] if rest else "")
    return f"{head.rstrip(':')}: {error}" if error else head
