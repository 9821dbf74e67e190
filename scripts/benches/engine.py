# SPDX-License-Identifier: GPL-2.0
"""The engine of handoffs against the barest loop with the same primitives.

Both loops are the module's and run in turns in one guest; here is what they
come to.
"""

from __future__ import annotations

import statistics
from collections.abc import Sequence
from dataclasses import dataclass

import setup as stp
from benches.common import Bench, Outcome, Spread, bench_lines, in_guest, reached
from qemu.transcript import Transcript

ROUNDS = 9
LEAST = 0.85


@dataclass(frozen=True)
class EngineRound:
    """Handoffs per second of both loops in one round."""

    engine_per_s: int
    bare_per_s: int

    @property
    def ratio(self) -> float:
        return self.engine_per_s / self.bare_per_s


def engine_rounds(transcript: Transcript) -> list[EngineRound]:
    """The module's lines; one that is cut or has a zero is left out."""
    rounds = []
    for tagged in bench_lines(transcript, "engine"):
        engine, bare = tagged.fields.get("engine_per_s", ""), tagged.fields.get("bare_per_s", "")
        if engine.isdigit() and bare.isdigit() and int(bare) > 0:
            rounds.append(EngineRound(int(engine), int(bare)))
    return rounds


def is_good(rounds: Sequence[EngineRound]) -> bool:
    return bool(rounds) and statistics.median(each.ratio for each in rounds) >= LEAST


def rows(rounds: Sequence[EngineRound]) -> list[str]:
    ratio = Spread.of([each.ratio for each in rounds])
    engine = statistics.median(each.engine_per_s for each in rounds)
    bare = statistics.median(each.bare_per_s for each in rounds)
    return ["engine against the barest loop, same guest, same primitives",
            f"  engine   {engine:>14,.0f} handoffs/s (median)",
            f"  bare     {bare:>14,.0f} handoffs/s (median)",
            f"  ratio    {ratio.text()}",
            f"  target   at least {LEAST}: {reached(is_good(rounds))}"]


def measure(bench: Bench) -> Outcome:
    stp.say(f"engine: {ROUNDS} rounds in one guest")
    rounds = engine_rounds(in_guest(bench, "engine", ROUNDS).transcript)
    if not rounds:
        return Outcome(["engine: no whole round was measured"], False)
    return Outcome(rows(rounds), is_good(rounds),
                   {"engine_per_s": [each.engine_per_s for each in rounds],
                    "bare_per_s": [each.bare_per_s for each in rounds]})
