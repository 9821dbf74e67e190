# SPDX-License-Identifier: GPL-2.0
"""`make publication`: asks the unmodified kernel, one that publishes node
structures before they are initialised, and one with the fix how they are
published, each reader in a guest of its own, because it may take that guest
down; and keeps one report of it all.

What the report says is publication.py's.
"""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

sys.path[:0] = [str(Path(__file__).resolve().parent.parent)]

import options as opt
import publication
import records as rec
import report
import run
import scenarios
import setup as stp
from entry import guarded
from errors import ToolError
from lab import spec
from records import BROKEN, FAIL, PASS, SKIP, Record
from series import series_key

EARLY, RELEASE = "node-published-early", "node-published-with-release"
FRAGMENT = "kunit"  # what other lab kernels of this project are built with, too
# Later kernels publish once, with a node's first memory.
KEEPS_SINCE = "5.12"
FIRST_MEMORY = "no-memory-at-boot"


@dataclass(frozen=True)
class Asked:
    """One guest: which patch its kernel has, and the one scenario."""

    patch: str
    scenario: str


def readers() -> list[str]:
    """Scenarios in which one reader is let at what is not initialised."""
    return [one.name for one in scenarios.known()
            if one.name.startswith(f"{publication.SCENARIO}-met-")]


def plan(series: str, chosen: str, patches: Sequence[str]) -> list[Asked]:
    """Guests in their order; readers as SCENARIO chooses among them."""
    table = scenarios.known()
    wanted = {one.name for one in scenarios.select(chosen, table)}
    has = {name.partition("/")[2] for name in patches if name.partition("/")[0] == series}
    found = [Asked("", publication.SCENARIO)]
    if EARLY in has:
        found += [Asked(EARLY, publication.SCENARIO)]
        found += [Asked(EARLY, name) for name in readers() if name in wanted]
    if RELEASE in has:
        found += [Asked(RELEASE, publication.SCENARIO)]
    return found


def options_of(options: opt.Options, asked: Asked) -> opt.Options:
    """The user's, for one guest."""
    late = series_key(options.kernel) >= series_key(KEEPS_SINCE)
    return replace(options, scenario=asked.scenario, patch=asked.patch,
                   config=options.config or FRAGMENT,
                   topology=options.topology or (FIRST_MEMORY if late else ""))


def verdict_of(asked: Asked, found: Sequence[Record]) -> Record | None:
    return next((record for record in found if record.scenario == asked.scenario), None)


def status(answers: Sequence[tuple[Asked, Record | None]]) -> int:
    """1: an unmodified or a mended kernel failed; 2: a guest gave no answer, or
    what publishes early was not caught; 0: each is as it was made."""
    verdicts = [(asked, record.verdict if record else BROKEN) for asked, record in answers]
    if any(verdict == FAIL and asked.patch != EARLY for asked, verdict in verdicts):
        return 1
    good = all(verdict in ((FAIL, SKIP) if asked.scenario != publication.SCENARIO else (FAIL,))
               if asked.patch == EARLY else verdict in (PASS, SKIP) for asked, verdict in verdicts)
    return 0 if good else 2


def ask_all(options: opt.Options, asked: Sequence[Asked],
            ask: Callable[[opt.Options], list[Record]]) -> list[tuple[Asked, list[Record]]]:
    answers = []
    for number, one in enumerate(asked, 1):
        stp.say(f"{number} of {len(asked)}: {one.scenario} on {one.patch or 'the unmodified kernel'}")
        answers.append((one, ask(options_of(options, one))))
        record = verdict_of(one, answers[-1][1])
        stp.say(f"{number} of {len(asked)}: {record.verdict if record else 'no verdict'}"
                f"{f', {report.found(record)}' if record and record.verdict == FAIL else ''}")
    return answers


def keep(options: opt.Options, answers: Sequence[tuple[Asked, list[Record]]]) -> Path:
    """One directory of them all, which `make report` reads as any other."""
    found = [record for one, records in answers
             if (record := verdict_of(one, records)) is not None]
    directory = rec.new_run_dir(options.out, f"publication-{options.kernel}", options.seed,
                                time.time())
    rec.save(directory, {"report.txt": report.table(found) + "\n",
                         "records.jsonl": rec.to_json_lines(found)})
    publication.write(directory, found)
    rec.point_latest(options.out, directory)
    return directory


def checked() -> opt.Options:
    """SCENARIO chooses among the readers; KERNEL is a series with patches."""
    parser = opt.parser("ask how node structures are published, and write a report of it")
    values = opt.raw_values(parser.parse_args(), os.environ)
    if values["scenario"] == opt.DEFAULT_SCENARIOS:
        values["scenario"] = f"{publication.SCENARIO}-met-*"
    options = run.checked(values)
    made = sorted({name.partition("/")[0] for name in spec.known_patches()
                   if name.endswith(f"/{EARLY}")}, key=series_key)
    options = replace(options, kernel=options.kernel or made[-1])
    if options.kernel not in made:
        raise ToolError(f"KERNEL={options.kernel}: no kernel that publishes early is made for it",
                        f"series with the patch {EARLY}: {', '.join(made)}")
    return options


def main() -> int:
    options = checked()
    asked = plan(options.kernel, options.scenario, spec.known_patches())
    answers = ask_all(options, asked, lambda one: run.kept_run(one)[1])
    directory = keep(options, answers)
    verdicts = [(one, verdict_of(one, found)) for one, found in answers]
    for one, record in verdicts:
        words = record.verdict if record else "no verdict"
        print(f"{one.patch or 'unmodified':<28}{one.scenario:<40}{words}")
    print(f"report: {rec.shown(directory)}/publication.txt")
    return status(verdicts)


if __name__ == "__main__":
    sys.exit(guarded(main))
