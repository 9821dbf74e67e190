# SPDX-License-Identifier: GPL-2.0
"""A matrix as its journal tells it: columns of kernels, and what each
detector made of each in all of its runs.
"""

from __future__ import annotations

import statistics
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

import findings
import gate
from errors import ToolError
from matrices import plan
from matrices.columns import Kernel, numbers
from matrices.facts import Seen, from_json
from matrices.plan import Visit
from series import series_key

FORMAT = 2  # of the journal; 1 had no number, and no stock kernels
UNMODIFIED, BUSTED, HARMLESS, STOCK = "unmodified", "busted", "harmless", "stock"
# What stands in a cell; the first that is true of any run decides.
ALARM, WRONG, CAUGHT, ALSO, KNOWN = "!", "x", "C", "c", "F"
BROKEN, SILENT, SKIPPED, UNASKED = "?", ".", "-", " "
MEANING = {
    CAUGHT: "caught, as its header promises", ALSO: "caught as well",
    KNOWN: "a finding, as known of this series",
    WRONG: "promised, and not caught, too seldom, or with another cause",
    ALARM: "fails where nothing is wrong", SILENT: "silent", SKIPPED: "skipped",
    BROKEN: "gave no verdict", UNASKED: "not asked (yet)",
}
# Suites that ask what the detectors make of what was broken for them, and so
# have no twins; those of all other suites are in the first of them.
SUITE_OF_TWINS = "slubtorture-busted"
SELF_TESTS = (SUITE_OF_TWINS, "slubtorture-judgement", "slubtorture-layout")
_SUITE = "slubtorture-"


@dataclass(frozen=True)
class Guest:
    group: str
    seen: tuple[Seen, ...]


@dataclass
class Column:
    """One kernel, and every answer about it."""

    name: str
    kind: str
    expects: tuple[tuple[str, str, str], ...] = ()
    gate: int = 1
    missed: str = ""
    content: str = ""
    series: str = ""
    needs: tuple[str, ...] = ()
    how: str = ""  # its header says that the promise is asked
    guests: list[Guest] = field(default_factory=list)

    @property
    def asked(self) -> list[str]:
        """The detectors that its header names."""
        return list(dict.fromkeys(asked for asked, _, _ in self.expects))

    def all_seen(self) -> list[Seen]:
        return [seen for guest in self.guests for seen in guest.seen]

    def answers(self, detector: str) -> list[Seen]:
        return [seen for seen in self.all_seen() if seen.detector == detector]

    def promises(self, detector: str) -> list[tuple[str, str]]:
        return [(invariant, cause) for asked, invariant, cause in self.expects
                if asked == detector]

    def held(self, detector: str) -> list[Seen]:
        """Answers that a promise is held against: of guests that asked for just
        that, in the way that the header says."""
        return [seen for guest in self.guests if guest.group in plan.PROMISED
                for seen in guest.seen if seen.detector == detector]

    def keeps(self, seen: Seen) -> bool:
        return all(promise in seen.broken for promise in self.promises(seen.detector))

    def kept(self, detector: str) -> tuple[int, int]:
        """In how many of its runs a detector said all that was promised of it."""
        asked = self.held(detector)
        return sum(self.keeps(seen) for seen in asked), len(asked)

    def is_known(self, seen: Seen) -> bool:
        """Whether a failure is one that is declared, and nothing else."""
        return self.finding(seen) is not None

    def finding(self, seen: Seen) -> findings.Finding | None:
        first, *others = [*seen.broken, ("", "")]
        return findings.known({
            "scenario": seen.detector, "verdict": seen.verdict, "evidence": seen.evidence,
            "invariant": first[0], "cause": first[1], "splat": seen.splat,
            "others": [":".join(pair) for pair in others if pair[0]]}, self.series)

    def alarms(self, detector: str) -> list[Seen]:
        """Failures where nothing is wrong, or nothing that is declared."""
        return [seen for seen in self.answers(detector) if self.kind != BUSTED and seen.fired
                and not self.is_known(seen)]

    def cell(self, detector: str) -> str:
        asked = self.answers(detector)
        if not asked:
            return UNASKED
        fired = [seen for seen in asked if seen.fired]
        if self.kind != BUSTED and fired:
            return ALARM if self.alarms(detector) else KNOWN
        if self.kind == BUSTED and self.promises(detector) and self.held(detector):
            return self._promised_cell(detector)
        if any(seen.verdict == "fail" for seen in fired):
            return ALSO
        if fired:
            return BROKEN
        return SKIPPED if all(seen.verdict == "skip" for seen in asked) else SILENT

    def _promised_cell(self, detector: str) -> str:
        """A skip keeps no promise, but where the guest lacks what the bug needs."""
        held = self.held(detector)
        if self.needs and all(seen.verdict == "skip" for seen in held):
            return SKIPPED
        kept, runs = self.kept(detector)
        if self.gate == 1:
            return CAUGHT if kept == runs else WRONG
        least, most = gate.interval(runs, self.gate)
        silent = all(self.keeps(seen) or seen.verdict == "pass" for seen in held)
        if not silent or not least <= kept <= most:
            return WRONG
        return CAUGHT if kept else SILENT  # in the few runs so far

    def time_ms(self, detector: str) -> int:
        """The median of what stands beside a cell's verdict: until the first
        breach of what was promised, else what the question took; -1: not known."""
        if self.cell(detector) == CAUGHT:
            times = [seen.ms for seen in self.held(detector) if seen.verdict == "fail"]
        else:
            times = [seen.took for seen in self.answers(detector) if seen.verdict != "skip"]
        known = [time for time in times if time >= 0]
        return round(statistics.median(known)) if known else -1

    def detection_ms(self, invariant: str = "") -> list[int]:
        """Until the first breach, in each run of what is promised that tells it;
        of one invariant only the runs in which it broke first."""
        found = [seen for asked in self.asked for seen in self.held(asked)
                 if seen.verdict == "fail" and seen.ms >= 0]
        return sorted(seen.ms for seen in found
                      if not invariant or seen.broken and seen.broken[0][0] == invariant)

    def caught_by(self) -> set[tuple[str, str]]:
        """Invariant and cause of all that anybody found broken."""
        return {pair for seen in self.all_seen() if not seen.is_control
                for pair in seen.broken if seen.verdict == "fail"}


def kernel_fact(kernel: Kernel) -> dict[str, Any]:
    header = kernel.header
    kind = (STOCK if kernel.stock else BUSTED if kernel.is_busted
            else HARMLESS if header else UNMODIFIED)
    how = [Visit(kernel, group, 1).how for group in plan.PROMISED]
    return {"name": kernel.name, "content": kernel.content, "kind": kind,
            "series": numbers(kernel.series), "expects": list(header.expects) if header else [],
            "needs": sorted(header.needs) if header else [], "how": " ".join(how).strip(),
            "gate": header.gate if header else 1, "missed": header.missed if header else ""}


def column_of(fact: dict[str, Any]) -> Column:
    return Column(fact["name"], fact["kind"], tuple((a, b, c) for a, b, c in fact["expects"]),
                  fact["gate"], fact["missed"], fact["content"], fact["series"],
                  tuple(fact["needs"]), fact["how"])


@dataclass
class Matrix:
    """`codes` are the builds of the module that the facts are of; `asked` are
    the visits of the last command that asked; `whole`: they are of all patches
    and all detectors."""

    columns: dict[str, Column] = field(default_factory=dict)
    done: dict[str, float] = field(default_factory=dict)  # visit to seconds
    codes: list[str] = field(default_factory=list)
    asked: list[str] = field(default_factory=list)
    modules_s: list[float] = field(default_factory=list)
    gone: dict[str, str] = field(default_factory=dict)  # kernels not to be had, and why
    runs: int = 1
    whole: bool = False

    def learn(self, fact: dict[str, Any]) -> None:
        if fact["what"] == "matrix":
            self.codes.append(fact["code"])
        elif fact["what"] == "asked":
            self.asked, self.runs = fact["visits"], fact["runs"]
            self.whole = fact.get("whole", True)
        elif fact["what"] == "kernel":
            self._learn_kernel(column_of(fact))
        elif fact["what"] == "gone":
            self.gone[fact["kernel"]] = fact["why"]
        elif fact["what"] == "made":
            self.gone.pop(fact["kernel"], None)
            self.modules_s += [fact["seconds"]] if fact["modules"] else []
        elif fact["what"] == "visit":
            self.done[fact["key"]] = fact["seconds"]
            self.columns[fact["kernel"]].guests.append(
                Guest(fact["group"], tuple(from_json(fact["seen"]))))

    def _learn_kernel(self, new: Column) -> None:
        """Of a patch that was changed since, what was recorded counts no more; of
        a header that asks in another way, what was promised in the old one."""
        old = self.columns.get(new.name)
        if old and old.content == new.content:
            new.guests = [guest for guest in old.guests if old.how == new.how
                          or guest.group not in plan.PROMISED]
        self.columns[new.name] = new

    def knows(self, fact: dict[str, Any]) -> bool:
        column = self.columns.get(fact["name"])
        new = column_of(fact)
        new.guests = column.guests if column else []
        return column == new

    def in_order(self) -> None:
        """Columns as a reader looks for them: the newest series first, the wrong
        ones after the unmodified one, then the harmless; stock kernels last."""
        kinds = (UNMODIFIED, BUSTED, HARMLESS, STOCK)

        def place(column: Column) -> tuple[bool, list[int], int, str]:
            newest_first = [-number for number in series_key(column.series)]
            return column.kind == STOCK, newest_first, kinds.index(column.kind), column.name

        self.columns = {column.name: column
                        for column in sorted(self.columns.values(), key=place)}

    @property
    def left(self) -> list[str]:
        """Visits that were asked for and are still to come."""
        gone = tuple(f"{name}{mark}" for name in self.gone for mark in " @")
        return [key for key in self.asked if key not in self.done and not key.startswith(gone)]

    @property
    def detectors(self) -> list[str]:
        """All but controls, by name."""
        return sorted({seen.detector for column in self.columns.values()
                       for seen in column.all_seen() if not seen.is_control})

    @property
    def silent_twins(self) -> list[str]:
        """Controls that did not show their bug on a kernel without one, where
        nothing else can be at fault."""
        return sorted({f"{seen.detector} on {column.name}" for column in self.columns.values()
                       if column.kind != BUSTED for seen in column.all_seen()
                       if seen.control_failed})

    def catches(self, detector: str) -> list[str]:
        """The busted kernels that it tells of, and the findings."""
        return [column.name for column in self.columns.values()
                if column.cell(detector) in (CAUGHT, ALSO, WRONG, KNOWN)
                and any(seen.verdict == "fail" for seen in column.answers(detector))]

    def _has_twin(self, detector: str) -> bool:
        if detector.startswith(_SUITE):
            return detector in SELF_TESTS or any(
                seen.verdict == "pass" for column in self.columns.values()
                if column.kind != BUSTED for seen in column.answers(SUITE_OF_TWINS))
        return any(twin == f"busted-{detector}" or twin.startswith(f"busted-{detector}-")
                   for twin in self.twins)

    @property
    def twins(self) -> set[str]:
        """Controls that were caught."""
        return {seen.detector for column in self.columns.values() for seen in column.all_seen()
                if seen.is_control and not seen.control_failed and seen.verdict != "skip"}

    @property
    def idle(self) -> list[str]:
        """Detectors that no kernel makes fail."""
        return [detector for detector in self.detectors if not self.catches(detector)]

    @property
    def only_by_control(self) -> list[str]:
        return [detector for detector in self.idle if self._has_twin(detector)]

    @property
    def useless(self) -> list[str]:
        """Detectors that nothing makes fail, no kernel and no control."""
        return [detector for detector in self.idle if not self._has_twin(detector)]


def of_facts(facts: Iterable[dict[str, Any]], where: str = "the journal") -> Matrix:
    """ToolError for a journal that this code does not understand."""
    matrix = Matrix()
    for number, fact in enumerate(facts, 1):
        if fact["what"] == "matrix" and fact.get("format", 1) != FORMAT:
            age = "newer" if fact.get("format", 1) > FORMAT else "older"
            raise ToolError(f"{where} was written by {age} code than this: format "
                            f"{fact.get('format', 1)}, not {FORMAT}",
                            "choose another OUT, or remove this one")
        try:
            matrix.learn(fact)
        except (KeyError, TypeError, ValueError) as error:
            raise ToolError(f"{where}, line {number}, is not of a matrix: it lacks {error}",
                            "it was edited, or the disk lost it: remove the line, and what it "
                            "told is asked once more") from error
    matrix.in_order()
    return matrix


def median_worst(values: list[int]) -> str:
    """Of milliseconds, in seconds."""
    if not values:
        return "-"
    return f"{statistics.median(values) / 1000:.1f} / {values[-1] / 1000:.1f}"


def visit_fact(visit: Visit, seen: list[dict[str, object]], seconds: float,
               status: int) -> dict[str, Any]:
    return {"key": visit.key, "kernel": visit.kernel.name, "group": visit.group,
            "turn": visit.turn, "seen": seen, "seconds": round(seconds, 1), "status": status}
