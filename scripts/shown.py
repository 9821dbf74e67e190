# SPDX-License-Identifier: GPL-2.0
"""What a run of guests showed of a litmus test's outcome: the records and the
histograms that `make run` keeps, read without judging the kernel anew.

A scenario's histogram counts every look; the test's own condition tells which
of its states are the outcome. Where the histogram has other words, or there is
none, the scenario's verdict tells: it failed for want of order, or did not.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import records as rec
from condition import met
from errors import ToolError
from litmus import Expected
from qemu.transcript import parse
from scenarios import CONTROL

_ROW = re.compile(r"#? *(\d+) *[:*]> *(.+?);?$")
# Rows that do not tell this are of objects that were consumed.
_CONSUMED = {"pointer": "1"}
_VALUE = re.compile(r"(?:\d+:)?(\w+)=(\w+)")


@dataclass(frozen=True)
class State:
    """One row of a histogram: how often, and the value of each thing seen."""

    count: int
    values: Mapping[str, str]


@dataclass(frozen=True)
class KeptRun:
    """A run with what litmus tests want of it, by scenario."""

    directory: Path
    release: str
    series: str
    architecture: str
    accel: str
    records: Mapping[str, rec.Record]
    states: Mapping[str, tuple[State, ...]] = field(default_factory=dict)

    @property
    def where(self) -> str:
        """The kernel and the CPU, for a heading."""
        how = {"tcg": ", emulated", "kvm": ", KVM"}.get(self.accel, "")
        return f"{self.release} on {self.architecture}{how}"


@dataclass(frozen=True)
class Shown:
    """What was shown of one test. `asked` is False where nothing was, and
    `reason` says why; `broken` where something should have been."""

    asked: bool
    reason: str = ""
    broken: bool = False
    scenario: str = ""
    observations: int = 0
    overlaps: int = 0
    times: int = 0  # at least; `counted` tells whether it is exact
    counted: bool = True
    evidence: str = ""

    @property
    def observed(self) -> bool:
        return self.times > 0


def state_of(line: str) -> State | None:
    """A histogram's row, as `1234 :> 1:content=0; 1:slab=1;`."""
    match = _ROW.match(line.strip())
    values = dict(_VALUE.findall(match[2])) if match else {}
    return State(int(match[1]), values) if match and values else None


def states_of(ktap: bytes) -> dict[str, tuple[State, ...]]:
    """The histogram of each scenario that has one."""
    found = {}
    for name, lines in parse(ktap).subtests.items():
        rows = [state for state in (state_of(line) for line in lines) if state]
        if rows:
            found[name] = tuple(rows)
    return found


def _plan(directory: Path) -> dict[str, str]:
    """What was asked for; a run's records do without it."""
    try:
        plan = json.loads((directory / "plan.json").read_text())
        return {key: str(value) for key, value in plan.items()}
    except (OSError, ValueError, AttributeError):
        return {}


def load(directory: Path) -> KeptRun:
    """A run that `make run` has kept; ToolError if it is none."""
    try:
        found = rec.from_json_lines((directory / "records.jsonl").read_text())
        ktap = (directory / "ktap").read_bytes()
    except OSError as error:
        raise ToolError(f"RUN={directory}: no run is kept there: {error.strerror}",
                        "name a directory that make run has made, or leave RUN out") from error
    if not found:
        raise ToolError(f"RUN={directory}: the run has no records", "leave RUN out")
    plan, release = _plan(directory), found[0].kernel_release
    series = plan.get("series") or release
    match = re.match(r"\d+\.\d+", series)
    return KeptRun(directory, release, match[0] if match else "", found[0].architecture,
                   plan.get("accel", ""), {record.scenario: record for record in found},
                   states_of(ktap))


def _record_of(expected: Expected, run: KeptRun) -> rec.Record | None:
    """Of the first scenario that was run. A handoff that is wrong on purpose
    may be a control, which has the same name after its prefix."""
    names = list(expected.scenarios)
    if not expected.verdict.forbidden or expected.verdict.race:
        names += [CONTROL + name for name in names]
    return next((run.records[name] for name in names if name in run.records), None)


def _counted(states: tuple[State, ...], test: str, where: str) -> int:
    """How often the histogram has the outcome."""
    return sum(state.count for state in states
               if state.count and met(test, {**_CONSUMED, **state.values}, where))


def _nothing(record: rec.Record) -> Shown | None:
    """Why a scenario that did not see the outcome tells nothing, if it does not.
    A control that this CPU cannot show is skipped after many looks."""
    if record.verdict == rec.SKIP and not record.overlaps:
        return Shown(False, f"skipped: {record.reason}", False, record.scenario)
    if record.verdict == rec.BROKEN:
        return Shown(False, f"broken: {record.reason}", True, record.scenario)
    if record.verdict == rec.FAIL:
        return Shown(False, f"failed otherwise: {record.invariant}, cause {record.cause}", True,
                     record.scenario)
    return None


def shown_of(expected: Expected, test: str, run: KeptRun | None) -> Shown:
    """What `run` showed of a test, whose text is `test`."""
    if run is None:
        return Shown(False, "no guest was asked")
    if not expected.kernels.hold(run.series):
        return Shown(False, expected.kernels.described)
    if not expected.scenarios:
        return Shown(False, "no scenario shows it")
    record = _record_of(expected, run)
    if record is None:
        other = [name for name in expected.scenarios if name != expected.name]
        return Shown(False, f"{other[0]} was not run" if other else "was not run")
    counted = _counted(run.states.get(record.scenario, ()), test, record.scenario)
    failed = record.verdict == rec.FAIL and record.cause == "ordering"
    nothing = None if counted or failed else _nothing(record)
    return nothing or Shown(True, "", False, record.scenario, record.observations,
                            record.overlaps, counted or int(failed), bool(counted) or not failed,
                            record.evidence if counted or failed else "")
