# SPDX-License-Identifier: GPL-2.0
"""A report of how node structures are published, as plain text of 72 columns:
what, where, which readers, what the memory model says, what a run showed and
what it did not, how to repeat it, the smallest patch.

Only arranges: verdicts of litmus tests are those recorded in selftests/litmus,
what was seen is in the records of the run.
"""

from __future__ import annotations

import re
import textwrap
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import litmus
from lab import spec
from lab.patches import diff_of
from qemu.console import telling
from qemu.store import write_whole
from records import FAIL, PASS, Record

COLUMNS = 72
SCENARIO = "node-publication"
PATCH = "7.2/node-published-with-release"
_PATCHED = re.compile(r"\bPATCH=(\S+)")
_SPLAT_LINES = 18

WHAT = """When a node gets its first memory, slab_mem_going_online_callback()
allocates a struct kmem_cache_node (and a struct node_barn) for every
cache, initialises it, and stores its address in s->per_node[nid].node
(.barn) with a plain store. slub_cpu_setup() does so with barns, when
a node gets its first CPU. Nothing orders the initialising stores before
that of the pointer for readers that do not take slab_mutex: the memory
model lets them follow the pointer and find a list_lock, list heads and
counters that hold what the memory held before."""

READ_ONLY = """This was found by reading the code and by the model. These runs did not
see it on an unmodified kernel, and on x86, which keeps the order of
stores, they cannot. What a reader does with a structure that is not
initialised was seen on kernels whose program order was changed (see
"What was run"); that part is no claim about unmodified kernels."""

SEEN = """An unmodified kernel was seen to do it: see "What was run"."""

WHERE = """mm/slub.c of 7.2 and 7.3:
  A  slab_mem_going_online_callback(): .node and .barn of all caches
  B  slub_cpu_setup(): .barn of all caches
Three more places store these pointers, and cannot be met:
init_kmem_cache_nodes() fills in a cache that nobody can find yet, and
early_kmem_cache_node_alloc(), which even publishes before it
initialises, and bootstrap_cache_sheaves() run while one CPU is up."""

SINCE = """Sysfs readers since e4f8e513c3d3 (5.4), which took get_online_mems()
out of show_slab_objects(); kmem_cache_shrink() since 7e1fa93deff4
(5.12); barns since 2d517aa09bbc (6.18)."""

MACHINE = """gcc 12.2 compiles A of 7.2.13 for arm64 (64 KiB pages) to
        str     xzr, [x0, #8]           n->nr_partial
        str     wzr, [x1], #16          n->list_lock
        str     x1, [x0, #16]           n->partial.next
        ...
        str     x0, [x26, #192]         s->per_node[nid].node
with no barrier in between, and likewise for ppc64le (std) and riscv64
(sd). The pointer is in another cache line than the structure, and these
machines may let another CPU see the second store first. On x86 the
compiler left the pointer's store last in every build looked at, which
is luck: nothing in the source asks for it."""


@dataclass(frozen=True)
class Pair:
    """A reader of what is published and how it gets there; for both publishers
    the litmus test of the same shape, "" where it does not use what they
    publish; `why` is what stands in between where it cannot be met."""

    reader: str
    how: str
    online: str
    cpu: str = ""
    why: str = ""


PLAIN, BARN = "node-publish-plain", "node-publish-barn-plain"
PAGE, ZONES, MUTEX = "node-publish-page", "node-publish-zonelist", "node-publish-slab-mutex"
CREATE, CPU = "node-publish-create", "node-publish-cpu"

PAIRS: tuple[Pair, ...] = (
    Pair("show_slab_objects()", "sysfs, no lock", PLAIN),
    Pair("validate_slab_cache()", "sysfs, no lock", PLAIN),
    Pair("slab_debug_trace_open()", "debugfs, no lock", PLAIN),
    Pair("__kmem_cache_do_shrink()", "sysfs or a driver, no lock", PLAIN),
    Pair("  its barn_shrink()", "the same, asks any node", BARN, BARN),
    Pair("slab_out_of_memory()", "failed allocation, any node", PLAIN),
    Pair("refill_objects()", "any allocation, a CPU of it (*)", PLAIN),
    Pair("get_from_partial()", "the same, or it is named (*)", PLAIN),
    Pair("get_from_any_partial(),", "by a list of zones", ZONES, "",
         "build_all_zonelists() comes after A in online_pages(), and the zone's lock is taken "
         "and left more than once in between"),
    Pair("  __refill_objects_any()", "the same", ZONES, "", "as above"),
    Pair("alloc_from_new_slab(), ...", "by a page of the node", PAGE, "",
         "the page came from the zone's free list, under its lock, after A had returned; also "
         "alloc_single_from_new_slab(), inc_slabs_node(), dec_slabs_node()"),
    Pair("__slab_free(), ...", "by a page of the node", PAGE, "",
         "as above; also free_to_partial_list()"),
    Pair("get_slabinfo()", "/proc/slabinfo", MUTEX, "", "slab_start() takes slab_mutex, as A does"),
    Pair("__kmem_cache_shutdown()", "kmem_cache_destroy()", MUTEX, MUTEX,
         "kmem_cache_destroy() holds slab_mutex"),
    Pair("a new cache's readers", "its file, its name", CREATE, CREATE,
         "kernfs's locks and slab_mutex stand between its creation and its first user"),
    Pair("get_barn()", "on a CPU of that node", CPU, CPU,
         "B runs before the CPU does; A makes a barn only for a node that has no CPU"),
    Pair("rcu_free_sheaf()", "node of the CPU that filled it", CPU, CPU, "as above"),
)


# Seen in a guest: refill_objects() was the reader of node-publication-met-alloc.
MEMORYLESS = """  (*) numa_mem_id() is the node of the CPU, also while that node has no
  memory, unless CONFIG_HAVE_MEMORYLESS_NODES is set, which of all
  architectures only powerpc has (7.2). There somebody has to name the
  node, as callers of kmem_cache_alloc_node() with cpu_to_node() do."""


@dataclass(frozen=True)
class Met:
    """What became of one reader, of a record."""

    reader: str
    what: str


def concerned(records: Sequence[Record]) -> list[Record]:
    """Records of a run that this report is about."""
    return [record for record in records
            if record.scenario.startswith(SCENARIO) and record.verdict in (PASS, FAIL)]


def _verdicts() -> dict[str, litmus.Expected]:
    return {one.name: one for one in litmus.load(litmus.TESTS)}


def _can(test: str, recorded: dict[str, litmus.Expected]) -> str:
    return "-" if not test else "no" if recorded[test].verdict.forbidden else "yes"


def pair_lines() -> list[str]:
    """A line for each reader: may it meet what A, what B publishes, by the model?"""
    recorded = _verdicts()
    lines = [f"  {'reader':<27}{'comes by':<34}{'A':<5}B"]
    for pair in PAIRS:
        a, b = _can(pair.online, recorded), _can(pair.cpu, recorded)
        lines.append(f"  {pair.reader:<27}{pair.how:<34}{a:<5}{b}".rstrip())
    return lines


def reader_lines() -> list[str]:
    return [*pair_lines(), *MEMORYLESS.splitlines()]


def why_lines() -> list[str]:
    """What keeps the others out, with the test of that shape."""
    lines: list[str] = []
    for pair in PAIRS:
        if pair.why:
            lines += _wrapped(f"{pair.reader.strip(' ,')}: {pair.why} ({pair.online})", "  ", "    ")
    return lines


def fate(record: Record) -> Met | None:
    """What became of the reader that a record is about; None where it met nothing."""
    name = record.scenario.removeprefix(f"{SCENARIO}-met-")
    if name == record.scenario or record.verdict != FAIL:
        return None
    if record.splat:
        title = next((line for line in record.splat if "BUG" in line or "Oops" in line
                      or "stall" in line or "fault" in line), record.splat[0])
        stalled = "stall" in title or "lockup" in title
        return Met(name, f"{'hangs' if stalled else 'crashes'}: {title.strip()}")
    said = re.search(r"met it and (.*)$", record.evidence)
    if said and said[1].startswith("came back"):
        return Met(name, said[1])
    if "never came back" in record.evidence or "hung" in record.evidence:
        return Met(name, "hangs")
    return Met(name, said[1] if said else record.evidence)


def fate_lines(records: Sequence[Record]) -> list[str]:
    """What each reader did that met a structure before it was initialised."""
    lines: list[str] = []
    for record in records:
        met = fate(record)
        if met:
            lines += _wrapped(f"{met.reader:<17}{met.what}", "  ", " " * 19)
    return lines or ["  (no reader was let at one in these runs: node-publication-met-*)"]


def fix_lines() -> list[str]:
    """What the model says of the fix, and of half of it."""
    recorded = _verdicts()
    names = ("node-publish-release", "node-publish-barn-release", "node-publish-release-plain",
             "node-publish-once")
    return [f"  {name:<29}{recorded[name].verdict.result}"
            f"{', data race' if recorded[name].verdict.race else ''}" for name in names]


def patches_of(record: Record) -> tuple[str, ...]:
    found = _PATCHED.search(record.replay)
    return tuple(found[1].strip("'\"").split(",")) if found else ()


def _wrapped(text: str, first: str = "", rest: str = "") -> list[str]:
    return textwrap.wrap(text, COLUMNS, initial_indent=first, subsequent_indent=rest,
                         break_long_words=False, break_on_hyphens=False)


def standing(record: Record) -> str:
    """What a record proves, and what it does not."""
    patched = patches_of(record)
    many = record.observations != 1
    count = (f"{record.observations:,} {'publications were' if many else 'publication was'} "
             "looked at from another CPU")
    if record.verdict == PASS:
        kernel = f"with {', '.join(patched)}" if patched else "unmodified"
        return (f"{count}, none was seen before it was initialised ({kernel} kernel). On "
                f"{record.architecture} this proves nothing about CPUs that reorder stores.")
    if patched:
        return (f"{count} on a kernel made for this ({', '.join(patched)}): its program order is "
                "what weak memory allows of the unmodified one. It shows what a reader meets, "
                "not that the unmodified kernel lets it happen.")
    return f"{count} on an unmodified kernel."


def evidence_lines(records: Sequence[Record]) -> list[str]:
    lines: list[str] = []
    for record in records:
        lines += [f"{record.scenario}: {record.verdict}, {record.kernel_release}, "
                  f"{record.architecture}", *_wrapped(standing(record), "  ", "  ")]
        if record.evidence != "-":
            lines += _wrapped(f"evidence: {record.evidence}", "  ", "    ")
        lines += [f"  | {line}"[:COLUMNS].rstrip() for line in telling(record.splat, _SPLAT_LINES)]
        lines += ["  " + line for line in _wrapped(record.replay)] + [""]
    return lines


def claim(records: Sequence[Record]) -> str:
    """What may be said of unmodified kernels."""
    seen = any(record.verdict == FAIL and not patches_of(record) for record in records)
    return SEEN if seen else READ_ONLY


def patch_text() -> str:
    return diff_of((spec.PATCHES / f"{PATCH}.patch").read_text())


def text(records: Sequence[Record]) -> str:
    """The whole report; ready to be mailed once somebody has read it."""
    sections = (
        ("What", WHAT.splitlines()), ("What this is, and what it is not", claim(records).splitlines()),
        ("Where", WHERE.splitlines()), ("Since", SINCE.splitlines()),
        ("Who can be there: may the reader see the pointer, and not the rest?", reader_lines()),
        ("What keeps the others out (litmus test of that shape)", why_lines()),
        ("What a reader does that meets one", fate_lines(records)),
        ("The fix in the same model; a release alone is not all of it", fix_lines()),
        ("Machine code", MACHINE.splitlines()), ("What was run", evidence_lines(records)))
    lines = ["Subject: mm/slub: node structures and barns are published without a",
             " release, while lockless readers exist", ""]
    for title, body in sections:
        lines += [title, "", *body, *([] if body and not body[-1] else [""])]
    lines += ["Smallest patch (for 7.2)", "", patch_text()]
    return "\n".join(lines)


def write(run_dir: Path, records: Sequence[Record]) -> Path | None:
    """Keeps the report with its run; None where the run has nothing to tell."""
    found = concerned(records)
    if not found:
        return None
    path = run_dir / "publication.txt"
    write_whole(path, text(found).encode())
    return path
