# SPDX-License-Identifier: GPL-2.0
"""A run that was kept, in the words that other people's formats share: results
with a status, one line of why, evidence as text. junit.py and kcidb.py write
them; `make run`, `make kunit` and bisections are read here and judged by their
own rules: a control that was caught has passed, one that was not is an error.
"""

from __future__ import annotations

import dataclasses
import hashlib
import json
import re
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timezone
from enum import StrEnum
from pathlib import Path
from typing import Any, TypeVar

import ktap
import kunit
import kunit_report
import records as rec
from errors import ToolError
from qemu.console import find_splats
from scenarios import CONTROL

RECORDS, RESULTS, REQUEST = "records.jsonl", "results.jsonl", "request.json"
ANSWER = ("bisection", "answer")  # path of a commit's, beside its runs
_STAMP = "%Y%m%d-%H%M%S"
_HINT = "name a directory that make run, make kunit or make bisect has made: RUN=out/DIR"
_VERSION = ("read it with the version of slubtorture that wrote it, or repeat the run: its file "
            "`replay` says how")
RecordType = TypeVar("RecordType", rec.Record, kunit_report.Record)


class Status(StrEnum):
    """Of one result; the last two say that nothing is known of the kernel."""

    PASS = "pass"
    FAIL = "fail"
    SKIP = "skip"
    ERROR = "error"  # it began, and gave no verdict that can be trusted
    MISS = "miss"  # it never began


@dataclass(frozen=True)
class Result:
    """`path` names it from the outermost group on; `text` is evidence, many
    lines; `facts` are the record's own."""

    path: tuple[str, ...]
    status: Status
    said: str = ""
    text: str = ""
    seconds: float | None = None
    facts: Mapping[str, str | int | bool] = field(default_factory=dict)


@dataclass(frozen=True)
class Kept:
    """A run; of a bisection each commit is one. `facts` are for people,
    `guest` is what the kernel ran on, `commit` of a git tree "" if not known."""

    directory: Path
    name: str
    release: str
    build: str
    architecture: str
    results: tuple[Result, ...]
    guest: Mapping[str, str | int]
    facts: Mapping[str, str | int]
    started: datetime | None = None
    config_sha256: str = ""
    commit: str = ""
    subject: str = ""
    build_s: float | None = None

    def count(self, *statuses: Status) -> int:
        return sum(result.status in statuses for result in self.results)


def _lines(path: Path) -> list[dict[str, Any]]:
    """The objects of a file of JSON lines."""
    found = []
    try:
        text = path.read_text()
    except (OSError, UnicodeDecodeError) as error:
        raise ToolError(f"{path} cannot be read: {error}", _HINT) from error
    for number, line in enumerate(text.splitlines(), 1):
        try:
            values = json.loads(line)
        except ValueError as error:
            raise ToolError(f"{path}, line {number}, is no JSON: {error}",
                            "it was cut short or edited; repeat the run") from error
        if not isinstance(values, dict):
            raise ToolError(f"{path}, line {number}, is no record", _HINT)
        found.append(values)
    return found


def _of_this_version(path: Path, values: dict[str, Any], kind: type[RecordType]) -> RecordType:
    """A record of `kind`; the error names what another version has other."""
    fields = {one.name: one for one in dataclasses.fields(kind)}
    wanted = {name for name, one in fields.items() if one.default is dataclasses.MISSING}
    missing, unknown = sorted(wanted - set(values)), sorted(set(values) - set(fields))
    if missing or unknown:
        differs = [f"no {name}" for name in missing] + [f"unknown {name}" for name in unknown]
        raise ToolError(f"{path} is of another version: {', '.join(differs[:6])}", _VERSION)
    listed = {name: tuple(value) if isinstance(value, list) else value
              for name, value in values.items()}
    return kind(**listed)


def _said(text: str) -> str:
    return "" if text == "-" else text


def _started(name: str) -> datetime | None:
    """From a directory's name, which begins with this machine's time."""
    try:
        moment = time.mktime(time.strptime(name[:15], _STAMP))
    except ValueError:
        return None
    return datetime.fromtimestamp(moment, timezone.utc)


def _commit(replay: str) -> str:
    """Of a kernel that was built of a git tree, where it was named whole."""
    match = re.search(r"\bKERNEL='?[^ ]+@([0-9a-f]{40})(?:[ ']|$)", replay)
    return match[1] if match else ""


def _config_sha256(directory: Path) -> str:
    path = directory / "config"
    data = path.read_bytes() if path.exists() else b""
    return hashlib.sha256(data).hexdigest() if data else ""


def _status_of(record: rec.Record) -> Status:
    if record.verdict == rec.SKIP:
        return Status.SKIP
    if record.verdict == rec.BROKEN:
        return Status.MISS if record.reason.startswith("not reached") else Status.ERROR
    if record.is_control:
        return Status.PASS if record.is_caught else Status.ERROR
    return Status.PASS if record.verdict == rec.PASS else Status.FAIL


def _why(record: rec.Record) -> str:
    if record.is_caught:
        return f"caught, as it must be: {record.cause}"
    if record.verdict in (rec.SKIP, rec.BROKEN):
        return _said(record.reason)
    if record.is_control:
        got = "passed" if record.verdict == rec.PASS else f"failed with cause {record.cause}"
        return f"missed: it {got}, and should fail with cause {record.expected.partition(':')[2]}"
    if record.verdict == rec.FAIL:
        return f"{record.invariant}, cause {record.cause}"
    return _said(record.note)


def _evidence(record: rec.Record) -> str:
    lines = [record.evidence] if _said(record.evidence) else []
    lines += [f"also broken: {other.replace(':', ', cause ')}" for other in record.others]
    if record.breach_ms >= 0:
        lines.append(f"seen {record.breach_ms / 1000:.1f} s after the module was loaded")
    lines += [*record.splat, *record.told]
    if record.verdict == rec.FAIL:
        lines.append(f"alone: {record.replay}")
    return "\n".join(lines)


def _of_record(record: rec.Record) -> Result:
    group = "controls" if record.scenario.startswith(CONTROL) else "scenarios"
    facts: dict[str, str | int | bool] = {
        "verdict": record.verdict, "observations": record.observations,
        "overlaps": record.overlaps, "replay": record.replay}
    if record.is_control:
        facts |= {"control": True, "expected": record.expected}
    if record.verdict == rec.FAIL:
        facts |= {"cause": record.cause, "invariant": record.invariant}
    return Result((group, record.scenario), _status_of(record), _why(record), _evidence(record),
                  record.duration_ms / 1000, facts)


def _run(directory: Path) -> Kept:
    """Of `make run`."""
    path = directory / RECORDS
    found = [_of_this_version(path, values, rec.Record) for values in _lines(path)]
    if not found:
        raise ToolError(f"{path} has no records", "the run was cut off; repeat it")
    one = found[0]
    return Kept(directory, one.run_id, one.kernel_release, one.kernel_build, one.architecture,
                tuple(_of_record(record) for record in found),
                {"cpus": one.cpus, "nodes": one.nodes, "page_size": one.page_size},
                {"seed": one.seed, "seconds": one.seconds, "replay": _replay(directory, one.replay),
                 "layout": "; ".join(one.layout)},
                _started(one.run_id), _config_sha256(directory), _commit(one.replay))


def _replay(directory: Path, other: str) -> str:
    """Of the whole run; a record's own is of its scenario alone."""
    path = directory / "replay"
    return path.read_text().strip() if path.exists() else other


_KUNIT = {"pass": Status.PASS, "fail": Status.FAIL, "crashed": Status.FAIL, "skip": Status.SKIP,
          "todo": Status.SKIP, "broken": Status.ERROR}


def _of_case(record: kunit_report.Record) -> Result:
    said = record.reason
    if record.verdict == "todo":
        said = f"failed, as is expected of it: {said}".rstrip(": ")
    elif record.verdict in ("crashed", "broken"):
        said = said or f"{record.verdict}: it gave no result"
    shown = _KUNIT.get(record.verdict, Status.ERROR)
    text = "\n".join(record.lines) if shown in (Status.FAIL, Status.ERROR) else ""
    path = tuple(word for word in ("kunit", record.suite, record.case, record.parameter) if word)
    return Result(path, shown, said or (record.verdict if shown is Status.FAIL else ""), text,
                  record.seconds, {"verdict": record.verdict})


def _beside_cases(directory: Path) -> list[Result]:
    """What went wrong and is no case's: suites that did not come to their end,
    and what the kernel complained of."""
    found: list[Result] = []
    log = directory / "ktap"
    lines = log.read_text(errors="replace").splitlines() if log.exists() else []
    suites, problems = ktap.read(lines) if lines else ([], [])
    for suite in suites:
        found += [Result(("kunit", suite.name, "whole"), Status.ERROR, problem)
                  for problem in suite.problems[:1]]
    found += [Result(("kunit", "whole"), Status.ERROR, "; ".join(problems))] if problems else []
    console = directory / "console"
    if console.exists():
        splats = find_splats(console.read_bytes(), kunit.MARKERS)
        real = [splat for splat in splats if not splat.in_boot and not splat.kind.is_stall]
        found += [Result(("kunit", "kernel", f"report-{number}"), Status.FAIL, splat.title,
                         "\n".join(splat.text)) for number, splat in enumerate(real, 1)]
    return found


def _kunit(directory: Path) -> Kept:
    """Of `make kunit`."""
    path = directory / RESULTS
    found = [_of_this_version(path, values, kunit_report.Record) for values in _lines(path)]
    beside = _beside_cases(directory)
    if not found:
        raise ToolError(f"{path} has no results", "the run was cut off; repeat it")
    one = found[0]
    return Kept(directory, one.run_id, one.kernel_release, one.kernel_build, one.architecture,
                (*(_of_case(record) for record in found), *beside),
                {"page_size": one.page_size}, {"replay": one.replay},
                _started(one.run_id), _config_sha256(directory), _commit(one.replay))


def _bisection(directory: Path) -> list[Kept]:
    """Of `make bisect`; its package is read only where there is one."""
    from bisection import kept
    return kept.exported(directory)


_READERS: tuple[tuple[str, Callable[[Path], list[Kept]]], ...] = (
    (RECORDS, lambda directory: [_run(directory)]),
    (RESULTS, lambda directory: [_kunit(directory)]),
    (REQUEST, _bisection))


def load(directory: Path) -> list[Kept]:
    """What is kept in a directory; ToolError if that is nothing of ours."""
    if not directory.is_dir():
        raise ToolError(f"RUN={directory}: there is no such directory", _HINT)
    for name, read in _READERS:
        if (directory / name).exists():
            return read(directory)
    if (directory / "plan.json").exists():
        raise ToolError(f"RUN={directory}: that run came to no end", "repeat it: its file `replay` "
                        "says how")
    raise ToolError(f"RUN={directory}: no run is kept there", _HINT)


def directories(text: str) -> list[Path]:
    """RUN's directories: one, whatever its name, or several with blanks between."""
    if not text.strip():
        return [Path("out/latest")]
    whole = Path(text).expanduser()
    return [whole] if whole.exists() else [Path(word).expanduser() for word in text.split()]


def load_all(text: str) -> list[Kept]:
    return [kept for directory in directories(text) for kept in load(directory)]


def target(to: str, found: list[Path], name: str) -> Path:
    """Where a file is written: TO, or beside the only run that it is of."""
    if to:
        return Path(to).expanduser()
    if len(found) > 1:
        raise ToolError(f"RUN names {len(found)} directories: which of them is the file for?",
                        f"say where it goes: TO={name}")
    return found[0] / name
