# SPDX-License-Identifier: GPL-2.0
"""What somebody reads who waits for a matrix: what it will take, each answer as
it comes, and how much time is left.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Iterable
from dataclasses import dataclass
from typing import TextIO

from matrices.columns import Kernel
from matrices.facts import Seen
from matrices.plan import Visit
from matrices.pool import Pool, Pricing
from prepared import AtHand


def seconds_left(visits: Iterable[Visit], jobs: int, pricing: Pricing,
                 there: dict[str, AtHand]) -> float:
    """Guests share the cores with each other and with what is built."""
    found = list(visits)
    kernels = {visit.kernel.name: visit.kernel for visit in found}
    builds = sum(pricing.of_build(kernel, there[name]) for name, kernel in kernels.items())
    return builds + sum(pricing.of(visit) for visit in found) / jobs


def minutes(seconds: float) -> str:
    """"3 min", "1 h 20 min" """
    whole = max(1, round(seconds / 60))
    return f"{whole} min" if whole < 60 else f"{whole // 60} h {whole % 60} min"


def plan_text(pool: Pool, done: int) -> str:
    """How many guests and builds there are, and what they are expected to take."""
    kernels = {visit.kernel.name: visit.kernel for visit in pool.waiting}
    unbuilt = [pool.there[name] for name in kernels]
    made = [f"{count} {what} to build" for count, what in (
        (sum(not there.kernel for there in unbuilt), "kernels"),
        (sum(not there.modules for there in unbuilt), "kernels' modules")) if count]
    took = seconds_left(pool.waiting, pool.jobs, pool.pricing, pool.there)
    return (f"{len(pool.waiting)} guests to ask of {len(kernels)} kernels, {pool.jobs} at once"
            f"{f', {done} are done' if done else ''}{''.join(f', {part}' for part in made)}: "
            f"about {minutes(took)}")


@dataclass
class Progress:
    """Lines on standard error; `total` guests were left at the start."""

    total: int
    out: TextIO = sys.stderr
    done: int = 0

    def say(self, text: str) -> None:
        print(f"slubtorture: {text}", file=self.out, flush=True)

    def _left(self, pool: Pool) -> str:
        waiting = [*pool.waiting, *pool.guests]
        left = seconds_left(waiting, pool.jobs, pool.pricing, pool.there)
        return minutes(min(left, max(0.0, pool.deadline - time.monotonic())))

    def answered(self, pool: Pool, visit: Visit, seen: list[Seen], seconds: float) -> None:
        self.done += 1
        fired = sorted({one.detector for one in seen if one.fired})
        said = ", ".join(fired) if fired else "silent"
        self.say(f"{self.done} of {self.total}: {visit.kernel.name}, {visit.group} {visit.turn}: "
                 f"{said} ({seconds:.0f} s; {self._left(pool)} left)")

    def made(self, kernel: Kernel, seconds: float) -> None:
        self.say(f"{kernel.name} is ready ({seconds:.0f} s)")
