# SPDX-License-Identifier: GPL-2.0
"""kselftest.py: what the program and the guest's init say is judged; memory that
stays offline, a run that tried nothing and a wrong status are each found."""

from __future__ import annotations

import kselftest
import pytest
from guests import MARKERS
from qemu.console import find_splats
from qemu.guest import GuestResult
from qemu.transcript import parse
from setup import Booted

BLOCKS = "8=online:Movable 9=online:Movable"
OUTPUT = ("KTAP version 1\n1..7\nok 1 objects\n# 500 values, 0 wrong\nok 6 memory_restored\n"
          "ok 7 memory_went\n# 12 blocks went, 3 refused\n")


def guest(**changed: str) -> Booted:
    facts = {"selftest-before-blocks": BLOCKS, "selftest-absent": "exit 4"}
    for name in kselftest.ENDINGS:
        facts |= {f"selftest-{name}": "exit 0", f"selftest-{name}-blocks": BLOCKS,
                  f"selftest-{name}-then": BLOCKS.replace("8=online", "8=offline"),
                  f"selftest-{name}-ms": "900"}
    facts |= {key.replace("_", "-"): value for key, value in changed.items()}
    text = "".join(f"@ fact {key}={value}\n" for key, value in facts.items())
    output = changed.get("output", OUTPUT)
    text += "".join(f"@ report {name} {line}\n" for name in kselftest.ENDINGS
                    for line in output.splitlines())
    return Booted(parse(text.encode()), GuestResult("powered-off", 1.0), (), "", ())


def problems(booted: Booted) -> list[str]:
    return [one.problem for one in kselftest.findings_of(booted) if one.problem]


def test_a_good_guest_has_no_problem() -> None:
    assert problems(guest()) == []
    said = kselftest.rows(guest(), kselftest.findings_of(guest()))
    assert said[1] == "1..10" and "# 10 passed, 0 failed, 0 skipped" in said
    assert "# whole run: 12 blocks went, 500 values were read" in said


@pytest.mark.parametrize("key, value, told", [
    ("selftest_int", "signal 2", "signal 2; it said"),
    ("selftest_whole", "exit 1", "exit 1; it said"),
    ("selftest_absent", "exit 0", "exit 0 instead of exit 4"),
    ("selftest_term_blocks", "8=online:Movable 9=offline:Movable,Normal", "9=offline"),
    ("selftest_hup_blocks", "8=online:Normal 9=online:Movable", "8=online:Normal"),
    ("selftest_int_then", BLOCKS, "no block was away"),
    ("selftest_hup_then", "8=going-offline:Movable", "no block was away"),
    ("selftest_hup_ms", "999999", "999999 ms")])
def test_each_problem_is_told(key: str, value: str, told: str) -> None:
    found = problems(guest(**{key: value}))
    assert len(found) == 1 and told in found[0]


@pytest.mark.parametrize("output, told", [
    (OUTPUT.replace("12 blocks", "0 blocks"), "nothing was tried"),
    (OUTPUT.replace("500 values", "0 values"), "nothing was tried"),
    (OUTPUT.replace("ok 6 memory_restored\n", ""), "did not say")])
def test_a_run_that_tried_nothing_is_no_pass(output: str, told: str) -> None:
    found = problems(guest(output=output))
    assert len(found) == len(kselftest.ENDINGS) and all(told in text for text in found)


def test_what_the_kernel_says_counts() -> None:
    splats = tuple(find_splats(b"BUG: something\n---[ end trace\n", MARKERS))
    booted = guest()
    assert len(problems(Booted(booted.transcript, booted.result, splats, "", ()))) == 1
