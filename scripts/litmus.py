# SPDX-License-Identifier: GPL-2.0
"""The litmus tests of selftests/litmus, what is recorded of each, and what
herd7 prints of one. Pure functions from text to values.

herd7 is run in judgement.py; what guests showed is read in shown.py.
"""

from __future__ import annotations

import difflib
import fnmatch
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from errors import ToolError
from options import ROOT
from series import series_key

TESTS = ROOT / "selftests/litmus"
EXPECTED = "expected"
NEVER, SOMETIMES, ALWAYS = "Never", "Sometimes", "Always"
_RESULTS = (NEVER, SOMETIMES, ALWAYS)
_COLUMNS = 8
_STATES = re.compile(r"^States (\d+)$", re.MULTILINE)
_OBSERVATION = re.compile(r"^Observation (\S+) (\w+) (\d+) (\d+)$", re.MULTILINE)
_RACE = re.compile(r"^Flag data-race$", re.MULTILINE)
_RESULT_LINE = re.compile(r"^ \* Result: (\w+)( DATARACE)?$", re.MULTILINE)
_KERNELS = re.compile(r"(any|none|(\d+\.\d+)-(\d+\.\d+)?)")
_HINT = "the columns are explained at its beginning"


@dataclass(frozen=True)
class Verdict:
    """What the model says of a test: the result in herd7's word, whether it
    flags a data race, the number of final states, and of the executions how
    many meet the test's condition and how many do not."""

    result: str
    race: bool
    states: int
    positive: int
    negative: int

    @property
    def forbidden(self) -> bool:
        return self.result == NEVER

    @property
    def text(self) -> str:
        """For people: forbidden or allowed, with the flag."""
        return ("forbidden" if self.forbidden else "allowed") + (", race" if self.race else "")

    @property
    def exact(self) -> str:
        race = ", data race" if self.race else ""
        return (f"{self.result}{race}, {self.states} states, {self.positive} positive, "
                f"{self.negative} negative")


@dataclass(frozen=True)
class Kernels:
    """The series that hold the code of a test; `first` "" is all of them."""

    text: str

    @property
    def described(self) -> str:
        """Where the code is, for those who ask of another kernel."""
        if self.text in ("any", "none"):
            return f"in {self.text} of the kernels here"
        first, _, last = self.text.partition("-")
        return f"in Linux {first} to {last}" if last else f"in Linux {first} and later"

    def hold(self, series: str) -> bool:
        """Whether a kernel of this series is one of them."""
        match = _KERNELS.fullmatch(self.text)
        if match is None or self.text == "none":
            return False
        if self.text == "any":
            return True
        key = series_key(series) if series else ()
        return series_key(match[2]) <= key and (not match[3] or key <= series_key(match[3]))


@dataclass(frozen=True)
class Expected:
    """A recorded verdict, the scenarios that may show the outcome, and where
    the code is found."""

    name: str
    verdict: Verdict
    scenarios: tuple[str, ...]
    kernels: Kernels


def _number(text: str, where: str) -> int:
    if not text.isascii() or not text.isdigit():
        raise ToolError(f"{where}: '{text}' is no number", _HINT)
    return int(text)


def _expected_of(line: str, where: str) -> Expected:
    words = line.split()
    if len(words) != _COLUMNS:
        raise ToolError(f"{where}: {len(words)} columns where {_COLUMNS} are wanted", _HINT)
    name, result, race, states, positive, negative, scenarios, kernels = words
    if result not in _RESULTS:
        raise ToolError(f"{where}: '{result}' is none of {', '.join(_RESULTS)}", _HINT)
    if race not in ("race", "-"):
        raise ToolError(f"{where}: '{race}' is neither race nor -", _HINT)
    if not _KERNELS.fullmatch(kernels):
        raise ToolError(f"{where}: '{kernels}' names no kernels", _HINT)
    counts = [_number(text, where) for text in (states, positive, negative)]
    return Expected(name, Verdict(result, race == "race", *counts),
                    tuple(scenarios.split(",")) if scenarios != "-" else (), Kernels(kernels))


def parse_expected(text: str, where: str) -> list[Expected]:
    """The recorded verdicts, in their order; ToolError for a line that is wrong."""
    found: dict[str, Expected] = {}
    for number, line in enumerate(text.splitlines(), 1):
        if not line.strip() or line.startswith("#"):
            continue
        one = _expected_of(line, f"{where}, line {number}")
        if one.name in found:
            raise ToolError(f"{where}, line {number}: {one.name} is there twice",
                            "leave one of them")
        found[one.name] = one
    return list(found.values())


def load(place: Path) -> list[Expected]:
    """All that is recorded in a directory of tests; every test must be, and
    everything that is recorded must be a test."""
    try:
        recorded = parse_expected((place / EXPECTED).read_text(), str(place / EXPECTED))
    except OSError as error:
        raise ToolError(f"{place / EXPECTED} cannot be read: {error.strerror}",
                        "is this a whole clone?") from error
    names, files = {one.name for one in recorded}, {path.stem for path in place.glob("*.litmus")}
    for name in sorted(files - names):
        raise ToolError(f"{name}.litmus has no line in {place / EXPECTED}",
                        "run herd7 on it, judge what it says, and write that down")
    for name in sorted(names - files):
        raise ToolError(f"{place / EXPECTED} has a line for {name}, and there is no "
                        f"{name}.litmus", "write the test or take the line out")
    return recorded


def select(recorded: Sequence[Expected], globs: str) -> list[Expected]:
    """Tests that one of the globs names ("" for all), in their order."""
    wanted = [glob.strip() for glob in (globs or "*").split(",") if glob.strip()]
    for glob in wanted:
        if not any(fnmatch.fnmatchcase(one.name, glob) for one in recorded):
            names = [one.name for one in recorded]
            near = difflib.get_close_matches(glob, names, n=3, cutoff=0.5)
            meant = f"did you mean {', '.join(near)}? " if near else ""
            kinds = dict.fromkeys(name.partition("-")[0] + "-*" for name in names)
            raise ToolError(f"TEST={globs}: no litmus test is called '{glob}'",
                            f"{meant}they are in {TESTS.relative_to(ROOT)}: {', '.join(kinds)}")
    return [one for one in recorded
            if any(fnmatch.fnmatchcase(one.name, glob) for glob in wanted)]


def verdict_of(said: str, name: str) -> Verdict | None:
    """The verdict in what herd7 printed of one test; None if it is not whole."""
    states, observation = _STATES.search(said), _OBSERVATION.search(said)
    if not states or not observation or observation[1] != name:
        return None
    if observation[2] not in _RESULTS:
        return None
    return Verdict(observation[2], bool(_RACE.search(said)), int(states[1]),
                   int(observation[3]), int(observation[4]))


def result_in_comment(text: str) -> tuple[str, bool] | None:
    """The Result: line of a test, as the kernel's own scripts read it."""
    match = _RESULT_LINE.search(text)
    return (match[1], bool(match[2])) if match else None
