# SPDX-License-Identifier: GPL-2.0
"""`make models`: what the kernel's memory model says of every litmus test, beside
what this kernel and CPU showed.

herd.py and lkmm.py get tool and model, judgement.py asks them, shown.py reads
what a guest showed; this file puts the steps in order.
"""

from __future__ import annotations

import argparse
import os
import re
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

sys.path[:0] = [str(Path(__file__).resolve().parent.parent)]

import herd as hrd
import litmus
import lkmm
import models_report as report
import options as opt
import prepared
import records as rec
import run
import scenarios
import setup as stp
import shown
from entry import guarded
from judgement import Judged, judge

NO_RUN = "none"


@dataclass(frozen=True)
class Asked:
    """What the user wants: tests, and a guest's run to set beside them: one
    that is kept, none, or for "" one of now."""

    options: opt.Options
    tests: list[litmus.Expected]
    run: str

    @property
    def boots(self) -> bool:
        """Whether a guest is to be asked. No test may need one."""
        return not self.run and bool(wanted_scenarios(self.tests))


def wanted_scenarios(tests: Sequence[litmus.Expected]) -> str:
    """The scenarios of these tests that this clone has; of a handoff that is
    wrong on purpose there is a control alone, which goes by the same name."""
    known = {one.name.removeprefix(scenarios.CONTROL) for one in scenarios.known()}
    names = {name for test in tests for name in test.scenarios}
    return ",".join(sorted(known & names))


def parsed() -> Asked:
    parser = opt.parser("judge every litmus test by the kernel's memory model, and set beside it "
                        "what a kernel and CPU showed")
    parser.add_argument("--test", metavar="TEST", help="names or globs of litmus tests, separated "
                        "by commas (default: all)")
    parser.add_argument("--run", metavar="RUN", help="a run that make run has kept, or none "
                        "(default: a guest is run)")
    args: argparse.Namespace = parser.parse_args()
    tests = litmus.select(litmus.load(litmus.TESTS), args.test or "")
    values = opt.raw_values(args, os.environ)
    wanted_run = (args.run or "").strip()
    if values["scenario"] == opt.DEFAULT_SCENARIOS and wanted_scenarios(tests):
        values["scenario"] = wanted_scenarios(tests)
    options = opt.checked(values, Path.cwd() / "out")
    if not wanted_run:
        run.checked(values)  # what a guest takes, too
    opt.check_out(options.out)
    return Asked(options, tests, wanted_run)


def series_of(asked: Asked, kept: shown.KeptRun | None) -> str:
    """Of the kernel whose model is asked; "" is the newest."""
    if kept:
        return kept.series
    if asked.boots:
        return prepared.ready(asked.options).kernel.series
    return asked.options.kernel if re.fullmatch(r"\d+\.\d+", asked.options.kernel) else ""


class Progress:
    """How many tests are judged; a line that is rewritten on a terminal."""

    def __init__(self, total: int) -> None:
        self.total, self.done = total, 0
        self.on_terminal = sys.stderr.isatty()

    def tell(self, judged: Judged) -> None:
        self.done += 1
        if judged.problem:
            start = "\r" if self.on_terminal else ""
            stp.say(f"{start}{judged.expected.name}: {judged.problem}")
        if self.on_terminal:
            end = "\n" if self.done == self.total else ""
            sys.stderr.write(f"\r  judged {self.done}/{self.total}\x1b[K{end}")
            sys.stderr.flush()


def judge_all(asked: Asked, herd: hrd.Herd, model: lkmm.Model) -> tuple[list[Judged], str]:
    """The verdicts, and a line that says what they were made with."""
    started = time.monotonic()
    progress = Progress(len(asked.tests))
    stp.say(f"{herd.described}: {len(asked.tests)} tests by the model of {model.name}")
    judged = judge(herd, model, litmus.TESTS, asked.tests, os.cpu_count() or 1, progress.tell)
    return judged, (f"judged by {herd.described} and the memory model of {model.name} in "
                    f"{time.monotonic() - started:.1f} s")


def guest_run(asked: Asked) -> shown.KeptRun:
    """Run the scenarios that the tests name; the run is kept as any other."""
    made, _ = run.kept_run(asked.options)
    return shown.load(made.run_dir)


def place_of(asked: Asked, kept: shown.KeptRun | None) -> Path:
    """Where the results are kept: with the run of now, else by themselves."""
    if kept and not asked.run:
        return kept.directory
    name = f"models-{kept.release}" if kept else "models"
    return rec.new_run_dir(asked.options.out, name, asked.options.seed, time.time())


def rows_of(judged: Sequence[Judged], kept: shown.KeptRun | None) -> list[report.Row]:
    rows = []
    for one in judged:
        text = (litmus.TESTS / f"{one.expected.name}.litmus").read_text()
        rows.append(report.Row(one, shown.shown_of(one.expected, text, kept)))
    return rows


def main() -> int:
    asked = parsed()
    kept = shown.load(Path(asked.run)) if asked.run not in ("", NO_RUN) else None
    herd = hrd.obtain(opt.cache_dir(os.environ).resolve())
    series = series_of(asked, kept)
    model = lkmm.obtain(asked.options.kernel, series, opt.cache_dir(os.environ).resolve())
    judged, made_with = judge_all(asked, herd, model)
    if asked.boots:
        kept = guest_run(asked)
    rows = rows_of(judged, kept)
    text = report.table(rows, kept.where if kept else "no guest was asked", made_with)
    place = place_of(asked, kept)
    facts = {"herd": herd.version, "model_of": model.name, "run": str(kept.directory.name)
             if kept else "", "kernel": kept.release if kept else ""}
    rec.save(place, {"models.txt": text + "\n", "models.ktap": report.ktap(rows),
                     "models.jsonl": report.json_lines(rows, facts)})
    print(f"{text}\nfiles:  {rec.shown(place)}")
    return report.exit_status(rows)


if __name__ == "__main__":
    sys.exit(guarded(main))
