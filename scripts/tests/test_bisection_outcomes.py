# SPDX-License-Identifier: GPL-2.0
"""The words of a bisection, and that they come back from disk as they were."""

from __future__ import annotations

import pytest
from bisection.outcomes import Answer, Outcome, Ran, Step


def test_git_is_told_what_git_bisect_run_takes() -> None:
    assert [answer.status for answer in (Answer.GOOD, Answer.BAD, Answer.SKIP, Answer.UNSURE)] == [
        0, 1, 125, 125]


def test_runs_and_steps_come_back_as_they_were() -> None:
    ran = Ran("a" * 40, 3, 77, Outcome.OTHER, "panic: \"x\"\ny", "host", 1.5, "runs/x")
    assert Ran.from_json(ran.to_json()) == ran and "\n" not in ran.to_json()
    step = Step("a" * 40, "mm: ünder", Answer.UNSURE, "why", 12.25, (ran, ran))
    assert Step.from_json(step.to_json()) == step


@pytest.mark.parametrize("text", ["", "{}", "[1]", '{"commit": "a"', Ran(
    "a", 0, 1, Outcome.BAD, "").to_json().replace("bad", "worse")])
def test_what_is_no_run_is_refused(text: str) -> None:
    with pytest.raises((ValueError, KeyError, TypeError)):
        Ran.from_json(text)
