# SPDX-License-Identifier: GPL-2.0
"""As `two`, with node 1's memory on two DIMMs: the node lives on when one has
gone."""

from __future__ import annotations

from qemu.topology import Boot, Dimm, Node, Plan

TOPOLOGY = Plan("two-dimms", "node 1 has no CPU and two DIMMs that can go and come",
                (Node(cpu_shares=1, boot=Boot.MEM),
                 Node(dimms=(Dimm(part_of=2), Dimm(part_of=2)))))
