# SPDX-License-Identifier: GPL-2.0
"""A matrix in words and figures: the table, what it says of the tool, and the
exit status that follows.
"""

from __future__ import annotations

import textwrap

import options as opt
from matrices.state import (ALARM, BUSTED, CAUGHT, MEANING, SILENT, UNASKED, WRONG, Column, Matrix,
                            median_worst)


def table(matrix: Matrix) -> list[str]:
    """Rows are detectors, columns kernels, which have numbers; two digits each,
    one below the other."""
    columns = list(matrix.columns.values())
    rows = matrix.detectors
    wide = max((len(row) for row in rows), default=8) + 2
    numbers = [f"{number:2}" for number in range(1, len(columns) + 1)]
    lines = [" " * wide + "".join(number[digit] for number in numbers) for digit in (0, 1)]
    used = set()
    for row in rows:
        cells = "".join(column.cell(row) for column in columns)
        used |= set(cells)
        lines.append(f"{row:<{wide}}{cells}".rstrip())
    lines += ["", *(f"  {mark}  {MEANING[mark]}" for mark in MEANING
                    if mark in used and mark != UNASKED), ""]
    return lines


def _verdict(column: Column) -> str:
    cells = [column.cell(asked) for asked in dict.fromkeys(a for a, _, _ in column.expects)]
    if column.kind != BUSTED:
        alarms = sorted({seen.detector for guest in column.guests for seen in guest if seen.fired})
        return f"FAILS: {', '.join(alarms)}" if alarms else "silent" if column.guests else ""
    if column.missed:
        return "CAUGHT, and its header says not" if column.caught_by() else "missed, with a reason"
    if WRONG in cells:
        return "MISSED"
    return "caught" if CAUGHT in cells else "not asked" if UNASKED in cells else "skipped"


def kernels(matrix: Matrix) -> list[str]:
    """The columns by number; of busted ones, in how many runs they were caught
    and how soon."""
    wide = max((len(name) for name in matrix.columns), default=6) + 2
    lines = [f"    {'kernel':<{wide}}{'runs':<9}{'ms, median / worst':<20}outcome"]
    for number, column in enumerate(matrix.columns.values(), 1):
        runs, first = "", ""
        if column.kind == BUSTED and column.expects:
            pairs = [column.kept(asked) for asked in dict.fromkeys(a for a, _, _ in column.expects)]
            runs = " ".join(f"{kept}/{asked}" for kept, asked in pairs if asked)
            first = median_worst(column.detection_ms())
        line = f"{number:2}  {column.name:<{wide}}{runs:<9}{first:<20}{_verdict(column)}"
        lines += textwrap.wrap(line, opt.COLUMNS, subsequent_indent=" " * 8)
    return [*lines, ""]


def _list(head: str, names: list[str]) -> list[str]:
    return textwrap.wrap(f"{head}: {', '.join(names) or 'none'}", opt.COLUMNS,
                         subsequent_indent="    ", break_on_hyphens=False)


def invariants(matrix: Matrix) -> list[str]:
    """For each the bugs that only it catches, and those that others catch, too."""
    caught: dict[str, set[str]] = {column.name: {invariant for invariant, _ in column.caught_by()}
                                   for column in matrix.columns.values() if column.kind == BUSTED}
    lines = []
    for invariant in sorted(set().union(*caught.values())) if caught else []:
        alone = [name for name, by in caught.items() if by == {invariant}]
        shared = [name for name, by in caught.items() if invariant in by and len(by) > 1]
        lines += [invariant, *("  " + line for line in
                               [*_list("only it", alone), *_list("with others", shared)])]
    return [*lines, ""]


def conclusions(matrix: Matrix, complete: bool) -> list[str]:
    busted = [column for column in matrix.columns.values() if column.kind == BUSTED]
    missed = [column for column in busted if not column.caught_by() and column.guests]
    lines = _list("kernels that nothing catches",
                  [f"{column.name} ({column.missed or 'no reason is known'})" for column in missed])
    lines += _list("scenarios that nothing makes fail", matrix.useless)
    lines += _list("controls that were not caught", matrix.silent_twins)
    return [*lines, *_list("failures of the tool", failures(matrix, complete))]


def failures(matrix: Matrix, complete: bool) -> list[str]:
    """What must not be: false alarms, broken promises, silent twins; of a whole
    matrix also what never fires."""
    found = [f"{detector} on {column.name}: {'false alarm' if cell == ALARM else 'promise broken'}"
             for column in matrix.columns.values() for detector in matrix.detectors
             if (cell := column.cell(detector)) in (ALARM, WRONG)]
    found += [f"{column.name}: nothing catches it" for column in matrix.columns.values()
              if column.kind == BUSTED and column.guests and column.expects
              and not column.caught_by()
              and all(column.cell(asked) == SILENT for asked, _, _ in column.expects)]
    found += [f"{column.name}: caught, and its header says not"
              for column in matrix.columns.values() if column.missed and column.caught_by()]
    return found + [f"{twin}: not caught" for twin in matrix.silent_twins] + [
        f"{name}: nothing makes it fail" for name in matrix.useless if complete]


def text(matrix: Matrix, remaining: int) -> str:
    seconds = sum(matrix.done.values())
    head = f"{len(matrix.done)} guests in {seconds / 60:.0f} min; {remaining} more to come"
    return "\n".join([head, "", *table(matrix), *kernels(matrix), *invariants(matrix),
                      *conclusions(matrix, not remaining)]) + "\n"


def status(matrix: Matrix, remaining: int) -> int:
    """1 for a failure of the tool's, 2 while something could not be asked."""
    return 1 if failures(matrix, not remaining) else 2 if remaining else 0
