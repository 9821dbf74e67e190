# SPDX-License-Identifier: GPL-2.0
"""A warm `make run SECONDS=1` against a bare boot of the same guest, by turns,
so that a slow minute of the host hits both.

What a run costs besides its scenarios shows in a fixed set of eight, so that
the ratio means the same however many scenarios there are; the whole set has
a bound in seconds.
"""

from __future__ import annotations

import statistics
import subprocess
import time
from collections.abc import Sequence
from pathlib import Path

import options as opt
import setup as stp
from benches.common import Bench, Outcome, Spread, reached
from errors import ToolError

REPETITIONS = 5
MOST_RATIO = 3.0
MOST_S = 25.0
EIGHT = ("exts-external,exts-leftover,exts-in-object,exts-late,handoff-release-acquire,"
         "handoff-xchg-xchg,handoff-spinlock-spinlock,node-offline-online")


def is_light(eights_s: Sequence[float], boots_s: Sequence[float]) -> bool:
    return statistics.median(e / b for e, b in zip(eights_s, boots_s)) <= MOST_RATIO


def is_short(runs_s: Sequence[float]) -> bool:
    return statistics.median(runs_s) <= MOST_S


def rows(runs_s: Sequence[float], eights_s: Sequence[float],
         boots_s: Sequence[float]) -> list[str]:
    ratio = Spread.of([e / b for e, b in zip(eights_s, boots_s)])
    return ["warm `make run SECONDS=1` against a bare boot and power-off",
            f"  bare     {Spread.of(boots_s).text(' s')}",
            f"  eight    {Spread.of(eights_s).text(' s')}: eight scenarios and their controls",
            f"  ratio    {ratio.text()}",
            f"  target   at most {MOST_RATIO:g}: {reached(is_light(eights_s, boots_s))}",
            f"  all      {Spread.of(runs_s).text(' s')}: every scenario of a plain run",
            f"  target   at most {MOST_S:g} s: {reached(is_short(runs_s))}"]


def time_bare_boot(setup: stp.Setup, run_dir: Path) -> float:
    booted = stp.boot(setup, run_dir, {"mode": "bare"}, None, lambda data: None)
    if booted.transcript.ended != "ok":
        raise ToolError(f"a bare boot ended as {booted.result.outcome}",
                        f"see {run_dir}/console")
    return booted.result.seconds


def time_run(options: opt.Options, run_dir: Path, scenarios: str) -> float:
    """Wall time of the command itself, as a user gives it."""
    words = ["make", "-s", "-C", str(opt.ROOT), "run", "SECONDS=1", f"SEED={options.seed}",
             f"CPUS={options.cpus}", f"MEM={options.mem_mib}M", f"ACCEL={options.accel}",
             f"OUT={run_dir / 'runs'}", f"SCENARIO={scenarios}", "RESCUE=no"]
    if options.kernel:
        words.append(f"KERNEL={options.kernel}")
    start = time.monotonic()
    done = subprocess.run(words, capture_output=True, text=True, check=False)
    # Verdicts are another matter; without a table there was no run to time.
    if "\nreplay: " not in done.stdout:
        raise ToolError(f"`{' '.join(words)}` ended with status {done.returncode}:\n"
                        f"{done.stderr.strip()[-2000:]}", "make it run first")
    return time.monotonic() - start


def measure(bench: Bench) -> Outcome:
    stp.say(f"run: run and bare boot, {REPETITIONS} times each, by turns")
    options = bench.setup.options
    time_run(options, bench.run_dir, EIGHT)  # fills every cache: what follows is warm
    runs_s: list[float] = []
    eights_s: list[float] = []
    boots_s: list[float] = []
    for number in range(1, REPETITIONS + 1):
        boots_s.append(time_bare_boot(bench.setup, bench.run_dir))
        eights_s.append(time_run(options, bench.run_dir, EIGHT))
        runs_s.append(time_run(options, bench.run_dir, opt.DEFAULT_SCENARIOS))
        stp.say(f"  {number}/{REPETITIONS}: bare {boots_s[-1]:.2f} s, eight {eights_s[-1]:.2f} s, "
                f"all {runs_s[-1]:.2f} s")
    return Outcome(rows(runs_s, eights_s, boots_s),
                   is_light(eights_s, boots_s) and is_short(runs_s),
                   {"run_s": runs_s, "eight_s": eights_s, "bare_boot_s": boots_s})
