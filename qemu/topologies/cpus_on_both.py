# SPDX-License-Identifier: GPL-2.0
"""Two nodes that have both CPUs and memory of the boot: objects are handed from
a CPU of one node to a CPU of the other. Four CPUs, or no node had two."""

from __future__ import annotations

from qemu.topology import Boot, Node, Plan

TOPOLOGY = Plan("cpus-on-both", "two nodes, each with CPUs and memory that stays",
                (Node(cpu_shares=1, boot=Boot.MEM), Node(cpu_shares=1, boot=Boot.DIMM)), cpus=4)
