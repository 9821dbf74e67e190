# SPDX-License-Identifier: GPL-2.0
"""What the stages of `make check` have in common: a command with its log and its
limit in time, and what its tests came to. Which stages there are is in check.py.
"""

from __future__ import annotations

import os
import re
import subprocess
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
# Of the caller's variables none may change what is tested; REMOVE would have a
# kernel removed that is to be built.
CALLERS = ("KERNEL", "SCENARIO", "SECONDS", "SEED", "CPUS", "MEM", "RESCUE", "CONFIG", "PATCH",
           "ARCH", "PAGE", "REMOVE", "BENCH", "CYCLES", "RUN", "TEST", "CACHE", "OBJECTS", "WIDEN",
           "WORKLOAD", "AUDIT", "TOPOLOGY", "TO", "ORIGIN", "CHECKOUT", "KCIDB_SCHEMA", "TREE",
           "GOOD", "BAD", "SUITES", "SIGNATURE", "ERROR", "HOURS", "JOBS", "HOSTS", "RUNS", "DIRTY",
           "URL", "DEVICE", "VISIBILITY", "SUITE", "STOCK", "MACHINES", "CONFIGS", "MINUTES", "ASK")
# What a command that is too slow may take to end its guests and builds.
PATIENCE_S = 40.0


@dataclass
class Count:
    """What a stage's tests came to; failures and skips with a line each."""

    passed: int = 0
    failed: list[str] = field(default_factory=list)
    skipped: list[str] = field(default_factory=list)

    def test(self, name: str, problems: Sequence[str]) -> None:
        if problems:
            self.failed.extend(f"{name}: {problem}" for problem in problems)
        else:
            self.passed += 1


@dataclass(frozen=True)
class Stage:
    name: str
    minutes: float
    guest: bool
    run: Callable[[Path, float], Count]


def command(words: Sequence[str], out: Path, log: str, seconds: float,
            **environment: str) -> tuple[int, str]:
    """Exit status and all output of a command, kept in out/log; 124 if too slow."""
    path = out / log
    own = {name: value for name, value in os.environ.items() if name not in CALLERS}
    with path.open("w") as sink, subprocess.Popen(
            words, cwd=ROOT, stdout=sink, stderr=subprocess.STDOUT, stdin=subprocess.DEVNULL,
            env={**own, **environment}) as process:
        try:
            status = process.wait(seconds)
        except subprocess.TimeoutExpired:
            status = 124
            process.terminate()
            try:
                process.wait(PATIENCE_S)
            except subprocess.TimeoutExpired:
                process.kill()
    return status, path.read_text(errors="replace")


def slug(name: str) -> str:
    return re.sub(r"[^a-z0-9-]+", "-", name.lower())


def tail(text: str, lines: int = 25) -> str:
    return "\n".join("    | " + line for line in text.splitlines()[-lines:])


def counted(text: str, status: int, name: str, patterns: Sequence[tuple[str, str]]) -> Count:
    """Adds up "N word" phrases; a bad status without a counted failure is one."""
    count = Count()
    for pattern, kind in patterns:
        number = sum(int(found) for found in re.findall(pattern, text))
        if kind == "passed":
            count.passed += number
        elif kind == "failed" and number:
            count.failed.append(f"{name}: {number} failed\n{tail(text)}")
        elif kind == "skipped" and number:
            count.skipped.append(f"{name}: {number} skipped, reasons in its log")
    if status and not count.failed:
        count.failed.append(f"{name}: exit status {status}\n{tail(text)}")
    if not count.passed and not count.failed:
        count.failed.append(f"{name}: no test ran")
    return count
