# SPDX-License-Identifier: GPL-2.0
"""Bisections of histories that are made up here, for the tests of what is
shown of one."""

from __future__ import annotations

import hashlib
import random
from collections.abc import Callable, Sequence
from dataclasses import replace

from bisection.outcomes import Answer, Commit, Outcome, Ran, Step
from bisection.view import Measured, View

SIGNATURE = "fail node-pointer-kept lifetime"
CLEAN = 5


def name(number: int) -> str:
    """Of the commit with this number: 40 hex digits, as git's are."""
    return hashlib.sha1(str(number).encode()).hexdigest()


def history(count: int, subject: str = "mm/slub: change number {}") -> tuple[Commit, ...]:
    return tuple(Commit(name(at), subject.format(at), (name(at - 1),) if at else ())
                 for at in range(count))


def _runs(commit: str, bad: bool, draw: random.Random) -> tuple[Ran, ...]:
    ran: list[Ran] = []
    while sum(one.outcome is Outcome.GOOD for one in ran) < CLEAN:
        seen = bad and draw.random() < 0.5
        ran.append(Ran(commit, len(ran), draw.randrange(10**6),
                       Outcome.BAD if seen else Outcome.GOOD, SIGNATURE if seen else "26 pass",
                       seconds=draw.uniform(6, 9), files=f"runs/{commit[:16]}/{len(ran)}"))
        if seen:
            break
    return tuple(ran)


def step(commit: Commit, bad: bool, draw: random.Random) -> Step:
    ran = _runs(commit.name, bad, draw)
    seen = ran[-1].outcome is Outcome.BAD
    return Step(commit.name, commit.subject, Answer.BAD if seen else Answer.GOOD,
                f"seen in run {len(ran) - 1}" if seen else f"{CLEAN} clean runs",
                draw.uniform(20, 90), ran)


def skipped(commit: Commit) -> Step:
    return Step(commit.name, commit.subject, Answer.SKIP, "it does not build: 'x' undeclared", 40)


def bisected(count: int, culprit: int, skips: Sequence[int] = (), upto: int = 99,
             subject: str = "mm/slub: change number {}") -> View:
    """A bisection of `count` commits up to its end, or of `upto` questions."""
    draw, commits = random.Random(1), history(count, subject)
    steps = [step(commits[-1], True, draw), step(commits[0], False, draw)]
    good, bad, asked = 0, count - 1, set[int]()
    while len(asked) < upto:
        pool = [at for at in range(good + 1, bad) if at not in asked]
        if not pool:
            break
        at = min(pool, key=lambda one: abs(2 * one - good - bad))
        asked.add(at)
        steps.append(skipped(commits[at]) if at in skips else
                     step(commits[at], at >= culprit, draw))
        if steps[-1].answer is Answer.BAD:
            bad = at
        elif steps[-1].answer is Answer.GOOD:
            good = at
    view = View("made-up", SIGNATURE, commits[0].name, commits[-1].name, commits, tuple(steps),
                (("GOOD", "v1"), ("BAD", "v2")), Measured(10, 20, 0.27, 0.73), CLEAN)
    if bad - good == 1:
        return replace(view, first_bad=commits[bad].name, sure=0.963,
                       why=f"{CLEAN} clean runs at each good commit",
                       evidence=("cache kmalloc-64 node 1: a pointer became 0",))
    if len(asked) < upto:
        return replace(view, suspects=tuple(commit.name for commit in commits[good + 1:bad + 1]),
                       sure=0.95, why="skipped commits lie between")
    return view


CASES: dict[str, Callable[[], View]] = {
    "found": lambda: bisected(9, 6),
    "one step": lambda: bisected(2, 1),
    "not begun": lambda: replace(bisected(9, 6), steps=(), first_bad="", sure=None, why="",
                                 evidence=(), measured=None),
    "not ended": lambda: bisected(25, 17, upto=2),
    "skips": lambda: bisected(25, 17, skips=(12, 15, 16, 17, 18)),
    "4000 commits": lambda: bisected(4001, 1234, subject="mm: <b>no</b> {} & a " + "long " * 60),
}
