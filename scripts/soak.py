# SPDX-License-Identifier: GPL-2.0
"""`make soak CYCLES=3000`: a node's memory goes and comes over and over in one
boot, in both zones by turns; nothing may grow.

The module does the cycles, some hundred of them a load, and compares every
cache's structures each time; the guest's init counts what the kernel has in use
between loads. Its control goes the same way with a file left open a cycle, and
must be found: a rule that sees no leak says nothing. What growth is, is said by
growth.py.
"""

from __future__ import annotations

import argparse
import os
import sys
import time
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path

sys.path[:0] = [str(Path(__file__).resolve().parent.parent)]

import growth
import options as opt
import prepared
import records as rec
import run
import setup as stp
from entry import guarded
from growth import Series

CYCLES = "3000"
ROUND = 8  # cycles of a round, core/experiment_price.cc
ROUNDS_MOST = 100  # of one load, core/experiment.cc
POINTS = 10
CYCLES_LEAST, CYCLES_MOST = POINTS * ROUND, 1_000_000
BENCHMARK = "churn-zones"
# One object, page or file in every twentieth cycle is more than is allowed.
CYCLES_PER_LEAK = 20
PAGE_KB = 4
NODE = 1
IDLE_S = 900.0
CYCLE_S = 10
# Name as the guest says it, what it is called, noise that is no leak, and how
# much a leak of one is: an object, a page, a file.
COUNTERS: tuple[tuple[str, str, int, int], ...] = (
    ("active_objects", "slab objects in use", 100, 1),
    ("caches", "slab caches", 0, 0),
    ("SUnreclaim_kb", "unreclaimable slab, kB", 512, PAGE_KB),
    ("SReclaimable_kb", "reclaimable slab, kB", 512, PAGE_KB),
    ("Percpu_kb", "per-CPU memory, kB", 256, PAGE_KB),
    ("KernelStack_kb", "kernel stacks, kB", 128, PAGE_KB),
    ("files", "open files", 8, 1),
    ("MemFree_kb", "free memory, kB", 8192, PAGE_KB),  # lists of free pages per CPU
)
LESS_IS_MORE = frozenset({"MemFree_kb"})
LEAKED = ("active_objects", "files")  # what the control's open files must show in


@dataclass(frozen=True)
class Plan:
    """How many cycles lie between two counts, and how many counts there are
    after the first."""

    points: int
    rounds: int

    @property
    def between(self) -> int:
        return self.rounds * ROUND

    @property
    def cycles(self) -> int:
        return self.points * self.between

    @staticmethod
    def of(cycles: int) -> Plan:
        """At least so many cycles, in whole rounds."""
        points = max(POINTS, -(-cycles // (ROUND * ROUNDS_MOST)))
        return Plan(points, -(-cycles // (points * ROUND)))


@dataclass(frozen=True)
class Churned:
    """What the module said of its cycles."""

    cycles: int
    seconds: float
    replaced: int
    problems: tuple[str, ...]


def series_of(facts: Mapping[str, str], phase: str, points: int, cycles: int) -> list[Series]:
    """The counters from the first point on that has a stretch behind it; one
    that was not counted everywhere is left out."""
    found = []
    for key, name, noise, unit in COUNTERS:
        texts = [facts.get(f"{phase}-{point}.{key}", "") for point in range(1, points + 1)]
        if all(text.isdigit() for text in texts):
            allowed = max(noise, cycles // CYCLES_PER_LEAK * unit)
            found.append(Series(name, tuple(int(text) for text in texts), allowed,
                                key in LESS_IS_MORE))
    return found


def churned(booted: stp.Booted) -> Churned:
    """Sums over all loads; a round that was skipped is a problem."""
    rows = [tagged.fields for tagged in booted.transcript.all("bench")
            if tagged.text.split(" ")[0] == BENCHMARK]
    whole = [row for row in rows if all(row.get(key, "").isdigit() for key in ("cycles", "ns"))]
    skips = {row["skip"] for row in rows if row.get("skip")}
    # `replaced` counts up over a load
    replaced = sum(int(last.get("replaced", "0") or 0) for last, following in
                   zip(whole, [*whole[1:], {"round": "0"}]) if following.get("round") == "0")
    return Churned(sum(int(row["cycles"]) for row in whole),
                   sum(int(row["ns"]) for row in whole) / 1e9, replaced, tuple(sorted(skips)))


def failures(booted: stp.Booted, plan: Plan, done: Churned) -> list[str]:
    """What the kernel did wrong."""
    found = [f"{splat.title} (during {splat.during or 'load or unload'})"
             for splat in booted.splats if not splat.kind.is_stall]
    if done.replaced:
        found.append(f"{done.replaced} times a cache made a structure anew that was there")
    own = series_of(booted.transcript.facts, "soak", plan.points, plan.cycles - plan.between)
    found += [f"{one.name}: grew by {one.rose_by:.0f}, {one.allowed:.0f} allowed"
              for one in own if one.grew]
    return found


def gaps(booted: stp.Booted, plan: Plan, done: Churned) -> list[str]:
    """Why the question is not answered, if it is not."""
    facts = booted.transcript.facts
    found = [f"the module did not cycle: {problem}" for problem in done.problems]
    if done.cycles < plan.cycles:
        found.append(f"{done.cycles} of {plan.cycles} cycles were done; the guest ended as "
                     f"`{booted.result.outcome}`")
    found += [f"{step.name}: {step.problem}" for step in booted.transcript.problems()]
    missing = {name for _, name, _, _ in COUNTERS} - {
        one.name for one in series_of(facts, "soak", plan.points, plan.cycles)}
    if missing:
        found.append(f"not counted: {', '.join(sorted(missing))}")
    return found + control_gaps(facts, plan)


def control_gaps(facts: Mapping[str, str], plan: Plan) -> list[str]:
    """The counters in which the control's leak was not found."""
    grew = {one.name for one in series_of(facts, "control", plan.points,
                                          plan.cycles - plan.between) if one.grew}
    names = {key: name for key, name, _, _ in COUNTERS}
    return [f"the control, a file left open each cycle, was not found in: {names[key]}"
            for key in LEAKED if names[key] not in grew]


def rows_of(facts: Mapping[str, str], plan: Plan) -> list[str]:
    """One row a counter: before, after the first stretch, at the end."""
    own = {one.name: one for one in
           series_of(facts, "soak", plan.points, plan.cycles - plan.between)}
    control = {one.name: one for one in
               series_of(facts, "control", plan.points, plan.cycles - plan.between)}
    rows = [f"{'':<23}{'before':>9}{'begin':>9}{'end':>9}{'grew':>8}{'allowed':>9}  control"]
    for key, name, _, _ in COUNTERS:
        one, leaked = own.get(name), control.get(name)
        if one is None:
            continue
        caught = "caught" if leaked and leaked.grew else "-"
        rows.append(f"{name:<23}{facts.get(f'soak-0.{key}', '?'):>9}{one.values[0]:>9}"
                    f"{one.values[-1]:>9}{one.rose_by:>8.0f}{one.allowed:>9.0f}  {caught}"
                    f"{'  GREW' if one.grew else ''}")
    return rows


def guest_config(options: opt.Options, plan: Plan) -> dict[str, str | int]:
    return {"mode": "soak", "module": stp.MODULE, "follow": stp.KTAP, "node": NODE,
            "points": plan.points, "leaks": plan.between,
            "args": f"scenario=none seconds=1 seed={options.seed} bench={plan.rounds} "
                    f"benchmark={BENCHMARK}"}


class Watch:
    """Says how far it is, at every count."""

    def __init__(self, plan: Plan) -> None:
        self.plan, self.cycles = plan, 0

    def line(self, text: str) -> None:
        if text.startswith(f"# bench {BENCHMARK} ") and " ns=" in text:
            self.cycles += ROUND
        if text.startswith(("@ fact soak-", "@ fact control-")) and ".slabs=" in text:
            phase = text.removeprefix("@ fact ").partition(".")[0]
            stp.say(f"  {phase}: {self.cycles} of {self.plan.cycles} cycles")


def parsed_options() -> tuple[opt.Options, Plan]:
    parser = opt.parser("take a node's memory away and back for long, look for growth")
    parser.add_argument("--cycles", metavar="CYCLES", help=f"default {CYCLES}")
    args: argparse.Namespace = parser.parse_args()
    text = args.cycles or os.environ.get("CYCLES") or CYCLES
    cycles = opt.whole_number("CYCLES", text, CYCLES_LEAST, CYCLES_MOST)
    return run.checked(opt.raw_values(args, os.environ)), Plan.of(cycles)


def replay(options: opt.Options, series: str, accel: str, plan: Plan) -> str:
    named = opt.replay_line(options, accel, opt.DEFAULT_SCENARIOS).removeprefix("make run")
    kernel = "" if options.kernel else f" KERNEL={series}"
    return f"make soak CYCLES={plan.cycles}{kernel}{named}"


def keep(run_dir: Path, booted: stp.Booted, plan: Plan, said: list[str], line: str) -> None:
    facts = booted.transcript.facts
    rec.save(run_dir, {
        "replay": line + "\n", "soak.txt": "\n".join(said) + "\n",
        "ktap": "\n".join(booted.transcript.ktap) + "\n",
        "soak.json": rec.to_json({
            "plan": asdict(plan), "facts": {key: value for key, value in facts.items()
                                            if key.startswith(("soak-", "control-"))}})})


def main() -> int:
    options, plan = parsed_options()
    ready = prepared.ready(options)
    setup = stp.make_setup(options, ready.kernel)
    release = ready.kernel.release
    run_dir = rec.new_run_dir(options.out, f"soak-{release}", options.seed, time.time())
    line = replay(options, ready.kernel.series, setup.accel.name, plan)
    rec.save(run_dir, {"replay": line + "\n"})
    stp.say(f"kernel {release}, seed {options.seed}, {plan.cycles} cycles, counted every "
            f"{plan.between}; {setup.accel.note}")
    watch = Watch(plan)
    booted = stp.boot(setup, run_dir, guest_config(options, plan), ready.module,
                      stp.on_lines(watch.line, lambda: None), IDLE_S,
                      total_s=CYCLE_S * plan.cycles + 3600)
    done = churned(booted)
    failed, missing = failures(booted, plan, done), gaps(booted, plan, done)
    verdict = "fail" if failed else "broken" if missing else "pass"
    rate = done.cycles / done.seconds if done.seconds else 0.0
    said = [*rows_of(booted.transcript.facts, plan),
            *(f"fail: {text}" for text in failed), *(f"broken: {text}" for text in missing),
            f"{verdict}: {done.cycles} whole-node cycles on {release}, {rate:.2f} a second, "
            f"in {booted.result.seconds:.0f} s, {len(booted.splats)} splats"]
    keep(run_dir, booted, plan, said, line)
    print("\n".join(said))
    print(f"replay: {line}\nfiles:  {rec.shown(run_dir)}")
    return 1 if failed else 2 if missing else 0


if __name__ == "__main__":
    sys.exit(guarded(main))
