# SPDX-License-Identifier: GPL-2.0
"""A matrix in words and figures: the table, what it says of the tool, and the
exit status that follows.
"""

from __future__ import annotations

import textwrap
from collections import Counter
from collections.abc import Mapping

import findings
import options as opt
from matrices.facts import Seen
from matrices.state import (ALARM, BUSTED, CAUGHT, MEANING, SILENT, STOCK, UNASKED, WRONG,
                            Column, Matrix, median_worst)

CELL = 6  # two blanks, the verdict, and three characters of time


def time_text(ms: int) -> str:
    """Seconds in at most three characters: ".04", "0.7", "12", "120"."""
    if ms < 0:
        return ""
    seconds = ms / 1000
    if seconds < 0.095:
        return f"{seconds:.2f}"[1:]
    return f"{seconds:.1f}" if seconds < 9.95 else f"{min(seconds, 999):.0f}"


def _cell(column: Column, row: str) -> str:
    mark = column.cell(row)
    return " " * CELL if mark == UNASKED else f" {mark} {time_text(column.time_ms(row)):>3}"


def _block(matrix: Matrix, rows: list[str], first: int, columns: list[Column],
           wide: int) -> list[str]:
    """Some of the columns; rows that none of them was asked are left out."""
    numbers = "".join(f"{number:>{CELL}}" for number in range(first, first + len(columns)))
    lines = [" " * wide + numbers]
    for row in rows:
        cells = "".join(_cell(column, row) for column in columns)
        if cells.strip():
            lines.append(f"{row:<{wide}}{cells}".rstrip())
    return [*lines, ""] if lines[1:] else []


def table(matrix: Matrix) -> list[str]:
    """Rows are detectors, columns kernels, which have numbers; as many beside
    each other as fit."""
    columns = list(matrix.columns.values())
    rows = matrix.detectors
    wide = max((len(row) for row in rows), default=8) + 1
    each = max(1, (opt.COLUMNS - wide) // CELL)
    lines = []
    for first in range(0, len(columns), each):
        lines += _block(matrix, rows, first + 1, columns[first:first + each], wide)
    used = {column.cell(row) for column in columns for row in rows} - {UNASKED}
    lines += [f"  {mark}  {MEANING[mark]}" for mark in MEANING if mark in used]
    return [*lines, "", *textwrap.wrap(
        "Beside each, in seconds, the median of all runs: of what was promised, until the first "
        "breach was seen since the module was loaded; else what the question took.",
        opt.COLUMNS), ""]


def verdict(column: Column, is_gone: bool = False) -> str:
    if not column.guests:
        return "not to be had" if is_gone else "not asked"
    if column.kind != BUSTED:
        fired = dict.fromkeys(seen.detector for seen in column.all_seen() if seen.fired)
        alarms = [detector for detector in fired if column.cell(detector) == ALARM]
        if alarms:
            return f"FAILS: {', '.join(alarms)}"
        return "a finding, as known" if fired else "silent"
    if column.missed:
        return "CAUGHT, and its header says not" if column.caught_by() else "missed, with a reason"
    cells = [column.cell(asked) for asked in column.asked]
    if WRONG in cells:
        return "MISSED"
    if CAUGHT in cells:
        return "caught"
    return "not asked" if UNASKED in cells else "silent so far" if SILENT in cells else "skipped"


def _runs(column: Column) -> str:
    """Of a busted kernel in how many runs each promise was kept, of others in how
    many guests all was as it should be."""
    if column.kind == BUSTED and column.expects:
        pairs = [column.kept(asked) for asked in column.asked]
        return " ".join(f"{kept}/{asked}" for kept, asked in pairs if asked)
    loud = sum(any(seen.fired and not column.is_known(seen) for seen in guest.seen)
               for guest in column.guests)
    return f"{len(column.guests) - loud}/{len(column.guests)}" if column.guests else ""


def kernels(matrix: Matrix) -> list[str]:
    """The columns by number: in how many runs all was as promised and, of busted
    ones, how soon they were caught."""
    wide = max((len(name) for name in matrix.columns), default=6) + 1
    lines = [f"    {'kernel':<{wide}}{'runs':<12}{'s, median/worst':<16}outcome"]
    for number, column in enumerate(matrix.columns.values(), 1):
        soon = median_worst(column.detection_ms()) if column.kind == BUSTED else ""
        line = f"{number:2}  {column.name:<{wide}}{_runs(column):<12}{soon:<16}"
        said = verdict(column, column.name in matrix.gone)
        lines += [line + said] if len(line + said) <= opt.COLUMNS else [
            line.rstrip(), *textwrap.wrap(said, opt.COLUMNS, initial_indent=" " * 8, subsequent_indent=" " * 8)]
    return [*lines, ""]


def _list(head: str, names: list[str], indent: str = "") -> list[str]:
    return textwrap.wrap(f"{head}: {', '.join(names) or 'none'}", opt.COLUMNS,
                         initial_indent=indent, subsequent_indent=f"    {indent}",
                         break_on_hyphens=False)


def _with_time(column: Column, invariant: str) -> str:
    times = column.detection_ms(invariant)
    return f"{column.name} ({median_worst(times)} s)" if times else column.name


def invariants(matrix: Matrix) -> list[str]:
    """For each the bugs that only it catches, and those that others catch, too,
    with the time to its first breach where it was the first to break."""
    busted = [column for column in matrix.columns.values() if column.kind == BUSTED]
    by = {column.name: {invariant for invariant, _ in column.caught_by()} for column in busted}
    lines = ["For each invariant the bugs that only it tells of and those that others tell of,",
             "too; median and worst time until it was seen in what was promised, where it",
             "broke first:", ""]
    for invariant in sorted(set().union(*by.values())) if by else []:
        alone = [_with_time(one, invariant) for one in busted if by[one.name] == {invariant}]
        shared = [_with_time(one, invariant) for one in busted
                  if invariant in by[one.name] and len(by[one.name]) > 1]
        lines += [invariant]
        lines += _list("only it", alone, "  ") if alone else []
        lines += _list("with others", shared, "  ") if shared else []
    return [*lines, ""]


def _missed(matrix: Matrix) -> list[str]:
    missed = [column for column in matrix.columns.values() if column.kind == BUSTED
              and column.guests and not column.caught_by()
              and not any(column.cell(asked) == SILENT for asked in column.asked)]
    lines = [] if missed else ["kernels that nothing catches: none"]
    for column in missed:
        lines += _list("nothing catches " + column.name, [column.missed or "no reason is known"])
    return lines


def _findings(matrix: Matrix) -> list[str]:
    """What is wrong with kernels as they are, as findings.py declares it."""
    lines = []
    for column in matrix.columns.values():
        by: dict[findings.Finding, list[str]] = {}
        for seen in column.all_seen() if column.kind != BUSTED else []:
            found = column.finding(seen)
            if found:
                by.setdefault(found, []).append(seen.detector)
        for found, seen_by in by.items():
            lines += _list(f"finding on {column.name}: {found.name}, commit {found.commit}"
                           f"{f', until {found.until}' if found.until else ''}: {found.what}; "
                           "seen by", list(dict.fromkeys(seen_by)))
    return lines


def conclusions(matrix: Matrix) -> list[str]:
    wrong = failures(matrix)
    lines = [*_missed(matrix), *_findings(matrix),
             *_list("detectors that only their controls make fail", matrix.only_by_control),
             *_list("detectors that nothing makes fail", matrix.useless),
             *_list("controls that were not caught", matrix.silent_twins)]
    return [*lines, "failures of the tool:" if wrong else "failures of the tool: none",
            *(line for one in wrong for line in textwrap.wrap(
                one, opt.COLUMNS, initial_indent="  ", subsequent_indent="      ",
                break_on_hyphens=False))]


def _said(seen: Seen) -> str:
    """A verdict with what broke, or why there is none."""
    broken = ", ".join(" ".join(pair) for pair in seen.broken)
    why = seen.reason if seen.verdict not in ("pass", "fail") and seen.reason != "-" else ""
    return " ".join(word for word in (seen.verdict, broken, why) if word)


def _of_cells(column: Column, detector: str) -> str:
    """Why a cell is a failure of the tool's, or ""."""
    cell = column.cell(detector)
    if cell == ALARM:
        said = dict.fromkeys(map(_said, column.alarms(detector)))
        return f"{detector} on {column.name}: false alarm ({'; '.join(said)})"
    if cell == WRONG:
        kept, asked = column.kept(detector)
        others = Counter(_said(seen) for seen in column.held(detector) if not column.keeps(seen))
        heard = ", ".join(f"{count} x {what}" for what, count in others.items())
        return (f"{detector} on {column.name}: promise broken, kept in {kept} of {asked} runs; "
                f"else {heard}")
    return ""


def _of_column(column: Column) -> list[str]:
    found = [told for detector in dict.fromkeys(seen.detector for seen in column.all_seen()
                                                if not seen.is_control)
             if (told := _of_cells(column, detector))]
    if column.missed and column.caught_by():
        by = ", ".join(sorted({invariant for invariant, _ in column.caught_by()}))
        found.append(f"{column.name}: caught by {by}, and its header says not")
    if column.kind == STOCK:
        found += [f"{name} on {column.name}: the finding that is declared is not seen any more"
                  for name in findings.certain(column.series) if column.cell(name) == SILENT]
    return found


def failures(matrix: Matrix) -> list[str]:
    """What must not be: false alarms, broken promises, silent twins; of a whole
    matrix also what never fires."""
    found = [told for column in matrix.columns.values() for told in _of_column(column)]
    found += [f"{twin}: not caught" for twin in matrix.silent_twins]
    return found + [f"{name}: nothing makes it fail" for name in matrix.useless
                    if matrix.whole and not matrix.left]


def _left_text(matrix: Matrix, failed: Mapping[str, str], minutes: int) -> list[str]:
    """What is still to come, by kind, and what could not be asked."""
    left = matrix.left
    lines = [line for name, said in matrix.gone.items() for line in textwrap.wrap(
        f"not to be had: {name}: {said}", opt.COLUMNS, subsequent_indent="    ")]
    if not left:
        return lines
    kinds = Counter(key.rpartition(" ")[0].rpartition(" ")[2].partition(":")[0] for key in left)
    parts = [f"{count} {kind}" for kind, count in kinds.items()]
    why = f"left out, as MINUTES={minutes} are over" if minutes and not failed else "still to come"
    lines += textwrap.wrap(f"{why}: {len(left)} guests, {', '.join(parts)}; the same command "
                          "goes on there", opt.COLUMNS)
    for what, said in failed.items():
        lines += textwrap.wrap(f"NOT ASKED: {what}: {said}", opt.COLUMNS, subsequent_indent="    ")
    return lines


def text(matrix: Matrix, failed: Mapping[str, str] | None = None, minutes: int = 0) -> str:
    asked = set(matrix.asked)
    seconds = sum(took for key, took in matrix.done.items() if key in asked or not asked)
    count = sum(key in asked or not asked for key in matrix.done)
    head = (f"{len(matrix.columns)} kernels, {count} guests, which ran {seconds / 60:.0f} min in "
            f"all; RUNS={matrix.runs}")
    return "\n".join([head, *_left_text(matrix, failed or {}, minutes), "", *table(matrix),
                      *kernels(matrix), *invariants(matrix), *conclusions(matrix)]) + "\n"


def status(matrix: Matrix, failed: Mapping[str, str] | None = None, minutes: int = 0) -> int:
    """1 for a failure of the tool's, 2 while something could not be asked; what
    the user gave no time for is no failure."""
    if failures(matrix):
        return 1
    return 2 if failed or matrix.left and not minutes or not matrix.done else 0
