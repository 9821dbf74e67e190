# SPDX-License-Identifier: GPL-2.0
"""soak.py: growth, replaced structures, splats, missing cycles and a control
that was not found each have their word, and a sound soak has none."""

from __future__ import annotations

from dataclasses import replace

import growth
import pytest
import soak
from guests import MARKERS
from qemu.console import find_splats
from qemu.guest import GuestResult
from qemu.transcript import parse
from setup import Booted

PLAN = soak.Plan.of(3000)
BASE = {"active_objects": 9000, "caches": 120, "SUnreclaim_kb": 8000, "SReclaimable_kb": 900,
        "Percpu_kb": 300, "KernelStack_kb": 900, "files": 20, "MemFree_kb": 800000}


def phase(name: str, per_point: dict[str, int]) -> str:
    return "".join(f"@ fact {name}-{point}.{key}={value + point * per_point.get(key, 0)}\n"
                   for point in range(PLAN.points + 1) for key, value in BASE.items())


def loads(count: int = PLAN.points, replaced: int = 0) -> str:
    return "".join(f"# bench churn-zones round={number} cycles=8 ns=4000000000 "
                   f"replaced={replaced}\n"
                   for _ in range(count) for number in range(PLAN.rounds))


def guest(own: dict[str, int] | None = None, control: dict[str, int] | None = None,
          said: str | None = None) -> Booted:
    leak = {"active_objects": PLAN.between, "files": PLAN.between}
    text = ((loads() if said is None else said) + phase("soak", own or {})
            + phase("control", leak if control is None else control))
    return Booted(parse(text.encode()), GuestResult("powered-off", 1.0), (), "", ())


def judged(booted: Booted) -> tuple[list[str], list[str]]:
    done = soak.churned(booted)
    return soak.failures(booted, PLAN, done), soak.gaps(booted, PLAN, done)


@pytest.mark.parametrize("cycles", [80, 81, 3000, 8000, 8001, 1_000_000])
def test_a_plan_has_at_least_the_cycles_that_were_asked_for(cycles: int) -> None:
    plan = soak.Plan.of(cycles)
    assert plan.cycles >= cycles and plan.rounds <= soak.ROUNDS_MOST
    assert plan.cycles - cycles < plan.points * soak.ROUND
    assert plan.points >= growth.LEAST_POINTS


def test_a_sound_soak_has_no_problem() -> None:
    assert judged(guest()) == ([], [])
    rows = soak.rows_of(guest().transcript.facts, PLAN)
    assert len(rows) == 1 + len(soak.COUNTERS) and all(len(row) <= 80 for row in rows)
    assert sum("caught" in row for row in rows) == 2 and not any("GREW" in row for row in rows)


@pytest.mark.parametrize("key, each, told", [
    ("active_objects", 40, "slab objects in use: grew by"),
    ("files", 40, "open files: grew by"),
    ("caches", 1, "slab caches: grew by"),
    ("SUnreclaim_kb", 300, "unreclaimable slab, kB: grew by"),
    ("KernelStack_kb", 200, "kernel stacks, kB: grew by"),
    ("MemFree_kb", -2000, "free memory, kB: grew by")])
def test_each_growth_is_told(key: str, each: int, told: str) -> None:
    failed, missing = judged(guest({key: each}))
    assert len(failed) == 1 and failed[0].startswith(told) and not missing
    rows = soak.rows_of(guest({key: each}).transcript.facts, PLAN)
    assert sum("GREW" in row for row in rows) == 1


def test_one_object_in_ten_cycles_is_more_than_is_allowed() -> None:
    assert judged(guest({"active_objects": PLAN.between // 10}))[0]


def test_a_control_that_is_not_found_leaves_no_verdict() -> None:
    failed, missing = judged(guest(control={}))
    assert not failed and len(missing) == len(soak.LEAKED)
    assert "the control" in missing[0]


def test_missing_cycles_and_counts_are_told() -> None:
    failed, missing = judged(guest(said=loads(4)))
    assert not failed and any("of 3040 cycles were done" in text for text in missing)
    short = Booted(parse(loads().encode()), GuestResult("hang", 1.0), (), "", ())
    assert any(text.startswith("not counted: ") for text in judged(short)[1])


def test_a_load_that_skips_says_why() -> None:
    said = '# bench churn-zones round=0 skip="no node may go"\n'
    missing = judged(guest(said=said))[1]
    assert "the module did not cycle: no node may go" in missing


def test_replaced_structures_and_splats_fail() -> None:
    failed, _ = judged(guest(said=loads(replaced=3)))
    assert failed == [f"{3 * PLAN.points} times a cache made a structure anew that was there"]
    splats = tuple(find_splats(b"BUG: something\n---[ end trace\n", MARKERS))
    assert len(judged(replace(guest(), splats=splats))[0]) == 1
