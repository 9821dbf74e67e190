# SPDX-License-Identifier: GPL-2.0
"""Which signatures a log could be hunted by, the likeliest first, and why.

What names its cause comes before what only names a place, the first report of
a kernel before its consequences, the narrower before the wider.
"""

from __future__ import annotations

import json
import re
import shlex
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import ktap
import records as rec
import scenarios
import setup as stp
from bisection import signature as sig
from bisection.reports import Report, cleaned, reports_in
from bisection.signature import Signature
from errors import ToolError

MOST = 8
_RECORD = re.compile(r"(?:# |@ )?record (scenario=.*)$")
_ENDED = re.compile(r"slubtorture: end (\S+) fail\b")


@dataclass(frozen=True)
class Proposal:
    """`why` is for people, in a few words."""

    signature: Signature
    why: str


def _of_fields(fields: dict[str, str]) -> Iterator[Proposal]:
    """A verdict of the module's, from its record line or from records.jsonl."""
    if fields.get("verdict") != rec.FAIL or fields.get("expected", "pass") != rec.PASS:
        return
    scenario, invariant = fields.get("scenario", ""), fields.get("invariant", "")
    cause = fields.get("cause", "")
    if invariant == "no-splat" or scenario.startswith(scenarios.CONTROL):
        return  # the report itself says more
    known = scenario in {one.name for one in scenarios.known()}
    cause = cause if cause in sig.CAUSES else ""
    found = Signature(sig.FAIL, scenario if known else "", invariant, cause)
    yield Proposal(found, f"the first invariant that broke in {scenario}")
    if known:
        yield Proposal(replace(found, scenario=""), "the same in any scenario")


def _of_hang(record: rec.Record) -> Iterator[Proposal]:
    found = Signature(sig.HANG, record.scenario)
    if not record.is_control and sig.is_in_record(found, record):
        yield Proposal(found, "the guest hung in it")


def _of_case(case: dict[str, Any]) -> Iterator[Proposal]:
    if case["verdict"] in ("fail", "crashed"):
        yield Proposal(Signature(sig.KUNIT, suite=case["suite"], case=sig.case_name(case)),
                       f"the case {case['verdict']}")
        if case["parameter"]:
            yield Proposal(Signature(sig.KUNIT, suite=case["suite"], case=case["case"]),
                           "the same for every parameter")


def _of_report(report: Report) -> Iterator[Proposal]:
    where = f" in {report.during}" if report.during else " in the boot" if report.in_boot else ""
    found = Signature(report.kind, detail=report.detail,
                      function=next(iter(report.functions), ""))
    yield Proposal(found, f"the kernel's report{where}: {report.title}")
    if found.detail and found.function:
        yield Proposal(replace(found, detail=""), "the same, whatever it complains of")


def _of_suites(lines: list[str]) -> Iterator[Proposal]:
    """KUnit's results in a log."""
    if not any("# Subtest: " in line for line in lines):
        return
    known = {one.name for one in scenarios.known()}
    for suite in ktap.read(lines)[0]:
        if suite.name not in known:  # the module's own report is KTAP, too
            for case in suite.cases:
                own = [*case.path[1:], "", ""]
                yield from _of_case({"suite": suite.name, "case": own[0], "parameter": own[1],
                                     "verdict": case.verdict})


def _of_log(text: str) -> Iterator[Proposal]:
    lines = cleaned(text)
    for line in lines:
        found = _RECORD.search(line)
        if found:
            try:
                words = shlex.split(found[1])
            except ValueError:  # cut off in the middle
                words = found[1].split()
            yield from _of_fields(dict(word.partition("=")[::2] for word in words))
    yield from _of_suites(lines)
    reports = [one for one in reports_in(lines, stp.MARKERS)
               if not one.during.startswith(scenarios.CONTROL)]
    if not any(stp.MARKERS.any in line for line in lines):
        reports = [replace(one, in_boot=False) for one in reports]  # nobody knows
    yield from _of_reports(reports)
    known = {one.name for one in scenarios.known() if not one.is_control}
    for name in (found[1] for line in lines if (found := _ENDED.search(line))):
        if name in known:
            yield Proposal(Signature(sig.FAIL, name), "the scenario failed; the log says no more")


def _of_reports(reports: list[Report]) -> Iterator[Proposal]:
    """The first is the cause of those after it, as a rule; stalls and panics
    come last."""
    ordered = sorted(reports, key=lambda one: (one.is_consequence, one.is_stall, one.in_boot))
    for report in ordered:
        yield from _of_report(report)


def _of_lines(text: str) -> Iterator[Proposal]:
    """records.jsonl or results.jsonl."""
    for line in text.splitlines():
        values = json.loads(line)
        if "suite" in values:
            yield from _of_case(values)
        else:
            record = rec.from_json_lines(line)[0]
            yield from _of_fields({name: str(value) for name, value in values.items()})
            yield from _of_hang(record)


def _of_run(run_dir: Path) -> Iterator[Proposal]:
    for name in ("records.jsonl", "results.jsonl"):
        if (run_dir / name).exists():
            yield from _of_lines((run_dir / name).read_text())
    seen = sig.seen_in(run_dir)
    yield from _of_reports(seen.own_reports)


def _first_of_each(found: Iterable[Proposal]) -> list[Proposal]:
    kept: dict[Signature, Proposal] = {}
    for one in found:
        kept.setdefault(one.signature, one)
    return list(kept.values())[:MOST]


def proposals(path: Path) -> list[Proposal]:
    """Of a run's directory, of its records, or of any console log or dmesg;
    ToolError if there is nothing to hunt in it."""
    if path.is_dir():
        found = _first_of_each(_of_run(path))
    else:
        try:
            text = path.read_text(errors="replace")
        except OSError as error:
            raise ToolError(f"{path} cannot be read: {error.strerror}",
                            "name a run's directory, or a log") from error
        is_records = text.startswith("{") and path.suffix == ".jsonl"
        found = _first_of_each(_of_lines(text) if is_records else _of_log(text))
    if not found:
        raise ToolError(f"{path} shows no failure: no verdict, no report of a kernel's",
                        "name another log, or say by hand what is hunted: SIGNATURE=")
    return found
