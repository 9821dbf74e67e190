# SPDX-License-Identifier: GPL-2.0
"""Reads KUnit's KTAP line by line and says when a case or a suite has ended.

Made for real logs: time stamps, other messages between the lines, a crash in
the middle, plans that are not kept. What is missing or contradicts itself is
a problem of its suite, which is then never a pass. Pure: lines in, events
out; the grammar of a line is in qemu/ktap.py, the verdict on a run in
kunit.py.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, field

from qemu.ktap import CONTROL, PLAN, STAMP, SUBTEST, VERSION, Result, result_of

PASS, FAIL, SKIP, TODO = "pass", "fail", "skip", "todo"
# of a case: planned, but it gave no result; of a suite: it never came to its end
UNFINISHED = "unfinished"
# of a suite: it ended, and what it said does not add up
BROKEN = "broken"

_TOTALS = re.compile(r"# Totals: pass:(\d+) fail:(\d+) skip:\d+ total:\d+$")
_COUNTS = re.compile(r"# \S+: pass:\d+ fail:\d+ skip:\d+ total:\d+$")
# what KUnit prints of attributes: "# module: x", "# case.speed: slow"
_ATTRIBUTE = re.compile(r"# (?:\S+\.)?(?:module|speed|is_init): \S+$")
# A result that holds a time stamp is two lines that ran into each other.
_RAN_INTO = re.compile(r"\[\s*\d+\.\d{3,}\]")
_RENUMBERED = re.compile(r"^((?:not )?ok )\d+")


@dataclass(frozen=True)
class Case:
    """One result without results below it; `path` leads to it from its suite,
    `lines` are what was said between the result before and this one, `seconds`
    the time since then, where lines have time stamps."""

    path: tuple[str, ...]
    verdict: str
    reason: str = ""
    lines: tuple[str, ...] = ()
    seconds: float | None = None

    @property
    def text(self) -> str:
        return ": ".join(self.path)


@dataclass(frozen=True)
class Suite:
    """A suite that has ended, one way or another; `raw` are its lines, from its
    header to its result, `missing` the results that were planned and never
    came, less those that are cases of verdict `unfinished`."""

    name: str
    verdict: str
    cases: tuple[Case, ...] = ()
    missing: int = 0
    problems: tuple[str, ...] = ()
    raw: tuple[str, ...] = ()
    seconds: float | None = None

    @property
    def is_whole(self) -> bool:
        return self.verdict != UNFINISHED and not self.problems and not self.missing

    def count(self, verdict: str) -> int:
        found = sum(case.verdict == verdict for case in self.cases)
        return found + (self.missing if verdict == UNFINISHED else 0)

    @property
    def said(self) -> tuple[str, tuple[tuple[tuple[str, ...], str], ...]]:
        """What two reports of one run must have in common."""
        return self.verdict, tuple((case.path, case.verdict) for case in self.cases)


@dataclass(frozen=True)
class Begun:
    """A suite has begun."""

    name: str


Event = Begun | Case | Suite


@dataclass
class _Level:
    """Results of one indentation, since its header."""

    indent: int
    name: str = ""
    planned: int | None = None
    seen: int = 0
    number: int = 0
    failed: int = 0
    headed: bool = True  # a version or subtest line came


def _verdict(result: Result) -> str:
    if result.keyword == "SKIP":
        return SKIP
    if not result.ok and result.keyword in ("TODO", "XFAIL"):
        return TODO
    return PASS if result.ok else FAIL


@dataclass
class _Open:
    """The suite that is being read."""

    began: float | None = None
    mark: float | None = None  # when its last case ended
    cases: list[Case] = field(default_factory=list)
    missing: int = 0
    problems: list[str] = field(default_factory=list)
    raw: list[str] = field(default_factory=list)
    totals: tuple[int, int] | None = None
    inner_fails: int = 0  # of cases that have results below them


@dataclass
class Parser:
    """Feed it lines; it returns what each of them has brought to its end.

    `planned` suites were announced, `ended` have come to an end, `problems`
    are those of no suite.
    """

    planned: int | None = None
    ended: int = 0
    problems: list[str] = field(default_factory=list)
    _levels: list[_Level] = field(default_factory=lambda: [_Level(0)])
    _suite: _Open = field(default_factory=_Open)
    _pending: list[str] = field(default_factory=list)
    _events: list[Event] = field(default_factory=list)
    _now: float | None = None

    def feed(self, line: str, at_s: float | None = None) -> list[Event]:
        """Take one line; `at_s` is its time, if it does not carry it itself."""
        stamp = STAMP.match(line)
        if stamp:
            line, at_s = line[stamp.end():], float(stamp[1])
        self._now = at_s if at_s is not None else self._now
        line = CONTROL.sub("", line).rstrip()
        text = line.lstrip(" ")
        if text:
            self._line(line, len(line) - len(text), text)
        return self._taken()

    def finish(self) -> list[Event]:
        """The text has ended: so has every suite that was still open."""
        self._leave(1)
        self._end_document()
        if not self.ended and not self.problems:
            self.problems.append("it holds no result")
        return self._taken()

    @property
    def running(self) -> str:
        """The suite that has begun and not ended, or ""."""
        return (self._levels[1].name or "a suite") if len(self._levels) > 1 else ""

    @property
    def done(self) -> int:
        """Cases of the running suite that have ended."""
        return len(self._suite.cases)

    def _taken(self) -> list[Event]:
        events, self._events = self._events, []
        return events

    def _line(self, line: str, indent: int, text: str) -> None:
        result = result_of(text)
        if result and _RAN_INTO.search(text):
            result = None
        subtest, plan, top = SUBTEST.match(text), PLAN.match(text), self._levels[-1]
        if VERSION.match(text):
            self._open(indent)
        elif subtest:
            if not (top.indent == indent and top.headed and not top.name and not top.seen
                    and len(self._levels) > 1):
                self._open(indent)
            self._levels[-1].name = subtest[1]
            if len(self._levels) == 2:
                self._events.append(Begun(subtest[1]))
        elif plan and top.indent == indent and top.planned is None:
            top.planned = int(plan[1])
        elif result:
            self._suite.raw.append(line)
            self._result(indent, result)
            return
        else:
            self._note(text, line)
        if len(self._levels) > 1 or self._pending:
            self._suite.raw.append(line)

    def _note(self, text: str, line: str) -> None:
        """A line that is no KTAP: evidence of the case that ends next."""
        totals = _TOTALS.match(text)
        if totals:
            self._suite.totals = int(totals[1]), int(totals[2])
        elif not _COUNTS.match(text) and not _ATTRIBUTE.match(text) and self._begun:
            self._pending.append(line)

    @property
    def _begun(self) -> bool:
        return len(self._levels) > 1 or self._levels[0].planned is not None

    def _open(self, indent: int) -> None:
        """A header: what lies at its depth or deeper has ended without a result."""
        if indent == 0:
            self._leave(1)
            self._end_document()
            self._levels = [_Level(0)]
            return
        while len(self._levels) > 1 and self._levels[-1].indent >= indent:
            self._abandon()
        if len(self._levels) == 1:
            self._suite, self._pending = _Open(self._now, self._now), []
        self._levels.append(_Level(indent))

    def _end_document(self) -> None:
        document = self._levels[0]
        if document.planned is None:
            return
        self.planned = (self.planned or 0) + document.planned
        if document.seen != document.planned:
            self.problems.append(f"{document.seen} of {document.planned} suites were reported")

    def _leave(self, keep: int) -> None:
        while len(self._levels) > keep:
            self._abandon()

    def _path(self, *more: str) -> tuple[str, ...]:
        return (*(level.name or "?" for level in self._levels[1:]), *more)

    def _case(self, path: tuple[str, ...], verdict: str, reason: str = "") -> None:
        took = None
        if self._now is not None and self._suite.mark is not None:
            took = max(0.0, self._now - self._suite.mark)
        self._suite.mark = self._now
        case = Case(path, verdict, reason, tuple(self._pending), took)
        self._pending = []
        self._suite.cases.append(case)
        self._events.append(case)

    def _abandon(self) -> None:
        """The innermost level ends without its own result line."""
        level = self._levels[-1]
        self._suite.problems.append(f"{level.name or 'a suite'}: no result of its own")
        left = 1 if level.planned is None else level.planned - level.seen
        if left > 0:
            self._case(self._path(f"result {level.seen + 1}"), UNFINISHED)
            self._suite.missing += left - 1
        self._levels.pop()
        above = self._levels[-1]
        above.seen += 1
        above.number += 1
        if len(self._levels) == 1:
            self._end_suite(level.name, UNFINISHED)

    def _close(self, level: _Level) -> None:
        """A level whose own result came: its plan must have been kept."""
        self._levels.pop()
        if level.planned is not None and level.planned != level.seen:
            self._suite.problems.append(f"{level.name or 'a suite'}: {level.seen} of "
                                        f"{level.planned} results")
            self._suite.missing += max(0, level.planned - level.seen)

    def _below(self, indent: int, name: str) -> _Level | None:
        """End what lies deeper than a result; the level that it is the result of."""
        own: _Level | None = None
        while self._levels[-1].indent > indent:
            own = self._levels[-1]
            direct = self._levels[-2].indent <= indent
            if direct and own.name in ("", name):
                self._close(own)
            else:
                self._abandon()
                own = None
        return own

    def _result(self, indent: int, result: Result) -> None:
        own = self._below(indent, result.name)
        if self._levels[-1].indent < indent:
            self._levels.append(_Level(indent, headed=False))
            self._suite.problems.append(f"{result.name}: its suite has no header")
        level, verdict = self._levels[-1], _verdict(result)
        if result.number != level.number + 1:
            self._suite.problems.append(
                f"{result.name}: result {result.number} where {level.number + 1} was due")
        level.number = result.number
        level.seen += 1
        level.failed += verdict == FAIL
        self._judge(own, result, verdict)
        if len(self._levels) == 1:
            self._end_suite(result.name, verdict)

    def _judge(self, own: _Level | None, result: Result, verdict: str) -> None:
        """What a result adds to those below it, if there are any."""
        if own is None or not own.seen:
            if own is not None and verdict == PASS:
                self._suite.problems.append(f"{result.name}: passed without a single result")
            self._case(self._path(result.name), verdict, result.reason)
        elif verdict == FAIL and not own.failed:
            self._suite.inner_fails += 1
            self._case(self._path(result.name), FAIL, result.reason)
        elif verdict == PASS and own.failed:
            self._suite.problems.append(f"{result.name}: ok, with {own.failed} failed below it")

    def _end_suite(self, name: str, verdict: str) -> None:
        suite, self._suite = self._suite, _Open()
        counted = (sum(case.verdict == PASS for case in suite.cases),
                   sum(case.verdict == FAIL for case in suite.cases) - suite.inner_fails)
        if suite.totals is not None and suite.totals != counted and verdict != UNFINISHED:
            suite.problems.append(f"the kernel counted {suite.totals[0]} passed and "
                                  f"{suite.totals[1]} failed, here are {counted[0]} and "
                                  f"{counted[1]}")
        if verdict != UNFINISHED:
            found = {case.verdict for case in suite.cases}
            verdict = SKIP if found == {SKIP} else verdict  # debugfs does not say it
            verdict = FAIL if FAIL in (verdict, *found) else BROKEN if suite.problems else verdict
        took = None
        if self._now is not None and suite.began is not None:
            took = max(0.0, self._now - suite.began)
        self._pending = []
        self.ended += 1
        self._events.append(Suite(name or "?", verdict, tuple(suite.cases), suite.missing,
                                  tuple(suite.problems), tuple(suite.raw), took))


def read(lines: Iterable[str]) -> tuple[list[Suite], list[str]]:
    """The suites in these whole lines, and the problems of none of them."""
    parser = Parser()
    events = [event for line in lines for event in parser.feed(line)] + parser.finish()
    return [event for event in events if isinstance(event, Suite)], parser.problems


def document(suites: Iterable[Suite], planned: int | None) -> str:
    """One KTAP text of many suites, each with the lines in which it came."""
    chosen = list(suites)
    lines = ["KTAP version 1", f"1..{max(planned or 0, len(chosen))}"]
    for number, suite in enumerate(chosen, 1):
        *body, last = suite.raw or ("",)
        lines += [*body, _RENUMBERED.sub(rf"\g<1>{number}", last)]
    return "\n".join(lines) + "\n"
