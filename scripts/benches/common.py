# SPDX-License-Identifier: GPL-2.0
"""What benchmarks share: the guest they measure in, how a spread is told, and
what they come to.

What is measured and what is good enough is each benchmark's own affair.
"""

from __future__ import annotations

import statistics
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import setup as stp
from errors import ToolError
from qemu.transcript import Tagged, Transcript


@dataclass(frozen=True)
class Bench:
    """One run of `make bench`: a kernel with its module, and where it is kept."""

    setup: stp.Setup
    module: Path
    run_dir: Path


@dataclass(frozen=True)
class Outcome:
    """Lines for the user, whether every target was reached, figures to keep."""

    rows: Sequence[str]
    good: bool
    figures: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Spread:
    """Median and extremes of some measurements."""

    median: float
    least: float
    most: float
    count: int

    @staticmethod
    def of(values: Sequence[float]) -> Spread:
        return Spread(statistics.median(values), min(values), max(values), len(values))

    def text(self, unit: str = "") -> str:
        return (f"{self.median:.2f}{unit} ({self.least:.2f} to {self.most:.2f}, "
                f"{self.count} times)")


def reached(yes: bool) -> str:
    return "reached" if yes else "NOT reached"


def bench_lines(transcript: Transcript, name: str) -> list[Tagged]:
    """The module's lines of one benchmark, `# bench NAME key=value …`."""
    return [tagged for tagged in transcript.all("bench") if tagged.text.split(" ")[0] == name]


def in_guest(bench: Bench, name: str, rounds: int, total_s: float = 3600.0) -> stp.Booted:
    """Boot a guest whose module runs one benchmark of its own for some rounds."""
    arguments = (f"scenario=handoff-release-acquire seconds=1 seed={bench.setup.options.seed} "
                 f"bench={rounds} benchmark={name}")
    config: dict[str, str | int] = {"mode": "run", "module": stp.MODULE, "follow": stp.KTAP,
                                    "args": arguments}
    booted = stp.boot(bench.setup, bench.run_dir, config, bench.module, lambda data: None,
                      total_s=total_s)
    if not bench_lines(booted.transcript, name):
        raise ToolError(f"the guest gave no line of the benchmark {name}; it ended as "
                        f"`{booted.result.outcome}`", f"see {bench.run_dir}/console")
    return booted
