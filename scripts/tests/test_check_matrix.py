# SPDX-License-Identifier: GPL-2.0
"""The stage of make check that asks a matrix: each promise counts, and nothing
passes that was not asked."""

from __future__ import annotations

from pathlib import Path

import busted
import check_matrix
import pytest
from bisection.journal import Journal
from lab import spec
from matrices import columns, facts, plan, state
from matrices.facts import Seen
from matrices.plan import Visit
from matrix_samples import KERNELS, QUIET, RIGHT, SUITE


def journal(tmp_path: Path, answers: dict[str, list[Seen]]) -> Path:
    found = Journal(tmp_path / "j")
    found.add("matrix", format=state.FORMAT, code="x")
    for kernel in KERNELS:
        found.add("kernel", **state.kernel_fact(kernel))
        if kernel.name in answers:
            visit = Visit(kernel, "named" if kernel.is_busted else "usual", 1)
            found.add("visit", **state.visit_fact(
                visit, facts.to_json(answers[kernel.name]), 1.0, 0))
    return found.path


TWIN = Seen("busted-exts-in-object", "fail", (("i", "x"),), expected="x")
GOOD = {"7.2": [QUIET, TWIN], "7.2/stride": [RIGHT, SUITE], "7.2/harmless": [QUIET]}


@pytest.mark.parametrize("answers, status, passed, failed", [
    (GOOD, 0, 4, 0), (GOOD, 2, 4, 1), ({}, 0, 0, 1),
    ({**GOOD, "7.2/stride": [QUIET, SUITE]}, 1, 3, 1),
    ({**GOOD, "7.2/harmless": [RIGHT]}, 1, 3, 1),
    ({**GOOD, "7.2/nodes": [Seen("node-offline-online", "skip")]}, 0, 4, 0)])
def test_each_promise_and_each_silence_is_a_test(
        answers: dict[str, list[Seen]], status: int, passed: int, failed: int,
        tmp_path: Path) -> None:
    count = check_matrix.judged(journal(tmp_path, answers), status, "said")
    assert (count.passed, len(count.failed)) == (passed, failed), count
    assert len(count.skipped) == ("7.2/nodes" in answers)


def test_a_journal_of_nothing_is_a_failure(tmp_path: Path) -> None:
    assert check_matrix.judged(tmp_path / "none", 2, "x").failed
    (tmp_path / "j").write_text("nonsense\n")
    assert "line 1" in check_matrix.judged(tmp_path / "j", 2, "x").failed[0]


def test_it_asks_all_that_make_busted_asked(tmp_path: Path,
                                            monkeypatch: pytest.MonkeyPatch) -> None:
    """Every patch with Check: yes, in the group for each kind of its promises;
    suites and usual scenarios where nothing may fail."""
    asked: dict[str, str] = {}
    monkeypatch.setattr(check_matrix, "command",
                        lambda *_, **values: (asked.update(values), (2, ""))[1])
    (tmp_path / "guests/matrix").mkdir(parents=True)
    assert check_matrix.matrix_tests(tmp_path, 1).failed
    assert not (tmp_path / "guests/matrix").exists()  # nothing is taken for asked
    assert asked["ASK"] == "promises" and not asked.get("MINUTES")
    found, _ = columns.chosen(columns.Wishes(asked["KERNEL"], asked["STOCK"], asked["PATCH"]))
    visits = {(visit.kernel.patch, visit.group) for visit in plan.visits(found, 1, True)}
    for patch in ("", *(name for name in spec.known_patches() if name.startswith("7.2/"))):
        header = busted.read_header(patch) if patch else None
        if header and not header.check:
            continue
        wanted = plan.promised(header) if header and not header.harmless else ["usual", "suites"]
        assert visits.issuperset((patch, group) for group in wanted)
