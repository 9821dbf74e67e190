# SPDX-License-Identifier: GPL-2.0
"""A matrix as its journal tells it: columns of kernels, and what each
detector made of each in all of its runs.
"""

from __future__ import annotations

import statistics
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

import gate
from matrices.facts import Seen, from_json
from matrices.plan import Kernel, Visit

UNMODIFIED, BUSTED, HARMLESS = "unmodified", "busted", "harmless"
# What stands in a cell; the first that is true of any run decides.
ALARM, WRONG, CAUGHT, ALSO = "!", "x", "C", "c"
BROKEN, SILENT, SKIPPED, UNASKED = "?", ".", "-", " "
MEANING = {
    CAUGHT: "caught, as its header promises", ALSO: "caught as well",
    WRONG: "promised, and not caught, too seldom, or with another cause",
    ALARM: "fails where nothing is wrong", SILENT: "silent", SKIPPED: "skipped",
    BROKEN: "gave no verdict", UNASKED: "not asked (yet)",
}


@dataclass
class Column:
    """One kernel, and every answer about it: a list for each guest."""

    name: str
    kind: str
    expects: tuple[tuple[str, str, str], ...] = ()
    gate: int = 1
    missed: str = ""
    content: str = ""
    guests: list[list[Seen]] = field(default_factory=list)

    def answers(self, detector: str) -> list[Seen]:
        return [seen for guest in self.guests for seen in guest if seen.detector == detector]

    def promises(self, detector: str) -> list[tuple[str, str]]:
        return [(invariant, cause) for asked, invariant, cause in self.expects
                if asked == detector]

    def kept(self, detector: str) -> tuple[int, int]:
        """In how many of its runs a detector said all that was promised of it."""
        promises = self.promises(detector)
        asked = self.answers(detector)
        return (sum(all(promise in seen.broken for promise in promises) for seen in asked),
                len(asked))

    def cell(self, detector: str) -> str:
        asked = self.answers(detector)
        if not asked:
            return UNASKED
        fired = [seen for seen in asked if seen.verdict == "fail"]
        if self.kind != BUSTED:
            if any(seen.fired for seen in asked):
                return ALARM
        elif self.promises(detector) and not all(seen.verdict == "skip" for seen in asked):
            return CAUGHT if self._as_promised(detector) else WRONG
        elif fired:
            return ALSO
        if any(seen.fired for seen in asked):
            return BROKEN
        return SKIPPED if all(seen.verdict == "skip" for seen in asked) else SILENT

    def _as_promised(self, detector: str) -> bool:
        kept, runs = self.kept(detector)
        if self.gate == 1:
            return kept == runs
        least, most = gate.interval(runs, self.gate)
        return least <= kept <= most

    def detection_ms(self) -> list[int]:
        """Until the first promised breach, in each run that tells it."""
        named = {asked for asked, _, _ in self.expects}
        return sorted(seen.ms for guest in self.guests for seen in guest
                      if seen.detector in named and seen.verdict == "fail" and seen.ms >= 0)

    def caught_by(self) -> set[tuple[str, str]]:
        """Invariant and cause of all that anybody found broken."""
        return {pair for guest in self.guests for seen in guest if not seen.is_control
                for pair in seen.broken if seen.verdict == "fail"}


def kernel_fact(kernel: Kernel) -> dict[str, Any]:
    header = kernel.header
    kind = BUSTED if kernel.is_busted else HARMLESS if header else UNMODIFIED
    return {"name": kernel.name, "content": kernel.content, "kind": kind,
            "expects": list(header.expects) if header else [],
            "gate": header.gate if header else 1, "missed": header.missed if header else ""}


@dataclass
class Matrix:
    """`codes` are the builds of the module that the facts are of."""

    columns: dict[str, Column] = field(default_factory=dict)
    done: dict[str, float] = field(default_factory=dict)  # visit to seconds
    codes: list[str] = field(default_factory=list)

    def learn(self, fact: dict[str, Any]) -> None:
        if fact["what"] == "matrix":
            self.codes.append(fact["code"])
        elif fact["what"] == "kernel":
            self._learn_kernel(fact)
        elif fact["what"] == "visit":
            self.done[fact["key"]] = fact["seconds"]
            self.columns[fact["kernel"]].guests.append(from_json(fact["seen"]))

    def _learn_kernel(self, fact: dict[str, Any]) -> None:
        """Of a patch that was changed since, what was recorded counts no more; a
        header that was changed is about the same kernel."""
        new = Column(fact["name"], fact["kind"], tuple((a, b, c) for a, b, c in fact["expects"]),
                     fact["gate"], fact["missed"], fact["content"])
        old = self.columns.get(new.name)
        if old and old.content == new.content:
            new.guests = old.guests
        self.columns[new.name] = new

    def knows(self, fact: dict[str, Any]) -> bool:
        column = self.columns.get(fact["name"])
        return column is not None and (column.kind, column.expects, column.gate, column.missed,
                                       column.content) == (
            fact["kind"], tuple(tuple(e) for e in fact["expects"]), fact["gate"], fact["missed"],
            fact["content"])

    @property
    def detectors(self) -> list[str]:
        """In the order in which they were first heard of; no controls."""
        found = dict.fromkeys(seen.detector for column in self.columns.values()
                              for guest in column.guests for seen in guest
                              if not seen.is_control)
        return sorted(found)

    @property
    def silent_twins(self) -> list[str]:
        """Controls that did not show their bug on a kernel without one, where
        nothing else can be at fault."""
        return sorted({f"{seen.detector} on {column.name}" for column in self.columns.values()
                       if column.kind != BUSTED for guest in column.guests for seen in guest
                       if seen.control_failed})

    def fires(self, detector: str) -> bool:
        return any(column.cell(detector) in (CAUGHT, ALSO, WRONG)
                   and any(seen.verdict == "fail" for seen in column.answers(detector))
                   for column in self.columns.values())

    @property
    def twins(self) -> set[str]:
        return {seen.detector for column in self.columns.values() for guest in column.guests
                for seen in guest if seen.is_control and not seen.control_failed
                and seen.verdict != "skip"}

    @property
    def useless(self) -> list[str]:
        """Scenarios that nothing makes fail, no kernel and no control."""
        return [detector for detector in self.detectors
                if "slubtorture-" not in detector and not self.fires(detector)
                and not any(twin.startswith(f"busted-{detector}") for twin in self.twins)]


def of_facts(facts: Iterable[dict[str, Any]]) -> Matrix:
    matrix = Matrix()
    for fact in facts:
        matrix.learn(fact)
    return matrix


def median_worst(values: list[int]) -> str:
    return f"{statistics.median(values):.0f} / {values[-1]}" if values else "-"


def visit_fact(visit: Visit, seen: list[dict[str, object]], seconds: float,
               status: int) -> dict[str, Any]:
    return {"key": visit.key, "kernel": visit.kernel.name, "group": visit.group,
            "turn": visit.turn, "seen": seen, "seconds": round(seconds, 1), "status": status}
