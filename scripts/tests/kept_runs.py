# SPDX-License-Identifier: GPL-2.0
"""Directories as `make run` and `make kunit` leave them, for the tests of what
is written for other people's tools."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import kunit_report
import records as rec

RUN = "20260101-120000-7.2.1-cloud-amd64-7"
BASE = rec.Record(
    run_id=RUN, kernel_release="7.2.1-cloud-amd64", kernel_build="#1 SMP Debian 7.2.1-1",
    architecture="x86_64", page_size=4096, cpus="0-1", nodes="0-1", scenario="exts-sweep", seed=7,
    seconds=4, duration_ms=1500, observations=8261, overlaps=0, verdict=rec.PASS,
    expected=rec.PASS, cause="none", invariant="-", evidence="-", reason="-", note="16 caches",
    splat=(), layout=("source=BTF",), replay="make run KERNEL=7.2 SCENARIO='exts-sweep' SEED=7")
FAILED = replace(BASE, scenario="node-offline-online", verdict=rec.FAIL, cause="lifetime",
                 invariant="node-pointer-kept", evidence="a pointer became 0, <&> \x1b[31m",
                 others=("slab-owns-object:corruption",), breach_ms=900,
                 splat=("BUG: KASAN: use-after-free in count_partial", "\x00 ]]> \ufffe"))
SKIPPED = replace(BASE, scenario="exts-leftover", verdict=rec.SKIP, observations=0, note="-",
                  reason="kernels before 7.0 have none")
BROKEN = replace(BASE, scenario="charge-dying", verdict=rec.BROKEN, observations=0, note="-",
                 reason="no verdict: the guest hung")
UNREACHED = replace(BROKEN, scenario="inspect", reason="not reached: the guest hung")
CONTROL = replace(BASE, scenario="busted-exts-sweep", expected="fail:ordering", verdict=rec.FAIL,
                  cause="ordering", invariant="exts-present")
MISSED = replace(CONTROL, scenario="busted-exts-late", verdict=rec.PASS, cause="none")
WRONG = replace(CONTROL, scenario="busted-exts-kmalloc", cause="corruption")
ALL = [BASE, FAILED, SKIPPED, BROKEN, UNREACHED, CONTROL, MISSED, WRONG]

CASE = kunit_report.Record(
    run_id="20260101-120000-kunit-7.2.1-lab-1", kernel_release="7.2.1-lab", kernel_build="#1",
    architecture="x86_64", page_size=4096, suite="slubtorture-layout", case="layout_is_learned",
    parameter="", verdict="pass", reason="", seconds=0.5, lines=("# said",), replay="make kunit")
CASES = [CASE, replace(CASE, case="matches", parameter="slab->obj_exts", verdict="fail",
                       lines=("    # matches: EXPECTATION FAILED", "8 is not 16")),
         replace(CASE, case="none", verdict="skip", reason="one node only"),
         replace(CASE, case="known", verdict="todo", reason="not yet"),
         replace(CASE, case="falls", verdict="crashed", lines=("Oops: 0002",)),
         replace(CASE, case="hangs", verdict="broken", seconds=None)]


def run(directory: Path, records: list[rec.Record], **files: str) -> Path:
    """A run's directory below `directory`, named by its records."""
    where = directory / records[0].run_id
    where.mkdir()
    rec.save(where, {"replay": "make run KERNEL=7.2 SEED=7\n", "config": "CONFIG_NUMA=y\n",
                     **files, "records.jsonl": rec.to_json_lines(records)})
    return where


def kunit(directory: Path, cases: list[kunit_report.Record], **files: str) -> Path:
    where = directory / cases[0].run_id
    where.mkdir()
    rec.save(where, {**files, "results.jsonl": kunit_report.to_json_lines(cases)})
    return where
