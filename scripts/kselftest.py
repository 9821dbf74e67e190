# SPDX-License-Identifier: GPL-2.0
"""`make kselftest`: the kselftest program on real memory blocks, in a guest: to
its end, ended by signals in the middle, and for a node that is not there. No
module is loaded. Blocks are looked at by the guest's init before and after.
"""

from __future__ import annotations

import os
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
from lab.tools import cross_prefix
from qemu.machine import Machine
from qemu.transcript import Transcript

SELFTESTS = opt.ROOT / "selftests"
PROGRAM = "node_sysfs_readers"
NODE = 1
OFFLINE_MS = 60_000  # in which a block must have gone, before a signal is sent
END_MS = 60_000  # an emulated guest on a busy host; a block is given 10 s
TOTAL_S = 900.0
ENDINGS = ("whole", "int", "term", "hup")
PASS, SKIP = "exit 0", "exit 4"


@dataclass(frozen=True)
class Finding:
    """One thing that was asked; `problem` is empty when it is right."""

    name: str
    problem: str = ""


def build(machine: Machine, out: Path) -> Path:
    """The program for the guest's architecture, static: the guest has no library."""
    place = out / "build" / f"selftests-{machine.arch}"
    done = subprocess.run(
        ["make", "-C", str(SELFTESTS), f"BUILD={place}", f"CC={cross_prefix(machine)}gcc",
         "CFLAGS=-O2 -g -static"], capture_output=True, text=True, check=False,
        env={key: value for key, value in os.environ.items()
             if key not in ("MAKEFLAGS", "MFLAGS", "MAKELEVEL")})
    if done.returncode:
        raise ToolError(f"the kselftest program does not compile:\n{done.stderr.strip()[-2000:]}",
                        "a static C library for the guest's architecture is needed")
    return place / PROGRAM


def output_of(transcript: Transcript, name: str) -> list[str]:
    """What the program printed in one of its runs."""
    return [line[len(name) + 1:] for line in transcript.report if line.startswith(f"{name} ")]


def counts_of(output: Sequence[str]) -> tuple[int, int]:
    """Blocks that went, and values that were read."""
    went = values = 0
    for line in output:
        words = line.split()
        if line.startswith("# ") and len(words) > 3 and words[1].isdigit():
            went += int(words[1]) if words[2:4] == ["blocks", "went,"] else 0
            values += int(words[1]) if words[2].startswith("values") else 0
    return went, values


def ending_problem(transcript: Transcript, name: str) -> str:
    """What is wrong with one run that was to pass."""
    facts, output = transcript.facts, output_of(transcript, name)
    status = facts.get(f"selftest-{name}", "nothing")
    bad = [line for line in output if line.startswith("not ok")]
    took = facts.get(f"selftest-{name}-ms", "0")
    went, values = counts_of(output)
    if status != PASS:
        return f"{status}; it said: {'; '.join(bad or output[-2:]) or 'nothing'}"
    then = facts.get(f"selftest-{name}-then", "")
    if name != "whole" and "=offline" not in then:
        return f"no block was away when the signal came: {then or 'unknown'}"
    if not went or not values:
        return f"{went} blocks went and {values} values were read: nothing was tried"
    if not any(line.startswith("ok") and "memory_restored" in line for line in output):
        return "it did not say that memory was restored"
    if took.isdigit() and int(took) > END_MS:
        return f"it took {took} ms to end after the signal"
    return ""


def block_problem(transcript: Transcript, name: str) -> str:
    before = transcript.facts.get("selftest-before-blocks", "")
    after = transcript.facts.get(f"selftest-{name}-blocks", "")
    return "" if before == after else f"blocks were {before} and are {after or 'unknown'}"


def findings_of(booted: stp.Booted) -> list[Finding]:
    transcript = booted.transcript
    found = []
    for name in ENDINGS:
        found += [Finding(f"{name}: passes", ending_problem(transcript, name)),
                  Finding(f"{name}: blocks as before", block_problem(transcript, name))]
    absent = transcript.facts.get("selftest-absent", "nothing")
    found.append(Finding("absent: skips where there is no such node",
                         "" if absent == SKIP else f"{absent} instead of {SKIP}"))
    splats = [splat.title for splat in booted.splats if not splat.kind.is_stall]
    found.append(Finding("the kernel does not complain", "; ".join(splats)))
    return found


def rows(booted: stp.Booted, found: Sequence[Finding]) -> list[str]:
    went, values = counts_of(output_of(booted.transcript, "whole"))
    lines = [f"{'not ok' if one.problem else 'ok'} {number} {one.name}"
             + (f"\n# {one.problem}" if one.problem else "")
             for number, one in enumerate(found, 1)]
    failed = sum(bool(one.problem) for one in found)
    return ["KTAP version 1", f"1..{len(found)}", *lines,
            f"# whole run: {went} blocks went, {values} values were read",
            f"# {len(found) - failed} passed, {failed} failed, 0 skipped"]


def main() -> int:
    options = run.checked_options("run the kselftest program on real memory blocks in a guest")
    kernel = prepared.kernel_for(options)
    setup = stp.make_setup(options, kernel)
    program = build(setup.machine, options.out)
    run_dir = rec.new_run_dir(options.out, f"kselftest-{kernel.release}", options.seed,
                              time.time())
    stp.say(f"kernel {kernel.release}; {setup.accel.note}")
    booted = stp.boot(setup, run_dir, {
        "mode": "kselftest", "node": NODE, "seconds": options.seconds,
        "workload_ms": OFFLINE_MS}, None, lambda data: None,
        idle_s=stp.IDLE_S + 3 * options.seconds, total_s=TOTAL_S + 3 * options.seconds,
        programs={"selftest": program})
    if booted.transcript.ended is None:
        raise ToolError(f"the guest ended as `{booted.result.outcome}`", f"see {run_dir}/console")
    if not booted.transcript.facts.get("selftest-before-blocks"):
        print(f"skip: this guest has no node {NODE} with memory blocks")
        return 0
    said = rows(booted, findings_of(booted))
    rec.save(run_dir, {"ktap": "\n".join(said) + "\n",
                       "output": "\n".join(booted.transcript.report) + "\n"})
    print("\n".join(said))
    print(f"files:  {rec.shown(run_dir)}")
    return 1 if any(line.startswith("not ok") for line in said) else 0


if __name__ == "__main__":
    sys.exit(guarded(main))
