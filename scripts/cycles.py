# SPDX-License-Identifier: GPL-2.0
"""`make cycles CYCLES=200`: the module loaded and unloaded over and over in one
guest, every second time removed in mid-run; nothing may leak and the kernel
may not complain.

The guest's init does the cycles and reads the counters; this file judges.
"""

from __future__ import annotations

import argparse
import os
import sys
import time
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

sys.path[:0] = [str(Path(__file__).resolve().parent.parent)]

import options as opt
import prepared
import records as rec
import run
import setup as stp
from entry import guarded
from qemu.machine import Machine
from qemu.transcript import Step, Transcript

CYCLES = "200"
CYCLES_LEAST, CYCLES_MOST = 4, 100_000
# What is left after settling is the kernel's own coming and going. A leak of
# one object, or one page, in every fourth cycle is more than this allows.
CYCLES_PER_LEAK = 4
NOISE_OBJECTS = 64
NOISE_KB = 512
PAGE_KB = 4
CYCLE_S = 60
EXACT = "slub_debug=F"
# Short whole cycles; the ones that are cut may be anywhere in a full run.
WHOLE_SCENARIOS = "exts-external,handoff-release-acquire"


@dataclass(frozen=True)
class Counters:
    """What the guest counted at one time, after settling."""

    caches: int
    active_objects: int
    unreclaimable_kb: int
    percpu_kb: int

    @staticmethod
    def read(facts: Mapping[str, str], when: str) -> Counters | None:
        names = ("caches", "active_objects", "SUnreclaim_kb", "Percpu_kb")
        values = [facts.get(f"{when}.{name}", "") for name in names]
        if not all(value.isdigit() for value in values):
            return None
        return Counters(*(int(value) for value in values))


def allowed(cycles: int) -> tuple[int, int]:
    """Objects and kB that the counts may have grown by over `cycles`."""
    steps = cycles // CYCLES_PER_LEAK
    return max(NOISE_OBJECTS, steps), max(NOISE_KB, steps * PAGE_KB)


def growth_problems(warm: Counters, after: Counters, cycles: int) -> list[str]:
    """What did not return between `warm` and `after`, `cycles` cycles later."""
    objects, kb = allowed(cycles)
    grown = {
        "slab caches": (after.caches - warm.caches, 0),
        "active slab objects": (after.active_objects - warm.active_objects, objects),
        "unreclaimable slab memory, kB": (after.unreclaimable_kb - warm.unreclaimable_kb, kb),
        "per-CPU memory, kB": (after.percpu_kb - warm.percpu_kb, kb),
    }
    return [f"{name}: grew by {by} in {cycles} cycles, {most} allowed"
            for name, (by, most) in grown.items() if by > most]


def done_cycles(transcript: Transcript) -> list[Step]:
    return [step for step in transcript.steps if step.name.startswith("cycle-")]


def warm_cycles(cycles: int) -> int:
    """Cycles before the counters called `warm`, as the guest's init has it."""
    return cycles // 10 + 1


def failures(booted: stp.Booted, cycles: int) -> list[str]:
    """What the module or the kernel did wrong."""
    facts = booted.transcript.facts
    found = [f"{step.name}: {step.problem}" for step in done_cycles(booted.transcript)
             if step.problem]
    found += [f"{splat.title} (during {splat.during or 'load or unload'})"
              for splat in booted.splats]
    if facts.get("cgroups_left", "0") != "0":
        found.append(f"{facts['cgroups_left']} cgroups of the module's were left behind")
    if "blocks_moved" in facts:
        found.append(f"memory blocks were not put back as found: {facts['blocks_moved']}; "
                     f"found {facts.get('blocks') or 'none'}")
    warm, after = Counters.read(facts, "warm"), Counters.read(facts, "after")
    if warm and after:
        found += growth_problems(warm, after, cycles - warm_cycles(cycles))
    return found


def gaps(booted: stp.Booted, cycles: int) -> list[str]:
    """Why the question is not answered, if it is not: cycles that never came,
    whole ones without an end line, counters that were not to be had."""
    facts, done = booted.transcript.facts, done_cycles(booted.transcript)
    found = []
    if len(done) < cycles:
        found.append(f"{len(done)} of {cycles} cycles were done; the guest ended as "
                     f"`{booted.result.outcome}`")
    for number in range(0, len(done), 2):
        said = facts.get(f"cycle-{number}-whole", "")
        if not said.startswith("# end "):
            found.append(f"cycle {number} ended without its totals: {said or 'nothing'}")
    if not (Counters.read(facts, "warm") and Counters.read(facts, "after")):
        found.append("the guest gave no counters: is /proc/slabinfo there?")
    return found


def counter_rows(facts: Mapping[str, str]) -> list[str]:
    rows = [f"{'':<8}{'caches':>8}{'objects':>10}{'SUnreclaim kB':>15}{'Percpu kB':>11}"]
    for when in ("before", "warm", "middle", "after"):
        counted = Counters.read(facts, when)
        if counted:
            rows.append(f"{when:<8}{counted.caches:>8}{counted.active_objects:>10}"
                        f"{counted.unreclaimable_kb:>15}{counted.percpu_kb:>11}")
    if facts.get("grown"):
        rows.append(f"objects since `warm`: {facts['grown']}")
    return rows


def guest_config(options: opt.Options, cycles: int) -> dict[str, str | int]:
    whole = WHOLE_SCENARIOS if options.scenario == opt.DEFAULT_SCENARIOS else options.scenario
    common = f"seconds={options.seconds} seed={options.seed} remove_memory=1"
    return {"mode": "cycles", "module": stp.MODULE, "follow": stp.KTAP, "cycles": cycles,
            "seed": options.seed, "args": f"scenario={whole} {common}",
            "cut_args": f"scenario={options.scenario} {common}"}


def exact_counts(machine: Machine) -> Machine:
    """The same machine without stocks per CPU, which slabinfo counts as active.

    With consistency checks on, v7.0 and later give no cache sheaves, and older
    kernels keep no slab for a CPU (mm/slub.c); sizes and placement stay.
    """
    return replace(machine, cmdline=(*machine.cmdline, EXACT))


def show(line: str) -> None:
    """Every tenth cycle, and whatever failed."""
    if line.startswith("@ step cycle-"):
        number = int(line.split("-")[1])
        if number % 10 == 9 or not line.endswith(" ok"):
            stp.say(f"  {line.removeprefix('@ step ')}")


def parsed_options() -> tuple[opt.Options, int]:
    parser = opt.parser("load and unload the module over and over")
    parser.add_argument("--cycles", metavar="CYCLES", help=f"default {CYCLES}")
    args: argparse.Namespace = parser.parse_args()
    values = opt.raw_values(args, {"SECONDS": "1", **os.environ})
    text = args.cycles or os.environ.get("CYCLES") or CYCLES
    cycles = opt.whole_number("CYCLES", text, CYCLES_LEAST, CYCLES_MOST)
    return run.checked(values), cycles


def replay(options: opt.Options, series: str, accel: str, cycles: int) -> str:
    named = replace(options, kernel=options.kernel or series)
    words = opt.replay_line(named, accel).removeprefix("make run")
    return f"make cycles CYCLES={cycles}{words}"


def main() -> int:
    options, cycles = parsed_options()
    ready = prepared.ready(options)
    kernel = ready.kernel
    setup = stp.make_setup(options, kernel)
    setup = replace(setup, machine=exact_counts(setup.machine))
    run_dir = rec.new_run_dir(options.out, f"cycles-{kernel.release}", options.seed, time.time())
    line = replay(options, kernel.series, setup.accel.name, cycles)
    rec.save(run_dir, {"replay": line + "\n"})
    stp.say(f"kernel {kernel.release}, seed {options.seed}, {cycles} cycles, every second one "
            f"cut short; {setup.accel.note}")
    booted = stp.boot(setup, run_dir, guest_config(options, cycles), ready.module,
                      stp.on_lines(show, lambda: None), total_s=CYCLE_S * cycles + 600)
    folded = stp.nodes_problem(setup, booted.transcript)
    failed, missing = failures(booted, cycles), [*filter(None, [folded]), *gaps(booted, cycles)]
    verdict = "fail" if failed else "broken" if missing else "pass"
    print("\n".join([*counter_rows(booted.transcript.facts),
                     *(f"fail: {text}" for text in failed),
                     *(f"broken: {text}" for text in missing)]))
    print(f"{verdict}: {cycles} cycles on {kernel.release} in {booted.result.seconds:.0f} s, "
          f"{len(booted.splats)} splats\nreplay: {line}\nfiles:  {rec.shown(run_dir)}")
    return 1 if failed else 2 if missing else 0


if __name__ == "__main__":
    sys.exit(guarded(main))
