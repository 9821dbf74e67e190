# SPDX-License-Identifier: GPL-2.0
"""Kernel reports from logs as people paste them."""

from __future__ import annotations

from pathlib import Path

import pytest

from bisection.reports import Report, bare_name, cleaned, plain, reports_in
from qemu.console import Markers

REPORTS = Path(__file__).parent / "golden" / "reports"
CONSOLES = Path(__file__).resolve().parents[2] / "qemu" / "tests" / "golden"
MARKERS = Markers("slubtorture: begin ", "slubtorture: end ", "slubtorture: ")


def reports(path: Path) -> list[Report]:
    return reports_in(cleaned(path.read_text()), MARKERS)


@pytest.mark.parametrize("line", [
    "[   12.345678] BUG: KASAN: x", "[   12.345678][    C1] BUG: KASAN: x",
    "> > [ 12.345678] BUG: KASAN: x", ">>[ 12.345678] BUG: KASAN: x", "  | BUG: KASAN: x",
    "Nov  2 01:02:03 host kernel: [ 12.345678] BUG: KASAN: x",
    "Nov 21 01:02:03 host kernel: BUG: KASAN: x",
    "2026-11-21T01:02:03.123456+01:00 host kernel: BUG: KASAN: x",
    "2026-11-21 01:02:03,123 [ 12.345678] BUG: KASAN: x", "[01:02:03.5] BUG: KASAN: x",
    "[Sat Nov 21 01:02:03 2026] BUG: KASAN: x", "kern  :err   : [ 12.345678] BUG: KASAN: x",
    "<3>[   12.345678] BUG: KASAN: x", "<3>BUG: KASAN: x", "      [   12.345678] BUG: KASAN: x",
    "\tBUG: KASAN: x", "BUG: KASAN: x\r", "BUG: KASAN: x"])
def test_what_stands_before_a_kernels_line_is_taken_off(line: str) -> None:
    assert cleaned(line) == ["BUG: KASAN: x"]


@pytest.mark.parametrize("line", [
    " kfree+0x1/0x2", "[<0000000000123456>] kfree+0x1/0x2", "[c0000000026f7ae0] kfree+0x3/0x9",
    "12 objects", "kernel: nothing", "-> #1 (slab_mutex){+.+.}-{4:4}:", ""])
def test_a_kernels_own_words_stay(line: str) -> None:
    assert plain(line) == line


@pytest.mark.parametrize("name", [
    "kfree", "kfree.isra.0", "kfree.constprop.0.isra.1", "kfree.part.0.cold", ".kfree",
    "kfree.llvm.1234567"])
def test_a_function_has_no_suffix(name: str) -> None:
    assert bare_name(name) == "kfree"


@pytest.mark.parametrize("name, kind, detail, function", [
    ("kasan-5.10", "kasan", "use-after-free", "count_partial"),
    ("mail-quoted", "oops", "", "get_partial_node"),
    ("syslog", "refcount", "underflow-use-after-free", "obj_cgroup_release"),
    ("journal-iso", "slub", "right-redzone-overwritten", "free_to_partial_list"),
    ("dmesg-T", "lockdep", "possible-circular-locking-dependency", "kmem_cache_destroy"),
    ("dmesg-x", "oops", "", "show_slab_objects"),
    ("stall-then-warning", "soft-lockup", "", "consume_object"),
    ("kfence", "kfence", "use-after-free", "drain_obj_stock")])
def test_kind_detail_and_function(name: str, kind: str, detail: str, function: str) -> None:
    first = reports(REPORTS / f"{name}.log")[0]
    assert (first.kind, first.detail, first.functions[0]) == (kind, detail, function)


@pytest.mark.parametrize("name, kind, function", [
    ("panic", "oops", "kmem_cache_free"), ("oops-ppc64le", "oops", "kmem_cache_free"),
    ("oops-aarch64", "oops", "kmem_cache_free"), ("oops-s390x", "oops", "kmem_cache_free"),
    ("oops-riscv64", "oops", "kmem_cache_free"), ("bug-riscv64", "bug", "kmem_cache_free"),
    ("kasan", "kasan", "read_object"), ("kcsan", "kcsan", "consume_object"),
    ("ubsan", "ubsan", "consume_object")])
def test_an_oops_is_the_same_on_every_machine(name: str, kind: str, function: str) -> None:
    first = reports(CONSOLES / f"{name}.console")[0]
    assert (first.kind, first.functions[0], first.during) == (kind, function, "handoff-xchg")


def test_who_had_the_memory_before_is_not_where_it_happened() -> None:
    first = reports(REPORTS / "kasan-5.10.log")[0]
    assert first.functions[:3] == ("count_partial", "show_slab_objects", "slab_attr_show")
    assert not any("going_online" in name or "offline" in name for name in first.functions)
    assert "offline_pages" not in reports(REPORTS / "dmesg-T.log")[0].functions


def test_both_sides_of_a_race_are_known() -> None:
    first = reports(CONSOLES / "kcsan.console")[0]
    assert first.functions[:2] == ("consume_object", "publish_object")


def test_consequences_and_stalls_are_known_as_such() -> None:
    assert [one.is_consequence for one in reports(CONSOLES / "panic.console")] == [False, True]
    assert [one.is_stall for one in reports(REPORTS / "stall-then-warning.log")] == [True, False]


def test_a_clean_log_has_none() -> None:
    for path in (REPORTS / "clean.log", CONSOLES / "clean.console",
                 CONSOLES / "clean-foreign.console"):
        assert reports(path) == []


@pytest.mark.parametrize("path", sorted(REPORTS.glob("*.log")), ids=lambda path: str(path.name))
def test_every_cut_of_a_log_is_read(path: Path) -> None:
    text = path.read_text()
    for end in range(0, len(text), 23):
        reports_in(cleaned(text[:end]), MARKERS)
