# SPDX-License-Identifier: GPL-2.0
"""How sure a bisection's result is, once its steps are known.

The plan's error is that of all such bisections. One that ends after a good and
six bads in a row is less sure than that, as another first bad commit among
those that the good excluded explains all of it with one accident; one whose
last answer was a good is surer. Here the answers that were given are weighed,
with every commit of the range as likely the first bad one before the first run.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from bisection.outcomes import Answer, Outcome, Step
from bisection.statistics import Plan, Rate, log_ratio, percent


@dataclass(frozen=True)
class Weighed:
    """An answered question: which, and the runs that count."""

    answer: Answer
    bad: int
    clean: int


def _weighed(steps: Sequence[Step]) -> list[Weighed]:
    found = []
    for step in steps:
        if step.answer in (Answer.GOOD, Answer.BAD):
            outcomes = [one.outcome for one in step.ran]
            found.append(Weighed(step.answer, outcomes.count(Outcome.BAD),
                                 outcomes.count(Outcome.GOOD)))
    return found


def _accident(plan: Plan, later: Sequence[Weighed], answer: Answer) -> float:
    """How much less likely than by the result these answers are, if those of
    this kind are all wrong. Clean runs of several commits have one rate."""
    wrong = [one for one in later if one.answer is answer]
    bad, clean = sum(one.bad for one in wrong), sum(one.clean for one in wrong)
    if not plan.has_background:
        return plan.missed(clean) if answer is Answer.GOOD else 0.0
    ratio = log_ratio(plan, bad, clean)
    return math.exp(min(0.0, ratio if answer is Answer.GOOD else -ratio))


def _odds(plan: Plan, answered: Sequence[Weighed]) -> float:
    """Of any other commit against the named one. An answer halves the range: the
    last of them took as many commits out as are left, the one before twice that."""
    last = len(answered) - 1
    return sum(2.0 ** (last - at) * _accident(plan, answered[at:], one.answer)
               for at, one in enumerate(answered))


def confidence(plan: Plan, steps: Sequence[Step]) -> float:
    """How likely the result of these steps is right, of the commits that are
    left. `steps` are those of git bisect in their order; GOOD and BAD are not
    among them."""
    return 1 / (1 + _odds(plan, _weighed(steps)))


def confirming_runs(plan: Plan, steps: Sequence[Step]) -> int:
    """Clean runs more that the last good commit takes for the result to be as
    sure as was asked for; 0 if it is. There is nothing to confirm in a result
    without any good: GOOD itself was asked for that."""
    answered = _weighed(steps)
    goods = [at for at, one in enumerate(answered) if one.answer is Answer.GOOD]
    if not goods or plan.has_background:
        return 0
    wanted, more, one = plan.error / (1 - plan.error), 0, answered[goods[-1]]
    while _odds(plan, answered) > wanted:
        more += 1
        answered[goods[-1]] = Weighed(one.answer, one.bad, one.clean + more)
    return more


def seen_again(steps: Sequence[Step]) -> Rate:
    """How often the bug showed at the commits that were bad."""
    bad = [one for one in _weighed(steps) if one.answer is Answer.BAD]
    return Rate(sum(one.bad for one in bad), sum(one.bad + one.clean for one in bad))


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
    if skipped:
        lines.append(f"{skipped} commits could not be asked; where they leave more than one "
                     "commit, the confidence is that the first bad one is among these")
    return lines
