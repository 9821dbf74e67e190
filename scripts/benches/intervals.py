# SPDX-License-Identifier: GPL-2.0
"""Confidence intervals of ratios that were measured in pairs, and what may be
said of them. Pure arithmetic.

The median of the ratios with its 95 % interval by bootstrap: nothing need be
known of how the noise of a machine is distributed. Seeded, so that the same
samples give the same interval.
"""

from __future__ import annotations

import math
import random
import statistics
from collections.abc import Sequence
from dataclasses import dataclass

RESAMPLES = 2000
LEVEL = 0.95
SEED = 20021


@dataclass(frozen=True)
class Ratio:
    """A median and its confidence interval, of `count` samples."""

    median: float
    low: float
    high: float
    count: int

    @property
    def differs(self) -> bool:
        """Whether the interval leaves out 1."""
        return not self.low <= 1.0 <= self.high

    @property
    def word(self) -> str:
        if not self.differs:
            return "same"
        return "slower" if self.median > 1.0 else "faster"

    def text(self) -> str:
        return f"{self.median:.3f} ({self.low:.3f}-{self.high:.3f})"


def quantile(ordered: Sequence[float], at: float) -> float:
    """Of sorted values, with linear interpolation between neighbours."""
    place = at * (len(ordered) - 1)
    low = math.floor(place)
    high = min(low + 1, len(ordered) - 1)
    return ordered[low] + (ordered[high] - ordered[low]) * (place - low)


def ratio_of(samples: Sequence[float], seed: int = SEED) -> Ratio:
    """The median of samples and its interval; at least one sample."""
    pick = random.Random(seed)
    count = len(samples)
    medians = sorted(statistics.median(pick.choices(samples, k=count))
                     for _ in range(RESAMPLES))
    edge = (1.0 - LEVEL) / 2
    return Ratio(statistics.median(samples), quantile(medians, edge),
                 quantile(medians, 1.0 - edge), count)


def paired(values: Sequence[float], bases: Sequence[float]) -> Ratio:
    """Ratio of value to base, round by round; rounds without a base do not count."""
    return ratio_of([value / base for value, base in zip(values, bases) if base > 0])


def chance_of(misses: int, count: int, rate: float = 1.0 - LEVEL) -> float:
    """How likely it is that `misses` or more of `count` intervals of the level
    leave out the truth by chance."""
    return sum(math.comb(count, k) * rate**k * (1.0 - rate)**(count - k)
               for k in range(misses, count + 1))
