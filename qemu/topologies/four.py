# SPDX-License-Identifier: GPL-2.0
"""Four nodes at different distances: two with CPUs, one of memory alone, one
whose DIMM can go and come. Which node stands in for another is then a matter
of distance."""

from __future__ import annotations

from qemu.topology import Boot, Dimm, Node, Plan

TOPOLOGY = Plan("four", "two nodes with CPUs, one of memory alone, one with a DIMM; distances",
                (Node(cpu_shares=1, boot=Boot.MEM), Node(cpu_shares=1, boot=Boot.DIMM),
                 Node(boot=Boot.DIMM), Node(dimms=(Dimm(),))),
                distances=((10, 20, 30, 40),
                           (20, 10, 25, 35),
                           (30, 25, 10, 15),
                           (40, 35, 15, 10)), cpus=4)
