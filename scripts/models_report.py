# SPDX-License-Identifier: GPL-2.0
"""What `make models` prints and keeps: a row a test, what is a finding, what
could not be found out; and the exit status that follows.

Only arranges what was judged and shown.
"""

from __future__ import annotations

import json
import textwrap
from collections.abc import Sequence
from dataclasses import asdict, dataclass

from judgement import Judged
from options import COLUMNS
from shown import Shown

NAME, MODEL = 39, 10


@dataclass(frozen=True)
class Row:
    """One test: what the model says of it and what was shown."""

    judged: Judged
    shown: Shown

    @property
    def name(self) -> str:
        return self.judged.expected.name

    @property
    def forbidden(self) -> bool:
        verdict = self.judged.verdict or self.judged.expected.verdict
        return verdict.forbidden

    @property
    def finding(self) -> bool:
        """Whether a kernel showed what the model forbids."""
        return self.forbidden and self.shown.observed

    @property
    def changed(self) -> bool:
        """Whether the model's verdict is not the recorded one."""
        return self.judged.verdict is not None and not self.judged.as_recorded

    @property
    def unknown(self) -> bool:
        """Whether the tool could not find out."""
        return self.judged.verdict is None or self.shown.broken


def _seen(shown: Shown) -> str:
    if not shown.counted:
        return "seen"
    return "seen once" if shown.times == 1 else f"seen {shown.times:,} times"


def shown_text(row: Row) -> str:
    """The last column."""
    shown = row.shown
    if not shown.asked:
        return shown.reason
    overlaps = (f"in {shown.overlaps:,} overlap{'s' if shown.overlaps > 1 else ''}"
                if shown.overlaps else "and nothing overlapped")
    if shown.observed:
        return f"{'FORBIDDEN, and ' if row.forbidden else ''}{_seen(shown)} {overlaps}"
    return f"{'never' if row.forbidden else 'allowed, never observed'} {overlaps}"


def model_text(judged: Judged) -> str:
    if judged.verdict is None:
        return "BROKEN"
    word = "forbidden" if judged.verdict.forbidden else "allowed"
    return word + ("*" if judged.verdict.race else "")


def _columns(name: str, model: str, shown: str) -> list[str]:
    room = COLUMNS - NAME - MODEL - 3
    lines = textwrap.wrap(shown, room, break_on_hyphens=False, break_long_words=False) or [""]
    head = f"{name:<{NAME}} {model:<{MODEL}}  {lines[0]}".rstrip()
    return [head] + [" " * (COLUMNS - room) + line for line in lines[1:]]


def _wrapped(text: str) -> list[str]:
    return textwrap.wrap(text, COLUMNS, subsequent_indent="  ", break_on_hyphens=False)


def problems(rows: Sequence[Row]) -> list[str]:
    """A line for each finding, each change and all that is not known."""
    said: list[str] = []
    for row in rows:
        verdict = row.judged.verdict
        if row.finding:
            said.append(f"fail: {row.name}: what the model forbids was {_seen(row.shown)} by "
                        f"{row.shown.scenario}; evidence: {row.shown.evidence}")
        if verdict is not None and row.changed:
            said.append(f"fail: {row.name}: recorded is {row.judged.expected.verdict.exact}; the "
                        f"model now says {verdict.exact}")
        if verdict is None:
            said.append(f"broken: {row.name}: {row.judged.problem}")
        if row.shown.broken:
            said.append(f"broken: {row.name}: {row.shown.scenario}: {row.shown.reason}")
    return said


def _totals(rows: Sequence[Row]) -> str:
    judged = [row.judged.verdict for row in rows if row.judged.verdict]
    forbidden = sum(verdict.forbidden for verdict in judged)
    changed = sum(row.changed for row in rows)
    text = (f"{len(rows)} tests: {forbidden} forbidden, {len(judged) - forbidden} allowed, "
            f"{len(rows) - len(judged)} broken; ")
    text += f"{changed} not as recorded" if changed else "all as recorded"
    asked = [row for row in rows if row.shown.asked]
    silent = sum(not row.forbidden and not row.shown.observed for row in asked)
    return text + (f"; asked of a kernel: {len(asked)}; forbidden and seen: "
                   f"{sum(row.finding for row in rows)}; allowed and never observed: {silent}")


def table(rows: Sequence[Row], where: str, made_with: str) -> str:
    """Everything that is printed; `where` is the kernel and CPU that showed it."""
    lines = _columns("litmus test", "model", where)
    for row in rows:
        lines += _columns(row.name, model_text(row.judged), shown_text(row))
    if any(row.judged.verdict and row.judged.verdict.race for row in rows):
        lines += ["", "* the model flags a data race, after which it promises nothing"]
    for line in problems(rows):
        lines += ["", *_wrapped(line)]
    return "\n".join([*lines, "", *_wrapped(_totals(rows)), *_wrapped(made_with)])


def ktap(rows: Sequence[Row]) -> str:
    """The same for programs that read KTAP."""
    lines = ["KTAP version 1", f"1..{len(rows)}"]
    for number, row in enumerate(rows, 1):
        good = not (row.finding or row.changed or row.unknown)
        lines.append(f"{'ok' if good else 'not ok'} {number} {row.name} # "
                     f"{model_text(row.judged)}; {shown_text(row)}")
    return "\n".join(lines) + "\n"


def json_lines(rows: Sequence[Row], facts: dict[str, str]) -> str:
    """One record a test."""
    return "".join(json.dumps({
        **facts, "test": row.name,
        "model": asdict(row.judged.verdict) if row.judged.verdict else None,
        "recorded": asdict(row.judged.expected.verdict), "problem": row.judged.problem,
        "finding": row.finding, "changed": row.changed, "shown": asdict(row.shown)}) + "\n"
        for row in rows)


def exit_status(rows: Sequence[Row]) -> int:
    """1 for a finding or a changed verdict, 2 where it could not be found out."""
    if any(row.finding or row.changed for row in rows):
        return 1
    return 2 if not rows or any(row.unknown for row in rows) else 0
