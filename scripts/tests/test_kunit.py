# SPDX-License-Identifier: GPL-2.0
"""kunit.py: nested KTAP is read to its leaves, and a report that is cut short,
miscounts or contradicts itself is never a pass."""

from __future__ import annotations

from pathlib import Path

import kunit
import pytest
from errors import ToolError

GOOD = """KTAP version 1
1..1
    KTAP version 1
    # Subtest: slubtorture
    1..3
        KTAP version 1
        # Subtest: stk_truncated_step
        ok 1 65536 bytes
        ok 2 131072 bytes
    # stk_truncated_step: pass:2 fail:0 skip:0 total:2
    ok 1 stk_truncated_step
    ok 2 stk_late_step
    ok 3 stk_other # SKIP not here
# slubtorture: pass:2 fail:0 skip:1 total:3
# Totals: pass:3 fail:0 skip:1 total:4
ok 1 slubtorture
""".splitlines()


def changed(old: str, new: str) -> kunit.Report:
    return kunit.read("\n".join(GOOD).replace(old, new).splitlines())


def test_leaves_are_found_with_their_paths() -> None:
    report = kunit.read(GOOD)
    assert [case.path for case in report.cases] == [
        ("slubtorture", "stk_truncated_step", "65536 bytes"),
        ("slubtorture", "stk_truncated_step", "131072 bytes"),
        ("slubtorture", "stk_late_step"), ("slubtorture", "stk_other")]
    assert (report.count(ok=True), report.count(ok=True, skipped=True)) == (3, 1)
    assert report.problems == ()
    assert kunit.status(report, splats=0) == 0


def test_failed_leaf_fails_and_is_shown_with_its_notes() -> None:
    text = "\n".join(GOOD).replace("        ok 2", "        # stk: EXPECTATION FAILED at x:1\n"
                                   "        not ok 2").replace("ok 1 stk", "not ok 1 stk")
    report = kunit.read(text.replace("\nok 1", "\nnot ok 1").splitlines())
    assert [case.text for case in report.cases if not case.ok] == [
        "slubtorture: stk_truncated_step: 131072 bytes"]
    assert kunit.status(report, splats=0) == 1
    assert any("EXPECTATION FAILED" in line for line in kunit.shown(report))


def test_suite_that_failed_by_itself_is_a_failure() -> None:
    report = changed("\nok 1 slubtorture", "\nnot ok 1 slubtorture")
    assert [case.path for case in report.cases if not case.ok] == [("slubtorture",)]
    assert kunit.status(report, splats=0) == 1


def test_ok_over_a_failure_is_no_pass() -> None:
    report = changed("ok 2 stk_late_step", "not ok 2 stk_late_step")
    assert report.problems and kunit.status(report, splats=0) == 1


def test_crash_in_the_middle_is_no_pass() -> None:
    for cut in range(len(GOOD) - 1):
        report = kunit.read(GOOD[:cut])
        assert report.problems, GOOD[:cut]
        assert kunit.status(report, splats=0) == 2
    assert kunit.status(kunit.read(GOOD[:8]), splats=1) == 1
    assert any("cut short inside slubtorture" in each for each in kunit.read(GOOD[:8]).problems)


def test_plan_that_is_not_kept_is_no_pass() -> None:
    assert kunit.status(changed("1..3", "1..4"), splats=0) == 2
    assert kunit.status(changed("    ok 2 stk_late_step\n", ""), splats=0) == 2
    assert kunit.status(changed("\n1..1\n", "\n1..2\n"), splats=0) == 2


def test_splat_outranks_passed_cases() -> None:
    assert kunit.status(kunit.read(GOOD), splats=1) == 1


def test_silence_is_no_pass() -> None:
    assert kunit.status(kunit.read([]), splats=0) == 2


def test_kernel_without_kunit_is_refused_with_a_way_out() -> None:
    kunit.check_config("CONFIG_KUNIT=y\nCONFIG_KUNIT_DEBUGFS=y\n", "tree")
    for config in ("", "CONFIG_KUNIT=m\nCONFIG_KUNIT_DEBUGFS=y\n", "CONFIG_KUNIT=y\n"):
        with pytest.raises(ToolError, match="CONFIG_KUNIT"):
            kunit.check_config(config, "tree")


def test_series_is_refused_before_anything_is_fetched(tmp_path: Path) -> None:
    kunit.check_kernel(str(tmp_path))
    for name in ("", "7.2", str(tmp_path / "absent")):
        with pytest.raises(ToolError, match="stock kernels"):
            kunit.check_kernel(name)
