# SPDX-License-Identifier: GPL-2.0
"""The stages of `make check` that ask kernels which are wrong on purpose: a few
by `make busted`, and by `make matrix` what says most: each promise of a header
with `Check: yes`, and all that must be silent, once, which takes ten minutes
where the kernels are built.
"""

from __future__ import annotations

import re
import shutil
import sys
from pathlib import Path

from bisection.journal import Journal
from errors import ToolError
from matrices import report, state
from stages import Count, command, tail

SERIES = "7.2"
LAB = {"KERNEL": SERIES, "CONFIG": "kunit", "PATCH": "", "ARCH": "", "PAGE": ""}
BUSTED = "stride-16-bit,harmless"  # one that is wrong, by a suite and a scenario; one that is not


def busted_tests(out: Path, seconds: float) -> Count:
    """Each row of the table of `make busted` is a test."""
    count = Count()
    status, text = command([sys.executable, "scripts/busted.py", "--out", str(out / "guests")],
                           out, "busted.log", seconds, **{**LAB, "PATCH": BUSTED})
    rows = re.findall(r"(?m)^slubtorture: (\S+: \S+): (caught|silent|skipped|MISSED|NOISY|BROKEN)",
                      text)
    for row, outcome in rows:
        if outcome == "skipped":
            count.skipped.append(f"busted kernel {row}: the guest lacks what it needs")
        else:
            count.test(f"busted kernel {row}", [outcome] if outcome.isupper() else [])
    if status and not count.failed:
        count.failed.append(f"busted kernels: exit status {status}\n{tail(text)}")
    if not count.passed and not count.failed:
        count.failed.append(f"busted kernels: none was asked\n{tail(text)}")
    return count


def _column(column: state.Column, count: Count) -> None:
    """Each promise is a test, and each kernel on which nothing may fail."""
    if column.kind != state.BUSTED:
        count.passed += bool(column.guests) and not any(
            column.alarms(seen.detector) for seen in column.all_seen())
    for asked in column.asked:
        cell = column.cell(asked)
        if cell == state.SKIPPED:
            count.skipped.append(f"matrix: {column.name}: {asked}: the guest lacks what it needs")
        count.passed += cell == state.CAUGHT


def judged(journal: Path, status: int, text: str) -> Count:
    """What a matrix's journal and its exit status come to."""
    count = Count()
    try:
        matrix = state.of_facts(Journal(journal, "a matrix").lines(), str(journal))
    except ToolError as error:
        return Count(failed=[f"detection matrix: {error}\n{tail(text)}"])
    for column in matrix.columns.values():
        _column(column, count)
    count.failed += [f"detection matrix: {told}" for told in report.failures(matrix)]
    if status and not count.failed:
        count.failed.append(f"detection matrix: exit status {status}\n{tail(text)}")
    if not count.passed and not count.failed:
        count.failed.append(f"detection matrix: nothing was asked\n{tail(text)}")
    return count


def matrix_tests(out: Path, seconds: float) -> Count:
    """A matrix of this check's own: what an earlier one told is asked again."""
    place = out / "guests" / "matrix"
    shutil.rmtree(place, ignore_errors=True)
    status, text = command([sys.executable, "scripts/matrix.py", "--out", str(out / "guests")], out,
                           "matrix.log", seconds, KERNEL=SERIES, STOCK="none", PATCH="check",
                           ASK="promises", RUNS="1")
    return judged(place / "journal.jsonl", status, text)
