# SPDX-License-Identifier: GPL-2.0
"""bench.py and cycles.py: their arithmetic, and that a leak, a failed cycle,
a splat and a cut guest are all seen."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import bench
import cycles
import options as opt
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


def told(booted: Booted, count: int = 20) -> tuple[list[str], list[str]]:
    return cycles.failures(booted, count), cycles.gaps(booted, count)


def test_counts_that_return_pass() -> None:
    assert told(guest()) == ([], [])
    assert told(guest(active_objects=9000 + cycles.NOISE_OBJECTS)) == ([], [])


@pytest.mark.parametrize("name, value, text", [
    ("caches", 101, "slab caches: grew by 1"),
    ("active_objects", 9400, "active slab objects: grew by 400"),
    ("SUnreclaim_kb", 9000, "unreclaimable slab memory"),
    ("Percpu_kb", 900, "per-CPU memory")])
def test_each_leak_is_a_failure(name: str, value: int, text: str) -> None:
    failed, missing = told(guest(20, "after", **{name: value}))
    assert len(failed) == 1 and text in failed[0] and not missing


def test_one_object_a_cycle_is_a_leak_at_200() -> None:
    cycled = 200 - cycles.warm_cycles(200)
    assert cycles.allowed(cycled)[0] < cycled // 2


def test_guest_counts_without_stocks_per_cpu() -> None:
    plain = machines.find("x86_64")
    assert cycles.exact_counts(plain).cmdline == (*plain.cmdline, cycles.EXACT)


def test_missing_cycles_and_counters_are_no_answer() -> None:
    failed, missing = told(guest(count=5, after="never"))
    assert not failed and len(missing) == 2
    assert "5 of 20" in missing[0] and "no counters" in missing[1]


def test_a_whole_cycle_without_its_totals_is_no_answer() -> None:
    booted = guest()
    facts = {**booted.transcript.facts, "cycle-2-whole": "ok 1 exts"}
    cut = Booted(replace(booted.transcript, facts=facts), booted.result, (), "", ())
    assert told(cut) == ([], ["cycle 2 ended without its totals: ok 1 exts"])


def test_cycles_are_asked_for_again_by_one_line() -> None:
    options = opt.checked(opt.raw_values(opt.parser("").parse_args([]), {"SEED": "7"}), Path("o"))
    assert cycles.replay(options, "7.2", "tcg", 16) == (
        "make cycles CYCLES=16 KERNEL=7.2 SECONDS=4 SEED=7 CPUS=2 MEM=1024M ACCEL=tcg")


@pytest.mark.parametrize("left", [0, 1])
def test_cgroups_left_behind_are_told(left: int) -> None:
    text = f"@ fact cgroups_left={left}\n".encode()
    booted = guest()
    transcript = replace(booted.transcript, facts={**booted.transcript.facts,
                                                   **parse(text).facts})
    failed, _ = told(Booted(transcript, booted.result, (), "", ()))
    assert failed == [f"{left} cgroups of the module's were left behind"] * left


def test_failed_cycle_is_told() -> None:
    booted = guest()
    text = b"@ step cycle-0-whole error 16 Device or resource busy\n"
    broken = Booted(parse(text), booted.result, (), "", ())
    assert told(broken, 1)[0] == ["cycle-0-whole: 16 Device or resource busy"]


def test_splat_is_a_failure() -> None:
    booted = guest()
    splats = tuple(find_splats(b"BUG: something\n---[ end trace\n", MARKERS))
    failed, missing = told(Booted(booted.transcript, booted.result, splats, "", ()))
    assert len(failed) == 1 and not missing
