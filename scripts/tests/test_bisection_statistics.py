# SPDX-License-Identifier: GPL-2.0
"""The rule for clean runs against exact sums, intervals against published
values, the sequential test against both answers."""

from __future__ import annotations

import importlib
import math
import random
from typing import Any

import pytest

from bisection import statistics as st
from bisection.outcomes import Answer, Outcome, Ran
from bisection.statistics import Plan, Rate
from errors import ToolError

BAD, GOOD, OTHER, BROKEN = Outcome.BAD, Outcome.GOOD, Outcome.OTHER, Outcome.BROKEN


def a_plan(bad: int = 8, runs: int = 40, commits: int = 24) -> Plan:
    return st.plan(Rate(bad, runs), commits)


# Ends of the exact interval, from the beta quantiles' closed forms where there
# are such, else from the binomial sums that define them (Clopper, Pearson).
@pytest.mark.parametrize("bad, runs, low, high", [
    (0, 10, 0.0, 1 - 0.025 ** 0.1), (10, 10, 0.025 ** 0.1, 1.0),
    (1, 10, 1 - 0.975 ** 0.1, 0.4450), (4, 20, 0.0573, 0.4366), (5, 50, 0.0333, 0.2181)])
def test_intervals_are_the_exact_ones(bad: int, runs: int, low: float, high: float) -> None:
    got = Rate(bad, runs).interval()
    assert got == pytest.approx((low, high), abs=5e-5)


def test_an_interval_holds_the_tail_that_defines_it() -> None:
    low, high = Rate(3, 15).interval(0.9)
    at_least = sum(math.comb(15, k) * low ** k * (1 - low) ** (15 - k) for k in range(3, 16))
    at_most = sum(math.comb(15, k) * high ** k * (1 - high) ** (15 - k) for k in range(4))
    assert at_least == pytest.approx(0.05) and at_most == pytest.approx(0.05)


def test_only_an_interval_needs_scipy(monkeypatch: pytest.MonkeyPatch) -> None:
    def without(name: str, package: str | None = None) -> Any:
        if name.startswith("scipy"):
            raise ImportError(name)
        return real(name, package)

    real = importlib.import_module
    monkeypatch.setattr(importlib, "import_module", without)
    assert a_plan().clean_runs > 1
    with pytest.raises(ToolError, match="SciPy") as caught:
        Rate(1, 2).interval()
    assert "make deps FOR=bisect" in caught.value.hint


def test_a_rate_that_cannot_be_is_refused() -> None:
    for bad, runs in ((3, 2), (-1, 2)):
        with pytest.raises(ToolError, match="no rate"):
            Rate(bad, runs)


def whole_error_of_counted_sights(sights: int, share: float, p: float) -> float:
    """Exactly: BAD is run until the bug was seen so often; then a bad commit is
    called good with this chance."""
    q, chance, error, clean = 1 - p, p ** sights, 0.0, 0
    seen = 0.0
    while seen < 1 - 1e-9 and clean < 50_000:
        runs = st.clean_runs_for(Rate(sights, sights + clean), share)
        error, seen = error + chance * q ** runs, seen + chance
        chance *= q * (sights + clean) / (clean + 1)
        clean += 1
    return error


def whole_error_of_counted_runs(runs: int, share: float, p: float) -> float:
    """The same where the runs are fixed: when the budget ends the measuring."""
    q = 1 - p
    return sum(math.comb(runs, bad) * p ** bad * q ** (runs - bad)
               * q ** st.clean_runs_for(Rate(bad, runs), share) for bad in range(1, runs + 1))


RATES = (0.01, 0.03, 0.1, 0.2, 0.35, 0.5, 0.65, 0.8, 0.9, 0.97, 0.999)


@pytest.mark.parametrize("sights", [1, 2, 5, 8, 12])
@pytest.mark.parametrize("share", [0.05 / 6, 0.05 / 13, 0.2])
def test_a_bad_commit_is_called_good_no_more_often_than_promised(sights: int,
                                                                 share: float) -> None:
    errors = [whole_error_of_counted_sights(sights, share, p) for p in RATES]
    assert max(errors) <= share
    # the rule is not merely safe: for a rare bug it spends what it is given
    assert sights == 1 or errors[0] > 0.8 * share


@pytest.mark.parametrize("runs", [3, 10, 25, 60])
def test_the_promise_holds_when_the_budget_ends_the_measuring(runs: int) -> None:
    for share in (0.05 / 6, 0.05 / 13):
        assert max(whole_error_of_counted_runs(runs, share, p) for p in RATES) <= share


def test_a_twin_with_half_of_the_clean_runs_breaks_the_promise(
        monkeypatch: pytest.MonkeyPatch) -> None:
    whole = st.clean_runs_for
    monkeypatch.setattr(st, "clean_runs_for", lambda rate, share: max(1, whole(rate, share) // 2))
    assert whole_error_of_counted_sights(8, 0.05 / 6, 0.03) > 2 * 0.05 / 6


def test_steps_are_those_of_a_halving() -> None:
    assert [st.steps_for(n) for n in (0, 1, 2, 3, 4, 24, 32, 33, 4000)] == [
        0, 0, 1, 2, 2, 5, 5, 6, 12]


def test_what_is_measured_is_worth_it() -> None:
    """Neither a sight less nor one more makes fewer runs in all."""
    for commits in (24, 200, 4000):
        best = st.sights_wanted(commits)
        steps, share = st.steps_for(commits), 0.05 / (st.steps_for(commits) + 1)
        cost = {k: k * (1 + (1 + steps / 2) * st.growth(k, share))
                for k in (best - 1, best, best + 1)}
        assert min(cost, key=lambda k: cost[k]) == best and 5 < best < 20


def test_a_bug_in_every_run_takes_two_clean_ones() -> None:
    for commits in (24, 200, 4000):
        sights = st.sights_wanted(commits)
        assert st.plan(Rate(sights, sights), commits).clean_runs == 2


def test_fewer_sights_or_a_smaller_error_take_more_clean_runs() -> None:
    assert a_plan(2, 10).clean_runs > a_plan(8, 40).clean_runs > a_plan(40, 200).clean_runs
    clean = [st.plan(Rate(8, 40), 24, error).clean_runs for error in (0.2, 0.05, 0.01)]
    assert clean == sorted(set(clean))


def test_the_rate_that_is_counted_on_is_below_the_measured_one() -> None:
    plan = a_plan()
    assert plan.rate_low < plan.rate.point
    assert (1 - plan.rate_low) ** plan.clean_runs == pytest.approx(plan.share)


@pytest.mark.parametrize("rate, commits, error, problem", [
    (Rate(0, 59), 24, 0.05, "did not show the bug in 59 runs; it shows in less than 5 %"),
    (Rate(0, 0), 24, 0.05, "did not show the bug in 0 runs"),
    (Rate(1, 2), 24, 0.0, "no error"), (Rate(1, 2), 24, 0.5, "no error")])
def test_a_plan_that_cannot_be_is_refused(rate: Rate, commits: int, error: float,
                                          problem: str) -> None:
    with pytest.raises(ToolError, match=problem):
        st.plan(rate, commits, error)


def test_one_sight_is_bad_and_too_few_clean_runs_are_nothing() -> None:
    plan = a_plan()
    assert st.decide(plan, [GOOD] * (plan.clean_runs - 1) + [BAD]) is Answer.BAD
    for clean in range(plan.clean_runs):
        assert st.decide(plan, [GOOD] * clean) is None
    assert st.decide(plan, [GOOD] * plan.clean_runs) is Answer.GOOD


def test_other_and_broken_runs_are_never_good() -> None:
    plan = a_plan(8, 8)
    assert plan.clean_runs == 2
    assert st.decide(plan, [GOOD, OTHER]) is None and st.decide(plan, [GOOD, BROKEN]) is None
    assert st.decide(plan, [OTHER, OTHER]) is None
    assert st.decide(plan, [OTHER, BROKEN, OTHER]) is Answer.SKIP
    assert st.decide(plan, [OTHER, OTHER, BROKEN, BAD]) is Answer.BAD
    rare = a_plan()
    assert st.decide(rare, [GOOD, OTHER, OTHER, OTHER]) is None  # it can be asked, now and then
    assert st.decide(rare, [GOOD] + [OTHER] * 4) is Answer.SKIP


def ran(number: int, outcome: Outcome) -> Ran:
    return Ran("c", number, 7, outcome, "")


def test_runs_count_in_the_order_in_which_they_began() -> None:
    """A clean run that is still going may become bad."""
    plan = a_plan(8, 8)
    assert st.answer_of(plan, [ran(0, GOOD), ran(2, GOOD)]) is None
    assert st.answer_of(plan, [ran(2, GOOD), ran(0, GOOD), ran(1, GOOD)]) is Answer.GOOD
    assert st.answer_of(plan, [ran(5, BAD)]) is Answer.BAD
    runs = [ran(0, BAD), ran(1, GOOD), ran(2, BROKEN), ran(4, BAD), ran(3, GOOD), ran(6, BAD)]
    assert st.measured(runs, 8) == Rate(2, 4)
    assert st.measured(runs, 1) == Rate(1, 1)
    assert st.measured([], 8) == Rate(0, 0)


def test_what_is_missing_is_said() -> None:
    plan = a_plan()
    said = st.still_missing(plan, [GOOD] * 10 + [BROKEN], 6.0)
    assert f"10 clean runs of {plan.clean_runs}" in said and "1 without answer" in said
    assert f"missing: {plan.clean_runs - 10} runs, 2 min" in said


def test_a_plan_says_itself_in_80_columns() -> None:
    said = a_plan().said(8.0, 2, 60.0)
    assert max(len(line) for line in said.splitlines()) <= 80
    assert "8 of 40 runs, 20 %" in said and "30 clean runs, 2 min" in said
    assert "5 steps and GOOD" in said and "0.83 % at each of" in said


def test_two_rates_are_told_apart_by_walds_test() -> None:
    plan = st.plan(Rate(30, 60), 24, background=Rate(3, 60))
    assert plan.rate_low < 0.5 and plan.background_high > 0.05
    assert st.decide(plan, [BAD]) is None  # GOOD shows it, too
    assert st.decide(plan, [BAD] * 12) is Answer.BAD
    assert st.decide(plan, [GOOD] * (plan.clean_runs - 1)) is None
    assert st.decide(plan, [GOOD] * plan.clean_runs) is Answer.GOOD
    assert 1 < plan.expected_bad < 60 and 1 < plan.expected_good < 60
    assert "GOOD shows it, too" in plan.said(5)
    rng = random.Random(5)
    for p, right in ((0.5, Answer.BAD), (0.05, Answer.GOOD)):
        wrong = sum(_walk(plan, p, rng) is not right for _ in range(2000))
        assert wrong <= 2000 * plan.share


def _walk(plan: Plan, p: float, rng: random.Random) -> Answer:
    bad = clean = 0
    while (answer := st.answered(plan, bad, clean, 0)) is None:
        one = rng.random() < p
        bad, clean = bad + one, clean + (not one)
    return answer


def test_rates_that_are_alike_are_refused() -> None:
    with pytest.raises(ToolError, match="cannot be told apart"):
        st.plan(Rate(10, 40), 24, background=Rate(8, 40))


@pytest.mark.parametrize("value, said", [
    (0.00832, "0.83 %"), (0.2, "20 %"), (0.05, "5 %"), (1.0, "100 %"), (0.9996, "99.96 %"),
    (0.0, "0 %"), (0.985, "98 %")])
def test_percent(value: float, said: str) -> None:
    assert st.percent(value) == said


def test_no_other_module_shadows_the_library() -> None:
    """scripts/bisect.py or scripts/statistics.py would hide Python's own."""
    assert importlib.import_module("statistics").mean([1, 3]) == 2
    assert importlib.import_module("bisect").bisect([1, 3], 2) == 1
