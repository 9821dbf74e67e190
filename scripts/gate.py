# SPDX-License-Identifier: GPL-2.0
"""How often a bug that a gate lets through in one boot of N must be caught.

A gated kernel draws at boot whether it has its bug, so that one run says
nothing of the detector. Out of `runs` the catches are binomial, with 1/N as
their chance if each drawn bug is caught and nothing else is. What is held
against them is the interval outside of which a side has at most ERROR / 2: a
sound detector is called blind, or noisy, in at most ERROR of all askings. As
many runs are asked for as it takes for no catch at all to lie outside. That
tells a blind detector from a sound one; one that misses every second drawn bug
needs more runs than this to be told from luck.
"""

from __future__ import annotations

from math import comb

ERROR = 0.01
LEAST, MOST = 2, 50


def _chance(runs: int, caught: int, one_in: int) -> float:
    return float(comb(runs, caught) * (one_in - 1) ** (runs - caught) / one_in ** runs)


def runs_for(one_in: int) -> int:
    """The fewest runs of which none without a catch is an accident."""
    runs = 1
    while _chance(runs, 0, one_in) > ERROR / 2:
        runs += 1
    return runs


def interval(runs: int, one_in: int) -> tuple[int, int]:
    """Fewest and most catches that are no wonder; both are in it."""
    least, below = 0, _chance(runs, 0, one_in)
    while below <= ERROR / 2:
        least += 1
        below += _chance(runs, least, one_in)
    most, above = runs, _chance(runs, runs, one_in)
    while above <= ERROR / 2:
        most -= 1
        above += _chance(runs, most, one_in)
    return least, most
