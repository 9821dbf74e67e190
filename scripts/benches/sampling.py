# SPDX-License-Identifier: GPL-2.0
"""What watching costs: the engine of handoffs with metadata and slab looked at
as often as by default, against the same engine looking at content alone.

Both run in turns in one guest, each first every other round; here is what
they come to.
"""

from __future__ import annotations

import statistics
from collections.abc import Sequence
from dataclasses import dataclass

import setup as stp
from benches.common import Bench, Outcome, Spread, bench_lines, in_guest, reached
from qemu.transcript import Transcript

ROUNDS = 15
LEAST = 0.95


@dataclass(frozen=True)
class SamplingRound:
    """Handoffs per second with sampling and without, in one round."""

    period: int
    on_per_s: int
    off_per_s: int

    @property
    def ratio(self) -> float:
        return self.on_per_s / self.off_per_s


def sampling_rounds(transcript: Transcript) -> list[SamplingRound]:
    """The module's lines; one that is cut or has a zero is left out."""
    rounds = []
    for tagged in bench_lines(transcript, "sampling"):
        values = [tagged.fields.get(key, "") for key in ("period", "on_per_s", "off_per_s")]
        if all(value.isdigit() and int(value) > 0 for value in values):
            rounds.append(SamplingRound(*map(int, values)))
    return rounds


def is_good(rounds: Sequence[SamplingRound]) -> bool:
    return bool(rounds) and statistics.median(each.ratio for each in rounds) >= LEAST


def rows(rounds: Sequence[SamplingRound]) -> list[str]:
    ratio = Spread.of([each.ratio for each in rounds])
    on_per_s = statistics.median(each.on_per_s for each in rounds)
    off_per_s = statistics.median(each.off_per_s for each in rounds)
    return [f"engine looking at metadata of one handoff in {rounds[0].period}, against none",
            f"  looking  {on_per_s:>14,.0f} handoffs/s (median)",
            f"  blind    {off_per_s:>14,.0f} handoffs/s (median)",
            f"  ratio    {ratio.text()}",
            f"  target   at least {LEAST}: {reached(is_good(rounds))}"]


def measure(bench: Bench) -> Outcome:
    stp.say(f"sampling: {ROUNDS} rounds in one guest")
    rounds = sampling_rounds(in_guest(bench, "sampling", ROUNDS).transcript)
    if not rounds:
        return Outcome(["sampling: no whole round was measured"], False)
    return Outcome(rows(rounds), is_good(rounds),
                   {"sampling_on_per_s": [each.on_per_s for each in rounds],
                    "sampling_off_per_s": [each.off_per_s for each in rounds]})
