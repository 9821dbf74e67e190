# SPDX-License-Identifier: GPL-2.0
"""What is made of the answers about kernels that are wrong on purpose."""

from __future__ import annotations

import json
from pathlib import Path

import busted
import options as opt
import pytest
from busted import Answer, Row
from errors import ToolError
from lab.patches import Header

STRIDE = Header("s", "c", "y", "7.2", frozenset(), (
    ("exts-in-object", "exts-step-matches-layout", "truncation"),
    ("slubtorture-metadata", "exts-step-matches-layout", "truncation")))
HARMLESS = Header("s", "nothing", "y", "7.2", frozenset(), ())
NODES = Header("s", "c", "y", "7.2", frozenset({"hotplug"}), (
    ("slubtorture-nodes", "node-pointer-kept", "lifetime"),))
PASSED = Answer("slubtorture-layout", "pass", "")


def outcomes(header: Header | None, kind: str, *answers: Answer) -> list[str]:
    return [row.outcome for row in busted.judge("k", header, kind, [PASSED, *answers])]


def said(text: str, verdict: str = "fail", asked: str = "slubtorture-metadata") -> Answer:
    return Answer(asked, verdict, text)


def test_a_bug_is_caught_only_under_its_own_name() -> None:
    right = "exts-step-matches-layout broken, cause truncation: expected 65536, seen 0"
    assert outcomes(STRIDE, busted.SUITES, said(right)) == [busted.CAUGHT]
    assert outcomes(STRIDE, busted.SUITES, said(right.replace("truncation", "ordering"))) == [
        busted.MISSED]
    assert outcomes(STRIDE, busted.SUITES, said(right, "pass")) == [busted.MISSED]
    assert outcomes(STRIDE, busted.SUITES, said(right, asked="slubtorture-layout")) == [
        busted.BROKEN]
    assert outcomes(STRIDE, busted.SUITES, said("crashed", "crashed")) == [busted.MISSED]


def test_a_skip_counts_only_where_the_bug_needs_what_is_missing() -> None:
    skip = Answer("slubtorture-nodes", "skip", "", "no node can go")
    assert outcomes(NODES, busted.SUITES, skip) == [busted.SKIPPED]
    assert outcomes(STRIDE, busted.SUITES, said("", "skip")) == [busted.MISSED]


def test_on_healthy_kernels_nothing_may_fail() -> None:
    assert outcomes(None, busted.SUITES) == [busted.SILENT]
    assert outcomes(HARMLESS, busted.SUITES, said("x", "skip")) == [busted.SILENT]
    for verdict in ("fail", "crashed", "broken"):
        assert outcomes(HARMLESS, busted.SUITES, said("x", verdict)) == [busted.NOISY]


def test_no_verdict_is_broken_whatever_was_promised() -> None:
    for header in (None, HARMLESS, STRIDE):
        assert [row.outcome for row in busted.judge("k", header, busted.SUITES, [])] == [
            busted.BROKEN]


def test_silence_that_was_cut_short_is_broken() -> None:
    for header in (None, HARMLESS):
        assert [row.outcome for row in busted.judge("k", header, busted.SUITES, [PASSED], 2)] == [
            busted.BROKEN]
        assert [row.outcome for row in busted.judge("k", header, busted.SUITES, [PASSED], 1)] == [
            busted.NOISY]  # no case failed, but the kernel complained
    right = said("exts-step-matches-layout broken, cause truncation")
    assert [row.outcome for row in busted.judge("k", STRIDE, busted.SUITES, [right], 1)] == [
        busted.CAUGHT]


def asked(tmp_path: Path, **values: str) -> opt.Options:
    raw = opt.raw_values(opt.parser("").parse_args([]), {key.upper(): value for key, value
                                                         in values.items()})
    return opt.checked(raw, tmp_path)


def test_a_patch_of_the_users_has_no_promise(tmp_path: Path) -> None:
    (tmp_path / "x.patch").touch()
    with pytest.raises(ToolError, match="none of this project's") as caught:
        busted.chosen_patches(asked(tmp_path, patch=str(tmp_path / "x.patch")), "7.2")
    assert caught.value.hint
    assert busted.chosen_patches(asked(tmp_path, patch="harmless"), "7.2") == ["7.2/harmless"]


def test_every_kernel_is_asked_with_the_users_options(
        tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("ARCH", "PAGE", "OUT", "CPUS", "RESCUE", "SCENARIO"):
        monkeypatch.setenv(name, "not this")
    asking = busted.Asking(asked(tmp_path, arch="s390x", cpus="4", config="kasan"), "7.2", tmp_path)
    found = asking.environment("7.2/harmless", None)
    assert [found[name] for name in ("KERNEL", "PATCH", "CONFIG", "ARCH", "PAGE", "OUT", "CPUS",
                                     "RESCUE", "SCENARIO")] == [
        "7.2", "7.2/harmless", "kunit,kasan", "s390x", "", str(tmp_path), "4", "", ""]


def test_what_must_catch_a_bug_is_asked_alone_and_as_long_as_it_takes(tmp_path: Path) -> None:
    asking = busted.Asking(asked(tmp_path, widen="reader"), "7.2", tmp_path)
    race = Header("s", "c", "y", "7.2", frozenset(), (
        ("exts-late", "exts-own-slot", "ordering"), ("exts-late", "i", "c"),
        ("slubtorture-nodes", "i", "c"), ("exts-counters", "i", "c")), 30)
    found = asking.environment("7.2/race", race)
    assert (found["SCENARIO"], found["SECONDS"], found["WIDEN"]) == (
        "exts-late,exts-counters", "30", "reader")
    found = asking.environment("7.2/stride-16-bit", STRIDE)
    assert (found["SCENARIO"], found["SECONDS"]) == ("exts-in-object", "1")
    for header in (None, HARMLESS):  # nothing of anything may fail
        assert asking.environment("7.2/x", header)["SCENARIO"] == ""


def test_a_scenario_that_only_its_name_chooses_is_asked_by_name(tmp_path: Path) -> None:
    asking = busted.Asking(asked(tmp_path, config="kasan"), "5.10", tmp_path)
    lock = Header("s", "c", "y", "5.10", frozenset(), (
        ("node-window-objects", "no-splat", "unknown"),), config=("lockdep",))
    found = asking.environment("5.10/lock", lock)
    assert (found["SCENARIO"], found["CONFIG"]) == ("node-window-objects", "kunit,kasan,lockdep")


def test_only_what_a_patch_promises_something_of_is_asked() -> None:
    race = Header("s", "c", "y", "7.2", frozenset(), (("exts-late", "i", "c"),))
    assert busted.kinds_of(race) == [busted.SCENARIOS]
    assert busted.kinds_of(NODES) == [busted.SUITES]
    assert busted.kinds_of(STRIDE) == [busted.SUITES, busted.SCENARIOS]
    for header in (None, HARMLESS):
        assert busted.kinds_of(header) == [busted.SUITES, busted.SCENARIOS]


def test_controls_that_were_caught_are_no_failure() -> None:
    record = {"scenario": "busted-exts-late", "verdict": "fail", "expected": "fail:ordering",
              "cause": "ordering", "invariant": "i", "reason": "-"}
    assert busted.scenario_answers(json.dumps(record))[0].verdict == "pass"
    assert busted.scenario_answers(json.dumps({**record, "cause": "none",
                                               "verdict": "pass"}))[0].verdict == "fail"


def test_what_broke_besides_the_named_invariant_counts_with_its_own_cause() -> None:
    record = {"scenario": "exts-in-object", "verdict": "fail", "expected": "pass",
              "cause": "corruption", "invariant": "exts-own-slot", "reason": "-"}

    def outcome(others: list[str]) -> str:
        found = busted.scenario_answers(json.dumps({**record, "others": others}))
        return outcomes(STRIDE, busted.SCENARIOS, *found)[0]

    assert outcome(["exts-aligned:corruption", "exts-step-matches-layout:truncation"]) == (
        busted.CAUGHT)
    assert outcome(["exts-step-matches-layout:corruption", "exts-aligned:truncation"]) == (
        busted.MISSED)
    assert outcome([]) == busted.MISSED


GATED = Header("s", "c", "y", "7.2", frozenset(), (("exts-in-object", "i", "truncation"),),
               gate=5)


def runs_of(caught: int, silent: int) -> list[list[Row]]:
    seen = Answer("exts-in-object", "fail", "i truncation"), Answer("exts-in-object", "pass", "")
    return [busted.judge("k", GATED, busted.SCENARIOS, [answer])
            for answer, count in zip(seen, (caught, silent)) for _ in range(count)]


@pytest.mark.parametrize("caught, outcome", [
    (0, busted.MISSED), (1, busted.CAUGHT), (5, busted.CAUGHT), (10, busted.CAUGHT),
    (11, busted.NOISY), (24, busted.NOISY)])
def test_a_gated_bug_is_caught_as_often_as_its_gate_lets_it(caught: int, outcome: str) -> None:
    rows = busted.judge_gated(GATED, runs_of(caught, 24 - caught))
    assert [(row.outcome, row.detail) for row in rows] == [
        (outcome, f"in {caught} of 24 runs; 1 to 10 are no wonder")]


def test_a_gated_bug_under_another_name_is_no_silent_run() -> None:
    wrong = busted.judge("k", GATED, busted.SCENARIOS, [Answer("exts-in-object", "fail", "i c")])
    assert [row.outcome for row in wrong] == [busted.MISSED]
    assert busted.judge_gated(GATED, [*runs_of(5, 18), wrong]) == wrong
    skip = busted.judge("k", GATED, busted.SCENARIOS,
                        [PASSED, Answer("exts-in-object", "skip", "", "why")])
    assert [row.outcome for row in skip] == [busted.MISSED]


def test_a_gated_kernel_is_asked_until_silence_is_no_accident(
        tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    asking = busted.Asking(asked(tmp_path), "7.2", tmp_path)
    turns: list[str] = []

    def ask(self: object, kind: str, patch: str, header: Header, turn: str
            ) -> tuple[list[Answer], int]:
        turns.append(turn)
        caught = len(turns) % 5 == 0
        return [Answer("exts-in-object", "fail" if caught else "pass", "i truncation")], 0

    monkeypatch.setattr(busted.Asking, "ask", ask)
    rows = busted.ask_gated(asking, "k", GATED, busted.SCENARIOS)
    assert [row.outcome for row in rows] == [busted.CAUGHT]
    assert turns == [f"-{i}" for i in range(1, 25)]
    found = asking.environment("k", GATED)
    assert found["SCENARIO"] == "exts-in-object"  # and nothing that takes longer


def test_a_bug_that_nothing_tells_of_says_why() -> None:
    unseen = Header("s", "c", "y", "7.2", frozenset(), (), missed="it is too small")
    rows = busted.judge("k", unseen, busted.SUITES, [PASSED])
    assert [(row.outcome, row.detail) for row in rows] == [
        (busted.SILENT, "as its header says: it is too small")]
    found = said("exts-step-matches-layout broken, cause truncation")
    assert outcomes(unseen, busted.SUITES, found) == [busted.NOISY]  # now it is told


def test_unless_all_are_asked_for_a_subset_is(tmp_path: Path,
                                              monkeypatch: pytest.MonkeyPatch) -> None:
    head = "Subject: x\nUndoes: y\nSymptom: z\nSeries: 7.2\nExpect: a b c\n"
    diff = "--- a/x\n+++ b/x\n"
    (tmp_path / "7.2").mkdir()
    (tmp_path / "7.2/one.patch").write_text(f"{head}Check: yes\n{diff}")
    (tmp_path / "7.2/two.patch").write_text(head + diff)
    (tmp_path / "6.12").mkdir()
    (tmp_path / "6.12/three.patch").write_text(head + diff)
    monkeypatch.setattr("lab.spec.PATCHES", tmp_path)
    assert busted.chosen_patches(asked(tmp_path), "7.2") == ["", "7.2/one"]
    assert busted.chosen_patches(asked(tmp_path, patch="all"), "7.2") == ["", "7.2/one", "7.2/two"]
    assert busted.chosen_patches(asked(tmp_path), "6.12") == ["", "6.12/three"]


def test_status_and_table() -> None:
    rows = [Row("7.2/stride-16-bit", "exts-in-object", busted.CAUGHT, "x" * 60),
            Row("unmodified", "run", busted.SILENT, "16 verdicts")]
    assert busted.status(rows) == 0 and busted.status([]) == 2
    assert busted.status([*rows, Row("k", "a", busted.NOISY, "")]) == 1
    assert busted.status([Row("k", "a", busted.BROKEN, "")]) == 2
    assert all(len(line) <= 80 for line in busted.table(rows).splitlines())
