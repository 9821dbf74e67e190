# SPDX-License-Identifier: GPL-2.0
"""Guests that never ran: golden channels and consoles as run.py would get
them, and the records judged from them."""

from __future__ import annotations

from pathlib import Path

from judge import Ending, judge
from qemu.console import Markers, find_splats, kernel_lines, last_begun
from qemu.transcript import Transcript, parse
from records import BROKEN, PASS, Record
from scenarios import Scenario

GOLDEN = Path(__file__).resolve().parents[2] / "qemu" / "tests" / "golden"
MARKERS = Markers("slubtorture: begin ", "slubtorture: end ", "slubtorture: ")
CHOSEN = [Scenario("exts-external", False), Scenario("busted-exts-external", False),
          Scenario("handoff-xchg", True)]
BASE = Record(
    run_id="r", kernel_release="7.2.13-test", kernel_build="#1", architecture="x86_64",
    page_size=4096, cpus="0-1", nodes="0-1", scenario="-", seed=42, seconds=1, duration_ms=0,
    observations=0, overlaps=0, verdict=BROKEN, expected=PASS, cause="none", invariant="-",
    evidence="-", reason="-", note="-", splat=(), layout=("exts=slab->obj_exts at +56",),
    replay="make run SEED=42")


def channel(name: str) -> Transcript:
    return parse((GOLDEN / f"{name}.ktap").read_bytes())


def ending(console: str, outcome: str = "powered-off") -> Ending:
    data = (GOLDEN / f"{console}.console").read_bytes()
    return Ending(outcome, tuple(find_splats(data, MARKERS)), last_begun(data, MARKERS),
                  tuple(kernel_lines(data)))


def judged(name: str, console: str = "clean", outcome: str = "powered-off") -> list[Record]:
    return judge(BASE, CHOSEN, channel(name), ending(console, outcome))


def by_name(records: list[Record]) -> dict[str, Record]:
    return {record.scenario: record for record in records}
