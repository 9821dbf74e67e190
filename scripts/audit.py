# SPDX-License-Identifier: GPL-2.0
"""`make audit`: who frees what others allocated, on another CPU, how soon and
in which context, while a workload runs in a guest: a table and a picture.

The workload is WORKLOAD, a shell command for the guest, or the handoff
scenarios. AUDIT has words for audit_control, such as `exact` or `sample 4`.
What the module says is read in audit_report.py and drawn in audit_plot.py.
"""

from __future__ import annotations

import argparse
import os
import sys
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

sys.path[:0] = [str(Path(__file__).resolve().parent.parent)]

import audit_plot
import audit_report
import judge
import options as opt
import prepared
import records as rec
import run
import setup as stp
from entry import guarded
from errors import ToolError

DEBUGFS = "/sys/kernel/debug/slubtorture"
TABLE, RECORDS = "audit", "audit_records"
SCENARIO = "handoff-*"
WORDS_MOST = 100
# of audit_control, and how many numbers follow each (module/core/audit_text.cc)
WORDS = {"on": 0, "1": 0, "off": 0, "0": 0, "reset": 0, "exact": 0, "default": 0,
         "sample": 1, "slice": 2}
GUEST_S = 300.0


@dataclass(frozen=True)
class Asked:
    """What is audited and how; an empty workload means the scenarios."""

    options: opt.Options
    workload: str
    words: str


def checked_words(text: str) -> str:
    """AUDIT as one module parameter. The module checks words and numbers, too,
    but a guest must have been booted for it."""
    given = text.replace(",", " ").replace("=", " ").split()
    rest = list(given)
    while rest and rest[0] in WORDS:
        numbers = rest[1:1 + WORDS[rest[0]]]
        if len(numbers) < WORDS[rest[0]] or not all(n.isascii() and n.isdigit() for n in numbers):
            break
        rest = rest[1 + len(numbers):]
    words = ",".join(given)
    if rest or len(words) > WORDS_MOST:
        wrong = f"'{rest[0]}' is not to be understood" if rest else "that is too long"
        raise ToolError(f"AUDIT={text}: {wrong}",
                        "exact, default, sample N, slice MS EVERY_MS; for example AUDIT=exact, or "
                        "AUDIT='sample 4 slice 20 500'")
    return f"{words},on" if words else "on"


def checked_workload(text: str) -> str:
    if "\n" in text:
        raise ToolError("WORKLOAD has several lines", "give it on one, commands parted by ;")
    if text:
        stp.static_shell("WORKLOAD")
    return text


def parsed(environment: Mapping[str, str]) -> Asked:
    parser = opt.parser("show who frees on other CPUs what others allocated")
    parser.add_argument("--workload", help="shell command for the guest (default: the scenarios)")
    parser.add_argument("--audit", help="words for audit_control, such as exact (default: none)")
    args: argparse.Namespace = parser.parse_args()
    values = opt.raw_values(args, environment)
    if values["scenario"] == opt.DEFAULT_SCENARIOS:
        values["scenario"] = SCENARIO
    workload = checked_workload((args.workload or environment.get("WORKLOAD", "")).strip())
    words = checked_words(args.audit or environment.get("AUDIT", ""))
    return Asked(run.checked(values), workload, words)


def guest_config(asked: Asked) -> dict[str, str | int]:
    options = asked.options
    scenario = "none" if asked.workload else options.scenario
    config: dict[str, str | int] = {
        "mode": "run", "module": stp.MODULE, "follow": stp.KTAP,
        "args": f"scenario={scenario} seconds={options.seconds} seed={options.seed} "
                f"audit={asked.words}",
        "show": f"{DEBUGFS}/{TABLE},{DEBUGFS}/{RECORDS}"}
    if asked.workload:
        config |= {"workload": asked.workload, "workload_ms": options.seconds * 1000}
    return config


def lines_of(booted: stp.Booted, name: str) -> list[str]:
    """The lines of one of the module's files, as init sent them."""
    return [line[len(name) + 1:] for line in booted.transcript.report
            if line.startswith(name + " ")]


def check_guest(booted: stp.Booted, run_dir: Path) -> None:
    """An audit that did not come to its end has nothing to show."""
    refused = judge.refusal(booted.transcript,
                            judge.Ending(booted.result.outcome, console=booted.console))
    problems = [refused] if refused else []
    problems += [f"{step.name}: {step.problem}" for step in booted.transcript.problems()
                 if not refused or step.name != "insmod"]
    if booted.splats:
        problems.append(f"the kernel complained: {booted.splats[0].title}")
    if booted.transcript.ended is None:
        problems.append(f"the guest ended as `{booted.result.outcome}`")
    if problems:
        raise ToolError("the audit did not come to its end: " + "; ".join(problems),
                        f"see {run_dir}/console")


def replay(asked: Asked) -> str:
    extra = f" AUDIT='{asked.words}'" if asked.words != "on" else ""
    if asked.workload:
        extra += f" WORKLOAD='{asked.workload}'"
    elif asked.options.scenario != SCENARIO:
        extra += f" SCENARIO='{asked.options.scenario}'"
    options = asked.options
    kernel = f" KERNEL={options.kernel}" if options.kernel else ""
    return f"make audit{kernel} SECONDS={options.seconds} SEED={options.seed}{extra}"


def draw(found: audit_report.Audit, title: str, run_dir: Path) -> None:
    problem = audit_plot.draw(found, title, run_dir / "audit.png")
    print(f"picture: {problem}" if problem else f"picture: {rec.shown(run_dir)}/audit.png")


def main() -> int:
    asked = parsed(os.environ)
    options = asked.options
    ready = prepared.ready(options)
    setup = stp.make_setup(options, ready.kernel)
    run_dir = rec.new_run_dir(options.out, f"audit-{ready.kernel.release}", options.seed,
                              time.time())
    what = asked.workload or options.scenario
    stp.say(f"kernel {ready.kernel.release}, seed {options.seed}; {setup.accel.note}")
    stp.say(f"audit ({asked.words}) of: {what}")
    booted = stp.boot(setup, run_dir, guest_config(asked), ready.module, lambda data: None,
                      total_s=GUEST_S + 3 * options.seconds)
    check_guest(booted, run_dir)
    table, records = lines_of(booted, TABLE), lines_of(booted, RECORDS)
    found = audit_report.parse(records)
    rec.save(run_dir, {"audit.txt": "\n".join(table) + "\n",
                       "audit.records": "\n".join(records) + "\n",
                       "replay": replay(asked) + "\n"})
    print("\n".join(table))
    if "workload" in booted.transcript.facts:
        print(f"workload: {booted.transcript.facts['workload']}")
    draw(found, f"{ready.kernel.release}: {what}", run_dir)
    print(f"replay: {replay(asked)}\nfiles:  {rec.shown(run_dir)}")
    return 0


if __name__ == "__main__":
    sys.exit(guarded(main))
