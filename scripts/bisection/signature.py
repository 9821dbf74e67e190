# SPDX-License-Identifier: GPL-2.0
"""What is hunted, by name, and whether one run showed it.

A signature names a verdict with scenario, invariant and cause, or a kernel's
report with what it complains of and a function, or a KUnit case. What it
leaves out may be anything. Which one fits a log is for proposals.py.
"""

from __future__ import annotations

import difflib
import json
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import judge
import kunit
import records as rec
import scenarios
import setup as stp
from bisection.outcomes import Outcome
from bisection.reports import Report, bare_name, cleaned, reports_in
from errors import ToolError
from qemu.console import Kind

FAIL, HANG, KUNIT = "fail", "hang", "kunit"
CAUSES = ("truncation", "ordering", "corruption", "lifetime", "accounting", "unknown")
REPORTS = tuple(kind.value for kind in Kind)
KINDS = (FAIL, HANG, KUNIT, *REPORTS)
# The hunted function may be called by the one on top: compilers inline
# differently from one commit to the next.
DEPTH = 3
_FUNCTION = re.compile(r"[A-Za-z_]\w*\Z")
_EXAMPLES = ('e.g. "fail node-pointer-kept lifetime", "fail exts-late/exts-own-slot", '
             '"kasan use-after-free count_partial", "panic", "hang", "kunit SUITE/CASE"; '
             "scripts/bisect propose LOG finds those of a log")


@dataclass(frozen=True)
class Signature:
    """`kind` says which of the others can be set: of fail, scenario, invariant
    and cause; of hang, scenario; of kunit, suite and case; of a kernel's
    report, detail and function."""

    kind: str
    scenario: str = ""
    invariant: str = ""
    cause: str = ""
    suite: str = ""
    case: str = ""
    detail: str = ""
    function: str = ""

    @property
    def is_report(self) -> bool:
        return self.kind in REPORTS

    def __str__(self) -> str:
        place = f"{self.scenario}/" if self.scenario else ""
        name = f"{self.suite}/{self.case}" if self.case else self.suite
        words = (self.kind, place + self.invariant, self.cause, name, self.detail, self.function)
        return " ".join(word for word in words if word)

    @staticmethod
    def parsed(text: str) -> Signature:
        """Of such a text; ToolError with examples for any other."""
        kind, *words = text.split() or [""]
        if kind == FAIL:
            return _failure(text, words)
        if kind == HANG and len(words) <= 1:
            return Signature(HANG, scenario=_scenario(text, "".join(words).rstrip("/")))
        if kind == KUNIT and len(words) >= 1:
            suite, _, case = " ".join(words).partition("/")
            return Signature(KUNIT, suite=suite, case=case)
        if kind in REPORTS:
            return _report(kind, text, words)
        if kind in (HANG, KUNIT):
            raise ToolError(f"SIGNATURE={text}: {len(words)} words after {kind}", _EXAMPLES)
        raise ToolError(f"SIGNATURE={text}: it begins with none of {', '.join(KINDS)}", _EXAMPLES)


def _scenario(text: str, name: str) -> str:
    known = [one.name for one in scenarios.known()]
    if name and name not in known:
        near = difflib.get_close_matches(name, known, n=3, cutoff=0.5)
        raise ToolError(f"SIGNATURE={text}: no scenario is named {name}",
                        f"did you mean {', '.join(near)}?" if near else _EXAMPLES)
    if name.startswith(scenarios.CONTROL):
        raise ToolError(f"SIGNATURE={text}: {name} is a control, which fails on every kernel",
                        f"hunt what it is a control of: {name[len(scenarios.CONTROL):]}")
    return name


def _failure(text: str, words: list[str]) -> Signature:
    """fail [SCENARIO/][INVARIANT] [CAUSE]; a scenario's name alone will do."""
    cause = words.pop() if words and words[-1] in CAUSES else ""
    if len(words) > 1:
        raise ToolError(f"SIGNATURE={text}: {words[1]} is no cause; known: {', '.join(CAUSES)}",
                        _EXAMPLES)
    place = words[0] if words else ""
    scenario, slash, invariant = place.rpartition("/")
    if not slash and invariant in {one.name for one in scenarios.known()}:
        scenario, invariant = invariant, ""
    return Signature(FAIL, _scenario(text, scenario), invariant, cause)


def _report(kind: str, text: str, words: list[str]) -> Signature:
    """KIND [DETAIL] [FUNCTION]: a detail has a hyphen, a function has none."""
    found = Signature(kind)
    for word in words:
        name = bare_name(word.removesuffix("()"))
        if "-" in word and not found.detail and not found.function:
            found = Signature(kind, detail=word)
        elif _FUNCTION.match(name) and not found.function:
            found = Signature(kind, detail=found.detail, function=name)
        else:
            raise ToolError(f"SIGNATURE={text}: {word} is neither what is complained of, in words "
                            "with hyphens, nor a function after it", _EXAMPLES)
    return found


def _same_detail(wanted: str, seen: str) -> bool:
    """KASAN names the memory since 6.4: slab-use-after-free."""
    return wanted.removeprefix("slab-") == seen.removeprefix("slab-") or not wanted


def is_in_report(signature: Signature, report: Report) -> bool:
    return (signature.kind == report.kind and _same_detail(signature.detail, report.detail)
            and (not signature.function or signature.function in report.functions[:DEPTH]))


def is_in_record(signature: Signature, record: rec.Record) -> bool:
    """Whether this verdict shows it. Controls fail by design."""
    if record.is_control or (signature.scenario and signature.scenario != record.scenario):
        return False
    if signature.kind == HANG:
        where = "no verdict: " if signature.scenario else ""
        return record.verdict == rec.BROKEN and where + judge.HUNG in record.reason
    if signature.kind != FAIL or record.verdict != rec.FAIL:
        return False
    broken = [(record.invariant, record.cause),
              *((name, cause) for name, _, cause in (one.partition(":") for one in record.others))]
    return any(signature.invariant in ("", name) and signature.cause in ("", cause)
               for name, cause in broken)


def is_in_case(signature: Signature, case: dict[str, Any]) -> bool:
    """Whether this KUnit result shows it; a suite names invariant and cause on
    one line of its own."""
    if case["verdict"] not in ("fail", "crashed"):
        return False
    if signature.kind == KUNIT:
        return _is_asked(signature, case)
    if signature.kind != FAIL or signature.scenario:
        return False
    wanted = {word for word in (signature.invariant, signature.cause) if word}
    return not wanted or any(wanted <= set(re.findall(r"[\w-]+", line)) for line in case["lines"])


def case_name(case: dict[str, Any]) -> str:
    return ": ".join(word for word in (case["case"], case["parameter"]) if word)


def _is_asked(signature: Signature, case: dict[str, Any]) -> bool:
    """Whether a result is of the hunted suite and case; a case's name stands
    for all its parameters."""
    return (signature.suite == case["suite"]
            and signature.case in ("", case["case"], case_name(case)))


@dataclass(frozen=True)
class Seen:
    """All that a run left behind. `problem` says why it cannot be read."""

    records: tuple[rec.Record, ...] = ()
    cases: tuple[dict[str, Any], ...] = ()
    reports: tuple[Report, ...] = ()
    problem: str = ""

    @property
    def own_reports(self) -> list[Report]:
        """Those that are not the doing of a control."""
        return [one for one in self.reports if not one.during.startswith(scenarios.CONTROL)]

    @property
    def asked(self) -> list[rec.Record]:
        return [record for record in self.records if not record.is_control]


def _text(path: Path) -> str:
    return path.read_text(errors="replace") if path.exists() else ""


def seen_in(run_dir: Path) -> Seen:
    """A run's directory, also of a run that was cut short."""
    records: list[rec.Record] = []
    cases: list[dict[str, Any]] = []
    problem = ""
    try:
        records = rec.from_json_lines(_text(run_dir / "records.jsonl"))
        cases = [json.loads(line) for line in _text(run_dir / "results.jsonl").splitlines()]
    except (ToolError, ValueError) as error:
        problem = f"its results cannot be read: {error}"
    if not records and not cases and not problem:
        problem = "no verdict was kept"
    markers = kunit.MARKERS if cases else stp.MARKERS
    reports = reports_in(cleaned(_text(run_dir / "console")), markers)
    return Seen(tuple(records), tuple(cases), tuple(reports), problem)


def _bad(signature: Signature, seen: Seen) -> str:
    """Where the signature is, in one line, or ""."""
    for record in seen.records:
        if is_in_record(signature, record):
            what = f"{record.invariant}, {record.cause}" if signature.kind == FAIL else HANG
            return f"{record.scenario}: {what}: {record.evidence}".removesuffix(": -")
    for case in seen.cases:
        if is_in_case(signature, case):
            return f"{case['suite']}/{case_name(case)}: {case['verdict']}"
    return next((one.title for one in seen.own_reports if is_in_report(signature, one)), "")


def _other(seen: Seen) -> str:
    """What else failed. Reports of the boot are nobody's verdict, and a stall
    alone says more of a busy host than of a kernel."""
    for record in seen.asked:
        if record.verdict == rec.FAIL:
            return f"another failure: {record.scenario}: {record.invariant}, {record.cause}"
    for case in seen.cases:
        if case["verdict"] in ("fail", "crashed"):
            return f"another failure: {case['suite']}/{case_name(case)}"
    for report in seen.own_reports:
        if not report.is_stall and not report.in_boot:
            return f"another report: {report.title}"
    return ""


def _unasked(signature: Signature, seen: Seen) -> str:
    """Why the question that the signature is about was not answered, or ""."""
    if signature.scenario:
        own = [one for one in seen.asked if one.scenario == signature.scenario]
        told = [(one.verdict, one.reason) for one in own]
        what = signature.scenario
    elif signature.kind == KUNIT:
        chosen = [case for case in seen.cases if _is_asked(signature, case)]
        told = [(case["verdict"], case["reason"]) for case in chosen]
        what = str(signature).partition(" ")[2]
    else:
        told = [*((one.verdict, one.reason) for one in seen.asked),
                *((case["verdict"], case["reason"]) for case in seen.cases)]
        what = "everything"
    if not told:
        return f"{what} gave no verdict"
    if all(verdict == rec.SKIP for verdict, _ in told):
        return f"{what} was skipped: {told[0][1]}"
    return ""


def _broken(seen: Seen, status: int) -> str:
    """Why the run is not whole, or ""."""
    for record in seen.asked:
        if record.verdict == rec.BROKEN:
            return f"{record.scenario}: {record.reason}"
    for record in seen.records:
        if record.is_control and not record.is_caught and record.verdict != rec.SKIP:
            return f"{record.scenario} was not caught, so that nothing else is to be trusted"
    for case in seen.cases:
        if case["verdict"] not in ("pass", "skip", "todo"):
            return f"{case['suite']}/{case_name(case)} gave no result"
    return f"the run ended with status {status}" if status else ""


def _passed(seen: Seen) -> str:
    passes = (sum(one.verdict == rec.PASS for one in seen.asked)
              + sum(case["verdict"] == "pass" for case in seen.cases))
    return f"{passes} pass"


def outcome_of(run_dir: Path, status: int, signature: Signature) -> tuple[Outcome, str]:
    """What a run came to that ended with `status`, and one line of why."""
    seen = seen_in(run_dir)
    shown = _bad(signature, seen)
    if shown:
        return Outcome.BAD, shown
    booted = [one for one in seen.own_reports if one.in_boot and one.is_consequence]
    if seen.problem:
        return Outcome.BROKEN, f"{booted[0].title}, in the boot" if booted else seen.problem
    failed = _other(seen)
    if failed:
        return Outcome.OTHER, failed
    for outcome, why in ((Outcome.BROKEN, _broken(seen, status)),
                         (Outcome.BROKEN, _unasked(signature, seen))):
        if why:
            return outcome, why
    return Outcome.GOOD, _passed(seen)


def proposed(path: Path) -> list[Signature]:
    """The likely signatures of a run, of records or of a log, best first."""
    from bisection.proposals import proposals  # it needs this file's Signature
    return [one.signature for one in proposals(path)]
