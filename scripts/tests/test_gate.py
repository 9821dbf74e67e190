# SPDX-License-Identifier: GPL-2.0
"""How many catches out of how many runs of a gated kernel are no wonder."""

from __future__ import annotations

from math import comb

import gate
import pytest

ONE_IN = (2, 3, 5, 10, gate.MOST)


def below(runs: int, count: int, one_in: int) -> float:
    """Chance of fewer catches than `count`, straight from the definition."""
    return sum(comb(runs, k) * (1 / one_in) ** k * (1 - 1 / one_in) ** (runs - k)
               for k in range(count))


@pytest.mark.parametrize("one_in", ONE_IN)
def test_each_side_has_at_most_half_of_the_error_and_no_count_less_would(one_in: int) -> None:
    runs = gate.runs_for(one_in)
    least, most = gate.interval(runs, one_in)
    assert below(runs, least, one_in) <= gate.ERROR / 2 < below(runs, least + 1, one_in)
    above, wider = 1 - below(runs, most + 1, one_in), 1 - below(runs, most, one_in)
    assert above <= gate.ERROR / 2 < wider


@pytest.mark.parametrize("one_in", ONE_IN)
def test_neither_a_blind_detector_nor_a_bug_in_every_boot_passes(one_in: int) -> None:
    runs = gate.runs_for(one_in)
    least, most = gate.interval(runs, one_in)
    assert 1 <= least <= runs / one_in <= most < runs
    assert (1 - 1 / one_in) ** (runs - 1) > gate.ERROR / 2  # one run less would not do


def test_one_in_five() -> None:
    assert gate.runs_for(5) == 24
    assert gate.interval(24, 5) == (1, 10)
