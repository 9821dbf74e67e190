# SPDX-License-Identifier: GPL-2.0
"""Signatures as text, and what a run that is kept says about them."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path
from typing import Any

import pytest

import records as rec
from bisection.outcomes import Outcome
from bisection.reports import Report
from bisection.signature import REPORTS, Signature, is_in_report, outcome_of
from errors import ToolError

CONSOLES = Path(__file__).resolve().parents[2] / "qemu" / "tests" / "golden"


@pytest.mark.parametrize("text, same", [
    ("fail", ""), ("fail node-pointer-kept", ""), ("fail node-pointer-kept lifetime", ""),
    ("fail exts-late/exts-own-slot ordering", ""), ("fail exts-late/exts-own-slot", ""),
    ("fail exts-late/", ""), ("fail exts-late", "fail exts-late/"), ("fail ordering", ""),
    ("fail exts-late ordering", "fail exts-late/ ordering"), ("hang", ""),
    ("hang exts-late", "hang exts-late/"), ("panic", ""), ("kasan", ""),
    ("kasan use-after-free count_partial", ""), ("kasan count_partial", ""),
    ("oops count_partial.isra.0", "oops count_partial"), ("oops  kfree()", "oops kfree"),
    ("soft-lockup kfree", ""), ("kunit suite", ""), ("kunit suite/case", ""),
    ("kunit suite/case: 64 bytes, one/two", "")])
def test_a_signature_is_read_as_it_is_written(text: str, same: str) -> None:
    found = Signature.parsed(text)
    assert str(found) == (same or text)
    assert Signature.parsed(str(found)) == found


@pytest.mark.parametrize("text, problem", [
    ("", "begins with none of"), ("kasans", "begins with none of"),
    ("fail exts-lat/exts-own-slot", "no scenario is named exts-lat"),
    ("fail busted-exts-late/exts-own-slot", "is a control"),
    ("fail exts-own-slot orderly", "orderly is no cause"), ("hang exts-late twice", "2 words"),
    ("kunit", "0 words"), ("kasan use-after-free a b", "b is neither"),
    ("oops kfree+0x10/0x20", "is neither"), ("hang nothing", "no scenario")])
def test_a_wrong_one_is_refused_with_a_way_out(text: str, problem: str) -> None:
    with pytest.raises(ToolError, match=problem) as caught:
        Signature.parsed(text)
    assert caught.value.hint


def record(scenario: str, verdict: str, **more: Any) -> rec.Record:
    base = rec.Record(
        run_id="r", kernel_release="7.2", kernel_build="#1", architecture="x86_64",
        page_size=4096, cpus="0-1", nodes="0-1", scenario=scenario, seed=1, seconds=1,
        duration_ms=1, observations=9, overlaps=0, verdict=verdict,
        expected="fail:ordering" if scenario.startswith("busted-") else "pass", cause="none",
        invariant="-", evidence="-", reason="-", note="-", splat=(), layout=(), replay="-")
    return dataclasses.replace(base, **more)


CAUGHT = record("busted-exts-late", "fail", cause="ordering", invariant="exts-own-slot")
PASSED = record("exts-late", "pass")
FAILED = record("exts-late", "fail", cause="ordering", invariant="exts-own-slot",
                evidence="object 0 lost its owner", others=("exts-in-bounds:truncation",))


def kept(run_dir: Path, *records: rec.Record, console: str = "") -> Path:
    run_dir.mkdir(exist_ok=True)
    (run_dir / "records.jsonl").write_text(rec.to_json_lines(list(records)))
    (run_dir / "console").write_text(console)
    return run_dir


def outcome(run_dir: Path, text: str, status: int = 0) -> tuple[Outcome, str]:
    return outcome_of(run_dir, status, Signature.parsed(text))


@pytest.mark.parametrize("text, wanted", [
    ("fail exts-own-slot ordering", Outcome.BAD), ("fail exts-late/exts-own-slot", Outcome.BAD),
    ("fail exts-in-bounds truncation", Outcome.BAD), ("fail", Outcome.BAD),
    ("fail ordering", Outcome.BAD), ("fail exts-late", Outcome.BAD),
    ("fail exts-own-slot truncation", Outcome.OTHER), ("fail exts-in-bounds ordering",
                                                      Outcome.OTHER),
    ("fail exts-kmalloc/exts-own-slot", Outcome.OTHER), ("kasan", Outcome.OTHER),
    ("hang", Outcome.OTHER), ("kunit suite/case", Outcome.OTHER)])
def test_a_failure_is_the_hunted_one_or_another(tmp_path: Path, text: str,
                                                wanted: Outcome) -> None:
    got, said = outcome(kept(tmp_path, FAILED, CAUGHT), text, 1)
    assert got is wanted and "\n" not in said and "exts-late" in said


def test_a_whole_clean_run_is_good(tmp_path: Path) -> None:
    run_dir = kept(tmp_path, PASSED, CAUGHT, record("exts-kmalloc", "skip", reason="no memcg"))
    for text in ("fail exts-own-slot", "panic", "fail exts-late/exts-own-slot", "hang exts-late"):
        assert outcome(run_dir, text) == (Outcome.GOOD, "1 pass")


@pytest.mark.parametrize("records, status, said", [
    ((PASSED, record("exts-kmalloc", "broken", reason="no verdict: QEMU failed")), 2,
     "exts-kmalloc: no verdict: QEMU failed"),
    ((PASSED, record("busted-exts-late", "pass")), 2, "busted-exts-late was not caught"),
    ((record("exts-late", "skip", reason="it takes 64-bit"),), 0,
     "exts-late was skipped: it takes 64-bit"),
    ((record("exts-kmalloc", "pass"),), 0, "exts-late gave no verdict"),
    ((PASSED,), 2, "the run ended with status 2"), ((PASSED,), 143, "status 143"),
    ((), 2, "no verdict was kept")])
def test_a_run_that_is_not_whole_or_asked_nothing_is_broken(
        tmp_path: Path, records: tuple[rec.Record, ...], status: int, said: str) -> None:
    got, why = outcome(kept(tmp_path, *records), "fail exts-late/exts-own-slot", status)
    assert got is Outcome.BROKEN and said in why


def test_everything_skipped_is_broken(tmp_path: Path) -> None:
    run_dir = kept(tmp_path, record("exts-late", "skip", reason="no memcg"), CAUGHT)
    assert outcome(run_dir, "panic") == (Outcome.BROKEN, "everything was skipped: no memcg")


def test_an_empty_or_torn_run_is_broken(tmp_path: Path) -> None:
    assert outcome(tmp_path / "none", "panic", 2)[0] is Outcome.BROKEN
    run_dir = kept(tmp_path, PASSED)
    (run_dir / "records.jsonl").write_text('{"run_id": "r", "ker')
    got, said = outcome(run_dir, "fail", 0)
    assert got is Outcome.BROKEN and "cannot be read" in said


def test_a_hang_is_broken_unless_it_is_hunted(tmp_path: Path) -> None:
    hung = record("exts-late", "broken",
                  reason="no verdict: the guest hung: no sign of life, ended by the watchdog")
    later = record("exts-kmalloc", "broken", reason="not reached: the guest hung: no sign of life")
    run_dir = kept(tmp_path, hung, later)
    assert outcome(run_dir, "fail", 2)[0] is Outcome.BROKEN
    assert outcome(run_dir, "hang", 2)[0] is outcome(run_dir, "hang exts-late", 2)[0] is Outcome.BAD
    assert outcome(run_dir, "hang exts-kmalloc", 2)[0] is Outcome.BROKEN


def console(name: str) -> str:
    return (CONSOLES / f"{name}.console").read_text()


def test_a_kernels_report_is_the_hunted_one_or_another(tmp_path: Path) -> None:
    splat = record("handoff-xchg-xchg", "fail", cause="lifetime", invariant="no-splat")
    run_dir = kept(tmp_path, splat, console=console("kasan"))
    for text, wanted in (("kasan", Outcome.BAD), ("kasan use-after-free read_object", Outcome.BAD),
                         ("kasan slab-use-after-free", Outcome.BAD), ("kfence", Outcome.OTHER),
                         ("kasan slab-out-of-bounds", Outcome.OTHER),
                         ("kasan count_partial", Outcome.OTHER),
                         ("fail no-splat lifetime", Outcome.BAD)):
        assert outcome(run_dir, text, 1)[0] is wanted, text


def test_a_report_alone_is_another_failure(tmp_path: Path) -> None:
    got, said = outcome(kept(tmp_path, PASSED, console=console("kasan")), "fail", 0)
    assert got is Outcome.OTHER and "BUG: KASAN" in said


def test_stalls_and_warnings_of_the_boot_are_nobodys(tmp_path: Path) -> None:
    for name in ("stall", "boot-warning", "clean"):
        run_dir = kept(tmp_path, PASSED, console=console(name))
        assert outcome(run_dir, "fail")[0] is Outcome.GOOD, name
    assert outcome(kept(tmp_path, PASSED, console=console("boot-warning")),
                   "warning check")[0] is Outcome.BAD


def test_what_a_control_makes_the_kernel_say_is_not_the_kernels(tmp_path: Path) -> None:
    during = console("kasan").replace("begin handoff-xchg", "begin busted-handoff-xchg-xchg")
    run_dir = kept(tmp_path, PASSED, console=during)
    assert outcome(run_dir, "kasan")[0] is Outcome.GOOD


def test_a_kernel_that_does_not_boot_is_broken_unless_that_is_hunted(tmp_path: Path) -> None:
    text = "[    0.1] Kernel panic - not syncing: VFS: Unable to mount root fs\n"
    run_dir = kept(tmp_path, console=text)
    got, said = outcome(run_dir, "fail", 2)
    assert got is Outcome.BROKEN and "in the boot" in said
    assert outcome(run_dir, "panic", 2)[0] is Outcome.BAD


def test_the_hunted_function_may_be_called_by_the_one_on_top() -> None:
    report = Report("oops", "", ("inlined", "count_partial", "show", "far_away"), "t")
    for name, seen in (("inlined", True), ("count_partial", True), ("far_away", False),
                       ("count", False)):
        assert is_in_report(Signature("oops", function=name), report) is seen


def test_every_kind_of_report_can_be_hunted() -> None:
    for kind in REPORTS:
        found = Signature.parsed(kind)
        assert found.is_report and is_in_report(found, Report(kind, "", (), "t"))
        assert not is_in_report(found, Report("other", "", (), "t"))


def case(name: str, verdict: str, **more: Any) -> dict[str, Any]:
    return {"suite": "slubtorture-layout", "case": name, "parameter": "", "verdict": verdict,
            "reason": "", "lines": [], **more}


def suites(run_dir: Path, *cases: dict[str, Any]) -> Path:
    (run_dir / "results.jsonl").write_text("".join(json.dumps(one) + "\n" for one in cases))
    return run_dir


@pytest.mark.parametrize("text, wanted", [
    ("kunit slubtorture-layout", Outcome.BAD), ("kunit slubtorture-layout/steps", Outcome.BAD),
    ("kunit slubtorture-layout/steps: 64", Outcome.BAD),
    ("kunit slubtorture-layout/steps: 32", Outcome.OTHER),
    ("kunit slubtorture-nodes", Outcome.OTHER), ("fail stride-fits-type truncation", Outcome.BAD),
    ("fail stride-fits-type ordering", Outcome.OTHER), ("fail", Outcome.BAD)])
def test_a_case_of_kunit(tmp_path: Path, text: str, wanted: Outcome) -> None:
    run_dir = suites(tmp_path, case("bits", "pass"), case(
        "steps", "fail", parameter="64",
        lines=["    stride-fits-type: 1 asked, 1 broken; cause: truncation; evidence: x"]))
    assert outcome(run_dir, text, 1)[0] is wanted


@pytest.mark.parametrize("cases, status, wanted", [
    ((case("bits", "pass"), case("steps", "pass")), 0, Outcome.GOOD),
    ((case("bits", "pass"), case("steps", "skip")), 0, Outcome.BROKEN),
    ((case("bits", "pass"),), 0, Outcome.BROKEN),
    ((case("bits", "pass"), case("steps", "broken")), 2, Outcome.BROKEN),
    ((case("bits", "pass"), case("steps", "pass")), 2, Outcome.BROKEN),
    ((case("bits", "crashed"), case("steps", "pass")), 1, Outcome.OTHER)])
def test_suites_that_did_not_show_it(tmp_path: Path, cases: tuple[dict[str, Any], ...],
                                     status: int, wanted: Outcome) -> None:
    got, said = outcome(suites(tmp_path, *cases), "kunit slubtorture-layout/steps", status)
    assert got is wanted and said
