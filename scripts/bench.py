# SPDX-License-Identifier: GPL-2.0
"""`make bench`: benchmarks by name, one after the other, each with its targets.

What each measures is in benches/; both sides of every ratio are measured in
turn, on this machine and in this run.
"""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Callable, Mapping
from pathlib import Path

sys.path[:0] = [str(Path(__file__).resolve().parent.parent)]

import options as opt
import prepared
import records as rec
import run
import setup as stp
from benches import audit, churn, cost, engine, mp, price, runs, sampling
from benches.common import Bench, Outcome
from entry import guarded
from errors import ToolError

BENCHES: Mapping[str, Callable[[Bench], Outcome]] = {
    "engine": engine.measure,
    "mp": mp.measure,
    "sampling": sampling.measure,
    "audit": audit.measure,
    "run": runs.measure,
    "cost": cost.measure,
    "churn": churn.measure,
    "price": price.measure,
}


def chosen(text: str) -> list[str]:
    """Names in the order of the table; all of them for ""."""
    wanted = [name.strip() for name in text.split(",")] if text.strip() else list(BENCHES)
    for name in wanted:
        if name not in BENCHES:
            raise ToolError(f"BENCH={text}: no benchmark is called '{name}'",
                            f"there are {', '.join(BENCHES)}")
    return [name for name in BENCHES if name in wanted]


def parsed() -> tuple[opt.Options, list[str]]:
    parser = opt.parser("measure what the project promises to be fast, and what fixes cost")
    parser.add_argument("--bench", metavar="BENCH",
                        help=f"names, separated by commas; default: {','.join(BENCHES)}")
    args = parser.parse_args()
    names = chosen(args.bench or os.environ.get("BENCH", ""))
    return run.checked(opt.raw_values(args, os.environ)), names


def main() -> int:
    options, names = parsed()
    ready = prepared.ready(options)
    setup = stp.make_setup(options, ready.kernel)
    release = ready.kernel.release
    run_dir = rec.new_run_dir(options.out, f"bench-{release}", options.seed, time.time())
    stp.say(f"kernel {release}, seed {options.seed}; {setup.accel.note}")
    bench = Bench(setup, ready.module, run_dir)
    figures: dict[str, object] = {"kernel": release, "accel": setup.accel.name}
    good = True
    for name in names:
        outcome = BENCHES[name](bench)
        print("\n".join(outcome.rows), flush=True)
        figures.update(outcome.figures)
        good = good and outcome.good
        rec.save(run_dir, {"bench.json": rec.to_json(figures)})
    print(f"files:  {rec.shown(run_dir)}")
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(guarded(main))
