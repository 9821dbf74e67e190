# SPDX-License-Identifier: GPL-2.0
"""Confidence intervals of ratios, one sample a guest. Pure arithmetic.

Rounds within one guest are not independent: where a kernel and its module were
loaded stays the same, and under emulation two copies of the same code may
differ by 4 % for a whole boot. So a guest's rounds make one sample, their
median, and the interval is Student's over guests, of the logarithms: a ratio
and its inverse must tell the same.
"""

from __future__ import annotations

import math
import statistics
from collections.abc import Sequence
from dataclasses import dataclass

LEVEL = 0.95
# Student's t, two-sided 95 %, by degrees of freedom from 1 on; then a bound.
T_95 = (12.706, 4.303, 3.182, 2.776, 2.571, 2.447, 2.365, 2.306, 2.262, 2.228, 2.201, 2.179,
        2.160, 2.145, 2.131, 2.120, 2.110, 2.101, 2.093, 2.086)


@dataclass(frozen=True)
class Ratio:
    """The geometric mean of `count` guests' ratios and its confidence interval."""

    mean: float
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
        return "slower" if self.mean > 1.0 else "faster"

    def text(self) -> str:
        return f"{self.mean:.3f} ({self.low:.3f}-{self.high:.3f})"


def ratio_of(samples: Sequence[float]) -> Ratio:
    """Of one ratio a guest; at least two of them, all above 0."""
    logs = [math.log(sample) for sample in samples]
    middle = statistics.fmean(logs)
    half = (T_95[min(len(logs) - 1, len(T_95)) - 1]
            * statistics.stdev(logs) / math.sqrt(len(logs)))
    return Ratio(math.exp(middle), math.exp(middle - half), math.exp(middle + half), len(logs))


def paired(values: Sequence[float], bases: Sequence[float]) -> float:
    """A guest's sample: the median of value to base, round by round."""
    return statistics.median(value / base for value, base in zip(values, bases))


def chance_of(misses: int, count: int, rate: float = 1.0 - LEVEL) -> float:
    """How likely it is that `misses` or more of `count` intervals of the level
    leave out the truth by chance."""
    return sum(math.comb(count, k) * rate**k * (1.0 - rate)**(count - k)
               for k in range(misses, count + 1))
