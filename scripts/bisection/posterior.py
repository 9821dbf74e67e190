# SPDX-License-Identifier: GPL-2.0
"""How sure a bisection's result is, once its runs are known.

The plan's error is that of all such bisections. One that ends after a good and
six bads in a row is less sure than that, as a bug among the many commits that
the good took out explains all of it with one accident; one whose last answer
was a good is surer. So every commit of the range is weighed by what was seen:
before the first run each was as likely to have brought the bug, which all
commits that descend from it have, and no others (Bayes).
"""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

from bisection.outcomes import Answer, Commit, Outcome, Step
from bisection.statistics import Plan, Rate, counted, percent

# Of an accident that is worth a word.
UNLIKELY = 0.01


@dataclass(frozen=True)
class Weighed:
    """Of a commit that was asked: the runs that count."""

    commit: str
    bad: int
    clean: int


def _weighed(steps: Sequence[Step], more: Mapping[str, int]) -> list[Weighed]:
    """Runs count whatever was made of them; `more` are clean runs to come."""
    found = []
    for step in steps:
        outcomes = [one.outcome for one in step.ran]
        found.append(Weighed(step.commit, outcomes.count(Outcome.BAD),
                             outcomes.count(Outcome.GOOD) + more.get(step.commit, 0)))
    return found


def _ancestors(commits: Sequence[Commit]) -> dict[str, int]:
    """Of each commit a set as bits: itself and all of the range that it is made
    on. `commits` have parents before children."""
    found: dict[str, int] = {}
    for at, commit in enumerate(commits):
        found[commit.name] = 1 << at
        for parent in commit.parents:
            found[commit.name] |= found.get(parent, 0)
    return found


def _likelihood(plan: Plan, told: Sequence[Weighed], has_bug: Sequence[bool]) -> float:
    """Of the runs, if these commits have the bug and the others do not."""
    pairs = list(zip(told, has_bug, strict=True))
    if not plan.has_background:
        if any(one.bad and not has for one, has in pairs):
            return 0.0
        return plan.missed(sum(one.clean for one, has in pairs if has and not one.bad))
    total = 0.0
    for one, has in pairs:
        rate = plan.rate_low if has else plan.background_high
        total += one.bad * math.log(rate) + one.clean * math.log(1 - rate)
    return math.exp(total)


def probabilities(plan: Plan, commits: Sequence[Commit], steps: Sequence[Step],
                  more: Mapping[str, int] | None = None) -> dict[str, float]:
    """Of each commit that it brought the bug. `commits` are GOOD and the range,
    each after its parents; of GOOD it is 0. Empty if nothing explains the runs."""
    sets = _ancestors(commits)
    told = [one for one in _weighed(steps, more or {}) if one.commit in sets]
    weights = {}
    for commit in commits[1:]:
        own = sets[commit.name].bit_length() - 1
        weights[commit.name] = _likelihood(
            plan, told, [bool(sets[one.commit] >> own & 1) for one in told])
    whole = sum(weights.values())
    return {name: weight / whole for name, weight in weights.items()} if whole else {}


def confidence(plan: Plan, commits: Sequence[Commit], steps: Sequence[Step],
               suspects: Collection[str]) -> float:
    """How likely the first bad commit is one of `suspects`."""
    found = probabilities(plan, commits, steps)
    return min(1.0, sum(found.get(name, 0.0) for name in suspects))


def confirming(plan: Plan, commits: Sequence[Commit], steps: Sequence[Step],
               suspects: Collection[str]) -> tuple[str, int] | None:
    """A good commit to ask again, and the clean runs more that make the result
    as sure as was asked for, or surer at least; None if it is so already. There
    is nothing to ask again where no commit was good."""
    found = probabilities(plan, commits, steps)
    if plan.has_background or not found or _doubt(found, suspects) <= plan.error:
        return None
    sets = _ancestors(commits)
    place = {commit.name: at for at, commit in enumerate(commits)}

    def doubt_behind(name: str) -> float:
        return sum(chance for other, chance in found.items()
                   if other not in suspects and sets[name] >> place[other] & 1)

    goods = [step.commit for step in steps if step.answer is Answer.GOOD and step.commit in sets]
    again = max(goods, key=doubt_behind, default="")
    if not again or not doubt_behind(again):
        return None
    for runs in range(1, plan.clean_runs + 1):
        if _doubt(probabilities(plan, commits, steps, {again: runs}), suspects) <= plan.error:
            return again, runs
    return again, plan.clean_runs


def _doubt(found: Mapping[str, float], suspects: Collection[str]) -> float:
    return sum(chance for name, chance in found.items() if name not in suspects)


def seen_again(steps: Sequence[Step]) -> Rate:
    """How often the bug showed at the commits that were bad."""
    bad = [one for one in _weighed(steps, {}) if one.bad]
    return Rate(sum(one.bad for one in bad), sum(one.bad + one.clean for one in bad))


def rarer(plan: Plan, again: Rate) -> float:
    """How often the bad steps would show the bug as rarely as they did, or more
    so, if it were as frequent there as on BAD: the exact test that does without
    the rate, the negative hypergeometric's tail (Johnson, Kemp, Kotz, chapter 6)."""
    clean, there = plan.rate.runs - plan.rate.bad, again.runs - again.bad
    if not again.bad:
        return 1.0
    whole, sights = clean + there, plan.rate.bad + again.bad

    def ways(runs: int, seen: int) -> int:
        return math.comb(runs + seen - 1, runs)

    tail = sum(ways(at, again.bad) * ways(whole - at, plan.rate.bad)
               for at in range(there, whole + 1))
    return tail / ways(whole, sights)


def rests_on(plan: Plan, steps: Sequence[Step]) -> list[str]:
    """What the confidence takes for granted, each a line for the result."""
    again = seen_again(steps)
    shown = (f"; at the bad steps it showed in {again.bad} of {again.runs} runs"
             if again.runs else "")
    background = ("GOOD's own rate holds for all good commits" if plan.has_background else
                  "no good commit ever shows the bug: one sight of it makes a commit bad")
    skipped = sum(step.answer not in (Answer.GOOD, Answer.BAD) for step in steps)
    lines = ["runs are independent: each boots anew, with a seed of its own",
             f"the bug is as frequent on every bad commit as on BAD, {plan.rate.bad} of "
             f"{plan.rate.runs} runs{shown}",
             background,
             "one commit brought the bug, and it stayed; before the first run all commits of "
             "the range were as likely",
             f"of all such bisections at most {percent(plan.error)} end wrong"]
    if (chance := rarer(plan, again)) < UNLIKELY:
        lines.append(f"but the bad steps showed it more rarely than BAD, by accident in "
                     f"{percent(chance)} of all cases: a good may have had too few clean runs")
    if skipped:
        lines.append(f"{counted(skipped, 'commit')} could not be asked; "
                     "where that leaves more than one commit, the confidence is that the first "
                     "bad one is among these")
    return lines
