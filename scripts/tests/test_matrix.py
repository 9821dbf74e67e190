# SPDX-License-Identifier: GPL-2.0
"""What a matrix asks, keeps, and says of the tool."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import gate
import matrix as main
import options as opt
import pytest
from bisection.journal import Journal
from errors import ToolError
from lab.patches import Header
from matrices import facts, picture, plan, report, state
from matrices.facts import Seen
from matrices.plan import Kernel, Visit

STRIDE = Header("s", "c", "y", "7.2", frozenset(), (
    ("exts-in-object", "exts-step-matches-layout", "truncation"),
    ("slubtorture-metadata", "exts-step-matches-layout", "truncation")))
RACE = Header("s", "c", "y", "7.2", frozenset(), (("exts-late", "i", "ordering"),), 30)
GATED = Header("s", "c", "y", "7.2", frozenset(), (("exts-in-object", "i", "truncation"),), gate=5)
HARMLESS = Header("s", "nothing", "y", "7.2", frozenset(), ())
UNSEEN = Header("s", "c", "y", "7.2", frozenset(), (), missed="it is too small")
KERNELS = [Kernel("7.2"), Kernel("7.2", "7.2/stride", STRIDE, "1"), Kernel("7.2", "7.2/race", RACE, "2"),
           Kernel("7.2", "7.2/gated", GATED, "3"), Kernel("7.2", "7.2/harmless", HARMLESS, "4"),
           Kernel("7.2", "7.2/unseen", UNSEEN, "5")]
STEP = ("exts-step-matches-layout", "truncation")


def keys(runs: int = 1) -> list[str]:
    return [visit.key for visit in plan.visits(KERNELS, runs)]


def test_what_tells_most_is_asked_first_and_nothing_twice() -> None:
    found = keys()
    assert len(set(found)) == len(found)
    assert found[:3] == ["7.2 usual 1", "7.2 suites 1", "7.2 nodes 1"]
    promises = ["7.2/stride@1 suites 1", "7.2/stride@1 usual 1", "7.2/race@2 named 1",
                *(f"7.2/gated@3 named {turn}" for turn in range(1, gate.runs_for(5) + 1))]
    assert found[3:3 + len(promises)] == promises
    rest = found[3 + len(promises):]
    assert rest[:3] == [f"7.2/harmless@4 {group} 1" for group in ("usual", "suites", "nodes")]
    assert set(rest[3:]) == {"7.2/stride@1 nodes 1", *(
        f"{name} {group} 1" for name in ("7.2/race@2", "7.2/gated@3", "7.2/unseen@5")
        for group in ("usual", "suites", "nodes"))}


def test_what_a_verdict_hangs_on_is_repeated_and_comes_last() -> None:
    found = keys(10)
    assert found[:3] == keys()[:3]
    for key in ("7.2 nodes 10", "7.2/stride@1 usual 10", "7.2/harmless@4 suites 10"):
        assert key in found
    assert "7.2/stride@1 nodes 2" not in found  # what else may catch it
    assert len(found) - found.index("7.2 usual 2") == sum(
        key.endswith(tuple(f" {turn}" for turn in range(2, 11))) and "@3" not in key
        for key in found)


def test_another_patch_under_the_same_name_is_another_visit() -> None:
    old, new = (Visit(Kernel("7.2", "7.2/stride", STRIDE, made), "usual", 1) for made in "12")
    assert old.key != new.key


def record(scenario: str, verdict: str, **more: Any) -> str:
    return json.dumps({"scenario": scenario, "verdict": verdict, "expected": "pass", "cause": "none",
                       "invariant": "", "reason": "-", "breach_ms": -1, "duration_ms": 7, **more})


def test_answers_of_scenarios_and_suites() -> None:
    lines = "\n".join([
        record("exts-in-object", "fail", invariant="exts-own-slot", cause="corruption",
               others=["exts-step-matches-layout:truncation"], breach_ms=12),
        record("busted-exts-late", "fail", expected="fail:ordering", cause="ordering", invariant="i"),
        record("busted-exts-late", "pass", expected="fail:ordering")])
    first, caught, silent = facts.of_records(lines)
    assert first.broken == (("exts-own-slot", "corruption"), STEP) and first.ms == 12
    assert not caught.control_failed and silent.control_failed and not silent.fired
    cases = "\n".join(json.dumps({"suite": "slubtorture-metadata", "verdict": verdict,
                                  "reason": reason, "lines": told}) for verdict, reason, told in (
        ("pass", "", []), ("skip", "why", []),
        ("fail", "", ["    exts-step-matches-layout: 4 asked, 2 broken; cause: truncation; x"])))
    assert facts.of_cases(cases) == [
        Seen("slubtorture-metadata", "fail", (STEP,), reason="why")]
    assert facts.from_json(json.loads(json.dumps(facts.to_json([first, caught])))) == [first, caught]


def matrix_of(**answers: list[list[Seen]]) -> state.Matrix:
    """Guests by the last part of the kernel's name."""
    found = state.Matrix()
    for kernel in KERNELS:
        found.learn({"what": "kernel", **state.kernel_fact(kernel)})
        for turn, seen in enumerate(answers.get(kernel.name.rpartition("/")[2].replace(".", "_"),
                                                []), 1):
            visit = Visit(kernel, "usual", turn)
            found.learn({"what": "visit", **state.visit_fact(visit, facts.to_json(seen), 2.0, 0)})
    return found


RIGHT = Seen("exts-in-object", "fail", (STEP,), 40)
SUITE = Seen("slubtorture-metadata", "fail", (STEP,))
QUIET = Seen("exts-in-object", "pass")


def cell(kernel: str, detector: str, *guests: Seen) -> str:
    column = matrix_of(**{kernel: [[one] for one in guests]}).columns[f"7.2/{kernel}"]
    return column.cell(detector)


def test_cells_of_a_kernel_with_a_bug() -> None:
    asked = "exts-in-object"
    wrong = Seen(asked, "fail", (("exts-step-matches-layout", "ordering"),))
    assert cell("stride", asked, RIGHT, RIGHT) == state.CAUGHT
    assert cell("stride", asked, RIGHT, QUIET) == state.WRONG  # one of two
    assert cell("stride", asked, wrong) == state.WRONG
    assert cell("stride", asked, Seen(asked, "skip")) == state.SKIPPED
    assert cell("stride", asked) == state.UNASKED
    assert cell("stride", "exts-sweep", Seen("exts-sweep", "fail", (STEP,))) == state.ALSO
    assert cell("stride", "exts-sweep", Seen("exts-sweep", "broken")) == state.BROKEN
    assert cell("stride", "exts-sweep", Seen("exts-sweep", "pass")) == state.SILENT


def test_a_gated_kernel_may_be_silent_as_often_as_its_gate_says() -> None:
    hit = Seen("exts-in-object", "fail", (("i", "truncation"),))
    runs = gate.runs_for(5)
    least, most = gate.interval(runs, 5)
    for caught, mark in ((0, state.WRONG), (least, state.CAUGHT), (most, state.CAUGHT),
                         (most + 1, state.WRONG)):
        assert cell("gated", "exts-in-object", *[hit] * caught, *[QUIET] * (runs - caught)) == mark


def test_one_failure_in_many_runs_is_a_false_alarm() -> None:
    assert cell("harmless", "exts-in-object", QUIET, QUIET) == state.SILENT
    assert cell("harmless", "exts-in-object", QUIET, RIGHT) == state.ALARM
    assert cell("harmless", "exts-in-object", QUIET, Seen("exts-in-object", "broken")) == state.ALARM


def test_what_the_tool_fails_in_is_said_and_is_its_status() -> None:
    good = matrix_of(stride=[[RIGHT, SUITE]], harmless=[[QUIET]])
    assert report.failures(good, True) == [] and report.status(good, 0) == 0
    assert report.status(good, 3) == 2
    twin = Seen("busted-exts-in-object", "pass", expected="truncation")
    silent = matrix_of(stride=[[RIGHT, SUITE]], harmless=[[QUIET, twin]])
    for bad, said in (
            (matrix_of(harmless=[[RIGHT]]), "exts-in-object on 7.2/harmless: false alarm"),
            (matrix_of(stride=[[QUIET]]), "exts-in-object on 7.2/stride: promise broken"),
            (matrix_of(unseen=[[RIGHT]]), "7.2/unseen: caught, and its header says not"),
            (silent, "busted-exts-in-object on 7.2/harmless: not caught")):
        assert said in report.failures(bad, False)
        assert report.status(bad, 3) == 1


def test_a_scenario_that_nothing_makes_fail_stands_out_at_the_end() -> None:
    only = Seen("exts-counters", "pass")
    twin = Seen("busted-exts-counters", "fail", (("i", "ordering"),), expected="ordering")
    idle = matrix_of(stride=[[RIGHT, SUITE]], harmless=[[QUIET, only]])
    assert idle.useless == ["exts-counters"]
    assert report.status(idle, 1) == 2 and report.status(idle, 0) == 1
    assert matrix_of(stride=[[RIGHT, SUITE]], harmless=[[QUIET, only, twin]]).useless == []


def test_the_text_fits_and_names_what_only_one_catches() -> None:
    many = matrix_of(stride=[[RIGHT, SUITE]], gated=[[QUIET]],
                     race=[[Seen("exts-late", "fail", (("i", "ordering"), ("j", "x")), 7)]])
    text = report.text(many, 4)
    assert all(len(line) <= 80 for line in text.splitlines())
    assert "exts-step-matches-layout\n  only it: 7.2/stride\n" in text
    assert "i\n  only it: none\n  with others: 7.2/race\n" in text
    assert " 2  7.2/stride    1/1 1/1  40 / 40             caught" in text
    assert "4 more to come" in text
    assert report.text(state.Matrix(), 0)


class Fake:
    """Guests that answer at once; `stop_at` is the visit that is cut short."""

    def __init__(self, stop_at: int = 0, silent: str = "") -> None:
        self.asked: list[str] = []
        self.stop_at, self.silent = stop_at, silent

    def ask(self, _: main.Asking, visit: Visit) -> tuple[list[Seen], int]:
        if len(self.asked) + 1 == self.stop_at:
            raise KeyboardInterrupt
        self.asked.append(visit.key)
        if visit.key == self.silent:
            return [], 2
        return [RIGHT, SUITE] if visit.kernel.name == "7.2/stride" else [QUIET], 0


def go(tmp_path: Path, fake: Fake, patching: pytest.MonkeyPatch) -> int:
    patching.setattr(main.Asking, "ask", lambda asking, visit: fake.ask(asking, visit))
    patching.setattr(main, "chosen", lambda options: [KERNELS[0], KERNELS[1], KERNELS[4]])
    patching.setattr("sys.argv", ["matrix.py", "--out", str(tmp_path)])
    for name in ("KERNEL", "PATCH", "ARCH", "RUNS", "OUT"):
        patching.delenv(name, raising=False)
    return main.main()


@pytest.mark.parametrize("stop_at", range(1, 10))
def test_stopped_anywhere_it_ends_with_the_same_and_asks_nothing_twice(
        stop_at: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch,
        capsys: pytest.CaptureFixture[str]) -> None:
    whole, first, second = Fake(), Fake(stop_at), Fake()
    assert go(tmp_path / "whole", whole, monkeypatch) == 0
    with pytest.raises(KeyboardInterrupt):
        go(tmp_path / "cut", first, monkeypatch)
    journal = next((tmp_path / "cut").rglob("journal.jsonl"))
    journal.write_bytes(journal.read_bytes() + b'{"what": "visit", "key"')  # it was being written
    assert go(tmp_path / "cut", second, monkeypatch) == 0
    assert first.asked + second.asked == whole.asked
    texts = [next((tmp_path / name).rglob("matrix.txt")).read_text() for name in ("whole", "cut")]

    def timeless(text: str) -> list[str]:
        return text.splitlines()[1:]

    assert timeless(texts[0]) == timeless(texts[1])
    capsys.readouterr()


def test_what_gave_no_answer_is_asked_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert go(tmp_path, Fake(silent="7.2 suites 1"), monkeypatch) == 2
    again = Fake()
    assert go(tmp_path, again, monkeypatch) == 0
    assert again.asked == ["7.2 suites 1"]


def test_answers_of_another_module_are_refused(tmp_path: Path,
                                               monkeypatch: pytest.MonkeyPatch) -> None:
    assert go(tmp_path, Fake(), monkeypatch) == 0
    monkeypatch.setattr(main, "code", lambda: "another")
    with pytest.raises(ToolError, match="another state of this module") as caught:
        go(tmp_path, Fake(), monkeypatch)
    assert caught.value.hint


def test_a_header_may_change_but_not_the_patch(tmp_path: Path) -> None:
    found = state.Matrix()
    kernel, seen = KERNELS[1], facts.to_json([RIGHT])
    found.learn({"what": "kernel", **state.kernel_fact(kernel)})
    found.learn({"what": "visit", **state.visit_fact(Visit(kernel, "usual", 1), seen, 1.0, 0)})
    race = Kernel("7.2", kernel.patch, RACE, "1")
    assert not found.knows(state.kernel_fact(race))
    found.learn({"what": "kernel", **state.kernel_fact(race)})
    assert found.knows(state.kernel_fact(race)) and found.columns[kernel.patch].guests
    found.learn({"what": "kernel", **state.kernel_fact(Kernel("7.2", kernel.patch, RACE, "9"))})
    assert not found.columns[kernel.patch].guests


def test_two_at_a_time_and_unknown_names_are_refused(tmp_path: Path,
                                                     monkeypatch: pytest.MonkeyPatch) -> None:
    with main.locked(tmp_path), pytest.raises(ToolError, match="another make matrix") as caught:
        with main.locked(tmp_path):
            pass
    assert caught.value.hint
    raw = opt.raw_values(opt.parser("").parse_args([]), {"KERNEL": "4.19"})
    with pytest.raises(ToolError, match="KERNEL=4.19: no patches"):
        main.chosen(opt.checked(raw, tmp_path))
    raw = opt.raw_values(opt.parser("").parse_args([]), {"PATCH": "nosuch"})
    with pytest.raises(ToolError, match="PATCH=nosuch: no such patch"):
        main.chosen(opt.checked(raw, tmp_path))
    raw = opt.raw_values(opt.parser("").parse_args([]), {"PATCH": "stride-16-bit"})
    assert [kernel.name for kernel in main.chosen(opt.checked(raw, tmp_path))] == [
        "7.2", "7.2/stride-16-bit"]


def test_the_picture_or_why_there_is_none(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "matrix.png"
    assert picture.draw(state.Matrix(), path).startswith("none")
    some = matrix_of(stride=[[RIGHT, SUITE]], harmless=[[QUIET]])
    monkeypatch.setitem(__import__("sys").modules, "matplotlib", None)
    assert picture.PACKAGE in picture.draw(some, path) and not path.exists()
    monkeypatch.undo()
    if not picture.draw(some, path):
        assert path.stat().st_size > 1000


def test_each_group_is_asked_what_it_is_for(tmp_path: Path) -> None:
    raw = opt.raw_values(opt.parser("").parse_args([]), {"KERNEL": "7.2,6.12"})
    asking = main.Asking(opt.checked(raw, tmp_path), tmp_path)

    def words(kernel: Kernel, group: str) -> tuple[str, str, str, str]:
        found = asking.environment(Visit(kernel, group, 1))
        return found["KERNEL"], found["PATCH"], found["SCENARIO"], found["SECONDS"]

    assert words(KERNELS[2], plan.NAMED) == ("7.2", "7.2/race", "exts-late", "30")
    assert words(KERNELS[2], plan.USUAL) == ("7.2", "7.2/race", "", "1")
    assert words(Kernel("6.12"), plan.NODES) == ("6.12", "", plan.NODE_SCENARIOS, "5")
    assert asking.environment(Visit(KERNELS[0], plan.USUAL, 2))["SEED"] == ""
