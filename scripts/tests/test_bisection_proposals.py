# SPDX-License-Identifier: GPL-2.0
"""Signatures proposed for logs, best first, and the commands beside a bisection."""

from __future__ import annotations

from pathlib import Path

import pytest
from test_bisection_signature import CAUGHT, FAILED, PASSED, case, kept, record, suites

from bisection.commands import plan_main, propose_main, rate_of, simulate_main
from bisection.outcomes import Outcome, Ran
from bisection.proposals import proposals
from bisection.signature import Signature, outcome_of, proposed
from bisection.statistics import Rate
from errors import ToolError

REPORTS = Path(__file__).parent / "golden" / "reports"
CONSOLES = Path(__file__).resolve().parents[2] / "qemu" / "tests" / "golden"


@pytest.mark.parametrize("name, first", [
    ("kasan-5.10", "kasan use-after-free count_partial"), ("mail-quoted", "oops get_partial_node"),
    ("syslog", "refcount underflow-use-after-free obj_cgroup_release"),
    ("journal-iso", "slub right-redzone-overwritten free_to_partial_list"),
    ("dmesg-T", "lockdep possible-circular-locking-dependency kmem_cache_destroy"),
    ("dmesg-x", "oops show_slab_objects"), ("stall-then-warning", "warning __slab_free"),
    ("kfence", "kfence use-after-free drain_obj_stock"),
    ("kunit", "kunit slubtorture-layout/layout_steps"),
    ("module-ktap", "fail node-offline-online/node-pointer-kept lifetime")])
def test_the_first_proposal_for_a_log(name: str, first: str) -> None:
    assert str(proposed(REPORTS / f"{name}.log")[0]) == first


@pytest.mark.parametrize("path", [*sorted(REPORTS.glob("*.log")), *sorted(CONSOLES.glob("*"))],
                         ids=lambda path: str(path.name))
def test_every_proposal_is_a_signature_that_is_read_back(path: Path) -> None:
    try:
        found = proposed(path)
    except ToolError as error:
        assert "shows no failure" in str(error)
        return
    assert [Signature.parsed(str(one)) for one in found] == found == list(dict.fromkeys(found))
    assert not any("busted-" in str(one) for one in found)


def test_a_panic_comes_after_what_it_came_of() -> None:
    assert [str(one) for one in proposed(CONSOLES / "panic.console")] == [
        "oops kmem_cache_free", "panic fatal-exception"]


@pytest.mark.parametrize("name", ["clean.log", "../../../../qemu/tests/golden/clean.console"])
def test_a_clean_log_has_nothing_to_hunt(name: str) -> None:
    with pytest.raises(ToolError, match="shows no failure"):
        proposals(REPORTS / name)


def test_a_file_that_is_not_there_is_said(tmp_path: Path) -> None:
    with pytest.raises(ToolError, match="cannot be read"):
        proposals(tmp_path / "none")


def test_a_run_is_hunted_by_what_failed_in_it(tmp_path: Path) -> None:
    run_dir = kept(tmp_path, PASSED, CAUGHT, FAILED)
    found = proposed(run_dir)
    assert [str(one) for one in found] == ["fail exts-late/exts-own-slot ordering",
                                           "fail exts-own-slot ordering"]
    assert proposed(run_dir / "records.jsonl") == found
    assert outcome_of(run_dir, 1, found[0])[0] is Outcome.BAD


def test_a_report_says_more_than_that_there_was_one(tmp_path: Path) -> None:
    splat = record("handoff-xchg-xchg", "fail", cause="lifetime", invariant="no-splat")
    run_dir = kept(tmp_path, splat, console=(CONSOLES / "kasan.console").read_text())
    found = proposed(run_dir)
    assert str(found[0]) == "kasan slab-use-after-free read_object"
    assert all(outcome_of(run_dir, 1, one)[0] is Outcome.BAD for one in found)


def test_a_hang_and_a_case_are_proposed(tmp_path: Path) -> None:
    hung = record("exts-late", "broken", reason="no verdict: the guest hung: no sign of life")
    assert str(proposed(kept(tmp_path, hung))[0]) == "hang exts-late/"
    (tmp_path / "records.jsonl").unlink()
    run_dir = suites(tmp_path, case("steps", "fail", parameter="64"),
                     case("steps", "fail", parameter="32"), case("bits", "pass"))
    assert [str(one) for one in proposed(run_dir)] == [
        "kunit slubtorture-layout/steps: 64", "kunit slubtorture-layout/steps",
        "kunit slubtorture-layout/steps: 32"]


def test_propose_prints_signatures_why_and_the_next_command(
        capsys: pytest.CaptureFixture[str]) -> None:
    assert propose_main([str(REPORTS / "mail-quoted.log")]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == "oops get_partial_node" and "page fault" in lines[1]
    assert lines[-1] == 'make bisect GOOD=... BAD=... TREE=... SIGNATURE="oops get_partial_node"'


def test_plan_prints_what_it_takes(capsys: pytest.CaptureFixture[str]) -> None:
    assert plan_main(["24", "--seen", "3/15", "--jobs", "2"]) == 0
    said = capsys.readouterr().out
    assert "3 of 15 runs" in said and "worth it:   about 25 more runs of BAD first" in said
    assert plan_main(["4000"]) == 0
    said = capsys.readouterr().out
    assert said.startswith("12 steps and GOOD; BAD is run until the bug was seen 12 times")
    assert len(said.splitlines()) == 7 and max(map(len, said.splitlines())) <= 80


@pytest.mark.parametrize("words, problem", [
    (["24", "--seen", "3"], "no count of runs"), (["24", "--seen", "4/3"], "no rate"),
    (["x"], "no number of commits"), (["0"], "no number of commits"),
    (["24", "--error", "many"], "no number"), (["24", "--seen", "1/2", "--error", "60"],
                                             "no error"),
    (["24", "--seen", "0/9"], "did not show the bug")])
def test_plan_refuses_what_makes_no_sense(words: list[str], problem: str) -> None:
    with pytest.raises(ToolError, match=problem):
        plan_main(words)
    assert rate_of("3/15") == Rate(3, 15)


def test_simulate_prints_a_row_for_each_range_and_rate(capsys: pytest.CaptureFixture[str]) -> None:
    assert simulate_main(["--commits", "24,100", "--rate", "1,0.2", "--times", "20"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert [line.split()[:2] for line in lines[2:-1]] == [
        ["24", "1"], ["24", "0.2"], ["100", "1"], ["100", "0.2"]]
    assert max(map(len, lines)) <= 80 and "20 bisections" in lines[-1]


def test_simulate_takes_recorded_runs(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    outcomes = [Outcome.BAD if at % 5 == 0 else Outcome.GOOD for at in range(40)]
    (tmp_path / "journal").write_text("".join(
        Ran("abc", at, at, one, "").to_json() + "\n" for at, one in enumerate(outcomes)))
    words = ["--recorded", str(tmp_path / "journal"), "--commits", "24", "--times", "50"]
    assert simulate_main(words) == 0
    said = capsys.readouterr().out
    assert "recorded: the bug in 8 of 40 runs, 20 %" in said and "in 0 of 8," in said
    assert "\n24       8/40" in said
    with pytest.raises(ToolError, match="no run of xyz"):
        simulate_main([*words, "--commit", "xyz"])


@pytest.mark.parametrize("words, problem", [
    (["--rate", "2"], "no rate of a bug"), (["--rate", "often"], "no rate"),
    (["--commits", "1"], "no number of commits"), (["--times", "0"], "no number of bisections")])
def test_simulate_refuses_what_makes_no_sense(words: list[str], problem: str) -> None:
    with pytest.raises(ToolError, match=problem):
        simulate_main(words)
