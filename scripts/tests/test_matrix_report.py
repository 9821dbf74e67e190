# SPDX-License-Identifier: GPL-2.0
"""What a matrix makes of answers: cells, table, what it says of the tool, and
every kind of failure."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import gate
import pytest
from errors import ToolError
from lab.patches import Header
from matrices import facts, picture, report, state
from matrices.columns import Kernel
from matrices.facts import Seen
from matrices.plan import Visit
from matrix_samples import FREED, KERNELS, QUIET, RACE, RIGHT, STEP, STRIDE, SUITE, matrix_of

ASKED = "exts-in-object"
FOUND = Seen("node-partial", "fail", (FREED,), 40, 50, evidence="cache x node 1: "
             "00000000064272ff became 0000000000000000 when its last normal memory went offline")


def record(scenario: str, verdict: str, **more: Any) -> str:
    return json.dumps({"scenario": scenario, "verdict": verdict, "expected": "pass", "cause": "none",
                       "invariant": "", "reason": "-", "breach_ms": -1, "duration_ms": 7, **more})


def test_answers_of_scenarios_and_suites() -> None:
    lines = "\n".join([
        record("exts-in-object", "fail", invariant="exts-own-slot", cause="corruption",
               others=["exts-step-matches-layout:truncation"], breach_ms=12, evidence="e",
               splat=["BUG: x"]),
        record("busted-exts-late", "fail", expected="fail:ordering", cause="ordering", invariant="i"),
        record("busted-exts-late", "pass", expected="fail:ordering")])
    first, caught, silent = facts.of_records(lines)
    assert first.broken == (("exts-own-slot", "corruption"), STEP) and first.ms == 12
    assert (first.evidence, first.splat) == ("e", ("BUG: x",))
    assert not caught.control_failed and silent.control_failed and not silent.fired
    cases = "\n".join(json.dumps({"suite": "slubtorture-metadata", "verdict": verdict,
                                  "reason": reason, "lines": told, "seconds": seconds})
                      for verdict, reason, told, seconds in (
        ("pass", "", [], 0.5), ("skip", "why", [], None),
        ("fail", "", ["    exts-step-matches-layout: 4 asked, 2 broken; cause: truncation; x"],
         0.25), ("pass", "", [], 2.0)))
    assert facts.of_cases(cases) == [
        Seen("slubtorture-metadata", "fail", (STEP,), 750, 2750, "why")]
    assert facts.from_json(json.loads(json.dumps(facts.to_json([first, caught])))) == [first, caught]


def cell(kernel: str, detector: str, *guests: Seen, group: str = "named") -> str:
    found = matrix_of({kernel: [[one] for one in guests]}, group)
    return next(column for column in found.columns.values()
                if column.name.endswith(kernel)).cell(detector)


def test_cells_of_a_kernel_with_a_bug() -> None:
    wrong = Seen(ASKED, "fail", (("exts-step-matches-layout", "ordering"),))
    assert cell("stride", ASKED, RIGHT, RIGHT) == state.CAUGHT
    assert cell("stride", ASKED, RIGHT, QUIET) == state.WRONG  # one of two
    assert cell("stride", ASKED, wrong) == state.WRONG
    assert cell("stride", ASKED, Seen(ASKED, "skip")) == state.WRONG  # it needs nothing
    assert cell("nodes", "node-offline-online",
                Seen("node-offline-online", "skip")) == state.SKIPPED
    assert cell("stride", ASKED) == state.UNASKED
    assert cell("stride", "exts-sweep", Seen("exts-sweep", "fail", (STEP,))) == state.ALSO
    assert cell("stride", "exts-sweep", Seen("exts-sweep", "broken")) == state.BROKEN
    assert cell("stride", "exts-sweep", Seen("exts-sweep", "pass")) == state.SILENT


def test_a_promise_is_held_against_what_was_asked_in_its_way() -> None:
    late = Seen("exts-late", "fail", (("i", "ordering"),), 3)
    found = matrix_of({"race": [[late]]})
    column = found.columns["7.2/race"]
    visit = Visit(KERNELS[2], "usual", 1)  # a second instead of thirty
    found.learn({"what": "visit", **state.visit_fact(
        visit, facts.to_json([Seen("exts-late", "pass")]), 1, 0)})
    assert column.cell("exts-late") == state.CAUGHT and column.kept("exts-late") == (1, 1)
    assert cell("race", "exts-late", late, group="usual") == state.ALSO  # not asked for it yet


def test_a_gated_kernel_may_be_silent_as_often_as_its_gate_says() -> None:
    hit = Seen(ASKED, "fail", (("i", "truncation"),))
    runs = gate.runs_for(5)
    least, most = gate.interval(runs, 5)
    for caught, mark in ((0, state.WRONG), (least, state.CAUGHT), (most, state.CAUGHT),
                         (most + 1, state.WRONG)):
        assert cell("gated", ASKED, *[hit] * caught, *[QUIET] * (runs - caught)) == mark
    other = Seen(ASKED, "fail", (("i", "ordering"),))
    for bad in (other, Seen(ASKED, "skip"), Seen(ASKED, "broken")):
        assert cell("gated", ASKED, *[hit] * 5, *[QUIET] * 18, bad) == state.WRONG


def test_one_failure_in_many_runs_is_a_false_alarm() -> None:
    assert cell("harmless", ASKED, QUIET, QUIET) == state.SILENT
    assert cell("harmless", ASKED, QUIET, RIGHT) == state.ALARM
    assert cell("harmless", ASKED, QUIET, Seen(ASKED, "broken")) == state.ALARM


def test_a_finding_is_one_only_where_it_is_declared() -> None:
    assert cell("5.10 stock", "node-partial", FOUND) == state.KNOWN
    assert cell("6.12 stock", "node-partial", FOUND) == state.ALARM
    more = replace(FOUND, broken=(FREED, ("node-counts-match-lists", "corruption")))
    assert cell("5.10 stock", "node-partial", more) == state.ALARM
    assert cell("5.10 stock", "node-partial", replace(FOUND, verdict="broken")) == state.ALARM
    good = matrix_of({"5.10 stock": [[FOUND]]})
    assert report.failures(good) == []
    assert "finding on 5.10 stock: node-structs-freed, commit 666716fd267d" in report.text(good)
    assert " 9  5.10 stock   1/1                         a finding, as known" in report.text(good)


GOOD: dict[str, list[list[Seen]]] = {"stride": [[RIGHT, SUITE]], "harmless": [[QUIET]]}
TWIN = Seen("busted-exts-in-object", "pass", expected="truncation")
ONLY = Seen("exts-counters", "pass")


def test_what_is_right_is_no_failure() -> None:
    good = matrix_of(GOOD)
    assert report.failures(good) == [] and report.status(good) == 0
    some = matrix_of(GOOD, planned=("7.2 usual 1",))
    assert report.status(some) == 2  # stopped
    assert report.status(some, minutes=10) == 0  # as the user wished
    assert report.status(some, {"7.2 usual 1": "no verdict"}, 10) == 2
    assert report.status(state.Matrix()) == 2


@pytest.mark.parametrize("answers, said", [
    ({"harmless": [[RIGHT]]}, f"{ASKED} on 7.2/harmless: false alarm (fail "
                              "exts-step-matches-layout truncation)"),
    ({"7.2": [[RIGHT]]}, f"{ASKED} on 7.2: false alarm"),
    ({"6.12 stock": [[FOUND]]}, "node-partial on 6.12 stock: false alarm"),
    ({"5.10 stock": [[Seen("node-partial", "pass")]]},
     "node-partial on 5.10 stock: the finding that is declared is not seen any more"),
    ({"harmless": [[Seen(facts.LOG, "broken")]]}, f"{facts.LOG} on 7.2/harmless: false alarm"),
    ({"stride": [[QUIET]]}, f"{ASKED} on 7.2/stride: promise broken, kept in 0 of 1 runs"),
    ({"stride": [[RIGHT], [QUIET]]}, "promise broken, kept in 1 of 2 runs; else 1 x pass"),
    ({"stride": [[replace(RIGHT, broken=((STEP[0], "ordering"),))]]},
     "kept in 0 of 1 runs; else 1 x fail exts-step-matches-layout ordering"),
    ({"gated": [[QUIET]] * gate.runs_for(5)}, f"{ASKED} on 7.2/gated: promise broken, kept in 0 of 24"),
    ({"unseen": [[RIGHT]]},
     "7.2/unseen: caught by exts-step-matches-layout, and its header says not"),
    ({"harmless": [[QUIET, TWIN]]}, "busted-exts-in-object on 7.2/harmless: not caught"),
    ({"harmless": [[replace(TWIN, verdict="fail", broken=(("i", "ordering"),))]]},
     "busted-exts-in-object on 7.2/harmless: not caught"),
    ({"harmless": [[ONLY]]}, "exts-counters: nothing makes it fail"),
])
def test_every_kind_of_failure_is_named_and_is_status_1(
        answers: dict[str, list[list[Seen]]], said: str) -> None:
    bad = matrix_of(answers)
    assert any(said in told for told in report.failures(bad)), report.failures(bad)
    for minutes in (0, 10):
        assert report.status(bad, minutes=minutes) == 1
    whole = " ".join(report.text(bad).split())
    assert said in whole and "failures of the tool: none" not in whole


def test_a_detector_that_nothing_makes_fail_stands_out_at_the_end() -> None:
    twin = Seen("busted-exts-counters", "fail", (("i", "ordering"),), expected="ordering")
    idle = matrix_of({"stride": [[RIGHT, SUITE]], "harmless": [[QUIET, ONLY]]})
    assert idle.useless == ["exts-counters"] and report.status(idle) == 1
    early = matrix_of({"stride": [[RIGHT, SUITE]], "harmless": [[QUIET, ONLY]]},
                      planned=("7.2 usual 1",))
    assert report.status(early, minutes=3) == 0  # something may yet
    shown = matrix_of({"stride": [[RIGHT, SUITE]], "harmless": [[QUIET, ONLY, twin]]})
    assert shown.useless == [] and shown.only_by_control == ["exts-counters"]
    assert "only their controls make fail: exts-counters" in report.text(shown)


def test_a_suite_is_shown_to_fail_by_the_suite_of_twins() -> None:
    quiet, twins = Seen("slubtorture-charge", "pass"), Seen(state.SUITE_OF_TWINS, "pass")
    assert matrix_of({"harmless": [[quiet]]}).useless == ["slubtorture-charge"]
    both = matrix_of({"harmless": [[quiet, twins]]})
    assert both.useless == [] and "slubtorture-charge" in both.only_by_control
    assert matrix_of({"stride": [[RIGHT, SUITE, quiet, twins]]}).useless == ["slubtorture-charge"]


def test_the_text_fits_and_names_what_only_one_catches() -> None:
    late = Seen("exts-late", "fail", (("i", "ordering"), ("j", "x")), 7300)
    many = matrix_of({"stride": [[RIGHT, SUITE]], "gated": [[QUIET]], "race": [[late]]},
                     planned=("7.2 usual 1", "7.2/race@2 named:exts-late/30s 2"))
    text = report.text(many)
    assert all(len(line) <= 80 for line in text.splitlines())
    assert "exts-step-matches-layout\n  only it: 7.2/stride (0.0 / 0.0 s)\n" in text
    assert "i\n  with others: 7.2/race (7.3 / 7.3 s)\nj\n  with others: 7.2/race\n" in text
    assert " 2  7.2/stride   1/1 1/1     0.0 / 0.0       caught" in text
    assert "still to come: 2 guests, 1 usual, 1 named" in text
    assert "left out, as MINUTES=5 are over: 2 guests" in report.text(many, minutes=5)
    assert "NOT ASKED: 7.2 usual 1: it said nothing" in report.text(
        many, {"7.2 usual 1": "it said nothing"})


def test_the_table_has_as_many_columns_as_fit_and_times_in_cells() -> None:
    lines = report.table(matrix_of({"stride": [[RIGHT, SUITE]], "harmless": [[QUIET]]}))
    heads = [line.split() for line in lines if line.startswith("    ") and line.strip()[0].isdigit()]
    assert heads == [[str(number) for number in range(1, 10)]]  # the tenth was asked nothing
    assert "exts-in-object              C .04" + 13 * " " + ". .03" in lines
    assert "slubtorture-metadata        C .01" in lines
    assert [report.time_text(ms) for ms in (-1, 4, 94, 95, 700, 9940, 9960, 12_400, 10**7)] == [
        "", ".00", ".09", "0.1", "0.7", "9.9", "10", "12", "999"]


def test_a_header_may_change_but_not_the_patch() -> None:
    found = state.Matrix()
    kernel, seen = KERNELS[1], facts.to_json([RIGHT])
    found.learn({"what": "kernel", **state.kernel_fact(kernel)})
    for group in ("usual", "named"):
        found.learn({"what": "visit", **state.visit_fact(Visit(kernel, group, 1), seen, 1.0, 0)})

    def changed(header: Header, content: str) -> list[str]:
        new = Kernel("7.2", kernel.patch, header, content)
        known = found.knows(state.kernel_fact(new))
        found.learn({"what": "kernel", **state.kernel_fact(new)})
        assert not known and found.knows(state.kernel_fact(new))
        return [guest.group for guest in found.columns[kernel.patch].guests]

    assert changed(replace(STRIDE, missed="x"), "1") == ["usual", "named"]
    assert changed(RACE, "1") == ["usual"]  # what was promised is asked in another way
    assert changed(RACE, "9") == []


@pytest.mark.parametrize("fact, said", [
    ({"what": "matrix", "code": "x"}, "older code"),
    ({"what": "matrix", "code": "x", "format": 99}, "newer code"),
    ({"what": "kernel", "name": "7.2"}, "line 1, is not of a matrix"),
    ({"what": "visit", "key": "7.2 usual 1", "kernel": "7.2", "seconds": 1, "group": "usual",
      "seen": []}, "line 1, is not of a matrix"),
])
def test_journals_of_other_code_and_torn_ones_are_named(fact: dict[str, Any], said: str) -> None:
    with pytest.raises(ToolError, match=said) as caught:
        state.of_facts([fact])
    assert caught.value.hint


def test_the_picture_or_why_there_is_none(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "matrix.png"
    assert picture.draw(state.Matrix(), path).startswith("none")
    some = matrix_of({"stride": [[RIGHT, SUITE]], "harmless": [[QUIET]]})
    monkeypatch.setitem(__import__("sys").modules, "matplotlib", None)
    assert picture.PACKAGE in picture.draw(some, path) and not path.exists()
    monkeypatch.undo()
    if not picture.draw(some, path):
        assert path.stat().st_size > 1000


def test_of_a_part_nothing_is_said_to_be_of_no_use() -> None:
    part = matrix_of({"harmless": [[QUIET, ONLY]]})
    part.learn({"what": "asked", "visits": [], "runs": 1, "whole": False})
    assert part.useless and report.failures(part) == []


def test_columns_stand_where_a_reader_looks_for_them() -> None:
    found = state.of_facts({"what": "kernel", **state.kernel_fact(kernel)}
                           for kernel in reversed(KERNELS))
    assert list(found.columns) == [
        "7.2", "7.2/gated", "7.2/nodes", "7.2/race", "7.2/stride", "7.2/unseen", "7.2/harmless",
        "5.10/early", "6.12 stock", "5.10 stock"]


def test_a_gated_kernel_that_was_silent_so_far_is_not_called_missed() -> None:
    few = matrix_of({"gated": [[QUIET]] * 2}, planned=("7.2/gated@3 named 3",))
    text = report.text(few)
    assert "silent so far" in text and "nothing catches 7.2/gated" not in text


def test_long_lists_are_no_wider_than_the_terminal() -> None:
    many = state.Matrix()
    for number in range(12):
        kernel = replace(KERNELS[1], patch=f"7.2/a-bug-with-quite-a-long-name-{number}")
        many.learn({"what": "kernel", **state.kernel_fact(kernel)})
        visit = Visit(kernel, "named", 1)
        many.learn({"what": "visit", **state.visit_fact(visit, facts.to_json([RIGHT]), 2.0, 0)})
    lines = report.invariants(many)
    assert len(lines) > 8 and all(len(line) <= 80 for line in lines)
