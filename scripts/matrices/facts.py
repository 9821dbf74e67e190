# SPDX-License-Identifier: GPL-2.0
"""What one guest told, as it is kept in a matrix's journal: for each detector
its verdict, what it found broken and when. Nothing is judged here.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

# A pseudo-detector: the kernel's log, where no suite failed and the run did.
LOG = "slubtorture-log"
_MOST, _LINES = 400, 4
_BROKEN = re.compile(r"([\w-]+): \d+ asked, \d+ broken; cause: ([\w-]+)")


@dataclass(frozen=True)
class Seen:
    """One detector's answer. `broken` holds invariant and cause of all that
    broke, `ms` is until the first breach, -1 where that is not known, `took`
    what the question took in all; `expected` is a control's cause."""

    detector: str
    verdict: str
    broken: tuple[tuple[str, str], ...] = ()
    ms: int = -1
    took: int = -1
    reason: str = ""
    expected: str = ""
    evidence: str = ""  # of the first breach
    splat: tuple[str, ...] = ()  # the kernel's first words

    @property
    def is_control(self) -> bool:
        return bool(self.expected)

    @property
    def control_failed(self) -> bool:
        """A twin that did not show its bug, or under another name."""
        caught = self.verdict == "fail" and any(c == self.expected for _, c in self.broken[:1])
        return self.is_control and self.verdict != "skip" and not caught

    @property
    def fired(self) -> bool:
        return not self.is_control and self.verdict not in ("pass", "skip")


def of_records(lines: str) -> list[Seen]:
    """From records.jsonl of make run."""
    found = []
    for line in lines.splitlines():
        record = json.loads(line)
        broken = [(record["invariant"], record["cause"])] if record["verdict"] == "fail" else []
        broken += [(first, cause) for first, _, cause in
                   (other.partition(":") for other in record.get("others", ()))]
        expected = record["expected"].partition("fail:")[2]
        told = record["verdict"] not in ("pass", "skip") and not expected
        found.append(Seen(record["scenario"], record["verdict"], tuple(broken),
                          record.get("breach_ms", -1), record["duration_ms"], record["reason"],
                          expected, str(record.get("evidence", ""))[:_MOST] if told else "",
                          tuple(record.get("splat", ())[:_LINES]) if told else ()))
    return found


def of_cases(lines: str) -> list[Seen]:
    """From results.jsonl of make kunit: a suite is one detector, that fired if
    one of its cases did."""
    suites: dict[str, list[dict[str, Any]]] = {}
    for line in lines.splitlines():
        case = json.loads(line)
        suites.setdefault(case["suite"], []).append(case)
    return [_suite(name, cases) for name, cases in suites.items()]


def _ms(cases: list[dict[str, Any]]) -> int:
    """What cases took together, -1 if they do not tell."""
    known = [float(case["seconds"]) for case in cases if case.get("seconds") is not None]
    return round(1000 * sum(known)) if known else -1


def _suite(name: str, cases: list[dict[str, Any]]) -> Seen:
    """A suite's first breach was seen when its first case that failed had ended."""
    verdicts = [case["verdict"] for case in cases]
    other = [verdict for verdict in verdicts if verdict not in ("pass", "skip")]
    broken = [pair for case in cases if case["verdict"] == "fail"
              for pair in _BROKEN.findall("\n".join(case["lines"]))]
    verdict = other[0] if other else "pass" if "pass" in verdicts else "skip"
    reason = next((case["reason"] for case in cases if case["verdict"] == "skip"), "")
    until = _ms(cases[:verdicts.index("fail") + 1]) if "fail" in verdicts else -1
    return Seen(name, verdict, tuple(dict.fromkeys(broken)), until, _ms(cases), reason)


def to_json(seen: Iterable[Seen]) -> list[dict[str, object]]:
    return [{"detector": one.detector, "verdict": one.verdict, "broken": list(one.broken),
             "ms": one.ms, "took": one.took, "reason": one.reason, "expected": one.expected,
             "evidence": one.evidence, "splat": list(one.splat)}
            for one in seen]


def from_json(values: Iterable[dict[str, Any]]) -> list[Seen]:
    return [Seen(value["detector"], value["verdict"],
                 tuple((str(invariant), str(cause)) for invariant, cause in value["broken"]),
                 value["ms"], value["took"], value["reason"], value["expected"],
                 value["evidence"], tuple(value["splat"]))
            for value in values]
