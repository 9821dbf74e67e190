# SPDX-License-Identifier: GPL-2.0
"""make models from its records on: an observed forbidden outcome and a changed
verdict fail, what could not be found out is broken, the rest is silent; and
the command itself with a herd7 that is stood in for."""

from __future__ import annotations

import dataclasses
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

import litmus
import models
import models_report as report
import records as rec
import scenarios
import shown
from errors import ToolError
from guests import BASE
from judgement import Judged
from litmus import Expected, Kernels, Verdict
from options import ROOT

FORBIDDEN = Verdict("Never", False, 2, 0, 2)
ALLOWED = Verdict("Sometimes", False, 9, 7, 2)
TEST = "exists (~1:pointer=0 /\\ (1:content=0 \\/ 1:metadata=0 \\/ 1:slab=0))\n"
GOOD_STATE = "# 5000 :> 1:content=1; 1:metadata=1; 1:slab=1;"
SOME = "handoff-rcu-rcu,node-publish-once,node-publish-plain,node-publish-release"
STALE_STATE = "# 12 :> 1:content=0; 1:metadata=1; 1:slab=1;"


def expected(verdict: Verdict = FORBIDDEN, kernels: str = "any",
             scenarios: tuple[str, ...] = ("handoff-a-b",)) -> Expected:
    return Expected("handoff-a-b", verdict, scenarios, Kernels(kernels))


def record(name: str = "handoff-a-b", verdict: str = rec.PASS, cause: str = "none",
           overlaps: int = 900) -> rec.Record:
    return dataclasses.replace(BASE, scenario=name, verdict=verdict, cause=cause, overlaps=overlaps,
                               observations=5000, evidence="object 1: content 0x0", reason="why",
                               invariant="free-sees-alloc")


def kept(tmp_path: Path, *records: rec.Record, states: tuple[str, ...] = (GOOD_STATE,)) -> Path:
    """A run's directory as make run leaves it."""
    lines = [line for one in records for line in (
        "    KTAP version 1", f"    # Subtest: {one.scenario}",
        *(f"    {state}" for state in states), f"ok 1 {one.scenario}")]
    tmp_path.mkdir(parents=True, exist_ok=True)
    (tmp_path / "records.jsonl").write_text(rec.to_json_lines(list(records)))
    (tmp_path / "ktap").write_text("\n".join(["KTAP version 1", *lines, ""]))
    (tmp_path / "plan.json").write_text(json.dumps({"series": "7.2", "accel": "tcg"}))
    return tmp_path


def row(tmp_path: Path, one: Expected, verdict: Verdict | None, *records: rec.Record,
        states: tuple[str, ...] = (GOOD_STATE,)) -> report.Row:
    run = shown.load(kept(tmp_path, *records, states=states))
    return report.Row(Judged(one, verdict, "" if verdict else "herd7 crashed", 0.1),
                      shown.shown_of(one, TEST, run))


def test_forbidden_and_never_seen_is_silent(tmp_path: Path) -> None:
    found = row(tmp_path, expected(), FORBIDDEN, record())
    assert report.exit_status([found]) == 0 and report.problems([found]) == []
    assert report.shown_text(found) == "never in 900 overlaps"


def test_forbidden_and_seen_is_a_finding(tmp_path: Path) -> None:
    found = row(tmp_path, expected(), FORBIDDEN, record(verdict=rec.FAIL, cause="ordering"),
                states=(GOOD_STATE, STALE_STATE))
    assert found.finding and report.exit_status([found]) == 1
    assert report.shown_text(found) == "FORBIDDEN, and seen 12 times in 900 overlaps"
    (said,) = report.problems([found])
    assert said.startswith("fail: handoff-a-b") and "content 0x0" in said


@pytest.mark.parametrize("states", [
    (STALE_STATE,), (STALE_STATE, "# 3 :> 1:content=1; 1:slab=0;"),
    (GOOD_STATE, "# 3 *> 1:pointer=1; 1:content=0;", "# 9 :> 1:pointer=0; 1:content=0;")])
def test_histogram_tells_even_where_the_verdict_does_not(tmp_path: Path,
                                                         states: tuple[str, ...]) -> None:
    assert report.exit_status([row(tmp_path, expected(), FORBIDDEN, record(), states=states)]) == 1


@pytest.mark.parametrize("state", ["# 9 :> 1:pointer=0; 1:content=0;", "# 9 :> 1:pointer=1;",
                                   "# 9 :> 1:pointer=0; 1:content=1;", "# 0 *> 1:content=0;",
                                   "# 9 :> vector=0->1; step=right; free=across;"])
def test_states_before_the_handoff_are_no_outcome(tmp_path: Path, state: str) -> None:
    found = row(tmp_path, expected(), FORBIDDEN, record(), states=(GOOD_STATE, state))
    assert not found.shown.observed and report.exit_status([found]) == 0


def test_verdict_tells_where_there_is_no_histogram(tmp_path: Path) -> None:
    found = row(tmp_path, expected(), FORBIDDEN, record(verdict=rec.FAIL, cause="ordering"),
                states=())
    assert found.finding
    assert report.shown_text(found) == "FORBIDDEN, and seen in 900 overlaps"


def test_allowed_and_never_seen_is_said_with_overlaps(tmp_path: Path) -> None:
    found = row(tmp_path, expected(ALLOWED), ALLOWED, record())
    assert report.shown_text(found) == "allowed, never observed in 900 overlaps"
    assert report.exit_status([found]) == 0
    idle = row(tmp_path, expected(ALLOWED), ALLOWED, record(overlaps=0))
    assert "nothing overlapped" in report.shown_text(idle)


@pytest.mark.parametrize("name", ["handoff-a-b", "busted-handoff-a-b"])
def test_allowed_and_seen_is_no_finding(tmp_path: Path, name: str) -> None:
    found = row(tmp_path, expected(ALLOWED), ALLOWED,
                record(name, verdict=rec.FAIL, cause="ordering"), states=(STALE_STATE,))
    assert report.exit_status([found]) == 0
    assert report.shown_text(found) == "seen 12 times in 900 overlaps"


def test_control_that_no_cpu_has_to_show_was_asked(tmp_path: Path) -> None:
    skipped = record("busted-handoff-a-b", verdict=rec.SKIP)
    found = row(tmp_path, expected(ALLOWED), ALLOWED, skipped)
    assert report.shown_text(found) == "allowed, never observed in 900 overlaps"


def test_scenarios_of_tests_are_those_of_this_clone() -> None:
    recorded = litmus.load(litmus.TESTS)
    wanted = models.wanted_scenarios(recorded).split(",")
    assert {f"handoff-{pair}" for pair in ("rcu-rcu", "plain-plain", "late-acquire")} <= set(wanted)
    assert len(scenarios.select(",".join(wanted), scenarios.known())) > len(wanted)
    assert models.wanted_scenarios(litmus.select(recorded, "node-*")) == "node-publication"
    assert models.wanted_scenarios(litmus.select(recorded, "node-publish-release")) == ""


def test_control_of_a_right_pair_is_not_taken_for_it(tmp_path: Path) -> None:
    found = row(tmp_path, expected(), FORBIDDEN,
                record("busted-handoff-a-b", verdict=rec.FAIL, cause="ordering"),
                states=(STALE_STATE,))
    assert not found.shown.asked and report.shown_text(found) == "was not run"


def test_changed_verdict_fails(tmp_path: Path) -> None:
    found = row(tmp_path, expected(), ALLOWED, record())
    assert found.changed and report.exit_status([found]) == 1
    (said,) = report.problems([found])
    assert "recorded is Never, 2 states" in said and "now says Sometimes, 9 states" in said
    more = row(tmp_path, expected(), dataclasses.replace(FORBIDDEN, states=3), record())
    assert more.changed


def test_no_verdict_is_broken_and_a_finding_is_more(tmp_path: Path) -> None:
    broken = row(tmp_path, expected(), None, record())
    assert report.exit_status([broken]) == 2
    assert report.problems([broken]) == ["broken: handoff-a-b: herd7 crashed"]
    seen = row(tmp_path, expected(), FORBIDDEN, record(), states=(STALE_STATE,))
    assert report.exit_status([broken, seen]) == 1
    assert report.exit_status([]) == 2


@pytest.mark.parametrize(("verdict", "cause", "status", "told"), [
    (rec.SKIP, "none", 0, "skipped: why"), (rec.BROKEN, "none", 2, "broken: why"),
    (rec.FAIL, "lifetime", 2, "failed otherwise: free-sees-alloc, cause lifetime")])
def test_scenario_that_tells_nothing(tmp_path: Path, verdict: str, cause: str, status: int,
                                     told: str) -> None:
    found = row(tmp_path, expected(), FORBIDDEN,
                record(verdict=verdict, cause=cause, overlaps=0), states=())
    assert report.shown_text(found) == told and report.exit_status([found]) == status


@pytest.mark.parametrize(("one", "told"), [
    (expected(kernels="none"), "in none of the kernels here"),
    (expected(kernels="7.3-"), "in Linux 7.3 and later"),
    (expected(kernels="7.0-7.1"), "in Linux 7.0 to 7.1"),
    (expected(scenarios=()), "no scenario shows it"),
    (expected(scenarios=("other",)), "other was not run")])
def test_what_was_not_asked_is_said(tmp_path: Path, one: Expected, told: str) -> None:
    found = row(tmp_path, one, FORBIDDEN, record(verdict=rec.FAIL, cause="ordering"))
    assert report.shown_text(found) == told and report.exit_status([found]) == 0


@pytest.mark.parametrize(("line", "state"), [
    ("# 256 :> content=1; metadata=1; slab=1;", {"content": "1", "metadata": "1", "slab": "1"}),
    ("12 *> 1:r0=1; 1:r1=0;", {"r0": "1", "r1": "0"}), ("# Histogram (2 states)", None),
    ("ok 1 free-sees-alloc # 16 asked, 16 broken", None), ("# 12 :> ", None)])
def test_rows_of_histograms(line: str, state: dict[str, str] | None) -> None:
    found = shown.state_of(line)
    assert (dict(found.values) if found else None) == state


def test_run_that_is_none_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ToolError, match="no run is kept there"):
        shown.load(tmp_path)
    with pytest.raises(ToolError, match="has no records"):
        shown.load(kept(tmp_path))
    (tmp_path / "records.jsonl").write_text("{")
    with pytest.raises(ToolError, match="line 1 is not a record"):
        shown.load(tmp_path)


def test_table_is_80_columns_and_ktap_tells_the_same(tmp_path: Path) -> None:
    rows = [row(tmp_path, expected(), FORBIDDEN, record(), states=(STALE_STATE,)),
            row(tmp_path, expected(ALLOWED), dataclasses.replace(ALLOWED, race=True), record())]
    text = report.table(rows, "7.2.13+deb14-cloud-amd64 on x86_64, emulated", "judged by x")
    assert all(len(line) <= 80 for line in text.splitlines())
    assert "allowed*" in text and "a data race, after which" in text
    assert report.ktap(rows).splitlines()[:3] == [
        "KTAP version 1", "1..2",
        "not ok 1 handoff-a-b # forbidden; FORBIDDEN, and seen 12 times in 900 overlaps"]


class Command:
    """make models with a herd7 that says what is recorded, or lies."""

    def __init__(self, tmp_path: Path) -> None:
        self.place = tmp_path
        tools = tmp_path / "bin"
        tools.mkdir()
        (tools / "klitmus7").write_text(f"#!/bin/sh\necho {tmp_path}\n")
        (tools / "herd7").write_text(f"""#!{sys.executable}
import sys
sys.path[:0] = [{str(ROOT)!r}, {str(ROOT / "scripts")!r}]
if sys.argv[1] == "-version": print("7.58, Rev: fake"); sys.exit()
if sys.argv[1] == "-libdir": print({str(tmp_path)!r}); sys.exit()
import os, litmus
name = os.path.basename(sys.argv[-1])[:-7]
if name == os.environ.get("CRASH"): sys.exit(3)
v = next(e.verdict for e in litmus.load(litmus.TESTS) if e.name == name)
if name == os.environ.get("LIE"): v = litmus.Verdict("Always", False, 1, 1, 0)
print(f"States {{v.states}}")
if v.race: print("Flag data-race")
print(f"Observation {{name}} {{v.result}} {{v.positive}} {{v.negative}}")
""")
        for name in ("klitmus7", "herd7"):
            (tools / name).chmod(0o755)
        model = tmp_path / "linux/tools/memory-model"
        model.mkdir(parents=True)
        (model / "linux-kernel.cfg").touch()

    def run(self, *words: str, **environment: str) -> tuple[int, str, str]:
        own = {"PATH": f"{self.place / 'bin'}:{os.environ['PATH']}", "KERNEL":
               str(self.place / "linux"), "XDG_CACHE_HOME": str(self.place / "cache"),
               "OUT": str(self.place / "out"), "SCENARIO": "", "SECONDS": "1"}
        done = subprocess.run([sys.executable, str(ROOT / "scripts/models.py"), *words],
                              capture_output=True, text=True, check=False,
                              env={**os.environ, **own, **environment})
        return done.returncode, done.stdout, done.stderr


@pytest.fixture(name="command")
def fixture_command(tmp_path: Path) -> Command:
    return Command(tmp_path)


def test_command_judges_and_keeps(command: Command) -> None:
    status, table, _ = command.run("--run", "none", "--test", SOME)
    assert status == 0 and "4 tests: 2 forbidden, 2 allowed, 0 broken; all as recorded" in table
    (place,) = (command.place / "out").iterdir()
    assert sorted(path.name for path in place.iterdir()) == ["models.jsonl", "models.ktap",
                                                             "models.txt"]
    lines = [json.loads(line) for line in (place / "models.jsonl").read_text().splitlines()]
    assert [line["test"] for line in lines][0] == "handoff-rcu-rcu" and len(lines) == 4


def test_command_fails_for_a_verdict_that_is_not_the_recorded_one(command: Command) -> None:
    status, table, _ = command.run("--run", "none", "--test", SOME, LIE="handoff-rcu-rcu")
    assert status == 1 and "fail: handoff-rcu-rcu: recorded is Never" in table.replace("\n ", "")


def test_command_names_a_test_on_which_the_tool_crashes(command: Command) -> None:
    status, table, said = command.run("--run", "none", "--test", SOME, CRASH="handoff-rcu-rcu")
    assert status == 2 and "broken: handoff-rcu-rcu: herd7 ended with status 3" in table
    assert "handoff-rcu-rcu: herd7 ended with status 3" in said


def test_command_fails_for_a_run_that_showed_what_is_forbidden(command: Command) -> None:
    run = kept(command.place / "run", record("handoff-rcu-rcu"), states=(STALE_STATE,))
    status, table, _ = command.run("--run", str(run), "--test", SOME)
    assert status == 1 and "fail: handoff-rcu-rcu: what the model forbids was seen 12 times" in table
    silent = kept(command.place / "run", record("handoff-rcu-rcu"))
    assert command.run("--run", str(silent), "--test", SOME)[0] == 0


@pytest.mark.parametrize(("words", "told"), [
    (("--run", "none", "--test", "no-such"), "no litmus test is called 'no-such'"),
    (("--run", "/nowhere"), "no run is kept there"),
    (("--run", "none", "--seconds", "x"), "SECONDS=x")])
def test_command_refuses_what_is_wrong(command: Command, words: tuple[str, ...],
                                       told: str) -> None:
    status, _, said = command.run(*words)
    assert status == 2 and told in said and not list((command.place).glob("out/*"))
