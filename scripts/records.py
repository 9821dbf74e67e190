# SPDX-License-Identifier: GPL-2.0
"""The flat record of one verdict, and the directory in which a run is kept.

A run's directory is new every time and never written over. How a verdict
came about is for judge.py, how it is shown for report.py.
"""

from __future__ import annotations

import dataclasses
import json
import time
from dataclasses import dataclass
from pathlib import Path

from errors import ToolError
from qemu.store import write_whole

PASS, FAIL, SKIP, BROKEN = "pass", "fail", "skip", "broken"
VERDICTS = (PASS, FAIL, SKIP, BROKEN)


@dataclass(frozen=True)
class Record:
    """One verdict with all that it takes to understand and repeat it.

    `expected` is "pass", or "fail:CAUSE" for a control; `layout` has the
    lines in which the module said where it learned the kernel's layout.
    `others` names what else broke, "invariant:cause" each.
    `told` are lines for the report as they are: tables, lists.
    `breach_ms` is when the first breach was seen, since the module was loaded;
    -1 without one.
    """

    run_id: str
    kernel_release: str
    kernel_build: str
    architecture: str
    page_size: int
    cpus: str
    nodes: str
    scenario: str
    seed: int
    seconds: int
    duration_ms: int
    observations: int
    overlaps: int
    verdict: str
    expected: str
    cause: str
    invariant: str
    evidence: str
    reason: str
    note: str
    splat: tuple[str, ...]
    layout: tuple[str, ...]
    replay: str
    breach_ms: int = -1
    others: tuple[str, ...] = ()
    told: tuple[str, ...] = ()

    @property
    def is_control(self) -> bool:
        return self.expected.startswith("fail:")

    @property
    def is_caught(self) -> bool:
        """A control that failed as it must."""
        return self.is_control and self.verdict == FAIL and self.expected == f"fail:{self.cause}"


def with_replay(record: Record, replay: str) -> Record:
    return dataclasses.replace(record, replay=replay)


def to_json(values: dict[str, object]) -> str:
    return json.dumps(values, indent=2) + "\n"


def to_json_lines(records: list[Record]) -> str:
    return "".join(json.dumps(dataclasses.asdict(record)) + "\n" for record in records)


def from_json_lines(text: str) -> list[Record]:
    """The records of a run; ToolError for a line that is not one."""
    records = []
    for number, line in enumerate(text.splitlines(), 1):
        try:
            values = json.loads(line)
            values["splat"], values["layout"] = tuple(values["splat"]), tuple(values["layout"])
            for name in ("others", "told"):
                values[name] = tuple(values.get(name, ()))
            records.append(Record(**values))
        except (ValueError, TypeError, KeyError) as error:
            raise ToolError(f"line {number} is not a record: {error}",
                            "these files are written by make run and not meant to be edited"
                            ) from error
    return records


def exit_status(records: list[Record]) -> int:
    """0 all pass or skip, 1 something failed, 2 the tool could not find out.

    A control that was not caught means that the detector is not to be
    trusted: broken.
    """
    plain = [record for record in records if not record.is_control]
    controls = [record for record in records if record.is_control]
    if any(record.verdict == FAIL for record in plain):
        return 1
    missed = any(not record.is_caught and record.verdict != SKIP for record in controls)
    if missed or any(record.verdict == BROKEN for record in plain) or not records:
        return 2
    return 0


def run_name(release: str, seed: int, now: float) -> str:
    stamp = time.strftime("%Y%m%d-%H%M%S", time.localtime(now))
    return f"{stamp}-{release}-{seed}"


def new_run_dir(out: Path, release: str, seed: int, now: float) -> Path:
    """A directory that did not exist before; a second run in a second gets a suffix."""
    name = run_name(release, seed, now)
    for attempt in range(1, 1000):
        path = out / (name if attempt == 1 else f"{name}.{attempt}")
        try:
            path.mkdir(parents=True)
            return path
        except FileExistsError:
            continue
        except OSError as error:
            raise ToolError(f"OUT={out} cannot be written: {error.strerror}",
                            "name a directory that can: OUT=DIR") from error
    raise ToolError(f"{out / name} exists a thousand times", "wait a second")


def point_latest(out: Path, run_dir: Path) -> None:
    """out/latest leads to this run; a `latest` that is no link is left alone."""
    link = out / "latest"
    if link.exists() and not link.is_symlink():
        return
    temporary = out / f".latest.{run_dir.name}"
    temporary.symlink_to(run_dir.name)
    temporary.rename(link)


def shown(path: Path) -> str:
    """A path for people: relative where that is shorter to read."""
    here = Path.cwd()
    return str(path.relative_to(here)) if path.is_relative_to(here) else str(path)


def save(run_dir: Path, files: dict[str, str]) -> None:
    """Write each text whole; the console and channel are already there."""
    for name, text in files.items():
        write_whole(run_dir / name, text.encode())
