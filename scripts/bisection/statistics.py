# SPDX-License-Identifier: GPL-2.0
"""How many runs an answer takes when a bug does not show in every run, and
when enough have been made.

The rule. BAD is run until the bug was seen k times; N is how many runs that
took. A commit is good after n = ceil(r (N - k/2)) clean runs, where
(1 + r)^-k = error / questions. Then a bad commit is called good in at most
error / questions of all cases, whatever the bug's true rate p is, the luck of
the measurement included. For with q = 1 - p, N - k is negative binomial, and

    E[q^n] <= (p q^(r/2) / (1 - q^(1+r)))^k = (sinh y / sinh (1+r)y)^k,

y = -ln(q) / 2, which is at most (1 + r)^-k as sinh is convex on y >= 0. The
equality is the negative binomial's generating function (Johnson, Kemp, Kotz:
Univariate Discrete Distributions, chapter 5). So no share of the error has to be set
aside for not knowing the rate: it is inside each question's. Questions are the
steps and GOOD itself; their shares are equal and add up (Boole).

Only the first answer can be wrong by luck: one sight of the bug makes a commit
bad, as long as GOOD never shows it. If GOOD does, Wald's sequential test of
two rates decides (Wald, Ann. Math. Stat. 16 (1945) 117); then half of the
error is for the bounds of both rates, half for the questions.

What all this rests on is said by rests_on() in posterior.py.
"""

from __future__ import annotations

import importlib
import math
import sys
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from bisection.outcomes import Answer, Outcome, Ran
from errors import ToolError

ERROR = 0.05
CONFIDENCE = 0.95
# Runs of BAD without the bug after which it is said that it does not show:
# then its rate is below 1 in 20, with CONFIDENCE.
NEVER = 59
# Runs in a row that give no answer, after which a commit is passed over.
UNANSWERED = 3
_MOST_SIGHTS = 60
_GRID = 400


def _beta_quantile(at: float, a: float, b: float) -> float:
    """The only place that needs SciPy, and only when it is called."""
    try:
        beta = importlib.import_module("scipy.stats").beta
    except ImportError as error:
        raise ToolError(f"the interval of a rate takes SciPy, which {sys.executable} does not have",
                        "make deps FOR=bisect installs it for Debian's own /usr/bin/python3"
                        ) from error
    return float(beta.ppf(at, a, b))


@dataclass(frozen=True)
class Rate:
    """How often the bug was seen; runs that gave no answer are not among `runs`."""

    bad: int
    runs: int

    def __post_init__(self) -> None:
        if not 0 <= self.bad <= self.runs:
            raise ToolError(f"{self.bad} of {self.runs} runs is no rate",
                            "say BAD/RUNS, e.g. 3/15: seen in 3 of 15 runs")

    @property
    def point(self) -> float:
        return self.bad / self.runs if self.runs else 0.0

    def low(self, error: float) -> float:
        """It is below this bound in at most `error` of all measurements
        (Clopper, Pearson: Biometrika 26 (1934) 404). The bound is the same
        whether the runs or the sights were fixed beforehand."""
        return _beta_quantile(error, self.bad, self.runs - self.bad + 1) if self.bad else 0.0

    def high(self, error: float) -> float:
        clean = self.runs - self.bad
        return _beta_quantile(1 - error, self.bad + 1, clean) if clean else 1.0

    def interval(self, confidence: float = CONFIDENCE) -> tuple[float, float]:
        """Both bounds, half of what confidence leaves on each side."""
        outside = (1 - confidence) / 2
        return self.low(outside), self.high(outside)

    def said(self) -> str:
        low, high = self.interval()
        return (f"{self.bad} of {self.runs} runs, {percent(self.point)} "
                f"({percent(low)} to {percent(high)} with {percent(CONFIDENCE)} confidence)")


def percent(value: float) -> str:
    """Two digits, so that 0.83 % is not rounded to 1 %; 99.96 % is not 100 %."""
    if 0.995 <= value < 1:
        return f"{100 * math.floor(value * 1e4) / 1e4:.2f} %"
    return f"{100 * value:.2g} %" if value < 0.0995 else f"{100 * value:.0f} %"


def steps_for(commits: int) -> int:
    """Questions that git bisect asks, at most, about so many commits in a row."""
    return max(0, math.ceil(math.log2(max(1, commits))))


def growth(sights: int, share: float) -> float:
    """r of the rule: (1 + r)^-sights = share."""
    return float(share ** (-1 / sights)) - 1


def sights_wanted(commits: int, error: float = ERROR) -> int:
    """How often the bug should be seen on BAD before the bisection begins: the
    number that makes the fewest runs in all. With fewer, every good takes more
    clean runs; with more, measuring costs more than it saves. In units of 1/p
    runs, measuring costs k, and a good k r; a good is said of GOOD and, one
    time in two, at a step. So the number does not depend on the rate."""
    steps = steps_for(commits)
    share = error / (steps + 1)
    return min(range(1, _MOST_SIGHTS), key=lambda sights:
               sights * (1 + (1 + steps / 2) * growth(sights, share)))


def _ceil(value: float) -> int:
    return max(1, math.ceil(value - 1e-9))


def _is_enough_for_always(clean: int, sights: int, share: float) -> bool:
    """Whether `clean` runs will do where BAD failed in each of its runs, and
    the rule stays as it is otherwise: its bound with that one term replaced,
    for every rate on a grid."""
    r = growth(sights, share)
    for at in range(1, _GRID):
        p, q = at / _GRID, 1 - at / _GRID
        bound = (p * q ** (r / 2) / (1 - q ** (1 + r))) ** sights
        if bound + p ** sights * (q ** clean - q ** (r * sights / 2)) > share:
            return False
    return True


def clean_runs_for(rate: Rate, share: float) -> int:
    """Clean runs that make a commit good, so that a bad one is called so in at
    most `share` of all cases."""
    by_rule = _ceil(growth(rate.bad, share) * (rate.runs - rate.bad / 2))
    if rate.bad < rate.runs:
        return by_rule
    return next((clean for clean in range(1, by_rule)
                 if _is_enough_for_always(clean, rate.bad, share)), by_rule)


@dataclass(frozen=True)
class Plan:
    """What a bisection takes. `clean_runs` make a commit good; they would be
    right for a known rate of `rate_low`. `background` is what GOOD showed, and
    `background_high` its upper bound, if it showed anything."""

    rate: Rate
    commits: int
    error: float
    clean_runs: int
    rate_low: float
    background: Rate = Rate(0, 0)
    background_high: float = 0.0

    @property
    def steps(self) -> int:
        return steps_for(self.commits)

    @property
    def questions(self) -> int:
        return self.steps + 1

    @property
    def share(self) -> float:
        """Of the error, for one question."""
        whole = self.error / 2 if self.has_background else self.error
        return whole / self.questions

    @property
    def has_background(self) -> bool:
        return self.background.bad > 0

    def missed(self, clean: int) -> float:
        """How often bad commits stay clean for so many runs in all, given what
        BAD showed: the prediction of a Beta(bad, runs - bad + 1/2), which is
        close to the rule's (1 + clean / (N - k/2))^-k."""
        if self.has_background:
            return float((1 - self.rate_low) ** clean)
        least = self.rate.runs - self.rate.bad + 0.5
        return math.prod((least + at) / (least + at + clean) for at in range(self.rate.bad))

    @property
    def expected_bad(self) -> float:
        """Runs that a bad commit takes, on average."""
        p = self.rate.point
        if self.has_background:
            return _wald_runs(self, p)
        return (1 - (1 - p) ** self.clean_runs) / p

    @property
    def expected_good(self) -> float:
        if self.has_background:
            return _wald_runs(self, self.background.point)
        return self.clean_runs

    @property
    def expected_runs(self) -> float:
        """Of all that is to come: GOOD, and steps that are good one time in two."""
        return self.expected_good + self.steps * (self.expected_bad + self.expected_good) / 2

    def said(self, seconds_per_run: float, jobs: int = 1, build_s: float = 0.0) -> str:
        """The plan for people, in runs and in hours."""
        one = seconds_per_run / max(1, jobs)
        whole = self.expected_runs * one + self.steps * build_s
        most = self.questions * (self.clean_runs * one + build_s)
        return "\n".join([
            f"the bug:    seen in {self.rate.said()}",
            *([f"background: GOOD shows it, too: {self.background.said()}"]
              if self.has_background else []),
            f"a good:     {self.clean_runs} clean runs, {duration(self.clean_runs * one)}",
            f"a bad:      {self.expected_bad:.1f} runs on average, "
            f"{duration(self.expected_bad * one)}",
            f"in all:     {counted(self.steps, 'step')} and GOOD, about {self.expected_runs:.0f} runs, "
            f"{duration(whole)}" + (f", at most {duration(most)}" if not self.has_background else ""),
            f"error:      {percent(self.error)} of such bisections may end wrong, "
            f"{percent(self.share)} at each of",
            f"            {self.questions} questions; that the rate is known from "
            f"{self.rate.bad} sights only is in it"])


def counted(number: int, what: str) -> str:
    return f"{number} {what}" + ("" if number == 1 else "s")


def duration(seconds: float) -> str:
    """For people: 40 s, 12 min, 3.5 h."""
    if seconds < 99.5:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 5970 else f"{seconds / 3600:.1f} h"


def plan(rate: Rate, commits: int, error: float = ERROR,
         background: Rate = Rate(0, 0)) -> Plan:
    """The plan for `commits` commits, BAD among them, GOOD not; ToolError where
    there cannot be one."""
    if not 0 < error < 0.5:
        raise ToolError(f"ERROR={percent(error)} is no error that a bisection may have",
                        "say percent between 0 and 50, e.g. ERROR=5")
    if rate.bad == 0:
        below = f"; it shows in less than {percent(rate.high(1 - CONFIDENCE))} of them, with " \
                f"{percent(CONFIDENCE)} confidence" if rate.runs else ""
        raise ToolError(f"BAD did not show the bug in {rate.runs} runs{below}",
                        "is the signature right, and what runs? A rarer bug takes more RUNS, "
                        "or something that makes it more frequent: WIDEN, SECONDS, TOPOLOGY")
    if background.bad:
        return _plan_of_two_rates(rate, commits, error, background)
    share = error / (steps_for(commits) + 1)
    clean = clean_runs_for(rate, share)
    return Plan(rate, commits, error, clean, 1 - share ** (1 / clean))


def _plan_of_two_rates(rate: Rate, commits: int, error: float, background: Rate) -> Plan:
    low, high = rate.low(error / 4), background.high(error / 4)
    if high >= low:
        raise ToolError(f"GOOD shows the bug in {background.bad} of {background.runs} runs, and BAD "
                        f"in {rate.bad} of {rate.runs}: these cannot be told apart",
                        "more runs of both may, a narrower SIGNATURE sooner")
    found = Plan(rate, commits, error, 1, low, background, high)
    upper, lower = _wald_bounds(found)
    clean = _ceil(lower / math.log((1 - low) / (1 - high)))
    return Plan(rate, commits, error, clean, low, background, high)


def _wald_bounds(plan: Plan) -> tuple[float, float]:
    """Of the log likelihood ratio, above which a commit is bad and below which
    it is good; both errors have the question's share, halved."""
    one = plan.share / 2
    return math.log((1 - one) / one), math.log(one / (1 - one))


def _ratio(plan: Plan, bad: float, clean: float) -> float:
    """Log likelihood ratio of BAD's rate to the background's."""
    low, high = plan.rate_low, plan.background_high
    return bad * math.log(low / high) + clean * math.log((1 - low) / (1 - high))


def _wald_runs(plan: Plan, p: float) -> float:
    """Average runs of the test at a true rate p: the bound it drifts to,
    divided by the drift (Wald, without overshoot)."""
    upper, lower = _wald_bounds(plan)
    drift = _ratio(plan, p, 1 - p)
    return (upper if drift > 0 else lower) / drift if drift else math.inf


def answered(plan: Plan, bad: int, clean: int, unanswered: int) -> Answer | None:
    """The answer that so many runs of a commit give, or None: run on."""
    if bad and not plan.has_background:
        return Answer.BAD
    if not bad and unanswered >= UNANSWERED and unanswered > UNANSWERED * clean:
        return Answer.SKIP
    if not plan.has_background:
        return Answer.GOOD if clean >= plan.clean_runs else None
    upper, lower = _wald_bounds(plan)
    ratio = _ratio(plan, bad, clean)
    return Answer.BAD if ratio >= upper else Answer.GOOD if ratio <= lower else None


def decide(plan: Plan, outcomes: Iterable[Outcome]) -> Answer | None:
    """The same of outcomes. Another failure says nothing of the bug that is
    hunted, neither that it is there nor that it is not."""
    count = Counter(outcomes)
    return answered(plan, count[Outcome.BAD], count[Outcome.GOOD],
                    count[Outcome.OTHER] + count[Outcome.BROKEN])


def in_order(ran: Iterable[Ran]) -> list[Ran]:
    """The runs by number, up to the first that is still going. A run in which
    the bug shows can take longer than a clean one, or end sooner: those that
    happen to have ended first are no fair sample."""
    by_number = {one.number: one for one in ran}
    found: list[Ran] = []
    while len(found) in by_number:
        found.append(by_number[len(found)])
    return found


def answer_of(plan: Plan, ran: Sequence[Ran]) -> Answer | None:
    """decide() for runs of which several go at once."""
    seen = [one.outcome for one in ran if one.outcome is Outcome.BAD]
    early = decide(plan, seen) if seen and not plan.has_background else None
    return early or decide(plan, (one.outcome for one in in_order(ran)))


def measured(ran: Iterable[Ran], sights: int) -> Rate:
    """BAD's rate, from its runs in order up to the last sight that is wanted."""
    bad = runs = 0
    for one in in_order(ran):
        if bad == sights:
            break
        runs += one.outcome in (Outcome.BAD, Outcome.GOOD)
        bad += one.outcome is Outcome.BAD
    return Rate(bad, runs)


def still_missing(plan: Plan, outcomes: Iterable[Outcome], seconds_per_run: float) -> str:
    """For a commit whose budget is spent: what is known, and what is missing."""
    count = Counter(outcomes)
    clean, bad = count[Outcome.GOOD], count[Outcome.BAD]
    silent = count[Outcome.OTHER] + count[Outcome.BROKEN]
    known = f"{clean} clean runs of {plan.clean_runs} that a good takes"
    if plan.has_background:
        known = f"the bug in {bad} of {bad + clean} runs, between GOOD's rate and BAD's"
    more = max(1, plan.clean_runs - clean)
    return (f"{known}" + (f", {silent} without answer" if silent else "")
            + (f"; a bad commit stays clean so long in {percent(plan.missed(clean))} of all cases"
               if clean and not plan.has_background else "")
            + f"; missing: {more} runs, {duration(more * seconds_per_run)}")
