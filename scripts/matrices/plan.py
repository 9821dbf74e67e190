# SPDX-License-Identifier: GPL-2.0
"""Which guests a matrix takes, in an order that tells most first.

A visit is one guest: one kernel, asked one group of tests once. First what each
header promises, those of `Check: yes` before the others; then the kernels on
which nothing may fail, stock ones after those of the lab; then all others of
all, which tells what else catches a bug; at last the repetitions.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import busted
import gate
from lab.patches import Header
from matrices.columns import Kernel, lab_kernels

__all__ = ["Kernel", "Visit", "lab_kernels"]

# What a header names of the scenarios, and of the suites; all suites; the usual
# scenarios; and those of nodes that the usual ones leave out.
NAMED, SUITE, SUITES, USUAL, NODES = "named", "suite", "suites", "usual", "nodes"
PROMISED = (NAMED, SUITE)
# All but what the window needs: readers led into freed memory end guests of
# kernels that free it.
NODE_SCENARIOS = "node-churn,node-publication,node-remove-add,node-price"
NODE_SECONDS = 5
# All suites but slubtorture-busted, whose twins take longer than all others.
NO_TWINS = "slubtorture-[!b]*"
PROMISES, SILENCE, STOCKS, REST, AGAIN = range(5)


def named_scenarios(header: Header) -> list[str]:
    return list(dict.fromkeys(asked for asked, _, _ in header.expects
                              if not asked.startswith(busted.SUITE_PREFIX)))


def named_suites(header: Header) -> list[str]:
    return list(dict.fromkeys(asked for asked, _, _ in header.expects
                              if asked.startswith(busted.SUITE_PREFIX)))


@dataclass(frozen=True)
class Visit:
    """One guest. `turn` counts from 1."""

    kernel: Kernel
    group: str
    turn: int

    @property
    def how(self) -> str:
        """What a header says of the way in which its promise is asked."""
        header = self.kernel.header
        if header is None or self.group not in PROMISED:
            return ""
        asked = named_suites(header) if self.group == SUITE else named_scenarios(header)
        seconds = [f"{header.seconds}s"] if self.group == NAMED else []
        return "/".join([",".join(asked), *seconds, *([header.topology] if header.topology else [])])

    @property
    def key(self) -> str:
        """Names the visit in a journal, and no visit of another patch's kernel
        or of what its header asked for before it was changed."""
        made_of = f"@{self.kernel.content}" if self.kernel.content else ""
        how = f":{self.how}" if self.how else ""
        return f"{self.kernel.name}{made_of} {self.group}{how} {self.turn}"

    @property
    def has_twins(self) -> bool:
        """Whether the suite of twins is asked, too: once of each kernel without a
        bug; where there is one, a twin's silence would say nothing."""
        return self.turn == 1 and not self.kernel.is_busted

    @property
    def kind(self) -> str:
        """The script that asks."""
        return busted.SUITES if self.group in (SUITE, SUITES) else busted.SCENARIOS


def promised(header: Header) -> list[str]:
    """The groups in which what a header names is asked."""
    return [*([NAMED] if named_scenarios(header) else []),
            *([SUITE] if named_suites(header) else [])]


def groups(kernel: Kernel) -> list[str]:
    if kernel.stock:
        return [USUAL, NODES]
    own = promised(kernel.header) if kernel.header else []
    return own if kernel.is_known_to_fail else [*own, USUAL, SUITES, NODES]


def turns(kernel: Kernel, group: str, runs: int) -> int:
    """How often: as often as asked for what a verdict hangs on, promises and the
    scenarios on kernels that are only different, or as a gate needs; once for all
    others. Suites ask what the scenarios ask."""
    header = kernel.header
    if header is None or not kernel.is_busted:
        return runs if group == USUAL and header is not None else 1
    if group not in PROMISED:
        return 1
    return max(runs, gate.runs_for(header.gate)) if header.gate > 1 else runs


def tier(visit: Visit) -> tuple[int, int, bool]:
    """The order of visits; those of equal tiers are asked as their kernels come."""
    kernel, header = visit.kernel, visit.kernel.header
    last = header is not None and not header.check
    if visit.turn > 1:
        return (AGAIN, visit.turn, not kernel.is_busted)
    if visit.group in PROMISED:
        return (PROMISES, 0, last)
    if kernel.is_busted:
        return (REST, 0, last)
    return (STOCKS if kernel.stock else SILENCE, 0, last)


def visits(of: Sequence[Kernel], runs: int, only_promises: bool = False) -> list[Visit]:
    """All of them, none twice, in order; or only what is promised, once, silence
    included."""
    found = [Visit(kernel, group, turn) for kernel in of for group in groups(kernel)
             for turn in range(1, turns(kernel, group, runs) + 1)]
    wanted = (visit for visit in found if not only_promises
              or tier(visit)[0] in (PROMISES, SILENCE, STOCKS))
    return sorted(wanted, key=tier)


def remaining(all_visits: Sequence[Visit], done: frozenset[str]) -> list[Visit]:
    return [visit for visit in all_visits if visit.key not in done]
