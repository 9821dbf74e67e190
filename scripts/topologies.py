# SPDX-License-Identifier: GPL-2.0
"""`make topologies`: which nodes a guest can have by name, and on which machines;
exit status 0 whatever the answer is.

A topology is one file in qemu/topologies; it is listed by being there.
"""

from __future__ import annotations

import sys
import textwrap
from pathlib import Path

sys.path[:0] = [str(Path(__file__).resolve().parent.parent)]

from entry import guarded
from options import DIMM_MIB
from qemu import machines, topologies
from qemu.machine import Nodes
from qemu.topology import Plan, Topology

WIDTH = 79
_NAME = 19


def sized(plan: Plan) -> Topology:
    """The plan with what is usual for all that can be chosen."""
    return Topology(plan.cpus, 1024, DIMM_MIB, plan)


def lines_of(plan: Plan) -> list[str]:
    """A topology's lines: what it is, then its nodes, then distances."""
    machine = machines.MACHINES[0]
    text = [plan.text, *(machine.node_text(node) for node in sized(plan).nodes())]
    text += ["distances " + "; ".join(" ".join(map(str, row)) for row in plan.distances)
             ] if plan.distances else []
    lines = [f"{plan.name:<{_NAME}}{text[0]}", *(" " * _NAME + line for line in text[1:])]
    return [wrapped for line in lines
            for wrapped in textwrap.wrap(line, WIDTH, subsequent_indent=" " * (_NAME + 2),
                                         break_on_hyphens=False, replace_whitespace=False)]


def table() -> str:
    lines: list[str] = []
    for plan in topologies.TOPOLOGIES:
        lines += lines_of(plan)
    lines.append("")
    lines += [f"{machine.arch}: one node only: {machine.why_fixed}"
              for machine in machines.MACHINES if machine.nodes is Nodes.NONE]
    return "\n".join(lines)


def main() -> int:
    print(table())
    return 0


if __name__ == "__main__":
    sys.exit(guarded(main))
