# SPDX-License-Identifier: GPL-2.0
"""kunit.py and its report: suites are shown as they end, log and debugfs are
put together, and what is cut short, lost or contradictory is never a pass."""

from __future__ import annotations

import io
import json
from dataclasses import replace
from pathlib import Path

import ktap
import kunit
import kunit_report as report
import pytest
import setup as stp
from errors import ToolError
from kunit_logs import lines
from qemu.console import Kind, Splat, kernel_lines
from qemu.guest import GuestResult
from qemu.transcript import Logged, Step, Transcript

SPLAT = Splat(Kind.WARNING, "WARNING: x", ("WARNING: x",))
STALL = Splat(Kind.RCU_STALL, "rcu: INFO: rcu_sched detected stalls", ("rcu: INFO",))


def followed(name: str, upto: int | None = None) -> kunit.Follower:
    """A follower that was fed a golden log as init would send it."""
    follower = kunit.Follower(io.StringIO(), io.StringIO())
    follower.line("@ step kmsg ok")
    for number, line in enumerate(lines(name)[:upto]):
        follower.line(f"@ log {number}.5 {line.rstrip()}")
    return follower


def printed(follower: kunit.Follower) -> str:
    assert isinstance(follower.out, io.StringIO)
    return follower.out.getvalue()


def booted(console: str = "clean", ended: str | None = "ok", outcome: str = "powered-off",
           told: str = "", steps: tuple[Step, ...] = (),
           facts: dict[str, str] | None = None) -> stp.Booted:
    text = "slubtorture_kunit: loading out-of-tree module\n" + "\n".join(lines(console)) + "\n"
    transcript = Transcript(ended=ended, steps=steps, facts=facts or {},
                            report=tuple(lines(told)) if told else (),
                            log=(Logged(1.0, "x"),))
    return stp.Booted(transcript, GuestResult(outcome, 3.0), (), "",
                      tuple(kernel_lines(text.encode())))


def outcome(name: str, **kept: object) -> report.Outcome:
    follower = followed(name)
    follower.finish()
    return kunit.outcome_of(follower, booted(**{"console": name, **kept}))  # type: ignore[arg-type]


def test_suites_are_printed_as_they_end() -> None:
    assert printed(followed("clean", 20)) == ""
    text = printed(followed("clean"))
    assert text.splitlines()[0].split()[:4] == ["pass", "rec-first", "4", "passed,"]
    assert "    skip    rec-first: skips: one node only" in text.splitlines()
    assert text.count("\npass") == 1 and text.count("\nskip") == 1


def test_failed_cases_are_shown_with_their_evidence() -> None:
    text = printed(followed("failures"))
    assert "    fail    rec-first: par: 65536 bytes\n" in text
    assert "step 65536 is lost in 16 bits" in text and "failed to initialize (-22)" in text


def test_evidence_is_not_crowded_out_by_other_messages() -> None:
    noise = [f"page: refcount:{number}" for number in range(100)]
    own = ["    # case: EXPECTATION FAILED at suite.c:9", "    Expected a == b, but"]
    shown = report.evidence([*noise, *own, *noise], 30)
    assert shown[:2] == own and "more lines" in shown[-1] and len(shown) < 10
    assert report.evidence(own, 30) == own
    assert report.evidence(noise, 6)[:6] == noise[:6]


def test_long_silence_is_broken_on_standard_error() -> None:
    follower = followed("clean", 20)
    follower.said -= kunit.QUIET_S + 1
    follower.tick()
    follower.tick()
    assert isinstance(follower.err, io.StringIO)
    assert follower.err.getvalue().count("\n") == 1 and "rec-first" in follower.err.getvalue()
    assert follower.quiet_s == 2 * kunit.QUIET_S
    for line in lines("clean")[20:]:
        follower.line(f"@ log 21.5 {line.rstrip()}")
    assert follower.quiet_s == kunit.QUIET_S and "3 suites have ended" in follower.where()
    assert kunit.Follower(io.StringIO(), io.StringIO()).where() == "the guest boots"


@pytest.mark.parametrize("name, kept, status", [
    ("clean", {}, 0),
    ("failures", {}, 1),
    ("panic", {"ended": None}, 1),
    ("hang", {"ended": None, "outcome": "hang"}, 2),
    ("truncated", {"ended": None, "outcome": "died"}, 2),
    ("short-plan", {}, 2),
    ("duplicate-numbers", {}, 2),
    ("contradiction", {}, 1),
    ("clean", {"ended": None}, 2),
    ("clean", {"steps": (Step("insmod", "22 Invalid argument"),)}, 2),
])
def test_exit_status(name: str, kept: dict[str, object], status: int) -> None:
    assert outcome(name, **kept).status == status


def test_splat_outranks_passed_cases_and_a_stall_does_not() -> None:
    clean = outcome("clean")
    assert replace(clean, splats=(SPLAT,)).status == 1
    assert replace(clean, stalls=(STALL,)).status == 0
    assert replace(clean, problems=("lost",)).status == 2


def test_silence_is_no_pass() -> None:
    assert report.Outcome().status == 2
    follower = kunit.Follower(io.StringIO(), io.StringIO())
    follower.finish()
    assert kunit.outcome_of(follower, booted("boot-and-module")).status == 2


def test_panic_keeps_suites_before_it_and_names_where_it_was() -> None:
    got = outcome("panic", ended=None)
    assert [(suite.name, suite.verdict) for suite in got.suites] == [
        ("rec-first", "pass"), ("rec-second", "unfinished")]
    assert "1 of 3 suites were not reached" in got.problems
    shown = report.suite_lines(got.suites[1], got.crashed)
    assert shown[0].startswith("crashed rec-second")
    assert any(line.startswith("    crashed rec-second: result 4") for line in shown)
    assert got.splats[0].during == "rec-second: result 4"


def test_hang_is_broken_not_crashed() -> None:
    got = outcome("hang", ended=None, outcome="hang")
    assert report.suite_lines(got.suites[1], got.crashed)[0].startswith("broken")
    assert got.stalls and not got.splats


def test_console_has_what_the_log_did_not_send_before_the_crash() -> None:
    at = next(number for number, line in enumerate(lines("panic")) if "# Subtest: rec-second" in line)
    follower = followed("panic", at + 3)
    follower.finish()
    got = kunit.outcome_of(follower, booted("panic", ended=None))
    assert got.suites[1].count("pass") == 4 and got.suites[0].seconds is not None


def test_last_line_of_a_console_that_was_cut_is_no_result() -> None:
    text = "\n".join(["slubtorture_kunit: x", "KTAP version 1", "1..1", "    # Subtest: s",
                      "    1..2", "    ok 1 a", "    ok 2 half_of_a_na"])
    cut = replace(booted(ended=None), console=tuple(kernel_lines(text.encode())))
    follower = kunit.Follower(io.StringIO(), io.StringIO())
    follower.finish()
    assert [case.path for case in kunit.outcome_of(follower, cut).suites[0].cases] == [
        ("s", "a"), ("s", "result 2")]


def test_debugfs_has_the_last_word_on_a_suite_that_ended() -> None:
    got = outcome("garbled", told="boot-and-module")
    assert [(suite.verdict, suite.count("pass")) for suite in got.suites] == [("pass", 1)]
    assert got.notes and got.status == 0


def test_debugfs_makes_up_no_end_for_a_suite_that_did_not_end() -> None:
    live, _ = ktap.read(lines("panic"))
    told, _ = ktap.read(lines("clean"))
    suites, _ = report.merged(live, told, gaps=False)
    assert [suite.verdict for suite in suites] == ["pass", "unfinished", "skip"]
    suites, notes = report.merged(live, told, gaps=True)
    assert [suite.verdict for suite in suites] == ["pass", "pass", "skip"] and notes


def test_suites_that_only_debugfs_has_are_kept() -> None:
    suites, notes = report.merged([], ktap.read(lines("clean"))[0], gaps=False)
    assert len(suites) == 3 and not notes


def test_suite_that_could_not_begin_failed_once() -> None:
    live, _ = ktap.read(["1..1", "    # failed to initialize (-22)", "not ok 1 s"])
    told, _ = ktap.read(["1..1", "    # Subtest: s", "    1..1", "    # failed to initialize (-22)",
                         "not ok 1 s"])
    suites, _ = report.merged(live, told, gaps=False)
    assert (suites[0].count("fail"), suites[0].count("unfinished")) == (1, 0)


def test_summary_counts_everything() -> None:
    assert report.summary(outcome("clean")) == (
        "10 passed, 0 failed, 3 skipped; 3 of 3 suites ended; 0 splats")
    assert report.summary(outcome("panic", ended=None)).startswith(
        "8 passed, 0 failed, 2 skipped, 2 without result; 1 of 3 suites ended")
    assert "2 expected to fail" in report.summary(outcome("directives"))


def test_records_are_flat_and_say_suite_case_and_parameter() -> None:
    base = report.Record("r", "7.2.13-lab", "#1", "s390x", 4096, "", "", "", "", "", None, (), "make")
    text = report.to_json_lines(report.records(base, outcome("panic", ended=None)))
    found = [json.loads(line) for line in text.splitlines()]
    assert (found[3]["suite"], found[3]["case"], found[3]["parameter"], found[3]["verdict"],
            found[3]["reason"]) == ("rec-first", "par", "64 bytes", "skip", "too small")
    assert found[-1]["verdict"] == "crashed" and found[-1]["case"] == "result 4"
    assert {record["architecture"] for record in found} == {"s390x"}
    assert any("Kernel panic" in line for line in found[-1]["lines"])


def test_kernel_without_kunit_is_refused_with_a_way_out() -> None:
    kunit.check_config("CONFIG_KUNIT=y\nCONFIG_KUNIT_DEBUGFS=y\n", "tree")
    for config in ("", "CONFIG_KUNIT=m\nCONFIG_KUNIT_DEBUGFS=y\n", "CONFIG_KUNIT=y\n"):
        with pytest.raises(ToolError, match="CONFIG_KUNIT"):
            kunit.check_config(config, "tree")


def test_golden_logs_name_no_place_of_this_machine() -> None:
    for path in (Path(__file__).parent / "golden").glob("*.log"):
        assert b"/home/" not in path.read_bytes() and b"/tmp/" not in path.read_bytes()
