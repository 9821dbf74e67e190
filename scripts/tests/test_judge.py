# SPDX-License-Identifier: GPL-2.0
"""judge.py and the exit status, over golden guests of every sad kind."""

from __future__ import annotations

from dataclasses import replace

import pytest
from guests import BASE, CHOSEN, GOLDEN, by_name, channel, ending, judged
from judge import BOOT, OUTSIDE, Ending, judge
from qemu.console import Kind, Splat
from qemu.transcript import Step, parse
from records import BROKEN, FAIL, PASS, Record, exit_status, from_json_lines, to_json_lines
from report import table


def verdicts(name: str, console: str = "clean", outcome: str = "powered-off") -> list[str]:
    return [record.verdict for record in judged(name, console, outcome)]


def test_clean_run_is_0() -> None:
    records = judged("clean")
    assert [record.verdict for record in records] == ["pass", "fail", "pass"]
    assert records[1].is_caught
    assert records[2].overlaps == 77 and records[2].observations == 2000
    assert exit_status(records) == 0


def test_fail_is_1_with_cause_and_evidence() -> None:
    records = judged("fail")
    assert (records[2].cause, records[2].invariant) == ("ordering", "free-sees-alloc")
    assert exit_status(records) == 1


def test_what_else_broke_is_kept_in_the_record() -> None:
    whole = (GOLDEN / "fail.ktap").read_text()
    others = '# others scenario=handoff-xchg broken="kept-under-rcu:lifetime,exts-aligned:unknown"'
    at = whole.index("# record scenario=handoff-xchg")
    end = whole.index("\n", at) + 1
    records = judge(BASE, CHOSEN, parse((whole[:end] + others + "\n" + whole[end:]).encode()),
                    ending("clean"))
    assert records[2].others == ("kept-under-rcu:lifetime", "exts-aligned:unknown")
    assert from_json_lines(to_json_lines(records))[2].others == records[2].others
    assert "also broken: kept-under-rcu (lifetime), exts-aligned (unknown)" in " ".join(
        table(records).split())
    assert judged("fail")[2].others == ()


def test_panic_fails_its_scenario_and_keeps_the_verdicts_before() -> None:
    records = judged("panic", "panic")
    assert [record.verdict for record in records] == ["pass", "fail", "fail"]
    assert records[2].invariant == "no-splat" and records[2].cause == "unknown"
    assert "unable to handle page fault" in records[2].evidence
    assert any("kmem_cache_free" in line for line in records[2].splat)
    assert exit_status(records) == 1


def test_a_breach_that_was_told_outlives_the_kernel() -> None:
    whole = (GOLDEN / "panic.ktap").read_text()
    begin = "    # Subtest: handoff-xchg\n"
    told = ('    # breach invariant=free-sees-alloc cause=ordering breach_ms=12 '
            'evidence="saw 0, 7 is right"\n')
    assert whole.count(begin) == 1

    def last(line: str, console: str, outcome: str) -> Record:
        return judge(BASE, CHOSEN, parse(whole.replace(begin, begin + line).encode()),
                     ending(console, outcome))[2]

    down = last(told, "panic", "powered-off")
    assert (down.verdict, down.invariant, down.cause, down.evidence, down.breach_ms) == (
        FAIL, "free-sees-alloc", "ordering", "saw 0, 7 is right", 12)
    assert down.splat and "went down" in down.reason
    more = told.replace("free-sees-alloc", "exts-own-slot").replace("ordering", "corruption")
    both = last(told + more, "panic", "powered-off")
    assert (both.invariant, both.others) == ("free-sees-alloc", ("exts-own-slot:corruption",))
    hung = last(told, "clean", "hang")
    assert (hung.verdict, hung.invariant) == (FAIL, "free-sees-alloc")
    cut = last(told[:60] + "\n", "panic", "powered-off")
    assert (cut.verdict, cut.invariant) == (FAIL, "no-splat")  # not a whole line


def test_hang_is_broken() -> None:
    records = judged("hang", "stall", "hang")
    assert [record.verdict for record in records] == ["pass", "fail", "broken"]
    assert "hung" in records[2].reason and "soft lockup" in records[2].reason
    assert exit_status(records) == 2


def test_kernel_that_was_dying_went_down() -> None:
    records = judged("hang", "kasan-then-stall", "down")
    assert [record.verdict for record in records] == ["pass", "fail", "fail"]
    assert (records[2].invariant, records[2].cause) == ("no-splat", "lifetime")
    warned = Splat(Kind.WARNING, "WARNING: mm/slub.c:1 at kfree", ("WARNING: mm/slub.c:1",), "x")
    for scenario in judge(BASE, CHOSEN, channel("hang"), Ending("down", (warned,)))[2:]:
        assert "the kernel went down: WARNING: mm/slub.c:1 at kfree" in scenario.reason


@pytest.mark.parametrize("console", ["kasan", "refcount", "lockdep"])
def test_splat_fails_a_scenario_that_said_pass(console: str) -> None:
    records = judged("clean", console)
    assert records[2].verdict == "fail" and records[2].splat
    assert records[2].observations == 2000
    assert exit_status(records) == 1


def test_stall_alone_does_not_overturn_a_verdict() -> None:
    assert verdicts("clean", "stall") == ["pass", "fail", "pass"]


def test_warning_of_the_boot_is_nobodys() -> None:
    assert verdicts("clean", "boot-warning") == ["pass", "fail", "pass"]


def test_truncated_record_is_broken_not_pass() -> None:
    records = judged("truncated", outcome="died")
    assert records[2].verdict == "broken" and "QEMU failed" in records[2].reason


def test_interleaving_changes_nothing() -> None:
    assert verdicts("interleaved") == verdicts("clean")


def test_silent_control_is_broken_though_all_else_passes() -> None:
    records = judged("silent-control")
    assert records[1].verdict == "pass" and not records[1].is_caught
    assert exit_status(records) == 2


def test_control_with_the_wrong_cause_is_not_caught() -> None:
    data = channel("clean")
    for tagged in data.all("record"):
        if tagged.fields["scenario"] == "busted-exts-external":
            tagged.fields["cause"] = "ordering"
    records = judge(BASE, CHOSEN, data, ending("clean"))
    assert not records[1].is_caught and exit_status(records) == 2


def test_pass_over_nothing_is_broken() -> None:
    data = channel("clean")
    data.all("record")[-1].fields["observations"] = "0"
    assert judge(BASE, CHOSEN, data, ending("clean"))[2].verdict == "broken"


def test_refusal_gives_the_kernels_reason() -> None:
    records = judged("refused", "refused")
    assert {record.verdict for record in records} == {"broken"}
    assert "Invalid argument (seconds=0: not from 1 to 86400)" in records[0].reason
    assert exit_status(records) == 2


def test_module_that_stays_loaded_is_told() -> None:
    data = channel("clean")
    steps = tuple(step for step in data.steps if step.name != "rmmod")
    stuck = Step("rmmod", "16 Device or resource busy")
    changed = replace(data, steps=(*steps, stuck))
    record = by_name(judge(BASE, CHOSEN, changed, ending("clean")))[OUTSIDE]
    assert record.verdict == "broken" and "busy" in record.reason


@pytest.mark.parametrize("title, cause", [
    ("BUG: KASAN: use-after-free in _raw_spin_lock_irqsave+0x7/0x20", "lifetime"),
    ("BUG: KASAN: slab-use-after-free in count_partial+0x7/0x20", "lifetime"),
    ("BUG: KASAN: slab-out-of-bounds in count_partial+0x7/0x20", "unknown"),
    ("WARNING: possible circular locking dependency detected", "unknown")])
def test_a_use_after_free_is_about_lifetime(title: str, cause: str) -> None:
    kind = Kind.KASAN if "KASAN" in title else Kind.LOCKDEP
    splat = Splat(kind, title, (title,), "exts-external")
    found = by_name(judge(BASE, CHOSEN, channel("clean"), Ending("died", (splat,))))[
        "exts-external"]
    assert (found.verdict, found.invariant, found.cause) == ("fail", "no-splat", cause)
    assert found.evidence == title


def test_splat_while_unloading_fails_the_run_and_no_scenario() -> None:
    splat = Splat(Kind.KASAN, "BUG: KASAN: use-after-free in exit", ("BUG: KASAN",))
    records = judge(BASE, CHOSEN, channel("clean"), Ending("powered-off", (splat,)))
    assert [record.verdict for record in records] == ["pass", "fail", "pass", "fail"]
    assert records[3].scenario == OUTSIDE and exit_status(records) == 1


@pytest.mark.parametrize("title", ["BUG: KASAN: wild-memory-access in rcu_is_watching",
                                   "WARNING: possible recursive locking detected"])
def test_a_checker_that_spoke_in_the_boot_is_silent_afterwards(title: str) -> None:
    kind = Kind.KASAN if "KASAN" in title else Kind.LOCKDEP
    splat = Splat(kind, title, (title,), in_boot=True)
    records = judge(BASE, CHOSEN, channel("clean"), Ending("powered-off", (splat,)))
    assert [record.verdict for record in records] == ["pass", "fail", "pass", "broken"]
    assert records[3].scenario == BOOT and title in records[3].reason
    assert exit_status(records) == 2


def test_no_records_at_all_is_2() -> None:
    assert exit_status([]) == 2


def test_on_a_folded_guest_nothing_passes() -> None:
    why = "the guest is not the one that was asked for: nodes 0,1 wanted, 0 found"
    folded = replace(ending("clean"), nodes_problem=why)
    found = by_name(judge(BASE, CHOSEN, channel("folded"), folded))
    assert found["guest-nodes"].verdict == BROKEN and found["guest-nodes"].reason == why
    assert found["handoff-xchg"].verdict == BROKEN and found["exts-external"].reason == why
    assert found["busted-exts-external"].is_caught
    assert exit_status(list(found.values())) == 2


def test_what_failed_on_a_folded_guest_has_failed() -> None:
    folded = replace(ending("clean"), nodes_problem="folded")
    found = judge(BASE, CHOSEN, channel("fail"), folded)
    assert FAIL in {record.verdict for record in found} and exit_status(found) == 1
    assert PASS not in {record.verdict for record in found if not record.is_control}


MEETS = "slubtorture: meets node 1's structure before it is initialised: sysfs objects; list null"


def test_a_reader_that_was_announced_may_take_the_guest_down() -> None:
    """A hang is an answer where the module said right before who meets what."""
    quiet = ending("stall", "hang")
    told = replace(quiet, console=("slubtorture: begin handoff-xchg", MEETS, *quiet.console))
    record = judge(BASE, CHOSEN, channel("hang"), told)[2]
    assert (record.verdict, record.invariant, record.cause) == (
        FAIL, "node-initialised-when-visible", "ordering")
    assert "sysfs objects; list null; then: " in record.evidence and "soft lockup" in record.evidence
    assert record.splat and exit_status([record]) == 1
    elsewhere = replace(quiet, console=("slubtorture: begin exts-external", MEETS,
                                        "slubtorture: end exts-external pass", *quiet.console))
    assert judge(BASE, CHOSEN, channel("hang"), elsewhere)[2].verdict == BROKEN


def test_a_hang_without_a_word_of_the_kernel_is_told_as_one() -> None:
    told = Ending("hang", (), "handoff-xchg", ("slubtorture: begin handoff-xchg", MEETS))
    record = judge(BASE, CHOSEN, channel("hang"), told)[2]
    assert record.verdict == FAIL and "then: the guest hung" in record.evidence


def test_a_crash_of_an_announced_reader_is_the_structures_fault() -> None:
    down = ending("panic")
    told = replace(down, console=("slubtorture: begin handoff-xchg", MEETS, *down.console))
    record = judge(BASE, CHOSEN, channel("panic"), told)[2]
    assert record.invariant == "node-initialised-when-visible"
    assert "unable to handle page fault" in record.evidence


def test_what_a_lost_reader_keeps_is_not_held_against_the_module() -> None:
    rest = Ending("powered-off", (), "", ())
    stays = channel("clean")
    stays = replace(stays, steps=(*stays.steps, Step("rmmod", "Resource temporarily unavailable")))
    assert judge(BASE, CHOSEN, stays, rest)[-1].scenario == OUTSIDE
    lost = parse("# abandoned scenario=node-publication-met-objects\n".encode())
    stays = replace(stays, tagged=(*stays.tagged, *lost.tagged))
    assert judge(BASE, CHOSEN, stays, rest)[-1].scenario == "handoff-xchg"
