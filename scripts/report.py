# SPDX-License-Identifier: GPL-2.0
"""The verdict table and what follows it, as text of 80 columns.

Only arranges what the records say. Run as a program it prints the table of a
run that was kept: report.py OUT/RUN.
"""

from __future__ import annotations

import argparse
import sys
import textwrap
from pathlib import Path

sys.path[:0] = [str(Path(__file__).resolve().parent.parent)]

import publication
from entry import guarded
from errors import ToolError
from qemu.console import telling
from records import BROKEN, FAIL, PASS, SKIP, Record, from_json_lines

WIDTH = 80
NAME, VERDICT, OBSERVATIONS, TIME = 26, 6, 12, 7
CONTROL_NAME = 33
SHORT = 24
EVIDENCE_LINES = 25


def seconds_text(duration_ms: int) -> str:
    return f"{duration_ms / 1000:.1f} s" if duration_ms < 999_950 else f"{duration_ms // 1000} s"


def _said(text: str) -> str:
    return "" if text == "-" else text


def found(record: Record) -> str:
    """What a row says in its last column."""
    if record.verdict == FAIL:
        return f"{record.invariant}, cause {record.cause}"
    if record.verdict == PASS:
        overlaps = f"{record.overlaps:,} overlaps" if record.overlaps else ""
        return ", ".join(text for text in (overlaps, _said(record.note)) if text)
    return _said(record.reason)


def _row(name: str, verdict: str, observations: str, time: str, text: str) -> list[str]:
    above = [name] if len(name) > NAME else []
    name = "" if above else name
    head = f"{name:<{NAME}} {verdict:<{VERDICT}} {observations:>{OBSERVATIONS}} {time:>{TIME}}  "
    room = WIDTH - (NAME + VERDICT + OBSERVATIONS + TIME + 5)
    lines = textwrap.wrap(text, room, break_on_hyphens=False) or [""]
    more = [" " * (WIDTH - room) + line for line in lines[1:]]
    return above + [(head + lines[0]).rstrip()] + more


def said_before(text: str, said: set[str]) -> str:
    """A long reason once; a panic has the same one for all that came after."""
    if len(text) > SHORT and text in said:
        return "as above"
    said.add(text)
    return text


def _verdict_rows(records: list[Record], said: set[str]) -> list[str]:
    rows = _row("scenario", "", "observations", "time", "")
    for record in records:
        count = f"{record.observations:,}" if record.observations else ""
        time = seconds_text(record.duration_ms) if record.duration_ms or count else ""
        text = said_before(found(record), said)
        rows += _row(record.scenario, record.verdict, count, time, text)
    return rows


def control_result(record: Record, said: set[str] | None = None) -> str:
    if record.is_caught:
        return f"caught, {record.cause}"
    if record.verdict in (SKIP, BROKEN):
        reason = _said(record.reason)
        return f"{record.verdict}: {reason if said is None else said_before(reason, said)}"
    wanted = record.expected.partition(":")[2]
    got = "passed" if record.verdict == PASS else f"failed with cause {record.cause}"
    return f"MISSED: {got}, should fail with cause {wanted}"


def _control_rows(controls: list[Record], said: set[str]) -> list[str]:
    if not controls:
        return []
    rows = ["", "controls, which must fail"]
    room = WIDTH - CONTROL_NAME - 1
    for record in controls:
        lines = textwrap.wrap(control_result(record, said), room, break_on_hyphens=False)
        name = record.scenario
        if len(name) > CONTROL_NAME:
            rows.append(name)
            name = ""
        rows.append(f"{name:<{CONTROL_NAME}} {lines[0]}")
        rows += [" " * (CONTROL_NAME + 1) + line for line in lines[1:]]
    return rows


def _layout_rows(records: list[Record]) -> list[str]:
    lines = records[0].layout if records else ()
    if not lines:
        return []
    rows = ["", "layout of this kernel"]
    for line in lines:
        rows += textwrap.wrap(line, WIDTH, initial_indent="  ", subsequent_indent="      ",
                              break_long_words=False, break_on_hyphens=False)
    return rows


def _evidence_rows(record: Record) -> list[str]:
    rows = ["", f"{record.scenario}: {record.verdict}, {found(record)}"]
    if _said(record.evidence):
        rows += textwrap.wrap(f"evidence: {record.evidence}", WIDTH, initial_indent="  ",
                              subsequent_indent="    ", break_on_hyphens=False)
    if record.breach_ms >= 0:
        rows.append(f"  seen {seconds_text(record.breach_ms)} after the module was loaded")
    if record.others:
        also = ", ".join(f"{name} ({cause})" for name, _, cause in
                         (other.partition(":") for other in record.others))
        rows += textwrap.wrap(f"also broken: {also}", WIDTH, initial_indent="  ",
                              subsequent_indent="    ", break_on_hyphens=False)
    rows += [f"  | {line}" for line in telling(record.splat, EVIDENCE_LINES)]
    if len(record.splat) > EVIDENCE_LINES:
        rows.append("  | ... the rest is in the file `console`")
    if record.verdict == FAIL:
        rows.append(f"  alone: {record.replay}")
    return rows


def _told_rows(record: Record) -> list[str]:
    """What a scenario has to show beside its verdict, under its name."""
    return ["", record.scenario, *(f"  {line}".rstrip()[:WIDTH] for line in record.told)]


def _totals(plain: list[Record], controls: list[Record]) -> str:
    counts = [f"{sum(r.verdict == v for r in plain)} {v}" for v in (PASS, FAIL, SKIP, BROKEN)]
    caught = sum(record.is_caught for record in controls)
    asked = sum(record.verdict != SKIP for record in controls)
    return ", ".join(counts) + (f"; controls {caught} of {asked} caught" if controls else "")


def table(records: list[Record]) -> str:
    """Everything about verdicts that a run prints at its end."""
    plain = [record for record in records if not record.is_control]
    controls = [record for record in records if record.is_control]
    said: set[str] = set()
    rows = _verdict_rows(plain, said) + _control_rows(controls, said) + _layout_rows(records)
    for record in plain:
        if record.verdict in (FAIL, BROKEN) and (record.splat or _said(record.evidence)):
            rows += _evidence_rows(record)
    for record in plain:
        if record.told:
            rows += _told_rows(record)
    for record in controls:
        if record.splat:
            rows += _evidence_rows(record)
    return "\n".join([*rows, "", _totals(plain, controls)])


def main() -> int:
    parsed = argparse.ArgumentParser(description="print the table of a run that was kept")
    parsed.add_argument("run", nargs="?", default="out/latest", help="default: %(default)s")
    path = Path(parsed.parse_args().run) / "records.jsonl"
    try:
        text = path.read_text()
    except OSError as error:
        raise ToolError(f"{path}: {error.strerror}", "run `make run` first, or name a run's "
                        "directory") from error
    records = from_json_lines(text)
    print(table(records))
    written = publication.write(path.parent, records)
    if written:
        print(f"report: {written}")
    return 0


if __name__ == "__main__":
    sys.exit(guarded(main))
