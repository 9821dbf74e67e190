# SPDX-License-Identifier: GPL-2.0
"""Stages of make check: none passes although nothing was tested."""

from __future__ import annotations

import json
import os
import sys
import time
from pathlib import Path

import check
import check_matrix
import pytest
from stages import CALLERS, Count, command


def says(monkeypatch: pytest.MonkeyPatch, text: str, status: int = 0) -> None:
    monkeypatch.setattr(check, "command", lambda *_, **__: (status, text))


def test_a_lab_kernel_must_be_there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    image = tmp_path / "bzImage"
    for text, failed in ((f"image   {image}\n", 1), ("removed 1 kernels and 0 work trees\n", 1)):
        says(monkeypatch, text)
        assert len(check.lab_kernel("x", tmp_path, 1).failed) == failed
    image.touch()
    says(monkeypatch, f"kernel  7.2\nimage   {image}\nKDIR    /x\n")
    assert check.lab_kernel("x", tmp_path, 1) == Count(passed=1)
    says(monkeypatch, f"image   {image}\n", 2)
    assert check.lab_kernel("x", tmp_path, 1).failed


@pytest.mark.parametrize("verdicts, passed, failed", [
    (["pass", "skip"], 1, 0), (["skip", "skip"], 0, 1), ([], 0, 1), (["pass", "fail"], 1, 1)])
def test_suites_of_which_nothing_ran_are_a_failure(
        tmp_path: Path, monkeypatch: pytest.MonkeyPatch, verdicts: list[str], passed: int,
        failed: int) -> None:
    cases = [json.dumps({"suite": "s", "case": "c", "parameter": "", "verdict": verdict,
                         "reason": "r", "lines": []}) for verdict in verdicts]
    (tmp_path / "results.jsonl").write_text("\n".join(cases))
    monkeypatch.setattr(check, "compare_with_kunit_py", lambda *_: None)
    says(monkeypatch, f"files:  {tmp_path}\n")
    count = check.kunit_tests("x", tmp_path, 1)
    assert (count.passed, len(count.failed)) == (passed, failed)


@pytest.mark.parametrize("text, status, passed, failed", [
    ("", 0, 0, 1), ("slubtorture: k: run: skipped (1 s)\n", 0, 0, 1),
    ("slubtorture: k: run: silent (1 s)\n", 0, 1, 0), ("slubtorture: k: s: MISSED (1 s)\n", 1, 0, 1),
    ("slubtorture: k: run: silent (1 s)\n", 2, 1, 1)])
def test_no_kernel_asked_is_a_failure(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, text: str,
                                      status: int, passed: int, failed: int) -> None:
    monkeypatch.setattr(check_matrix, "command", lambda *_, **__: (status, text))
    count = check_matrix.busted_tests(tmp_path, 1)
    assert (count.passed, len(count.failed)) == (passed, failed)


@pytest.mark.parametrize("text, status, passed", [
    ("5 tests: 2 forbidden, 3 allowed, 0 broken; all as recorded; asked\n  of a kernel: 4; x", 0, 5),
    ("5 tests: 2 forbidden, 3 allowed, 0 broken; all as recorded; asked\n  of a kernel: 0; x", 0, 0),
    ("5 tests: 2 forbidden, 2 allowed, 1 broken; all as recorded; asked\n  of a kernel: 4; x", 0, 0),
    ("5 tests: 2 forbidden, 3 allowed, 0 broken; all as recorded; asked\n  of a kernel: 4; x", 1, 0),
    ("", 0, 0)])
def test_models_that_nothing_was_asked_of_are_a_failure(
        tmp_path: Path, monkeypatch: pytest.MonkeyPatch, text: str, status: int,
        passed: int) -> None:
    says(monkeypatch, text, status)
    count = check.model_tests(tmp_path, 1)
    assert (count.passed, len(count.failed)) == (passed, 0 if passed else 1)


def test_models_are_set_beside_the_newest_run_of_their_series(tmp_path: Path) -> None:
    assert check.newest_run(tmp_path, "7.2") == ""
    for number, name in enumerate(("20260101-000001-7.2.1-x-1", "20260101-000002-7.2.1-x-2",
                                  "20260101-000003-7.3.2-x-1", "20260101-000004-cycles-7.2.1-1")):
        place = tmp_path / "guests" / name
        place.mkdir(parents=True)
        (place / "records.jsonl").touch()
        os.utime(place / "records.jsonl", (number, number))
    assert check.newest_run(tmp_path, "7.2").endswith("-7.2.1-x-2")


def test_the_callers_variables_do_not_reach_the_tests(tmp_path: Path,
                                                      monkeypatch: pytest.MonkeyPatch) -> None:
    for name in CALLERS:
        monkeypatch.setenv(name, "not this")
    code = "import os; print(sorted(value for value in os.environ.items() if 'this' in value[1]))"
    assert command([sys.executable, "-c", code], tmp_path, "log", 60,
                   ARCH="this") == (0, "[('ARCH', 'this')]\n")


def test_what_is_too_slow_may_end_what_it_started(tmp_path: Path) -> None:
    begin = time.monotonic()
    words = ["bash", "-c", "trap 'echo ended; exit 0' TERM; echo begun; while :; do sleep 0.1; done"]
    assert command(words, tmp_path, "log", 1) == (124, "begun\nended\n")
    assert time.monotonic() - begin < 20
