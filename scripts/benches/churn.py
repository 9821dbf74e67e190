# SPDX-License-Identifier: GPL-2.0
"""Whole-node cycles a second: the module, which looks at every cache's
structures after each step, against the barest loop over the same sysfs files,
by turns in one guest. Both take all blocks of node 1 offline and bring them
online again, movable, with nothing beside.
"""

from __future__ import annotations

import re
import statistics
from collections.abc import Sequence
from dataclasses import dataclass

import setup as stp
from benches.common import Bench, Outcome, Spread, bench_lines, reached
from errors import ToolError
from qemu.transcript import Transcript

NAME = "churn"
TURNS = 15
CYCLES = 8  # of a turn; the module's rounds have as many, core/experiment_price.cc
LEAST = 0.9
NODE = 1
SILENCE_S = 600.0
_BARE = re.compile(r"(\d+) (\d+)$")


@dataclass(frozen=True)
class Turn:
    """Cycles per second of both, one right after the other."""

    module_per_s: float
    bare_per_s: float

    @property
    def ratio(self) -> float:
        return self.module_per_s / self.bare_per_s


def module_rates(transcript: Transcript) -> list[float]:
    """One a load, which does one round; a line that is cut or a skip is left out."""
    rates = []
    for tagged in bench_lines(transcript, NAME):
        cycles, ns = tagged.fields.get("cycles", ""), tagged.fields.get("ns", "")
        if cycles.isdigit() and ns.isdigit() and int(ns):
            rates.append(int(cycles) * 1e9 / int(ns))
    return rates


def bare_rates(transcript: Transcript) -> list[float]:
    rates = []
    for turn in range(len(transcript.facts)):
        match = _BARE.match(transcript.facts.get(f"bare-{turn}", ""))
        if not match or not int(match[2]):
            break
        rates.append(int(match[1]) * 1e9 / int(match[2]))
    return rates


def turns_of(transcript: Transcript) -> list[Turn]:
    """Turns in which both were measured, in their order."""
    return [Turn(module, bare) for module, bare in
            zip(module_rates(transcript), bare_rates(transcript))]


def is_good(turns: Sequence[Turn]) -> bool:
    return bool(turns) and statistics.median(turn.ratio for turn in turns) >= LEAST


def rows(turns: Sequence[Turn]) -> list[str]:
    return ["whole-node cycles, the module against the barest loop, same guest, by turns",
            f"  module   {Spread.of([turn.module_per_s for turn in turns]).text(' a second')}",
            f"  bare     {Spread.of([turn.bare_per_s for turn in turns]).text(' a second')}",
            f"  ratio    {Spread.of([turn.ratio for turn in turns]).text()}",
            f"  target   at least {LEAST}: {reached(is_good(turns))}"]


def why_not(transcript: Transcript) -> str:
    """What the guest said about cycles that did not come."""
    skips = [tagged.fields["skip"] for tagged in bench_lines(transcript, NAME)
             if tagged.fields.get("skip")]
    failed = [f"{step.name}: {step.problem}" for step in transcript.problems()]
    return "; ".join([*skips[:1], *failed[:1]]) or "it did not say why"


def measure(bench: Bench) -> Outcome:
    stp.say(f"churn: {TURNS} turns of {CYCLES} whole-node cycles each, in one guest")
    config: dict[str, str | int] = {
        "mode": "churn", "module": stp.MODULE, "follow": stp.KTAP, "node": NODE,
        "turns": TURNS, "cycles": CYCLES,
        "args": f"scenario=none seconds=1 seed={bench.setup.options.seed} bench=1 "
                f"benchmark={NAME}"}
    booted = stp.boot(bench.setup, bench.run_dir, config, bench.module, lambda data: None,
                      SILENCE_S)
    turns = turns_of(booted.transcript)
    if not turns:
        raise ToolError("the guest measured no whole turn of whole-node cycles: "
                        f"{why_not(booted.transcript)}", f"see {bench.run_dir}/console")
    return Outcome(rows(turns), is_good(turns), {
        "churn_module_per_s": [turn.module_per_s for turn in turns],
        "churn_bare_per_s": [turn.bare_per_s for turn in turns]})
