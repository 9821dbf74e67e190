# SPDX-License-Identifier: GPL-2.0
"""`make inspect CACHE=name`: what the module's debugfs file `inspect` shows of
one cache in a guest; without CACHE, the caches that there are.

The guest reads, the module writes the text; this file chooses, keeps, prints.
"""

from __future__ import annotations

import difflib
import os
import sys
from dataclasses import dataclass
from pathlib import Path

sys.path[:0] = [str(Path(__file__).resolve().parent.parent)]

import options as opt
import records as rec
import run
import setup as stp
from entry import guarded
from errors import ToolError
from progress import Progress

OBJECTS = "16"
OBJECTS_MOST = 65536
NAME_MOST = 63
EACCES = "13"
# The inspector's check of itself; what else runs meanwhile is the user's choice.
SCENARIO = "inspect"


@dataclass(frozen=True)
class Asked:
    """A cache's name, "" for the list of all; how many objects of each slab."""

    cache: str
    objects: int


def checked_name(cache: str) -> str:
    name = cache.strip()
    if len(name.encode()) > NAME_MOST or not name.isprintable():
        raise ToolError(f"CACHE={cache!r}: not the name of a cache",
                        "`make inspect` without CACHE lists them")
    return name


def guest_config(chosen: run.Run, asked: Asked) -> dict[str, str | int]:
    config = run.guest_config(chosen)
    config["mode"], config["rescue"] = "inspect", 0
    config["args"] = f"{config['args']} inspect_sample=1 inspect_objects={asked.objects}"
    if asked.cache:
        config["inspect"] = asked.cache
    return config


def names_of(lines: tuple[str, ...]) -> list[str]:
    """The caches of a list: rows of size, object size, name."""
    rows = (line.split(maxsplit=2) for line in lines)
    return [row[2] for row in rows if len(row) == 3 and row[0].isdigit() and row[1].isdigit()]


def check_text(asked: Asked, booted: stp.Booted) -> None:
    """There is a text, and it is of the cache that was asked for."""
    transcript = booted.transcript
    problems = {step.name: step.problem for step in transcript.problems()}
    if "inspect-choose" in problems:
        near = difflib.get_close_matches(asked.cache, names_of(transcript.report), n=3, cutoff=0.5)
        meant = f"did you mean {', '.join(near)}? " if near else ""
        raise ToolError(f"CACHE={asked.cache}: this kernel has no cache of that name "
                        f"({problems['inspect-choose']})",
                        f"{meant}`make inspect` without CACHE lists them; a cache that was merged "
                        "is there under the name of the other")
    if not transcript.report:
        raise ToolError(f"the guest sent nothing of the inspector: {problems or 'no step failed'}; "
                        f"it ended as `{booted.result.outcome}`",
                        "its console is kept with the run's files")


def file_problems(facts: dict[str, str]) -> list[str]:
    """Whether root could open the file for writing."""
    doors = {"inspect_open_write": "for writing", "inspect_open_both": "for reading and writing"}
    return [f"the file could be opened {how}, or failed in another way: errno {facts.get(name)}"
            for name, how in doors.items() if facts.get(name) != EACCES]


def parsed_options() -> tuple[opt.Options, Asked]:
    parser = opt.parser("show what SLUB keeps of one cache in a guest")
    parser.add_argument("--cache", metavar="CACHE", help="default: list the caches")
    parser.add_argument("--objects", metavar="OBJECTS",
                        help=f"of each slab that are shown (default {OBJECTS})")
    args = parser.parse_args()
    given = {name: value for name, value in os.environ.items() if value}
    objects = opt.whole_number("OBJECTS", args.objects or given.get("OBJECTS", OBJECTS), 0,
                               OBJECTS_MOST)
    asked = Asked(checked_name(args.cache or given.get("CACHE", "")), objects)
    values = opt.raw_values(args, {"SCENARIO": SCENARIO, "SECONDS": "1", **given})
    return run.checked(values), asked


def boot(chosen: run.Run, asked: Asked) -> stp.Booted:
    progress = Progress(sys.stderr, len(chosen.chosen))
    idle_s, total_s = run.bounds(chosen)
    try:
        return stp.boot(chosen.setup, chosen.run_dir, guest_config(chosen, asked), chosen.module,
                        stp.on_lines(progress.line, progress.tick), idle_s, total_s)
    finally:
        progress.close()


def main() -> int:
    options, asked = parsed_options()
    chosen = run.prepare_run(options)
    run.announce(chosen)
    booted = boot(chosen, asked)
    found = run.judged(chosen, booted)
    run.keep(chosen, booted, found)
    text = "\n".join(booted.transcript.report) + "\n"
    rec.save(chosen.run_dir, {"inspect": text})
    check_text(asked, booted)
    print(text, end="")
    problems = file_problems(booted.transcript.facts)
    for problem in problems:
        stp.say(f"fail: {problem}")
    if "inspect_cut" in booted.transcript.facts:
        stp.say(f"the text was cut at {booted.transcript.facts['inspect_cut']} bytes; "
                "lower OBJECTS")
    checks = ", ".join(f"{record.scenario} {record.verdict}" for record in found
                       if not record.is_control)
    meanwhile = booted.transcript.facts.get("inspect_meanwhile", "0")
    stp.say(f"checks: {checks}; the file was read {meanwhile} times meanwhile\nfiles:  {rec.shown(chosen.run_dir)}")
    return 1 if problems else rec.exit_status(found)


if __name__ == "__main__":
    sys.exit(guarded(main))
