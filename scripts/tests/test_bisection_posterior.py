# SPDX-License-Identifier: GPL-2.0
"""What results are worth: on a line of commits, with merges, with gaps."""

from __future__ import annotations

import pytest

from bisection import statistics as st
from bisection.outcomes import Answer, Commit, Outcome, Ran, Step
from bisection.posterior import (confidence, confirming, probabilities, rarer, rests_on,
                                 seen_again)
from bisection.simulate import chain
from bisection.statistics import Plan, Rate

BAD, GOOD = Outcome.BAD, Outcome.GOOD
LINE = chain(24)


def a_plan() -> Plan:
    return st.plan(Rate(8, 40), 24)


def step(commit: str, answer: Answer, bad: int = 0, clean: int = 0) -> Step:
    outcomes = [GOOD] * clean + [BAD] * bad
    return Step(commit, "s", answer, "", 0.0, tuple(
        Ran(commit, at, 7, one, "") for at, one in enumerate(outcomes)))


def good(commit: int, clean: int = 0) -> Step:
    return step(str(commit), Answer.GOOD, 0, clean or a_plan().clean_runs)


def bad(commit: int) -> Step:
    return step(str(commit), Answer.BAD, 1, 3)


def test_without_runs_all_commits_are_as_likely() -> None:
    found = probabilities(a_plan(), LINE, [])
    assert list(found) == [str(at) for at in range(1, 25)]
    assert list(found.values()) == pytest.approx([1 / 24] * 24)


def test_one_good_leaves_what_bayes_says() -> None:
    plan = a_plan()
    found = probabilities(plan, LINE, [good(12, 9)])
    missed = plan.missed(9)
    assert found["1"] == pytest.approx(missed / (12 * missed + 12))
    assert found["13"] == pytest.approx(1 / (12 * missed + 12))


def test_goods_below_each_other_share_one_rate() -> None:
    plan = a_plan()
    found = probabilities(plan, LINE, [good(6, 9), good(12, 9)])
    assert found["1"] / found["13"] == pytest.approx(plan.missed(18))
    assert plan.missed(18) > plan.missed(9) ** 2  # the rate may be low for both


def test_a_good_before_many_bads_leaves_doubt() -> None:
    plan = a_plan()
    sure = [bad(12), bad(6), good(3), bad(5), good(4)]
    doubtful = [good(12), bad(18), bad(15), bad(14), bad(13)]
    assert confidence(plan, LINE, sure, {"5"}) > 0.97
    assert confirming(plan, LINE, sure, {"5"}) is None
    assert confidence(plan, LINE, doubtful, {"13"}) < 0.94
    again = confirming(plan, LINE, doubtful, {"13"})
    assert again is not None and again[0] == "12" and 0 < again[1] < plan.clean_runs
    clean = plan.clean_runs + again[1]
    assert confidence(plan, LINE, [good(12, clean), *doubtful[1:]], {"13"}) >= 0.95
    assert confidence(plan, LINE, [good(12, clean - 1), *doubtful[1:]], {"13"}) < 0.95


def test_only_bads_leave_no_doubt() -> None:
    plan, steps = a_plan(), [bad(12), bad(6), bad(3), bad(2), bad(1)]
    assert confidence(plan, LINE, steps, {"1"}) == 1.0
    assert confirming(plan, LINE, steps, {"1"}) is None


def test_what_cannot_be_asked_leaves_several() -> None:
    plan = a_plan()
    steps = [bad(12), good(5), step("8", Answer.SKIP), step("7", Answer.UNSURE, 0, 5), bad(9)]
    found = probabilities(plan, LINE, steps)
    assert found["6"] < found["8"] and found["8"] == pytest.approx(found["9"])
    assert confidence(plan, LINE, steps, {"6", "7", "8", "9"}) > 0.95
    assert confidence(plan, LINE, steps, {"9"}) < 0.5


def test_merges_are_followed() -> None:
    """Two branches of two commits; the good one does not clear the other."""
    line = [Commit("g", ""), Commit("a1", "", ("g",)), Commit("b1", "", ("g",)),
            Commit("a2", "", ("a1",)), Commit("b2", "", ("b1",)),
            Commit("m", "", ("a2", "b2")), Commit("top", "", ("m",))]
    plan = st.plan(Rate(8, 8), 6)
    steps = [step("m", Answer.BAD, 1), step("a2", Answer.GOOD, 0, 2)]
    found = probabilities(plan, line, steps)
    assert found["top"] == 0.0 and found["a1"] == found["a2"] < 0.01
    assert found["b1"] == found["b2"] == found["m"] > 0.32
    steps += [step("b1", Answer.BAD, 1)]
    assert confidence(plan, line, steps, {"b1"}) == 1.0


def test_runs_that_contradict_each_other_are_not_explained() -> None:
    """Seen at GOOD's child on one branch and at its sibling: no one commit did it."""
    line = [Commit("g", ""), Commit("a", "", ("g",)), Commit("b", "", ("g",))]
    steps = [step("a", Answer.BAD, 1), step("b", Answer.BAD, 1)]
    assert probabilities(a_plan(), line, steps) == {}
    assert confidence(a_plan(), line, steps, {"a"}) == 0.0
    assert confirming(a_plan(), line, steps, {"a"}) is None


def test_with_a_background_a_bad_can_be_wrong_too() -> None:
    plan = st.plan(Rate(30, 60), 24, background=Rate(3, 60))

    def walked(sights: int) -> float:
        steps = [step(str(at), Answer.BAD, sights) for at in (12, 6, 3, 2, 1)]
        return confidence(plan, LINE, steps, {"1"})

    assert walked(4) < walked(8) < 1.0


def test_what_it_rests_on_is_said() -> None:
    steps = [step("12", Answer.BAD, 1, 2), step("6", Answer.SKIP), step("5", Answer.BAD, 1)]
    assert seen_again(steps) == Rate(2, 4)
    said = "\n".join(rests_on(a_plan(), steps))
    for part in ("independent", "8 of 40", "2 of 4 runs", "no good commit", "at most 5 %",
                 "1 commit could not be asked"):
        assert part in said
    assert "could not" not in "".join(rests_on(a_plan(), steps[:1]))


def test_a_bug_that_is_rarer_at_the_steps_is_told() -> None:
    """Of BAD 8 of 40; one sight after 160 clean runs is no accident, after 5 it is."""
    plan = a_plan()
    assert rarer(plan, Rate(0, 0)) == 1.0 and rarer(plan, Rate(3, 3)) == 1.0
    assert rarer(plan, Rate(1, 6)) > 0.3 and rarer(plan, Rate(1, 161)) < 0.001
    # one sight on BAD at once, one here after three clean runs: p^2 q^3 over all p
    assert rarer(st.plan(Rate(1, 1), 24), Rate(1, 4)) == pytest.approx(1 / 4)
    usual, rare = step("12", Answer.BAD, 1, 5), step("12", Answer.BAD, 1, 160)
    assert "more rarely" not in "".join(rests_on(plan, [usual]))
    assert "more rarely than BAD" in "".join(rests_on(plan, [rare]))
