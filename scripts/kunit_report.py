# SPDX-License-Identifier: GPL-2.0
"""What came of a KUnit run: the log's suites and debugfs's put together, the
exit status, lines for people, records for programs.

Pure: from values to values and text. Reading KTAP is for ktap.py.
"""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Sequence
from dataclasses import dataclass, replace

import ktap
from ktap import BROKEN, FAIL, PASS, SKIP, TODO, UNFINISHED, Case, Suite
from qemu.console import Splat

CRASHED = "crashed"
EVIDENCE_LINES = 30
# of a case that crashed: the kernel's report is shown by itself
LAST_LINES = 6
# KUnit's own lines begin so, and what belongs to them follows
_OWN = "    # "
_OWN_LINES = 6
_WORDS = ((PASS, "passed"), (FAIL, "failed"), (SKIP, "skipped"), (TODO, "expected to fail"),
          (UNFINISHED, "without result"))


@dataclass(frozen=True)
class Outcome:
    """All that a run said. `problems` are those of no suite; `stalls` alone
    prove nothing about the kernel under emulation."""

    suites: tuple[Suite, ...] = ()
    planned: int | None = None
    problems: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    splats: tuple[Splat, ...] = ()
    stalls: tuple[Splat, ...] = ()

    def count(self, verdict: str) -> int:
        return sum(suite.count(verdict) for suite in self.suites)

    @property
    def crashed(self) -> bool:
        """Whether a suite that did not end has the kernel to blame."""
        return bool(self.splats)

    @property
    def status(self) -> int:
        """0 pass, 1 a case or the kernel failed, 2 not all results came."""
        if self.splats or any(suite.verdict == FAIL for suite in self.suites) or self.count(FAIL):
            return 1
        whole = all(suite.verdict in (PASS, SKIP, TODO) for suite in self.suites)
        return 0 if whole and self.suites and not self.problems else 2


def _timed(reported: Suite, live: Suite) -> Suite:
    """debugfs has no times: they are taken from the log, if both agree."""
    if reported.said != live.said:
        return replace(reported, seconds=live.seconds)
    cases = tuple(replace(case, seconds=seen.seconds)
                  for case, seen in zip(reported.cases, live.cases, strict=True))
    return replace(reported, cases=cases, seconds=live.seconds)


def _chosen(seen: Suite, told: Suite | None, gaps: bool) -> Suite:
    """A suite in the log against the same in debugfs. debugfs mixes and loses
    no line, but makes up an end for a suite that never ended, and has a plan
    for one that could not begin."""
    if told is None or (seen.verdict == UNFINISHED and not gaps):
        return seen
    return seen if seen.is_whole and not told.is_whole else _timed(told, seen)


def merged(live: Sequence[Suite], reported: Sequence[Suite],
           gaps: bool) -> tuple[list[Suite], list[str]]:
    """The suites of log and debugfs in one list, in the log's order, and what
    is worth a note; `gaps` means that the log is known to lack lines."""
    kept = {suite.name: suite for suite in reported}
    suites, notes = [], []
    for seen in live:
        told = kept.pop(seen.name, None)
        suites.append(_chosen(seen, told, gaps))
        if told is not None and suites[-1] is not seen and told.said != seen.said:
            notes.append(f"{seen.name}: the log says {seen.verdict}, debugfs {told.verdict}; "
                         "debugfs counts")
    return [*suites, *kept.values()], notes


def longer(log: Sequence[Suite], console: Sequence[Suite]) -> list[Suite]:
    """After a crash: what init had not sent on may still be on the console,
    which has no times. Suites that the log has whole are left as they are."""
    whole = {suite.name for suite in log if suite.is_whole}
    by_name = {suite.name: suite for suite in log}
    for suite in console:
        before = by_name.get(suite.name)
        if suite.name not in whole and (before is None or len(suite.cases) >= len(before.cases)):
            by_name[suite.name] = suite
    return list(by_name.values())


def case_of(splat: Splat, live: Sequence[Suite]) -> str:
    """The case among whose lines in the log a report of the kernel's is, or ""."""
    for suite in live:
        for case in suite.cases:
            if any(splat.title in line for line in case.lines):
                return case.text
    return ""


def counted(suite: Suite) -> str:
    """"3 passed, 1 skipped"; verdicts that no case has are left out."""
    parts = [f"{suite.count(verdict)} {word}" for verdict, word in _WORDS if suite.count(verdict)]
    return ", ".join(parts) or "no results"


def verdict_word(verdict: str, crashed: bool) -> str:
    if verdict == UNFINISHED:
        return CRASHED if crashed else BROKEN
    return verdict


def evidence(lines: Sequence[str], most: int) -> list[str]:
    """The lines of a case that are worth showing: all, if they are few, else
    KUnit's own, which other messages of the kernel's must not crowd out."""
    if len(lines) <= most:
        return list(lines)
    own = {at + after for at, line in enumerate(lines) if line.startswith(_OWN)
           for after in range(_OWN_LINES) if at + after < len(lines)}
    chosen = [lines[at] for at in sorted(own)[:most]] or list(lines[:most])
    return [*chosen, f"({len(lines) - len(chosen)} more lines of the kernel's log in `console`)"]


def case_lines(case: Case, crashed: bool) -> list[str]:
    """Nothing for a case that passed; else why, with evidence of failures."""
    if case.verdict == PASS:
        return []
    why = f": {case.reason}" if case.reason else ""
    lines = [f"    {verdict_word(case.verdict, crashed):<7} {case.text}{why}"]
    most = {FAIL: EVIDENCE_LINES, UNFINISHED: LAST_LINES}.get(case.verdict, 0)
    shown = evidence(case.lines, most) if most else []
    return lines + [f"      | {line.rstrip()}" for line in shown]


def suite_lines(suite: Suite, crashed: bool = False) -> list[str]:
    """One line a suite, and one a case that did not pass."""
    took = f"{suite.seconds:6.2f} s" if suite.seconds is not None else ""
    word = verdict_word(suite.verdict, crashed)
    lines = [f"{word:<8}{suite.name:<26} {counted(suite):<34} {took}".rstrip()]
    for case in suite.cases:
        lines += case_lines(case, crashed)
    if suite.missing:
        lines.append(f"    {verdict_word(UNFINISHED, False):<7} {suite.name}: "
                     f"{suite.missing} more results never came")
    return lines + [f"    problem {problem}" for problem in suite.problems]


def splat_lines(splats: Sequence[Splat]) -> list[str]:
    lines = []
    for splat in splats:
        during = f" (during {splat.during})" if splat.during else ""
        lines.append(f"fail    the kernel: {splat.title}{during}")
        lines += [f"      | {line}" for line in splat.text[:EVIDENCE_LINES]]
    return lines


def summary(outcome: Outcome) -> str:
    counts = ", ".join(f"{outcome.count(verdict)} {word}" for verdict, word in _WORDS
                       if outcome.count(verdict) or verdict in (PASS, FAIL, SKIP))
    ended = sum(suite.verdict != UNFINISHED for suite in outcome.suites)
    planned = max(outcome.planned or 0, len(outcome.suites))
    return f"{counts}; {ended} of {planned} suites ended; {len(outcome.splats)} splats"


@dataclass(frozen=True)
class Record:
    """One case of one run, flat. `verdict` is pass, fail, skip, todo, crashed
    or broken; the last two say that it gave no result, with or without a
    report of the kernel's; `seconds` is None where the log has no times."""

    run_id: str
    kernel_release: str
    kernel_build: str
    architecture: str
    page_size: int
    suite: str
    case: str
    parameter: str
    verdict: str
    reason: str
    seconds: float | None
    lines: tuple[str, ...]
    replay: str


def records(base: Record, outcome: Outcome) -> list[Record]:
    """A record a case, in order; `base` has what they have in common."""
    found = []
    for suite in outcome.suites:
        for case in suite.cases:
            own = [*case.path[1:], "", ""]
            found.append(replace(
                base, suite=suite.name, case=own[0],
                parameter=": ".join(word for word in own[1:] if word),
                verdict=verdict_word(case.verdict, outcome.crashed), reason=case.reason,
                seconds=round(case.seconds, 6) if case.seconds is not None else None,
                lines=case.lines))
    return found


def to_json_lines(found: Sequence[Record]) -> str:
    return "".join(json.dumps(dataclasses.asdict(record)) + "\n" for record in found)


def whole_document(outcome: Outcome) -> str:
    """The KTAP file of a run, which the kernel's kunit.py reads as well."""
    return ktap.document(outcome.suites, outcome.planned)
