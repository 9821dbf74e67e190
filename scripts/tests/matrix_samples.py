# SPDX-License-Identifier: GPL-2.0
"""Kernels and answers of which the tests make matrices."""

from __future__ import annotations

from lab.patches import Header
from matrices import facts, state
from matrices.columns import Kernel
from matrices.facts import Seen
from matrices.plan import Visit

STRIDE = Header("s", "c", "y", "7.2", frozenset(), (
    ("exts-in-object", "exts-step-matches-layout", "truncation"),
    ("slubtorture-metadata", "exts-step-matches-layout", "truncation")), check=True)
RACE = Header("s", "c", "y", "7.2", frozenset(), (("exts-late", "i", "ordering"),), 30)
GATED = Header("s", "c", "y", "7.2", frozenset(), (("exts-in-object", "i", "truncation"),), gate=5)
HARMLESS = Header("s", "nothing", "y", "7.2", frozenset(), ())
UNSEEN = Header("s", "c", "y", "7.2", frozenset(), (), missed="it is too small")
HOTPLUG = Header("s", "c", "y", "7.2", frozenset({"hotplug"}), (
    ("node-offline-online", "node-pointer-kept", "lifetime"),))
OLD = Header("s", "c", "y", "5.10", frozenset(), (("node-publication", "i", "ordering"),))
KERNELS = [Kernel("7.2"), Kernel("7.2", "7.2/stride", STRIDE, "1"),
           Kernel("7.2", "7.2/race", RACE, "2"), Kernel("7.2", "7.2/gated", GATED, "3"),
           Kernel("7.2", "7.2/harmless", HARMLESS, "4"), Kernel("7.2", "7.2/unseen", UNSEEN, "5"),
           Kernel("7.2", "7.2/nodes", HOTPLUG, "6"), Kernel("5.10", "5.10/early", OLD, "7"),
           Kernel("5.10", stock=True), Kernel("6.12", stock=True)]
STEP = ("exts-step-matches-layout", "truncation")
FREED = ("node-pointer-kept", "lifetime")
RIGHT = Seen("exts-in-object", "fail", (STEP,), 40, 50)
SUITE = Seen("slubtorture-metadata", "fail", (STEP,), 7, 9)
QUIET = Seen("exts-in-object", "pass", took=30)


def matrix_of(answers: dict[str, list[list[Seen]]], group: str = "named",
              planned: tuple[str, ...] = ()) -> state.Matrix:
    """Guests by the last part of the kernel's name; `planned` are visits that
    were asked for."""
    found = state.Matrix()
    found.learn({"what": "asked", "visits": list(planned), "runs": 1, "whole": True})
    for kernel in KERNELS:
        found.learn({"what": "kernel", **state.kernel_fact(kernel)})
        told = answers.get(kernel.name.rpartition("/")[2], [])
        for turn, seen in enumerate(told, 1):
            visit = Visit(kernel, group if kernel.is_busted else "usual", turn)
            found.learn({"what": "visit", **state.visit_fact(visit, facts.to_json(seen), 2.0, 0)})
    return found
