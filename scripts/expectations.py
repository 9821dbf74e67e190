# SPDX-License-Identifier: GPL-2.0
"""What stock kernels are known to answer, as data: the verdicts, causes and
layout facts that `make check` holds each guest run against.

Pure: records and KTAP text in, one line for each broken expectation out.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import findings

Record = Mapping[str, object]
CONTROL = "busted-"
NOT_SHOWN = "not shown by this CPU"  # core/experiment_handoff.cc
# Before 7.0 extensions lay in one place only, and no step stood beside the
# free counters.
BEFORE_7_0 = frozenset({"exts-leftover", "exts-in-object", "exts-counters"})


@dataclass(frozen=True)
class Expectation:
    """One series: exit status, scenarios that may skip, layout text. What fails
    is in findings.py."""

    series: str
    status: int
    skips: frozenset[str]
    layout: str  # regular expression that some layout line must match
    optional: bool = False  # may be absent from the archive

    @property
    def fails(self) -> Mapping[str, findings.Sign]:
        """Scenarios that must fail here, by what is known of this series."""
        return findings.certain(self.series)


EXPECTATIONS: tuple[Expectation, ...] = (
    Expectation("7.2", 0, frozenset(), r"stride=origin field: slab->stride .* 32 bits"),
    Expectation("5.10", 1, BEFORE_7_0, r"stride=origin element size"),
    Expectation("6.1", 0, BEFORE_7_0, r"stride=origin element size"),
    Expectation("6.12", 0, BEFORE_7_0, r"stride=origin element size"),
    Expectation("7.3", 0, frozenset(), r"stride=origin bits", optional=True),
)


def _text(record: Record, key: str) -> str:
    return str(record.get(key, ""))


def _needs_another_cpu(record: Record) -> bool:
    """A pair that the memory model only allows to go wrong, and this CPU kept in
    order. A control without such a reason must fail."""
    return (_text(record, "verdict") == "skip"
            and NOT_SHOWN in _text(record, "reason")
            and int(str(record.get("overlaps", 0))) > 0)


def control_problems(records: Sequence[Record]) -> list[str]:
    """Controls must fail, each with the cause that it stands for."""
    controls = [r for r in records if _text(r, "scenario").startswith(CONTROL)]
    if not controls:
        return ["no control ran"]
    return [f"{_text(r, 'scenario')}: {_text(r, 'verdict')} {_text(r, 'cause')}, "
            f"expected {_text(r, 'expected')}"
            for r in controls
            if f"{_text(r, 'verdict')}:{_text(r, 'cause')}" != _text(r, "expected")
            and not _needs_another_cpu(r)]


def _verdict_problem(record: Record, expected: Expectation) -> str | None:
    name, verdict = _text(record, "scenario"), _text(record, "verdict")
    if name in expected.fails:
        good = findings.known(record, expected.series) is not None
        return None if good else f"{name}: not the fail that this kernel must show: {record}"
    if name in expected.skips:
        good = verdict == "skip" and _text(record, "reason") not in ("", "-")
        return None if good else f"{name}: {verdict}, a skip with its reason was expected"
    if verdict != "pass":
        return f"{name}: {verdict} ({_text(record, 'reason')} {_text(record, 'evidence')})"
    if not int(str(record.get("observations", 0))):
        return f"{name}: passed without a single observation"
    return None


def verdict_problems(records: Sequence[Record], expected: Expectation) -> list[str]:
    plain = [r for r in records if not _text(r, "scenario").startswith(CONTROL)]
    if not plain:
        return ["no scenario ran"]
    found = (_verdict_problem(record, expected) for record in plain)
    return [problem for problem in found if problem]


def layout_problems(ktap: str, expected: Expectation) -> list[str]:
    lines = [line for line in ktap.splitlines() if line.startswith("# layout ")]
    if any(re.search(expected.layout, line) for line in lines):
        return []
    return [f"no layout line matches {expected.layout!r}: {lines}"]
