# SPDX-License-Identifier: GPL-2.0
"""bench.py and cycles.py: their arithmetic, and that a leak, a failed cycle,
a splat and a cut guest are all seen."""

from __future__ import annotations

from dataclasses import replace

import bench
import cycles
import pytest
import scenarios
from benches import engine, runs
from errors import ToolError
from guests import MARKERS
from qemu import machines
from qemu.console import find_splats
from qemu.guest import GuestResult
from qemu.transcript import parse
from setup import Booted

BENCH = b"""# bench engine round=0 engine_per_s=900 bare_per_s=1000
# bench engine round=1 engine_per_s=800 bare_per_s=1000
# bench other round=1 engine_per_s=1 bare_per_s=1000
# bench engine round=2 engine_per_s=950 bare_per_s=1000
# bench engine round=3 engine_per_s=950 bare_per_s=0
# bench engine round=4 engine_per_s=9"""


def guest(count: int = 20, after: str = "after", **counters: int) -> Booted:
    """A guest of `count` good cycles whose counters end as given."""
    text = "".join(
        f"@ step cycle-{i}-{'cut' if i % 2 else 'whole'} ok\n"
        + ("" if i % 2 else f"@ fact cycle-{i}-whole=# end pass=3\n") for i in range(count))
    base = {"caches": 100, "active_objects": 9000, "SUnreclaim_kb": 8000, "Percpu_kb": 300}
    for when, values in (("warm", base), (after, {**base, **counters})):
        text += "".join(f"@ fact {when}.{key}={value}\n" for key, value in values.items())
    return Booted(parse(text.encode()), GuestResult("powered-off", 1.0), (), "", ())


def test_rounds_are_read_and_nonsense_left_out() -> None:
    rounds = engine.engine_rounds(parse(BENCH))
    assert [each.ratio for each in rounds] == [0.9, 0.8, 0.95]


def test_median_decides() -> None:
    rounds = engine.engine_rounds(parse(BENCH))
    text = "\n".join(engine.rows(rounds))
    assert "0.90 (0.80 to 0.95, 3 times)" in text and ": reached" in text
    slow = [engine.EngineRound(80, 100)]
    assert "NOT reached" in "\n".join(engine.rows(slow))
    assert not engine.is_good([])


@pytest.mark.parametrize("runs_s, eights_s, light, short", [
    ([9.0, 24.0, 25.0], [9.0, 10.0, 40.0], True, True), ([13.0], [13.0], False, True),
    ([26.0], [11.0], True, False)])
def test_run_against_bare_boot(runs_s: list[float], eights_s: list[float], light: bool,
                               short: bool) -> None:
    boots_s = [4.0] * len(runs_s)
    assert runs.is_light(eights_s, boots_s) is light and runs.is_short(runs_s) is short
    assert "\n".join(runs.rows(runs_s, eights_s, boots_s)).count("NOT reached") == (
        (not light) + (not short))


def test_the_eight_scenarios_exist_and_are_eight() -> None:
    chosen = scenarios.select(runs.EIGHT, scenarios.known())
    assert sum(not scenario.name.startswith("busted-") for scenario in chosen) == 8


def test_benchmarks_are_chosen_by_name() -> None:
    assert bench.chosen("") == list(bench.BENCHES)
    assert bench.chosen(" run , engine ") == ["engine", "run"]
    with pytest.raises(ToolError, match="'nothing'") as error:
        bench.chosen("engine,nothing")
    assert "run" in error.value.hint


def test_counts_that_return_pass() -> None:
    assert cycles.problems_of(guest(), 20) == []
    assert cycles.problems_of(guest(active_objects=9000 + cycles.NOISE_OBJECTS), 20) == []


@pytest.mark.parametrize("name, value, told", [
    ("caches", 101, "slab caches: grew by 1"),
    ("active_objects", 9400, "active slab objects: grew by 400"),
    ("SUnreclaim_kb", 9000, "unreclaimable slab memory"),
    ("Percpu_kb", 900, "per-CPU memory")])
def test_each_leak_is_told(name: str, value: int, told: str) -> None:
    problems = cycles.problems_of(guest(20, "after", **{name: value}), 20)
    assert len(problems) == 1 and told in problems[0]


def test_one_object_a_cycle_is_a_leak_at_200() -> None:
    cycled = 200 - cycles.warm_cycles(200)
    assert cycles.allowed(cycled)[0] < cycled // 2


def test_guest_counts_without_stocks_per_cpu() -> None:
    plain = machines.find("x86_64")
    assert cycles.exact_counts(plain).cmdline == (*plain.cmdline, cycles.EXACT)


def test_missing_cycles_and_counters_are_told() -> None:
    problems = cycles.problems_of(guest(count=5, after="never"), 20)
    assert any("5 of 20" in problem for problem in problems)
    assert any("no counters" in problem for problem in problems)


@pytest.mark.parametrize("left", [0, 1])
def test_cgroups_left_behind_are_told(left: int) -> None:
    text = f"@ fact cgroups_left={left}\n".encode()
    booted = guest()
    transcript = replace(booted.transcript, facts={**booted.transcript.facts,
                                                   **parse(text).facts})
    told = cycles.problems_of(Booted(transcript, booted.result, (), "", ()), 20)
    assert told == [f"{left} cgroups of the module's were left behind"] * left


def test_failed_cycle_is_told() -> None:
    booted = guest()
    text = b"@ step cycle-0-whole error 16 Device or resource busy\n"
    broken = Booted(parse(text), booted.result, (), "", ())
    assert "cycle-0-whole: 16 Device or resource busy" in cycles.cycle_problems(broken, 1)


def test_splat_is_a_problem() -> None:
    booted = guest()
    splats = tuple(find_splats(b"BUG: something\n---[ end trace\n", MARKERS))
    assert len(cycles.problems_of(Booted(booted.transcript, booted.result, splats, "", ()), 20)) == 1
