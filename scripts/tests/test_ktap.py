# SPDX-License-Identifier: GPL-2.0
"""ktap.py against golden logs, those of real boots among them: what is whole is
read whole, and what is cut, mixed or contradicts itself is never a pass."""

from __future__ import annotations

import random

import ktap
import pytest
from ktap import BROKEN, FAIL, PASS, SKIP, TODO, UNFINISHED
from kunit_logs import GOLDEN, lines, suites

GOLDENS = sorted(path.stem for path in GOLDEN.glob("*.log"))
VERDICTS = (PASS, FAIL, SKIP, TODO, UNFINISHED)


def counts(name: str) -> dict[str, tuple[str, ...]]:
    """"suite" -> its verdict and "N verdict" for those that any case has."""
    return {suite.name: (suite.verdict, *(f"{suite.count(verdict)} {verdict}"
                                          for verdict in VERDICTS if suite.count(verdict)))
            for suite in suites(name).values()}


@pytest.mark.parametrize("name, expected", [
    ("clean", {"rec-first": (PASS, "4 pass", "2 skip"), "rec-second": (PASS, "6 pass"),
               "rec-third": (SKIP, "1 skip")}),
    ("failures", {"rec-first": (FAIL, "3 pass", "1 fail", "2 skip"),
                  "rec-second": (FAIL, "5 pass", "1 fail"), "rec-third": (FAIL, "1 fail")}),
    ("panic", {"rec-first": (PASS, "4 pass", "2 skip"),
               "rec-second": (UNFINISHED, "4 pass", "2 unfinished")}),
    ("hang", {"rec-first": (PASS, "4 pass", "2 skip"),
              "rec-second": (UNFINISHED, "4 pass", "2 unfinished")}),
    ("truncated", {"rec-first": (PASS, "4 pass", "2 skip"),
                   "rec-second": (UNFINISHED, "3 pass", "3 unfinished")}),
    ("short-plan", {"first": (BROKEN, "3 pass", "1 unfinished"), "second": (PASS, "1 pass")}),
    ("lost-suite-end", {"first": (UNFINISHED, "1 pass", "2 unfinished"),
                        "second": (FAIL, "1 fail")}),
    ("no-plan", {"first": (FAIL, "2 pass", "1 fail")}),
    ("old-tap", {"first": (FAIL, "1 pass", "1 fail")}),
    ("duplicate-numbers", {"first": (BROKEN, "3 pass"), "second": (PASS, "1 pass")}),
    ("directives", {"first": (FAIL, "2 pass", "1 fail", "2 skip", "1 todo"),
                    "second": (SKIP, "3 skip"), "third": (PASS, "1 todo")}),
    ("garbled", {"first": (BROKEN, "2 pass", "1 unfinished")}),
    ("contradiction", {"first": (FAIL, "1 pass", "1 fail"), "second": (FAIL, "2 pass", "1 fail")}),
    ("boot-and-module", {"first": (PASS, "1 pass")}),
    ("deep", {"first": (FAIL, "2 pass", "1 fail")}),
])
def test_golden_logs_are_counted(name: str, expected: dict[str, tuple[str, ...]]) -> None:
    assert counts(name) == expected


def test_every_golden_log_is_counted_somewhere() -> None:
    marks = test_golden_logs_are_counted.pytestmark  # type: ignore[attr-defined]
    assert {case[0] for case in marks[0].args[1]} | {"stamped"} == set(GOLDENS)


def test_suites_that_were_planned_and_never_came_are_missed() -> None:
    assert ktap.read(lines("panic"))[1] == ["2 of 3 suites were reported"]
    assert ktap.read(lines("failures"))[1] == []
    assert ktap.read(["KTAP version 1", "1..2"])[1] == ["0 of 2 suites were reported"]
    assert ktap.read([])[1] == ["it holds no result"]


def test_time_stamps_change_nothing_but_the_seconds() -> None:
    plain, stamped = suites("failures"), suites("stamped")
    assert [suite.said for suite in plain.values()] == [suite.said for suite in stamped.values()]
    assert all(suite.seconds is None for suite in plain.values())
    # the third could not begin, so it has no header from which to count
    assert [suite.seconds is None for suite in stamped.values()] == [False, False, True]
    times = [case.seconds for case in stamped["rec-first"].cases]
    assert all(time is not None and time >= 0 for time in times)


def test_evidence_belongs_to_the_case_that_failed() -> None:
    failed = [case for suite in suites("failures").values() for case in suite.cases
              if case.verdict == FAIL]
    assert [case.text for case in failed] == ["rec-first: par: 65536 bytes", "rec-second: fails",
                                              "rec-third"]
    said = "\n".join(failed[0].lines)
    assert "EXPECTATION FAILED" in said and "step 65536 is lost in 16 bits" in said
    assert "failed to initialize (-22)" in failed[2].lines[-1]
    assert not any("FAILED" in line for case in suites("clean")["rec-first"].cases
                   for line in case.lines)


def test_messages_between_lines_are_kept_with_their_case() -> None:
    noisy = next(case for case in suites("clean")["rec-first"].cases if case.path[1] == "noisy")
    assert any("a line of the kernel's own" in line for line in noisy.lines)


def test_case_in_which_the_kernel_died_has_its_last_words() -> None:
    died = [case for case in suites("panic")["rec-second"].cases if case.verdict == UNFINISHED]
    assert [case.text for case in died] == ["rec-second: result 4"]
    assert any("Kernel panic" in line for line in died[0].lines)


def test_reasons_of_directives() -> None:
    reasons = {case.path[-1]: case.reason for case in suites("directives")["first"].cases}
    assert reasons == {"a": "one node only", "b": "", "c": "12 bits are lost",
                       "d": "works already", "e": "60 s", "f": "rcode=0"}


@pytest.mark.parametrize("name, problem", [
    ("short-plan", "d: result 4 where 3 was due"), ("short-plan", "first: 3 of 4 results"),
    ("duplicate-numbers", "b: result 2 where 3 was due"),
    ("lost-suite-end", "first: no result of its own"),
    ("contradiction", "first: ok, with 1 failed below it"),
    ("garbled", "the kernel counted 3 passed and 0 failed, here are 2 and 0"),
])
def test_problems_are_named(name: str, problem: str) -> None:
    assert any(problem in suite.problems for suite in suites(name).values())


def test_whole_logs_have_no_problem() -> None:
    for name in ("clean", "failures", "stamped", "directives", "old-tap", "no-plan", "deep"):
        assert not any(suite.problems for suite in suites(name).values()), name


def test_pass_over_nothing_is_no_pass() -> None:
    found, _ = ktap.read(["1..1", "    # Subtest: s", "    1..0", "ok 1 s"])
    assert found[0].verdict == BROKEN


def test_header_that_was_lost_is_a_problem() -> None:
    found, _ = ktap.read(["1..1", "    ok 1 a", "ok 1 s"])
    assert found[0].verdict == BROKEN and found[0].count(PASS) == 1


def test_events_come_with_the_line_that_brings_them() -> None:
    parser, seen = ktap.Parser(), []
    for line in lines("short-plan"):
        seen.append([type(event).__name__ for event in parser.feed(line)])
    assert seen[3] == ["Begun"] and seen[5] == ["Case"] and seen[8] == ["Suite"]
    assert parser.finish() == [] and parser.planned == 2 and parser.ended == 2


def test_running_suite_is_known_while_it_runs() -> None:
    parser = ktap.Parser()
    running = []
    for line in lines("short-plan")[:9]:
        parser.feed(line)
        running.append((parser.running, parser.done))
    assert running[1] == ("", 0) and running[5] == ("first", 1) and running[8] == ("", 0)


@pytest.mark.parametrize("name", GOLDENS)
def test_every_cut_is_read_and_never_invents_a_result(name: str) -> None:
    all_lines = lines(name)
    whole = {case.path for suite in ktap.read(all_lines)[0] for case in suite.cases}
    for end in range(len(all_lines)):
        found, problems = ktap.read(all_lines[:end])
        cases = [case for suite in found for case in suite.cases if case.verdict != UNFINISHED]
        assert {case.path for case in cases} <= whole
        assert found or problems


@pytest.mark.parametrize("name", ["clean", "failures", "panic"])
def test_what_a_lost_line_hides_is_never_a_whole_pass(name: str) -> None:
    """Without any one line that gives a result there is a problem somewhere."""
    all_lines = lines(name)
    for at, line in enumerate(all_lines):
        if not line.strip().startswith(("ok ", "not ok ")):
            continue
        found, problems = ktap.read(all_lines[:at] + all_lines[at + 1:])
        assert problems or any(suite.problems for suite in found), line


def test_shuffled_doubled_and_lost_lines_never_raise() -> None:
    chance = random.Random(4)
    for _ in range(400):
        text = lines(chance.choice(GOLDENS))
        for _ in range(chance.randrange(1, 6)):
            at, to = chance.randrange(len(text)), chance.randrange(len(text))
            change = chance.randrange(3)
            if change == 0 and len(text) > 2:
                del text[at]
            elif change == 1:
                text.insert(to, text[at])
            else:
                text[at], text[to] = text[to], text[at]
        found, _ = ktap.read(text)
        assert all(suite.verdict for suite in found)


@pytest.mark.parametrize("name", GOLDENS)
def test_document_is_read_as_the_log_it_was_made_of(name: str) -> None:
    found, _ = ktap.read(lines(name))
    again, _ = ktap.read(ktap.document(found, len(found)).splitlines())
    named = [(suite.name, {verdict: suite.count(verdict) for verdict in VERDICTS})
             for suite in found]
    assert named == [(suite.name, {verdict: suite.count(verdict) for verdict in VERDICTS})
                     for suite in again]


def test_result_of_another_case_does_not_end_the_one_that_is_open() -> None:
    found, _ = ktap.read(["1..1", "    # Subtest: s", "    1..2", "        # Subtest: a",
                          "        1..2", "        ok 1 x", "    ok 2 b", "ok 1 s"])
    assert [(case.path, case.verdict) for case in found[0].cases] == [
        (("s", "a", "x"), PASS), (("s", "a", "result 2"), UNFINISHED), (("s", "b"), PASS)]
    assert found[0].verdict == BROKEN and "a: no result of its own" in found[0].problems


def test_totals_are_not_asked_of_a_suite_that_did_not_end() -> None:
    found, _ = ktap.read(["1..1", "    # Subtest: s", "    1..2", "    ok 1 a",
                          "# Totals: pass:2 fail:0 skip:0 total:2"])
    assert found[0].problems == ("s: no result of its own",)
