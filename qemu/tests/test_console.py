# SPDX-License-Identifier: GPL-2.0
"""console.py against golden consoles: every kind of splat, and two silences."""

from __future__ import annotations

from pathlib import Path

import pytest

from qemu.console import (Kind, Markers, Pulse, Splat, find_splats, kind_of, last_begun, tail,
                          telling)

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


@pytest.mark.parametrize("name, kinds, title", [
    ("oops-ppc64le", [Kind.BUG, Kind.PANIC], "BUG: Unable to handle kernel data access on read"),
    ("oops-aarch64", [Kind.OOPS, Kind.PANIC], "Unable to handle kernel NULL pointer dereference"),
    ("oops-s390x", [Kind.OOPS, Kind.PANIC], "Unable to handle kernel pointer dereference in"),
    ("exception-s390x", [Kind.OOPS, Kind.PANIC], "specification exception: 0006 ilc:3"),
    ("oops-riscv64", [Kind.OOPS, Kind.PANIC], "Unable to handle kernel paging request"),
    ("bug-riscv64", [Kind.BUG, Kind.PANIC], "kernel BUG at mm/slub.c:4029!"),
    ("kcsan", [Kind.KCSAN], "BUG: KCSAN: data-race in consume_object [slubtorture] / publish"),
    ("ubsan", [Kind.UBSAN], "UBSAN: shift-out-of-bounds in module/core/plan.cc:61:20"),
    ("hard-lockup-ppc64le", [Kind.SOFT_LOCKUP], "watchdog: CPU 0 detected hard LOCKUP")])
def test_every_architecture_and_sanitizer_is_understood(name: str, kinds: list[Kind],
                                                        title: str) -> None:
    got = splats(name)
    assert [splat.kind for splat in got] == kinds
    assert got[0].title.startswith(title)
    assert {splat.during for splat in got} == {"handoff-xchg"}
    assert not any("slubtorture: " in line for splat in got for line in splat.text)
    if Kind.PANIC in kinds:
        assert len(got[0].text) > 5 and got[1].title.startswith("Kernel panic - not syncing: ")
        assert last_begun(read(name), MARKERS) == "handoff-xchg"


def test_what_other_architectures_say_of_themselves_is_no_splat() -> None:
    assert splats("clean-foreign") == []


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
    ("UBSAN: shift-out-of-bounds in mm/slub.c:1:2", Kind.UBSAN),
    ("Internal error: UBSAN: array index out of bounds: 00000000f2005512 [#1]  SMP", Kind.UBSAN),
    ("Internal error: Oops - Undefined instruction: 0000000002000000 [#1]  SMP", Kind.OOPS),
    ("Internal error: synchronous external abort: 0000000096000010 [#1]  SMP", Kind.OOPS),
    ("Insufficient stack space to handle exception!", Kind.OOPS),
    ("Oops: Exception in kernel mode, sig: 4 [#1]", Kind.OOPS),
    ("Bad kernel stack pointer 7fffd5a40a50 at c00000000000c788", Kind.OOPS),
    ("BUG: Kernel NULL pointer dereference on write at 0x00000008", Kind.BUG),
    ("Oops - illegal instruction [#1]", Kind.OOPS),
    ("Kernel BUG [#1]", Kind.OOPS),
    ("illegal operation: 0001 ilc:1 [#1]SMP", Kind.OOPS),
    ("monitor event: 0040 ilc:2 [#1]SMP", Kind.OOPS),
    ("Kernel stack pointer invalid", Kind.OOPS),
    ("traps: PANIC: double fault, error_code: 0x0", Kind.OOPS),
    ("watchdog: CPU1: Watchdog detected hard LOCKUP on cpu 1", Kind.SOFT_LOCKUP),
    ("watchdog: CPU 1 self-detected hard LOCKUP @ queued_spin_lock+0x10", Kind.SOFT_LOCKUP),
    ("watchdog: CPU 1 Hard LOCKUP", Kind.SOFT_LOCKUP),
    ("watchdog: BUG: soft lockup - CPU#1 stuck for 22s! [handoff/1:71]", Kind.SOFT_LOCKUP),
    ("WARNING: possible irq lock inversion dependency detected", Kind.LOCKDEP),
    ("WARNING: HARDIRQ-safe -> HARDIRQ-unsafe lock order detected", Kind.LOCKDEP),
    ("WARNING: handoff/1/71 still has locks held!", Kind.LOCKDEP),
    ("[ BUG: Invalid wait context ]", Kind.LOCKDEP),
    ("BUG: MAX_LOCKDEP_CHAIN_HLOCKS too low!", Kind.LOCKDEP),
    ("WARNING: mm/slub.c:1 at kfree+0x1/0x2, CPU#0: init/1", Kind.WARNING)])
def test_first_lines(line: str, kind: Kind) -> None:
    assert kind_of(line) is kind


@pytest.mark.parametrize("line", [
    "Kernel command line: oops=panic panic=-1", "Warning: unable to open an initial console.",
    "debug: oops is not a BUG", "Kernel panic_timeout set", "",
    "watchdog: CPU 1 became unstuck TB:14302152113",
    "User process fault: interruption code 0010 ilc:2 in init[10000+81000]",
    "UBSAN is not an error", "Internal errors: 0", "INFO: lockdep is turned off."])
def test_lines_that_are_no_splat(line: str) -> None:
    assert kind_of(line) is None


def dying(console: bytes) -> bool:
    return Pulse(MARKERS).is_dying(console)


BEGUN = b"slubtorture: begin handoff-xchg\n"
KASAN = b"BUG: KASAN: use-after-free in count_partial+0x1c/0x5e\n"
STALL = b"rcu: INFO: rcu_sched self-detected stall on CPU\n"


def test_splat_of_a_test_and_then_a_stall_is_a_dying_kernel() -> None:
    assert dying(read("kasan-then-stall"))
    assert dying(BEGUN + KASAN + b"watchdog: BUG: soft lockup - CPU#1 stuck for 26s! [a:1]\n")


@pytest.mark.parametrize("name", sorted(
    path.stem for path in GOLDEN.glob("*.console") if path.stem != "kasan-then-stall"))
def test_no_other_console_is_a_dying_kernels(name: str) -> None:
    assert not dying(read(name))


@pytest.mark.parametrize("console", [
    BEGUN + STALL + STALL,  # a busy host's
    BEGUN + KASAN,          # reported, and gone on
    BEGUN + STALL + KASAN,  # other order: the kernel came on, or there would be no report
    BEGUN + KASAN + b"INFO: task handoff/1:71 blocked for more than 120 seconds.\n",
    KASAN + STALL,          # of the boot, no test was running
    BEGUN + KASAN + STALL + KASAN,  # news since
    BEGUN + KASAN + STALL + b"slubtorture: end handoff-xchg fail\n",
    BEGUN + KASAN + b"slubtorture: end handoff-xchg fail\nslubtorture: begin b\n" + STALL,
    BEGUN + KASAN + STALL.rstrip()])  # half a line is none
def test_kernels_that_may_live(console: bytes) -> None:
    assert not dying(console)


def test_pulse_is_the_same_whatever_the_pieces() -> None:
    whole = read("kasan-then-stall")
    at = whole.index(b"\n", whole.index(b"detected stalls")) + 1
    pulse = Pulse(MARKERS)
    felt = [pulse.is_dying(whole[end:end + 1]) for end in range(len(whole))]
    assert felt == [False] * (at - 1) + [True] * (len(whole) - at + 1)


def test_word_from_the_channel_is_a_sign_of_life_until_the_next_stall() -> None:
    pulse = Pulse(MARKERS)
    assert pulse.is_dying(BEGUN + KASAN + STALL)
    assert not pulse.is_dying(b"", b"ok 1 handoff-xchg\n")
    assert not pulse.is_dying(b"? show_slab_objects+0x147/0x23f\n")
    assert pulse.is_dying(STALL)


def test_tail_skips_empty_lines() -> None:
    assert tail(b"a\n\n[    1.0] b\r\n\r\n", 2) == ["a", "b"]


@pytest.mark.parametrize("name", ["panic", "oops-ppc64le", "oops-s390x", "kcsan"])
def test_every_cut_of_a_panic_parses(name: str) -> None:
    data = read(name)
    for end in range(0, len(data), 11):
        find_splats(data[:end], MARKERS)


@pytest.mark.parametrize("name, calls", [
    ("oops-aarch64", ("pc : kmem_cache_free", " kmem_cache_free+", " consume_object+")),
    ("oops-ppc64le", ("NIP [", "consume_object+", "kthread+")),
    ("oops-riscv64", ("epc : kmem_cache_free", "] consume_object+")),
    ("oops-s390x", ("(kmem_cache_free+0x46", "] consume_object+", "] kthread+")),
    ("panic", ("RIP: 0010:kmem_cache_free", " consume_object+"))])
def test_a_short_splat_tells_calls_not_registers(name: str, calls: tuple[str, ...]) -> None:
    splat = find_splats((GOLDEN / f"{name}.console").read_bytes(), MARKERS)[0]
    short = telling(splat.text, 25)
    assert splat.title in short[0]
    for call in calls:
        assert any(call in line for line in short), call
    for register in ("RAX: ", "GPR00: ", "x29: ", " a0 : ", "Krnl GPRS: ", "Code: "):
        assert not any(line.lstrip().startswith(register.lstrip()) for line in short), register


def test_a_short_splat_has_room_for_its_calls() -> None:
    text = ("BUG: bad", *(f"RAX: {at:016x}" for at in range(9)), *(f"said {at}" for at in range(30)),
            "Call Trace:", " ? guessed+0x1/0x2", *(f" caller_{at}+0x1/0x2" for at in range(30)))
    short = telling(text, 10)
    assert short == ["BUG: bad", *(f"said {at}" for at in range(4)), "Call Trace:",
                     *(f" caller_{at}+0x1/0x2" for at in range(4))]
