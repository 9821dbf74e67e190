# SPDX-License-Identifier: GPL-2.0
"""console.py against golden consoles: every kind of splat, and two silences."""

from __future__ import annotations

from pathlib import Path

import pytest

from qemu.console import Kind, Markers, Splat, find_splats, kind_of, last_begun, tail

GOLDEN = Path(__file__).parent / "golden"
MARKERS = Markers("slubtorture: begin ", "slubtorture: end ", "slubtorture: ")


def read(name: str) -> bytes:
    return (GOLDEN / f"{name}.console").read_bytes()


def splats(name: str) -> list[Splat]:
    return find_splats(read(name), MARKERS)


def test_clean_console_has_none() -> None:
    assert splats("clean") == []
    assert last_begun(read("clean"), MARKERS) == ""


def test_panic_is_an_oops_then_a_panic_in_the_running_scenario() -> None:
    got = splats("panic")
    assert [splat.kind for splat in got] == [Kind.BUG, Kind.PANIC]
    assert {splat.during for splat in got} == {"handoff-xchg"}
    assert got[0].title == "BUG: unable to handle page fault for address: ffff888100000008"
    assert any("kmem_cache_free+0x4f" in line for line in got[0].text)
    assert last_begun(read("panic"), MARKERS) == "handoff-xchg"


@pytest.mark.parametrize("name, kind", [
    ("kasan", Kind.KASAN), ("refcount", Kind.REFCOUNT), ("lockdep", Kind.LOCKDEP),
    ("stall", Kind.SOFT_LOCKUP)])
def test_each_report_is_one_splat(name: str, kind: Kind) -> None:
    got = splats(name)
    assert [splat.kind for splat in got] == [kind]
    assert got[0].during == "handoff-xchg"
    assert not any("slubtorture: end" in line for line in got[0].text)


def test_warning_before_the_first_scenario_belongs_to_none() -> None:
    got = splats("boot-warning")
    assert [(splat.kind, splat.during, splat.in_boot) for splat in got] == [
        (Kind.WARNING, "", True)]
    assert not splats("kasan")[0].in_boot


@pytest.mark.parametrize("line, kind", [
    ("kernel BUG at mm/slub.c:4029!", Kind.BUG),
    ("rcu: INFO: rcu_preempt self-detected stall on CPU", Kind.RCU_STALL),
    ("INFO: task slub:12 blocked for more than 120 seconds.", Kind.HUNG_TASK),
    ("Oops: general protection fault, probably for non-canonical address", Kind.OOPS),
    ("BUG kmalloc-64 (Tainted: G    O): Redzone overwritten", Kind.SLUB),
    ("BUG: KCSAN: data-race in a / b", Kind.KCSAN),
    ("BUG: sleeping function called from invalid context at mm/slab.h:1", Kind.BUG),
    ("UBSAN: shift-out-of-bounds in mm/slub.c:1:2", Kind.UBSAN)])
def test_first_lines(line: str, kind: Kind) -> None:
    assert kind_of(line) is kind


@pytest.mark.parametrize("line", [
    "Kernel command line: oops=panic panic=-1", "Warning: unable to open an initial console.",
    "debug: oops is not a BUG", "Kernel panic_timeout set", ""])
def test_lines_that_are_no_splat(line: str) -> None:
    assert kind_of(line) is None


def test_tail_skips_empty_lines() -> None:
    assert tail(b"a\n\n[    1.0] b\r\n\r\n", 2) == ["a", "b"]


def test_every_cut_of_a_panic_parses() -> None:
    data = read("panic")
    for end in range(0, len(data), 11):
        find_splats(data[:end], MARKERS)
