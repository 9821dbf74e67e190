# SPDX-License-Identifier: GPL-2.0
"""growth.py: what goes up all the way is found, what only goes up and down is
not, whatever it is called and however long it lasts."""

from __future__ import annotations

import random

import growth
import pytest
from growth import Series


def series(values: list[int], allowed: float = 100, less: bool = False) -> Series:
    return Series("things", tuple(values), allowed, less)


def noise(seed: int, count: int = 10, width: int = 60) -> list[int]:
    numbers = random.Random(seed)
    return [9000 + numbers.randrange(width) for _ in range(count)]


@pytest.mark.parametrize("seed", range(200))
def test_noise_is_no_growth(seed: int) -> None:
    assert not series(noise(seed)).grew


@pytest.mark.parametrize("seed", range(200))
def test_a_leak_in_noise_is_growth(seed: int) -> None:
    leaking = [value + 300 * point for point, value in enumerate(noise(seed, width=300))]
    assert series(leaking).grew
    assert series([10**6 - value for value in leaking], less=True).grew
    assert not series([10**6 - value for value in leaking]).grew


def test_one_value_that_is_off_decides_nothing() -> None:
    assert not series([9000] * 9 + [90000]).grew
    assert not series([0] + [9000] * 9).grew


def test_a_step_up_that_stays_is_growth_only_beyond_what_is_allowed() -> None:
    assert not series([9000] * 5 + [9090] * 5).grew
    steps = [9000, 9000, 9100, 9100, 9200, 9200, 9300, 9300, 9400, 9400]
    assert series(steps).grew and series(steps).rose_by == 400


def test_what_falls_does_not_grow() -> None:
    assert not series([9000 - 500 * point for point in range(10)]).grew


def test_trend_is_one_up_and_minus_one_down() -> None:
    assert growth.trend([1, 2, 3]) == 1 and growth.trend([3, 2, 1]) == -1
    assert growth.trend([2, 2, 2]) == 0 and growth.trend([]) == 0
