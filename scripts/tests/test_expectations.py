# SPDX-License-Identifier: GPL-2.0
"""Controls must fail with their cause; only a pair that the memory model merely
allows to go wrong may be kept in order by the CPU, and only if it was tried."""

from __future__ import annotations

import pytest

from expectations import NOT_SHOWN, control_problems

CAUGHT = {"scenario": "busted-a", "verdict": "fail", "cause": "ordering",
          "expected": "fail:ordering", "overlaps": 5, "reason": "-"}
KEPT = CAUGHT | {"scenario": "busted-b", "verdict": "skip", "cause": "none",
                 "reason": f"allowed by the model, {NOT_SHOWN} in 5 overlaps"}


def test_caught_and_kept_in_order_are_right() -> None:
    assert control_problems([CAUGHT, KEPT]) == []


@pytest.mark.parametrize("wrong", [
    CAUGHT | {"cause": "corruption"},
    CAUGHT | {"verdict": "pass", "cause": "none"},
    KEPT | {"overlaps": 0},
    KEPT | {"reason": "one CPU is online"},
    KEPT | {"verdict": "broken"}])
def test_others_are_named(wrong: dict[str, object]) -> None:
    problems = control_problems([CAUGHT, wrong])
    assert len(problems) == 1 and str(wrong["scenario"]) in problems[0]


def test_a_run_without_controls_is_a_problem() -> None:
    assert control_problems([CAUGHT | {"scenario": "plain"}]) == ["no control ran"]
