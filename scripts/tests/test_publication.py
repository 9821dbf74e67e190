# SPDX-License-Identifier: GPL-2.0
"""The report on how node structures are published: what it may say of which
run, and that it fits a mail."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import publication
import pytest
from guests import BASE
from lab import spec
from records import BROKEN, FAIL, PASS, SKIP, Record

LOOKED = replace(BASE, scenario="node-publication", verdict=PASS, observations=1200,
                 replay="make run KERNEL=5.10 SCENARIO='node-publication'")
EARLY = replace(LOOKED, verdict=FAIL, invariant="node-initialised-when-visible", cause="ordering",
                evidence="node 1: 1 of 1 structures were seen before they were initialised",
                replay="make run KERNEL=7.2 CONFIG=kunit PATCH=node-published-early")
CRASHED = replace(EARLY, scenario="node-publication-met-objects",
                  splat=("BUG: kernel NULL pointer dereference, address: 0000000000000010",
                         "Call Trace:", " count_partial+0x1c/0x5e"))


def said(*records: Record) -> str:
    return " ".join(publication.text(records).split())


def test_it_fits_a_mail() -> None:
    above, patch, _ = publication.text([LOOKED, EARLY, CRASHED]).partition("Smallest patch")
    assert patch and max(len(line) for line in above.splitlines()) <= publication.COLUMNS
    assert above.startswith("Subject: mm/slub: ")


def test_a_pass_is_not_taken_for_a_proof() -> None:
    assert "1,200 publications were looked at from another CPU, none was seen before" in said(LOOKED)
    assert "proves nothing about CPUs that reorder stores" in said(LOOKED)


def test_a_patched_kernel_is_not_taken_for_the_unmodified_one() -> None:
    text = said(EARLY)
    assert "on a kernel made for this (node-published-early)" in text
    assert "not that the unmodified kernel lets it happen" in text
    assert "not that the unmodified" not in said(replace(EARLY, replay="make run KERNEL=5.10"))


def test_a_crash_is_evidence() -> None:
    assert "| BUG: kernel NULL pointer dereference" in said(CRASHED)
    assert "count_partial" in said(CRASHED)


def test_every_reader_has_a_verdict_and_the_fix_too() -> None:
    text = said(LOOKED)
    for words in ("show_slab_objects() sysfs, no lock yes -",
                  "barn_shrink() the same, asks any node yes yes",
                  "get_slabinfo() /proc/slabinfo no -",
                  "get_slabinfo(): slab_start() takes slab_mutex, as A does (node-publish-slab-mutex)",
                  "node-publish-release Never", "node-publish-release-plain Sometimes, data race"):
        assert words in text
    assert len(publication.pair_lines()) == len(publication.PAIRS) + 1


def test_the_smallest_patch_is_the_one_that_is_built() -> None:
    assert publication.PATCH in spec.known_patches()
    assert publication.patch_text().startswith("--- a/mm/slub.c")
    assert "smp_store_release(&s->per_node[nid].node, n);" in publication.patch_text()


@pytest.mark.parametrize("records", [[], [replace(LOOKED, verdict=SKIP)],
                                     [replace(LOOKED, verdict=BROKEN)],
                                     [replace(LOOKED, scenario="exts-late")]])
def test_a_run_with_nothing_to_tell_gets_none(tmp_path: Path, records: list[Record]) -> None:
    assert publication.write(tmp_path, records) is None and not list(tmp_path.iterdir())


def test_it_is_kept_with_its_run(tmp_path: Path) -> None:
    path = publication.write(tmp_path, [LOOKED])
    assert path == tmp_path / "publication.txt" and "1,200" in path.read_text()


def test_nothing_is_claimed_of_unmodified_kernels_that_was_not_seen() -> None:
    assert "did not see it on an unmodified kernel" in said(LOOKED, EARLY)
    assert "An unmodified kernel was seen" in said(replace(EARLY, replay="make run KERNEL=7.2"))


def test_each_reader_that_is_kept_out_has_a_reason_and_no_other() -> None:
    table = publication.pair_lines()[1:]
    for pair, line in zip(publication.PAIRS, table, strict=True):
        met = "yes" in line.split()
        assert met != bool(pair.why), line


@pytest.mark.parametrize("changes, told", [
    ({"splat": ("BUG: kernel NULL pointer dereference, address: 10", " count_partial")},
     "objects crashes: BUG: kernel NULL pointer dereference, address: 10"),
    ({"splat": ("rcu: INFO: rcu_preempt detected stalls on CPUs/tasks:",)},
     "objects hangs: rcu: INFO: rcu_preempt detected stalls"),
    ({"evidence": "x; sysfs objects met it and came back after 2 ms with 9: objects: 77 N1=77"},
     "objects came back after 2 ms with 9: objects: 77 N1=77"),
    ({"evidence": "x; sysfs objects met it and never came back"}, "objects hangs"),
    ({"evidence": "x; sysfs objects met it and died"}, "objects died")])
def test_what_became_of_a_reader_is_told(changes: dict[str, object], told: str) -> None:
    met = replace(CRASHED, splat=())
    assert told in said(replace(met, **changes))


def test_where_no_reader_was_asked_nothing_is_told_of_them() -> None:
    assert "no reader was let at one in these runs" in said(LOOKED, EARLY)
