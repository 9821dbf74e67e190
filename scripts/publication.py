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
(.barn) with a plain store. slub_cpu_setup() does the same for barns.
Nothing orders the initialising stores before that of the pointer for
readers that do not take slab_mutex: they may follow the pointer and
find a list_lock, list heads and counters that hold what the memory
held before."""

WHERE = """mm/slub.c of 7.2 and 7.3: slab_mem_going_online_callback(),
slub_cpu_setup(). The other two places are not concerned:
init_kmem_cache_nodes() fills in a cache that nobody can find yet, and
early_kmem_cache_node_alloc(), which even publishes before it
initialises, runs while one CPU is up."""

SINCE = """Sysfs readers since e4f8e513c3d3 (5.4), which took get_online_mems()
out of show_slab_objects(); kmem_cache_shrink() since 7e1fa93deff4
(5.12); barns since 2d517aa09bbc (6.18)."""

MACHINE = """gcc 12.2 compiles the two stores of 7.2.13 without any barrier between
for arm64 (str, str), ppc64le (std, std) and riscv64 (sd, sd); these
machines may let another CPU see the second one first. The pointer is in
another cache line than the structure. x86 keeps the order of stores,
and the compiler left the pointer's store last in every build that was
looked at."""


@dataclass(frozen=True)
class Pair:
    """A reader of what is published, how it gets there, and the litmus test
    that has the same shape."""

    reader: str
    how: str
    test: str


PAIRS: tuple[Pair, ...] = (
    Pair("show_slab_objects()", "sysfs, no lock", "node-publish-plain"),
    Pair("validate_slab_cache()", "sysfs, no lock", "node-publish-plain"),
    Pair("slab_debug_trace_open()", "debugfs, no lock", "node-publish-plain"),
    Pair("__kmem_cache_do_shrink()", "sysfs or a driver, no lock", "node-publish-plain"),
    Pair("  its barn_shrink()", "the same, for barns", "node-publish-barn-plain"),
    Pair("slab_out_of_memory()", "an allocation that failed", "node-publish-plain"),
    Pair("get_from_partial()", "kmem_cache_alloc_node() names it", "node-publish-plain"),
    Pair("get_from_any_partial()", "by a list of zones", "node-publish-zonelist"),
    Pair("alloc_from_new_slab(), frees", "by a page of the node", "node-publish-page"),
    Pair("get_slabinfo(), destroy", "slab_mutex", "node-publish-slab-mutex"),
    Pair("a new cache's readers", "kernfs's locks, slab_mutex", "node-publish-create"),
    Pair("get_barn()", "on a CPU of that node", "node-publish-cpu"),
)


def concerned(records: Sequence[Record]) -> list[Record]:
    """Records of a run that this report is about."""
    return [record for record in records
            if record.scenario.startswith(SCENARIO) and record.verdict in (PASS, FAIL)]


def _verdicts() -> dict[str, litmus.Expected]:
    return {one.name: one for one in litmus.load(litmus.TESTS)}


def pair_lines() -> list[str]:
    """A line for each reader with the model's verdict."""
    recorded = _verdicts()
    lines = [f"  {'reader':<29}{'comes by':<32}model"]
    for pair in PAIRS:
        word = "forbidden" if recorded[pair.test].verdict.forbidden else "allowed"
        lines.append(f"  {pair.reader:<29}{pair.how:<32}{word}".rstrip())
    return lines


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
    count = f"{record.observations:,} publications were looked at from another CPU"
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
        lines += [f"  | {line}"[:COLUMNS].rstrip() for line in record.splat[:_SPLAT_LINES]]
        lines += ["  " + line for line in _wrapped(record.replay)] + [""]
    return lines


def patch_text() -> str:
    return diff_of((spec.PATCHES / f"{PATCH}.patch").read_text())


def text(records: Sequence[Record]) -> str:
    """The whole report; ready to be mailed once somebody has read it."""
    sections = (
        ("What", WHAT.splitlines()), ("Where", WHERE.splitlines()),
        ("Since", SINCE.splitlines()), ("Readers, and what the kernel's memory model says of them "
                                        "(herd7)", pair_lines()),
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
