# SPDX-License-Identifier: GPL-2.0
"""Reads what a guest said on its verdict channel: KTAP and the lines of its
init. Pure functions from text to values.

Robust on purpose: a panic cuts the text anywhere, a serial line may garble
it, and init's own lines may land inside a line that it forwards. What cannot
be understood is kept as `damaged`, never guessed. Judging is for others; the
console is read in console.py.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

from qemu.ktap import CONTROL, PLAN, SUBTEST, VERSION, Result, result_of

_INIT = re.compile(r"@ (step|fact|end|log|report)(?: (.*))?$")
# An init line inside another line: the other line goes on after it.
_INIT_INSIDE = re.compile(r"(?<=[^\n])@ (?:step|fact|end) [^\n]*\n")
_LOGGED = re.compile(r"(\d+\.\d+)(?: (.*))?$")
_TAGGED = re.compile(r"# ([a-z_]+)(?: (.*))?$")
_VALUE = re.compile(r'([A-Za-z_][\w.-]*)=(?:"([^"]*)"|(\S*))(?=\s|$)')
_INDENT = "    "


@dataclass(frozen=True)
class Logged:
    """One line of the kernel's log; seconds since its boot."""

    at_s: float
    text: str


@dataclass(frozen=True)
class Tagged:
    """`# TAG text`, the text as it is and as key=value fields."""

    tag: str
    text: str
    fields: dict[str, str]


@dataclass(frozen=True)
class Step:
    """One step of init; `problem` is empty when it succeeded."""

    name: str
    problem: str = ""


@dataclass(frozen=True)
class Transcript:
    """All that could be read. `ended` is init's status, None if it never came
    to its end; `subtests` has the unindented lines of each, in order; `log` and
    `report` are what init sends of KUnit: the kernel's log, debugfs."""

    ktap: tuple[str, ...] = ()
    planned: int | None = None
    results: tuple[Result, ...] = ()
    subtests: dict[str, tuple[str, ...]] = field(default_factory=dict)
    tagged: tuple[Tagged, ...] = ()
    steps: tuple[Step, ...] = ()
    facts: dict[str, str] = field(default_factory=dict)
    ended: str | None = None
    log: tuple[Logged, ...] = ()
    report: tuple[str, ...] = ()
    damaged: tuple[str, ...] = ()

    def all(self, tag: str) -> list[Tagged]:
        return [item for item in self.tagged if item.tag == tag]

    def fields(self, tag: str) -> dict[str, str]:
        """The fields of the last line with that tag, {} if there is none."""
        found = self.all(tag)
        return found[-1].fields if found else {}

    def problems(self) -> list[Step]:
        return [step for step in self.steps if step.problem]


def parse_fields(text: str) -> dict[str, str]:
    """key=value and key="a value" pairs; anything between them is skipped."""
    return {key: quoted or bare for key, quoted, bare in _VALUE.findall(text)}


def logged_of(rest: str) -> Logged | None:
    """What init says of one line of the kernel's log, after its `@ log `."""
    match = _LOGGED.match(rest)
    return Logged(float(match[1]), match[2] or "") if match else None


def clean(data: bytes) -> str:
    """Text of a serial line: LF line ends, no control characters."""
    text = data.decode(errors="replace").replace("\r\n", "\n").replace("\r", "\n")
    return CONTROL.sub("", text)


def whole_lines(text: str) -> tuple[list[str], list[str]]:
    """Lines in their order, and what was cut: a last line without its end."""
    inside = [match.group(0).rstrip("\n") for match in _INIT_INSIDE.finditer(text)]
    *lines, rest = _INIT_INSIDE.sub("", text).split("\n")
    return [*lines, *inside], [rest] if rest else []


@dataclass
class _Builder:
    """Collects while lines are read one by one."""

    ktap: list[str] = field(default_factory=list)
    planned: int | None = None
    results: list[Result] = field(default_factory=list)
    subtests: dict[str, list[str]] = field(default_factory=dict)
    current: str = ""
    tagged: list[Tagged] = field(default_factory=list)
    steps: list[Step] = field(default_factory=list)
    facts: dict[str, str] = field(default_factory=dict)
    ended: str | None = None
    log: list[Logged] = field(default_factory=list)
    report: list[str] = field(default_factory=list)
    damaged: list[str] = field(default_factory=list)

    def from_init(self, kind: str, rest: str) -> bool:
        if kind == "end":
            self.ended = rest
        elif kind == "report":
            self.report.append(rest)
        elif kind == "log":
            logged = logged_of(rest)
            if not logged:
                return False
            self.log.append(logged)
        elif kind == "fact":
            key, found, value = rest.partition("=")
            if not found:
                return False
            self.facts[key] = value
        else:
            return self.step(rest)
        return True

    def step(self, rest: str) -> bool:
        name, _, status = rest.partition(" ")
        if status != "ok" and not status.startswith("error "):
            return False
        self.steps.append(Step(name, "" if status == "ok" else status[len("error "):]))
        return True

    def indented(self, line: str) -> bool:
        begins = SUBTEST.match(line)
        if begins:
            self.current = begins.group(1)
            self.subtests.setdefault(self.current, [])
        elif self.current:
            self.subtests[self.current].append(line)
        return True

    def top_level(self, line: str) -> bool:
        result = result_of(line)
        plan = PLAN.match(line)
        tagged = _TAGGED.match(line)
        # A scenario's name is one word; anything else is a garbled line.
        if result and re.fullmatch(r"\S+", result.name):
            self.current = ""
            self.results.append(result)
        elif plan:
            self.planned = int(plan[1])
        elif tagged:
            text = tagged[2] or ""
            self.tagged.append(Tagged(tagged[1], text, parse_fields(text)))
        else:
            return bool(VERSION.match(line)) or line.startswith("#")
        return True

    def line(self, line: str) -> None:
        if not line.strip():
            return
        own = _INIT.match(line)
        if own:
            good = self.from_init(own[1], own[2] or "")
        elif line.startswith(_INDENT):
            self.ktap.append(line)
            good = self.indented(line[len(_INDENT):])
        else:
            good = self.top_level(line)
            if good:
                self.ktap.append(line)
        if not good:
            self.damaged.append(line)


def parse(data: bytes) -> Transcript:
    """Everything that can be read in the bytes of a verdict channel."""
    lines, cut = whole_lines(clean(data))
    built = _Builder()
    for line in lines:
        built.line(line)
    return Transcript(
        tuple(built.ktap), built.planned, tuple(built.results),
        {name: tuple(text) for name, text in built.subtests.items()},
        tuple(built.tagged), tuple(built.steps), built.facts, built.ended,
        tuple(built.log), tuple(built.report), (*built.damaged, *cut))


class LineReader:
    """Turns a growing stream into whole lines, for progress while it runs."""

    def __init__(self, on_line: Callable[[str], None]) -> None:
        self._rest = b""
        self._on_line = on_line

    def feed(self, data: bytes) -> None:
        *lines, self._rest = (self._rest + data).split(b"\n")
        self._all(lines)

    def _all(self, lines: Iterable[bytes]) -> None:
        for line in lines:
            self._on_line(clean(line).strip("\n"))
