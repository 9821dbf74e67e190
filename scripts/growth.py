# SPDX-License-Identifier: GPL-2.0
"""Does a counter grow? A rule over its values at points that lie evenly in a
long run. Pure arithmetic.

Noise goes up and down; a leak goes up all the way. So a counter has grown if it
ended higher than it began by more than is allowed, and if most pairs of points
say so, too. Beginning and end are medians of a third of the points each: one
value that is off decides nothing.
"""

from __future__ import annotations

import itertools
import statistics
from collections.abc import Sequence
from dataclasses import dataclass

# Of all pairs of points, rising ones less falling ones, as a share; noise alone
# comes to this in one of 120 runs of 10 points (Kendall's tau).
TREND = 0.6
LEAST_POINTS = 6


def rise(values: Sequence[int]) -> float:
    """From the median of the first third to that of the last."""
    third = max(1, len(values) // 3)
    return statistics.median(values[-third:]) - statistics.median(values[:third])


def trend(values: Sequence[int]) -> float:
    """Kendall's tau: 1 if every later value is higher, -1 if lower, 0 without any order."""
    pairs = list(itertools.combinations(values, 2))
    return sum((b > a) - (b < a) for a, b in pairs) / len(pairs) if pairs else 0.0


@dataclass(frozen=True)
class Series:
    """One counter's values after what fills for good has filled; `more_is_less`
    for memory that is free. `allowed` is in the counter's own unit."""

    name: str
    values: tuple[int, ...]
    allowed: float
    more_is_less: bool = False

    @property
    def used(self) -> tuple[int, ...]:
        return tuple(-value for value in self.values) if self.more_is_less else self.values

    @property
    def rose_by(self) -> float:
        return rise(self.used)

    @property
    def grew(self) -> bool:
        return self.rose_by > self.allowed and trend(self.used) >= TREND
