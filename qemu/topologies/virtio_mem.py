# SPDX-License-Identifier: GPL-2.0
"""A node whose memory is a virtio-mem device: from outside it is asked to grow
and to shrink, and the guest's driver plugs blocks and offlines them by itself,
as in a cloud. Stock cloud kernels of Debian have no such driver."""

from __future__ import annotations

from qemu.topology import Boot, Dimm, Kind, Node, Plan

TOPOLOGY = Plan("virtio-mem", "node 1 has a CPU and a virtio-mem device that is asked to grow",
                (Node(cpu_shares=1, boot=Boot.MEM),
                 Node(cpu_shares=1, dimms=(Dimm(at_boot=False, kind=Kind.VIRTIO_MEM),))), goes=1)
