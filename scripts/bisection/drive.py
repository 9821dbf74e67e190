# SPDX-License-Identifier: GPL-2.0
"""A whole bisection: how often the bug shows on BAD, whether GOOD has it too,
then git's walk between them, question by question; at every moment it may be
stopped, and the same request goes on from there.

One commit's question is in step.py; what came out is shown by told.py, page.py.
"""

from __future__ import annotations

import json
import textwrap
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from bisection import posterior, statistics
from bisection.outcomes import Answer, Outcome, Ran
from bisection.session import Session
from bisection.step import Asker, Built, OutOfTime
from bisection.tree import Walk
from errors import SourceError, ToolError
from qemu.store import write_whole

# Where the bug showed, but less often than it should have, after so many times
# the runs in which it should have shown at all, what there is must do.
_PATIENCE = 10


@dataclass(frozen=True)
class Result:
    """What is known at the end, or so far: `first_bad`, or the suspects of which
    any may be it. `missing` says what an answer still takes, "" when it is there."""

    first_bad: str
    suspects: tuple[str, ...]
    sure: float | None
    why: str
    missing: str = ""

    @property
    def found(self) -> bool:
        return bool(self.first_bad)


@dataclass
class Bisection:
    """One session at work."""

    session: Session
    asker: Asker
    walk: Walk
    runs_most: int  # on BAD, to see the bug at all
    say: Callable[[str], None]

    def run(self) -> Result:
        """To the end, or to that of the time; its files are up to date then."""
        request = self.session.request
        self.session.add("began")
        plan: statistics.Plan | None = None
        try:
            plan = self._plan()
            self._ask_good(plan)
            self._walked(plan)
            while self._asked_again(plan):
                self._walked(plan)
            result = self._ended(plan)
            self.asker.bench.close()
        except OutOfTime:
            result = self._out_of_time(plan)
        finally:
            self.session.add("paused")
        self._keep(result, plan)
        self.walk.remove()
        return result

    def _walked(self, plan: statistics.Plan) -> None:
        """From the start, over all that is known, to the end."""
        self.walk.start(self.session.request.good, self.session.request.bad)
        while (commit := self.walk.next()):
            self._question(commit, plan)

    def _asked_again(self, plan: statistics.Plan) -> bool:
        """A good commit once more, where the runs that came make the result less
        sure than was asked for; False where it is sure enough."""
        found = posterior.confirming(plan, self.session.commits(), self.session.steps(),
                                     self.walk.suspects())
        if found is None:
            return False
        commit, more = found
        self.say(f"{commit[:12]} again: {more} clean runs more, for the result to be as sure as "
                 "was asked for")
        self.asker.confirm(commit, plan, more)
        return True

    @property
    def _commits(self) -> int:
        return len(self.session.commits()) - 1

    def _rate(self) -> statistics.Rate:
        """How often the bug showed on BAD, as far as that is known."""
        request = self.session.request
        sights = statistics.sights_wanted(self._commits, request.error)
        return statistics.measured(self.session.ran(request.bad), sights)

    def _plan(self) -> statistics.Plan:
        """Measure BAD, unless that was done, and say what an answer takes."""
        request = self.session.request
        if self.asker.known(request.bad) is None:
            self._measure()
        plan = statistics.plan(self._rate(), self._commits, request.error)
        ran = self.session.ran(request.bad)
        self.say(f"'{self.session.signature()}' on BAD; what an answer takes:")
        self.say(plan.said(sum(one.seconds for one in ran) / len(ran), self.asker.bench.jobs,
                           self.asker.build_s(request.good)))
        return plan

    def _measure(self) -> None:
        request = self.session.request
        bad = request.bad
        self.say(f"BAD is {bad[:12]} (\"{self.asker.subject(bad)}\"); how often does it fail?")
        built = self._end_built(bad, "BAD")
        self._end_built(request.good, "GOOD")  # that it builds is known before hours
        while not self._measured(self.session.ran(bad)):
            self.asker.runs(built, 2 * self.asker.bench.jobs, self._measured)
        rate = self._rate()
        self.session.add("rate", bad=rate.bad, runs=rate.runs)
        self.asker.answered(bad, Answer.BAD, rate.said())

    def _end_built(self, commit: str, name: str) -> Built:
        try:
            return self.asker.prepared(commit)
        except SourceError as error:
            raise ToolError(f"{name}={commit[:12]} cannot be asked: {error}", error.hint) from error

    def _measured(self, ran: tuple[Ran, ...]) -> bool:
        """Whether the rate is known; ToolError where that will not come."""
        sights = statistics.sights_wanted(self._commits, self.session.request.error)
        rate = statistics.measured(ran, sights)
        if rate.bad >= sights or rate.runs >= _PATIENCE * self.runs_most and rate.bad:
            return True
        hunted = self.session.signature()
        silent = [one for one in ran if one.outcome in (Outcome.BROKEN, Outcome.OTHER)]
        if not rate.bad and len(silent) >= statistics.UNANSWERED and len(silent) > rate.runs:
            other = next((one for one in silent if one.outcome is Outcome.OTHER), None)
            if other:
                raise ToolError(f"BAD fails, but not with '{hunted}': {other.said}",
                                "leave SIGNATURE out to hunt the first failure that shows")
            raise ToolError(f"BAD gives no answer in {len(silent)} of {len(ran)} runs: "
                            f"{silent[0].said}", "a commit near it that boots: BAD=…")
        if rate.bad or rate.runs < self.runs_most:
            return False
        what = f"'{hunted}'" if hunted else "a failure"
        high = statistics.percent(rate.high(1 - statistics.CONFIDENCE))
        raise ToolError(
            f"BAD did not show {what} in {rate.runs} runs: with 95 % confidence less than {high} "
            "of them do",
            "ask for what provokes it (SCENARIO, SECONDS, WIDEN, CONFIG), or for more runs: "
            f"RUNS={4 * self.runs_most} goes on from these")

    def _ask_good(self, plan: statistics.Plan) -> None:
        good = self.session.request.good
        if self.asker.known(good) is None:
            self.say(f"GOOD is {good[:12]} (\"{self.asker.subject(good)}\")")
        step = self.asker.ask(good, plan)
        if step.answer is Answer.BAD:
            raise ToolError(f"GOOD={good[:12]} fails, too: {step.why}",
                            "an older commit as GOOD; the bug may be older than this one")
        if step.answer is not Answer.GOOD:
            raise ToolError(f"GOOD={good[:12]} cannot be asked: {step.why}",
                            "a commit near it that builds, boots and passes: GOOD=…")

    def _question(self, commit: str, plan: statistics.Plan) -> None:
        known = self.asker.known(commit)
        if known is None:
            left, steps = self.walk.left()
            self.say(f"{commit[:12]} (\"{self.asker.subject(commit)}\"); {left} commits left, "
                     f"about {steps + 1} questions{self._time_left(steps + 1)}")
            self._keep(self._so_far(plan), plan)
        step = self.asker.ask(commit, plan)
        self.say(f"{commit[:12]} is {step.answer}: {textwrap.shorten(step.why, 80)}"
                 + (" (known from before)" if known else ""))
        self.walk.mark(commit, step.answer)

    def _time_left(self, questions: int) -> str:
        """From what questions took so far."""
        steps = [step for step in self.session.steps() if step.answer is not Answer.SKIP]
        if len(steps) < 3:
            return ""
        took = sum(step.build_s + sum(ran.seconds for ran in step.ran) / self.asker.bench.jobs
                   for step in steps[2:]) / (len(steps) - 2)
        return f", about {questions * took / 60:.0f} min"

    def _so_far(self, plan: statistics.Plan, missing: str = "not ended") -> Result:
        suspects = tuple(self.walk.suspects()) if self.walk.place.exists() else ()
        return Result("", suspects, None, missing, missing)

    def _ended(self, plan: statistics.Plan) -> Result:
        suspects = tuple(self.walk.suspects())
        steps = self.session.steps()
        sure = posterior.confidence(plan, self.session.commits(), steps, suspects)
        why = "; ".join(posterior.rests_on(plan, [step for step in steps if step.commit not in (
            self.session.request.good, self.session.request.bad)]))
        if len(suspects) == 1:
            return Result(suspects[0], (), sure, why)
        skipped = ", ".join(commit[:12] for commit in suspects[1:4])
        return Result("", suspects, sure, why,
                      f"any of {len(suspects)} commits may be it, because some could not be "
                      f"asked: {skipped}{' ...' if len(suspects) > 4 else ''}")

    def _out_of_time(self, plan: statistics.Plan | None) -> Result:
        spent = "the time of HOURS= is spent"
        if plan is None:
            rate = self._rate()
            text = f"{spent}; BAD showed the bug in {rate.bad} of {rate.runs} runs so far"
            return Result("", (), None, text, f"{text}. The same command goes on")
        so_far = self._so_far(plan)
        count = len(so_far.suspects) or self._commits
        half = ""
        if self.walk.place.exists() and (commit := self.walk.next()):
            ran = self.session.ran(commit)
            timed = ran or self.session.ran()
            mean = sum(one.seconds for one in timed) / max(len(timed), 1)
            half = f"; of {commit[:12]}: " + statistics.still_missing(
                plan, [one.outcome for one in ran], mean / self.asker.bench.jobs)
        text = (f"{spent}: {count} commits may be the first bad one{half}. "
                "The same command goes on")
        return Result("", so_far.suspects, None, text, text)

    def _keep(self, result: Result, plan: statistics.Plan | None) -> None:
        """result.json, and git's log as it stands."""
        rate = self._rate()
        low, high = rate.interval(statistics.CONFIDENCE)
        values: dict[str, Any] = {
            "first_bad": result.first_bad, "suspects": list(result.suspects), "sure": result.sure,
            "why": result.why, "missing": result.missing, "signature": self.session.signature(),
            "good": self.session.request.good, "bad": self.session.request.bad,
            "measured": {"bad": rate.bad, "runs": rate.runs, "low": low, "high": high,
                         "confidence": statistics.CONFIDENCE},
            "clean_runs": plan.clean_runs if plan else 0,
            "skipped": [[step.commit, step.why] for step in self.session.steps()
                        if step.answer in (Answer.SKIP, Answer.UNSURE)],
            "seconds": round(self.session.worked_s(), 1)}
        if self.walk.place.exists():
            write_whole(self.session.directory / "git-bisect.log", self.walk.log().encode())
        write_whole(self.session.directory / "result.json",
                    (json.dumps(values, indent=1) + "\n").encode())
