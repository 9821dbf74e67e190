# SPDX-License-Identifier: GPL-2.0
"""Bisections without kernels: the same rules, with outcomes that are drawn, or
that were recorded from a kernel that has its bug now and then.

Says how often such a bisection finds the right commit and what it costs, and
what comes of asking each commit once, which is what `git bisect run` does by
itself.
"""

from __future__ import annotations

import json
import random
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

from bisection import posterior, statistics
from bisection.outcomes import Answer, Commit, Outcome, Ran, Step
from bisection.statistics import Plan, Rate
from errors import ToolError

MOST_RUNS_OF_BAD = 100_000
PIECE = 5
# Outcomes of one commit's runs, without end.
Stream = Iterator[Outcome]
Source = Callable[[random.Random], Stream]


def coin(rate: float) -> Source:
    """A kernel that shows the bug at this rate, each run by itself."""

    def stream(rng: random.Random) -> Stream:
        while True:
            yield Outcome.BAD if rng.random() < rate else Outcome.GOOD

    return stream


def replayed(outcomes: Sequence[Outcome]) -> Source:
    """Recorded runs in pieces of PIECE on average, from places that are drawn,
    round and round (the stationary bootstrap: Politis and Romano, J. Am. Stat.
    Assoc. 89 (1994) 1303). What a run has to do with the one before it is kept,
    and clean runs can last longer than they did in the record."""

    def stream(rng: random.Random) -> Stream:
        at = rng.randrange(len(outcomes))
        while True:
            yield outcomes[at % len(outcomes)]
            at = rng.randrange(len(outcomes)) if rng.random() * PIECE < 1 else at + 1

    return stream


def after(outcomes: Sequence[Outcome], before: Outcome) -> Rate:
    """How often the bug showed in the run after one that came to `before`: two
    rates that should not differ, if runs have nothing to do with each other."""
    told = [one for one in outcomes if one in (Outcome.BAD, Outcome.GOOD)]
    next_ones = [late for early, late in zip(told, told[1:], strict=False) if early is before]
    return Rate(next_ones.count(Outcome.BAD), len(next_ones))


def recorded(path: Path, commit: str = "") -> list[Outcome]:
    """Outcomes of a file with a run in each line that has one, or of a session's
    directory, by number; of one commit, or of the one that has the most runs.
    Lines that are no run's are passed over."""
    path = path / "journal.jsonl" if path.is_dir() else path
    by_commit: dict[str, dict[int, Outcome]] = {}
    try:
        text = path.read_text()
    except OSError as error:
        raise ToolError(f"{path} cannot be read: {error.strerror}",
                        "name a bisection's directory, or its journal") from error
    for line in text.splitlines():
        try:
            values = json.loads(line)
            outcome = Outcome(values["outcome"])
            by_commit.setdefault(values["commit"], {})[values["number"]] = outcome
        except (ValueError, KeyError, TypeError):
            continue
    chosen = [runs for name, runs in by_commit.items() if name.startswith(commit)]
    if not chosen:
        of = f" of {commit}" if commit else ""
        raise ToolError(f"{path} has no run{of}", "a bisection's journal has a line for each run")
    most = max(chosen, key=len)
    return [most[number] for number in sorted(most)]


def chain(commits: int) -> list[Commit]:
    """GOOD and so many commits on it, each on the one before."""
    return [Commit(str(at), "", (str(at - 1),)) for at in range(commits + 1)]


@dataclass(frozen=True)
class Flaky:
    """What runs come to before and after the bug."""

    bad: Source
    good: Source = coin(0.0)


@dataclass(frozen=True)
class Result:
    """Of one bisection. `runs` are all of them, those of BAD and GOOD too."""

    right: bool
    runs: int
    measured: int
    clean_runs: int
    named: int = 0
    steps: tuple[Step, ...] = ()
    plan: Plan | None = None

    @property
    def confidence(self) -> float:
        """As a real bisection would say it."""
        if not self.plan:
            return 0.0
        return posterior.confidence(self.plan, chain(self.plan.commits), self.steps,
                                    {str(self.named)})


def _measured(stream: Stream, sights: int) -> Rate:
    """BAD's rate, as it is measured: until the bug was seen so often."""
    bad = clean = 0
    for outcome in islice(stream, MOST_RUNS_OF_BAD):
        bad += outcome is Outcome.BAD
        clean += outcome is Outcome.GOOD
        if bad == sights:
            break
    return Rate(bad, bad + clean)


def _background(stream: Stream, runs: int) -> Rate:
    seen = list(islice(stream, runs))
    bad = seen.count(Outcome.BAD)
    return Rate(bad, bad + seen.count(Outcome.GOOD))


def _asked(plan: Plan, commit: int, stream: Stream) -> Step:
    """A step, its runs numbered as they would be."""
    counts = dict.fromkeys(Outcome, 0)
    ran: list[Ran] = []
    answer: Answer | None = None
    while answer is None:
        outcome = next(stream)
        counts[outcome] += 1
        ran.append(Ran(str(commit), len(ran), 0, outcome, ""))
        answer = statistics.answered(plan, counts[Outcome.BAD], counts[Outcome.GOOD],
                                     counts[Outcome.OTHER] + counts[Outcome.BROKEN])
    return Step(str(commit), "", answer, "", 0.0, tuple(ran))


def bisected(commits: int, first_bad: int, flaky: Flaky, error: float,
             rng: random.Random, background_runs: int = 0) -> Result:
    """One bisection of commits 1 to `commits` = BAD; 0 is GOOD, of which so many
    runs say how often it shows the bug itself."""
    rate = _measured(flaky.bad(rng), statistics.sights_wanted(commits, error))
    background = _background(flaky.good(rng), background_runs)
    plan = statistics.plan(rate, commits, error, background)
    good = _asked(plan, 0, flaky.good(rng))
    runs = rate.runs + background.runs + len(good.ran)
    last_good, named, steps = 0, commits, []
    while named - last_good > 1 and good.answer is Answer.GOOD:
        middle = (last_good + named) // 2
        source = flaky.bad if middle >= first_bad else flaky.good
        step = _asked(plan, middle, source(rng))
        steps.append(step)
        runs += len(step.ran)
        if step.answer is Answer.BAD:
            named = middle
        else:
            last_good = middle
    right = named == first_bad and good.answer is Answer.GOOD
    return Result(right, runs, rate.runs, plan.clean_runs, named, tuple(steps),
                  plan)


def naive(commits: int, first_bad: int, flaky: Flaky, rng: random.Random) -> Result:
    """Each commit is asked once, and believed."""
    last_good, named, runs = 0, commits, 0
    while named - last_good > 1:
        middle = (last_good + named) // 2
        source = flaky.bad if middle >= first_bad else flaky.good
        runs += 1
        if next(source(rng)) is Outcome.BAD:
            named = middle
        else:
            last_good = middle
    return Result(named == first_bad, runs, 0, 1, named)


@dataclass(frozen=True)
class Row:
    """Many bisections of one kind, and the naive ones beside them, of the same
    commits."""

    commits: int
    shows: str
    ours: tuple[Result, ...]
    naive: tuple[Result, ...]

    @property
    def right(self) -> Rate:
        return Rate(sum(one.right for one in self.ours), len(self.ours))

    @property
    def naively_right(self) -> Rate:
        return Rate(sum(one.right for one in self.naive), len(self.naive))


def many(commits: int, shows: str, flaky: Flaky, error: float, times: int, seed: int) -> Row:
    """`times` bisections, the first bad commit drawn for each. Same seed, same row."""
    rng = random.Random(f"{seed}/{commits}/{shows}")
    ours, theirs = [], []
    for _ in range(times):
        first_bad = rng.randrange(1, commits + 1)
        ours.append(bisected(commits, first_bad, flaky, error, rng))
        theirs.append(naive(commits, first_bad, flaky, rng))
    return Row(commits, shows, tuple(ours), tuple(theirs))


def _spread(values: Sequence[int]) -> tuple[int, int, int]:
    """Median, and what nine in ten lie between."""
    ordered = sorted(values)
    last = len(ordered) - 1
    return ordered[last // 2], ordered[round(last * 0.05)], ordered[round(last * 0.95)]


HEADER = (f"{'':18}{'runs of':>9}{'a good':>9}{'in all':>9}{'':>14}{'':>10}{'naive':>10}\n"
          f"{'commits':<9}{'shows in':<9}{'BAD':>9}{'takes':>9}{'runs':>9}"
          f"{'90 % within':>14}{'right':>10}{'right':>10}")


def line_of(row: Row) -> str:
    """80 columns: what is measured of BAD, what a good takes, what comes of it."""
    bad = _spread([one.measured for one in row.ours])[0]
    good = _spread([one.clean_runs for one in row.ours])[0]
    runs, least, most = _spread([one.runs for one in row.ours])
    return (f"{row.commits:<9}{row.shows:<9}{bad:>9}{good:>9}{runs:>9}{f'{least}..{most}':>14}"
            f"{100 * row.right.point:>8.1f} %{100 * row.naively_right.point:>8.1f} %")
