# SPDX-License-Identifier: GPL-2.0
"""A node without CPU whose memory is of the boot and stays: slabs live on it,
and every object that lies there was allocated from afar."""

from __future__ import annotations

from qemu.topology import Boot, Node, Plan

TOPOLOGY = Plan("no-cpu", "node 1 has no CPU and memory that stays",
                (Node(cpu_shares=1, boot=Boot.MEM), Node(boot=Boot.DIMM)))
