# SPDX-License-Identifier: GPL-2.0
"""Which guests a matrix takes, in an order that tells most first.

A visit is one guest: one kernel, asked one group of tests once. First the
unmodified kernels, on which nothing may fail; then each kernel that is wrong
on purpose, asked what its header names; then the harmless ones; then all
others of all, which tells what else catches a bug; at last the repetitions.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import busted
import gate
import options as opt
import scenarios
from lab import spec
from lab.patches import Header, diff_of

SUITES, NAMED, USUAL, NODES = "suites", "named", "usual", "nodes"
# What the usual ones leave out of nodes, but for what the window needs: readers
# led into freed memory end guests of kernels that free it.
NODE_SCENARIOS = "node-churn,node-publication,node-remove-add,node-price"
NODE_SECONDS = 5


@dataclass(frozen=True)
class Kernel:
    """A column: a series as it is, or with one of the project's patches."""

    series: str
    patch: str = ""
    header: Header | None = None
    content: str = ""  # of the patch, for what was recorded of another one

    @property
    def name(self) -> str:
        return self.patch or self.series

    @property
    def is_busted(self) -> bool:
        return self.header is not None and not self.header.harmless


@dataclass(frozen=True)
class Visit:
    """One guest. `turn` counts from 1."""

    kernel: Kernel
    group: str
    turn: int

    @property
    def key(self) -> str:
        """Names the visit in a journal, and no visit of another patch's kernel."""
        made_of = f"@{self.kernel.content}" if self.kernel.content else ""
        return f"{self.kernel.name}{made_of} {self.group} {self.turn}"

    @property
    def kind(self) -> str:
        return busted.SUITES if self.group == SUITES else busted.SCENARIOS


def kernels(series: Sequence[str]) -> list[Kernel]:
    """Each series unmodified, then with each of its patches."""
    found = [Kernel(name) for name in series]
    for patch in spec.known_patches():
        of = patch.partition("/")[0]
        if of in series:
            text = (spec.PATCHES / f"{patch}.patch").read_text()
            digest = hashlib.sha256(diff_of(text).encode()).hexdigest()[:8]
            found.append(Kernel(of, patch, busted.read_header(patch), digest))
    return found


def named_scenarios(header: Header) -> list[str]:
    return list(dict.fromkeys(asked for asked, _, _ in header.expects
                              if not asked.startswith(busted.SUITE_PREFIX)))


def needs_own_visit(header: Header) -> bool:
    """Whether what a header names is not asked anyway, in the same way."""
    named = named_scenarios(header)
    usual = {one.name for one in scenarios.select(opt.DEFAULT_SCENARIOS, scenarios.known())}
    return bool(named) and (header.seconds > 1 or header.gate > 1 or not usual.issuperset(named))


def promised(header: Header) -> list[str]:
    """The groups in which what a header names is asked."""
    groups = []
    if any(asked.startswith(busted.SUITE_PREFIX) for asked, _, _ in header.expects):
        groups.append(SUITES)
    if named_scenarios(header):
        groups.append(NAMED if needs_own_visit(header) else USUAL)
    return groups


def _groups(kernel: Kernel) -> list[str]:
    return [*(promised(kernel.header) if kernel.header and kernel.is_busted else ()),
            USUAL, SUITES, NODES]


def turns(kernel: Kernel, group: str, runs: int) -> int:
    """How often: as often as asked for what a verdict hangs on, or as a gate
    needs; once for what else may catch a bug."""
    header = kernel.header
    if header is None or not kernel.is_busted:
        return runs
    if group not in promised(header):
        return 1
    return max(runs, gate.runs_for(header.gate)) if header.gate > 1 else runs


def _tier(visit: Visit) -> tuple[int, int]:
    header = visit.kernel.header
    if header is None:
        first = 0
    elif not visit.kernel.is_busted:
        first = 2
    else:
        first = 1 if visit.group in promised(header) else 3
    # a gate's repetitions tell more than other things' first time
    again = visit.turn if header is None or header.gate == 1 else 1
    return (4 if again > 1 else first, again)


def visits(of: Sequence[Kernel], runs: int) -> list[Visit]:
    """All of them, none twice, in order."""
    found = [Visit(kernel, group, turn) for kernel in of
             for group in dict.fromkeys(_groups(kernel))
             for turn in range(1, turns(kernel, group, runs) + 1)]
    return sorted(found, key=_tier)


def remaining(all_visits: Sequence[Visit], done: frozenset[str]) -> Iterator[Visit]:
    return (visit for visit in all_visits if visit.key not in done)
