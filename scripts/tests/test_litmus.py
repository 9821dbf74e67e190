# SPDX-License-Identifier: GPL-2.0
"""litmus.py: what is recorded agrees with the tests and with handoffs.def, and
whatever is wrong with a record or with herd7's words is seen."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

import litmus
import scenarios
from errors import ToolError
from options import ROOT

RECORDED = litmus.load(litmus.TESTS)
PAIRS = re.findall(r'HANDOFF\("([\w-]+)", \w+, \w+, (\w+),',
                   (ROOT / "module/core/handoffs.def").read_text())
SAID = """Test handoff-x Allowed
States 3
1:r0=0;
1:r0=1;
1:r0=2;
Ok
Witnesses
Positive: 1 Negative: 2
Flag data-race
Condition exists (1:r0=1)
Observation handoff-x Sometimes 1 2
Time handoff-x 0.01
"""
LINE = "handoff-x Sometimes race 3 1 2 handoff-x any\n"


@pytest.mark.parametrize("name", [one.name for one in RECORDED])
def test_each_test_is_named_as_its_file_and_says_what_is_recorded(name: str) -> None:
    text = (litmus.TESTS / f"{name}.litmus").read_text()
    verdict = next(one.verdict for one in RECORDED if one.name == name)
    assert text.startswith(f"C {name}\n\n(*\n")
    assert litmus.result_in_comment(text) == (verdict.result, verdict.race)


@pytest.mark.parametrize(("pair", "model"), PAIRS)
def test_each_pair_has_a_test_whose_verdict_is_that_of_the_table(pair: str, model: str) -> None:
    one = next((one for one in RECORDED if one.name == f"handoff-{pair}"), None)
    assert one is not None, f"handoffs.def has {pair}, selftests/litmus has no handoff-{pair}"
    assert one.scenarios == (f"handoff-{pair}",)
    assert (one.verdict.forbidden, one.verdict.race) == {
        "right": (True, False), "racy": (False, True), "wrong": (False, False)}[model]


def test_no_test_is_of_a_pair_that_is_gone() -> None:
    named = {one.name.removeprefix("handoff-") for one in RECORDED
             if one.name.startswith("handoff-")}
    assert named == {pair for pair, _ in PAIRS}


def test_scenarios_are_those_of_the_module() -> None:
    known = {one.name.removeprefix(scenarios.CONTROL) for one in scenarios.known()}
    assert {name for one in RECORDED for name in one.scenarios} <= known


def test_what_herd_says_is_read() -> None:
    assert litmus.verdict_of(SAID, "handoff-x") == litmus.Verdict("Sometimes", True, 3, 1, 2)


@pytest.mark.parametrize("said", [
    "", SAID.replace("Observation", "Observed"), SAID.replace("States 3", "States"),
    SAID.replace("handoff-x Sometimes", "handoff-y Sometimes"), SAID[:60],
    SAID.replace("Sometimes", "Perhaps"),
    'Warning: File "x.litmus", line 3: unexpected \'lock\' (User error)'])
def test_what_is_not_whole_is_no_verdict(said: str) -> None:
    assert litmus.verdict_of(said, "handoff-x") is None


def test_record_is_read() -> None:
    (one,) = litmus.parse_expected("# a comment\n\n" + LINE, "expected")
    assert one == litmus.Expected("handoff-x", litmus.Verdict("Sometimes", True, 3, 1, 2),
                                  ("handoff-x",), litmus.Kernels("any"))
    assert one.verdict.text == "allowed, race"


@pytest.mark.parametrize(("line", "told"), [
    ("handoff-x Sometimes race 3 1 2 handoff-x", "7 columns where 8"),
    (LINE.replace("Sometimes", "allowed"), "'allowed' is none of Never"),
    (LINE.replace("race", "yes"), "'yes' is neither race nor -"),
    (LINE.replace(" 3 ", " three "), "'three' is no number"),
    (LINE.replace(" 3 ", " ٣ "), "is no number"),
    (LINE.replace("any", "7.2"), "'7.2' names no kernels"),
    (LINE + LINE, "line 2: handoff-x is there twice")])
def test_wrong_record_is_named_with_its_line(line: str, told: str) -> None:
    with pytest.raises(ToolError, match=re.escape(told)):
        litmus.parse_expected(line, "expected")


def test_tests_and_records_must_match(tmp_path: Path) -> None:
    with pytest.raises(ToolError, match="cannot be read"):
        litmus.load(tmp_path)
    (tmp_path / "expected").write_text(LINE)
    with pytest.raises(ToolError, match="there is no handoff-x.litmus"):
        litmus.load(tmp_path)
    for name in ("handoff-x", "handoff-y"):
        (tmp_path / f"{name}.litmus").touch()
    with pytest.raises(ToolError, match="handoff-y.litmus has no line"):
        litmus.load(tmp_path)


def test_globs_choose() -> None:
    chosen = litmus.select(RECORDED, "node-*, handoff-release-acquire")
    names = [one.name for one in chosen]
    assert names[0] == "handoff-release-acquire"
    assert {"node-publish-once", "node-publish-plain", "node-publish-release"} <= set(names)
    assert all(name.startswith("node-") for name in names[1:])
    assert litmus.select(RECORDED, "") == RECORDED
    with pytest.raises(ToolError, match="no litmus test is called 'handof'"):
        litmus.select(RECORDED, "node-*,handof")


@pytest.mark.parametrize(("text", "series", "held"), [
    ("any", "5.10", True), ("any", "", True), ("none", "7.2", False), ("7.0-7.2", "7.2", True),
    ("7.0-7.2", "7.3", False), ("7.0-7.2", "6.12", False), ("7.3-", "7.10", True),
    ("7.3-", "7.2", False), ("7.3-", "", False)])
def test_which_kernels_hold_the_code(text: str, series: str, held: bool) -> None:
    assert litmus.Kernels(text).hold(series) is held
