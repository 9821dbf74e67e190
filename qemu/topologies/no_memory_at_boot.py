# SPDX-License-Identifier: GPL-2.0
"""A node that has a CPU and, at the boot, no memory: SLUB sets up what it keeps
for the node before there is memory to put it in. A DIMM comes when the module
asks for it, and goes again."""

from __future__ import annotations

from qemu.topology import Boot, Dimm, Node, Plan

TOPOLOGY = Plan("no-memory-at-boot", "node 1 has a CPU and no memory until a DIMM comes",
                (Node(cpu_shares=1, boot=Boot.MEM),
                 Node(cpu_shares=1, dimms=(Dimm(at_boot=False),))), goes=1)
