# SPDX-License-Identifier: GPL-2.0
"""What the audit costs a loop of kmalloc and kfree: no probe, empty probes, the
default sampling, the same without slices of time, and every object.

All are measured in turns in one guest; only the default has a target.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import setup as stp
from benches.common import Bench, Outcome, Spread, bench_lines, in_guest, reached
from qemu.transcript import Transcript

ROUNDS = 5
MOST = 0.05
LOADS = ("empty", "default", "always", "exact")
_TOLD = {"empty": "empty probes, always", "default": "default sampling",
         "always": "1 object in 16, always", "exact": "every object, always"}


@dataclass(frozen=True)
class Round:
    """Pairs of kmalloc and kfree per second, by load; `off` is one of them."""

    per_s: dict[str, int]

    def cost(self, load: str) -> float:
        """Share of the loop's rate that is lost; below 0 is noise."""
        return 1 - self.per_s[load] / self.per_s["off"]


def rounds_of(transcript: Transcript) -> list[Round]:
    """The module's lines; one that is cut or has a zero is left out."""
    rounds = []
    for tagged in bench_lines(transcript, "audit"):
        texts = {load: tagged.fields.get(f"{load}_per_s", "") for load in ("off", *LOADS)}
        if all(text.isdigit() and int(text) > 0 for text in texts.values()):
            rounds.append(Round({load: int(text) for load, text in texts.items()}))
    return rounds


def is_good(rounds: Sequence[Round]) -> bool:
    return bool(rounds) and Spread.of([each.cost("default") for each in rounds]).median <= MOST


def rows(rounds: Sequence[Round]) -> list[str]:
    off = Spread.of([each.per_s["off"] for each in rounds]).median
    lines = ["audit: cost of a loop of kmalloc and kfree, share of its rate",
             f"  off                      {off:>12,.0f} pairs/s (median)"]
    for load in LOADS:
        cost = Spread.of([each.cost(load) for each in rounds])
        lines.append(f"  {_TOLD[load]:<24} {cost.text()}")
    return [*lines, f"  target   default at most {MOST}: {reached(is_good(rounds))}"]


def measure(bench: Bench) -> Outcome:
    stp.say(f"audit: {ROUNDS} rounds in one guest")
    rounds = rounds_of(in_guest(bench, "audit", ROUNDS).transcript)
    if not rounds:
        return Outcome(["audit: no whole round was measured"], False)
    return Outcome(rows(rounds), is_good(rounds),
                   {"audit_per_s": [each.per_s for each in rounds]})
