# SPDX-License-Identifier: GPL-2.0
"""`make bench`: the engine against the barest loop with the same primitives,
and a warm `make run SECONDS=1` against a bare boot of the same guest.

Both sides of each ratio are measured in turn on this machine; medians and
the whole spread are printed. The bare loop itself is the module's.
"""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

sys.path[:0] = [str(Path(__file__).resolve().parent.parent)]

import options as opt
import prepared
import records as rec
import run
import setup as stp
from entry import guarded
from errors import ToolError
from qemu.transcript import Transcript

ROUNDS = 9
REPETITIONS = 5
ENGINE_LEAST = 0.85
RUN_MOST_RATIO = 3.0
RUN_MOST_S = 25.0


@dataclass(frozen=True)
class Spread:
    """Median and extremes of some measurements."""

    median: float
    least: float
    most: float
    count: int

    @staticmethod
    def of(values: Sequence[float]) -> Spread:
        return Spread(statistics.median(values), min(values), max(values), len(values))

    def text(self, unit: str = "") -> str:
        return (f"{self.median:.2f}{unit} ({self.least:.2f} to {self.most:.2f}, "
                f"{self.count} times)")


@dataclass(frozen=True)
class EngineRound:
    """Handoffs per second of both loops in one round."""

    engine_per_s: int
    bare_per_s: int

    @property
    def ratio(self) -> float:
        return self.engine_per_s / self.bare_per_s


def engine_rounds(transcript: Transcript) -> list[EngineRound]:
    """The module's bench lines; one that is cut or has a zero is left out."""
    rounds = []
    for tagged in transcript.all("bench"):
        engine, bare = tagged.fields.get("engine_per_s", ""), tagged.fields.get("bare_per_s", "")
        if engine.isdigit() and bare.isdigit() and int(bare) > 0:
            rounds.append(EngineRound(int(engine), int(bare)))
    return rounds


def reached(yes: bool) -> str:
    return "reached" if yes else "NOT reached"


def engine_rows(rounds: Sequence[EngineRound]) -> list[str]:
    ratio = Spread.of([each.ratio for each in rounds])
    engine = statistics.median(each.engine_per_s for each in rounds)
    bare = statistics.median(each.bare_per_s for each in rounds)
    return ["engine against the barest loop, same guest, same primitives",
            f"  engine   {engine:>14,.0f} handoffs/s (median)",
            f"  bare     {bare:>14,.0f} handoffs/s (median)",
            f"  ratio    {ratio.text()}",
            f"  target   at least {ENGINE_LEAST}: {reached(ratio.median >= ENGINE_LEAST)}"]


def run_rows(runs_s: Sequence[float], boots_s: Sequence[float]) -> list[str]:
    whole, bare = Spread.of(runs_s), Spread.of(boots_s)
    ratio = Spread.of([r / b for r, b in zip(runs_s, boots_s)])
    good = whole.median <= RUN_MOST_S and ratio.median <= RUN_MOST_RATIO
    return ["warm `make run SECONDS=1` against a bare boot and power-off",
            f"  run      {whole.text(' s')}",
            f"  bare     {bare.text(' s')}",
            f"  ratio    {ratio.text()}",
            f"  target   at most {RUN_MOST_RATIO:g} and {RUN_MOST_S:g} s: {reached(good)}"]


def is_good(rounds: Sequence[EngineRound], runs_s: Sequence[float],
            boots_s: Sequence[float]) -> bool:
    ratio = statistics.median(each.ratio for each in rounds)
    slow = statistics.median(r / b for r, b in zip(runs_s, boots_s))
    return (ratio >= ENGINE_LEAST and slow <= RUN_MOST_RATIO
            and statistics.median(runs_s) <= RUN_MOST_S)


def measure_engine(setup: stp.Setup, module: Path, run_dir: Path) -> list[EngineRound]:
    options = setup.options
    config: dict[str, str | int] = {
        "mode": "run", "module": stp.MODULE, "follow": stp.KTAP,
        "args": f"scenario=handoff-release seconds=1 seed={options.seed} bench={ROUNDS}"}
    booted = stp.boot(setup, run_dir, config, module, lambda data: None)
    rounds = engine_rounds(booted.transcript)
    if not rounds:
        raise ToolError("the guest gave no bench line", f"see {run_dir}/console")
    return rounds


def time_bare_boot(setup: stp.Setup, run_dir: Path) -> float:
    booted = stp.boot(setup, run_dir, {"mode": "bare"}, None, lambda data: None)
    if booted.transcript.ended != "ok":
        raise ToolError(f"a bare boot ended as {booted.result.outcome}",
                        f"see {run_dir}/console")
    return booted.result.seconds


def time_run(options: opt.Options, run_dir: Path) -> float:
    """Wall time of the command itself, as a user gives it."""
    words = ["make", "-s", "-C", str(opt.ROOT), "run", "SECONDS=1", f"SEED={options.seed}",
             f"CPUS={options.cpus}", f"MEM={options.mem_mib}M", f"ACCEL={options.accel}",
             f"OUT={run_dir / 'runs'}", "SCENARIO=*", "RESCUE=no"]
    if options.kernel:
        words.append(f"KERNEL={options.kernel}")
    start = time.monotonic()
    done = subprocess.run(words, capture_output=True, text=True, check=False)
    # Verdicts are another matter; without a table there was no run to time.
    if "\nreplay: " not in done.stdout:
        raise ToolError(f"`{' '.join(words)}` ended with status {done.returncode}:\n"
                        f"{done.stderr.strip()[-2000:]}", "make it run first")
    return time.monotonic() - start


def measure_runs(setup: stp.Setup, run_dir: Path) -> tuple[list[float], list[float]]:
    """Runs and bare boots by turns, so that a slow minute of the host hits both."""
    time_run(setup.options, run_dir)  # fills every cache: what follows is warm
    runs_s: list[float] = []
    boots_s: list[float] = []
    for number in range(1, REPETITIONS + 1):
        boots_s.append(time_bare_boot(setup, run_dir))
        runs_s.append(time_run(setup.options, run_dir))
        stp.say(f"  {number}/{REPETITIONS}: run {runs_s[-1]:.2f} s, bare {boots_s[-1]:.2f} s")
    return runs_s, boots_s


def main() -> int:
    options = run.checked_options("measure the engine and the time of a run")
    ready = prepared.ready(options)
    kernel = ready.kernel
    setup = stp.make_setup(options, kernel)
    run_dir = rec.new_run_dir(options.out, f"bench-{kernel.release}", options.seed, time.time())
    stp.say(f"kernel {kernel.release}, seed {options.seed}; {setup.accel.note}")
    stp.say(f"engine: {ROUNDS} rounds in one guest")
    rounds = measure_engine(setup, ready.module, run_dir)
    print("\n".join(engine_rows(rounds)), flush=True)
    stp.say(f"run and bare boot: {REPETITIONS} times each, by turns")
    runs_s, boots_s = measure_runs(setup, run_dir)
    print("\n".join(run_rows(runs_s, boots_s)))
    rec.save(run_dir, {"bench.json": rec.to_json({
        "kernel": kernel.release, "accel": setup.accel.name,
        "engine_per_s": [each.engine_per_s for each in rounds],
        "bare_per_s": [each.bare_per_s for each in rounds],
        "run_s": runs_s, "bare_boot_s": boots_s})})
    print(f"files:  {rec.shown(run_dir)}")
    return 0 if is_good(rounds, runs_s, boots_s) else 1


if __name__ == "__main__":
    sys.exit(guarded(main))
