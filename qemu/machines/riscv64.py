# SPDX-License-Identifier: GPL-2.0
"""riscv64: the `virt` board, started by QEMU's own OpenSBI.

It has one serial port, so verdicts leave through a virtio port.
"""

from __future__ import annotations

from qemu.machine import Machine, Nodes

MACHINE = Machine(
    arch="riscv64",
    qemu="qemu-system-riscv64",
    package="qemu-system-misc",
    machine="virt",
    # `max` is newer than QEMU 7.2
    cpu_emulated="rv64",
    console="ttyS0",
    channel="/dev/vport0p1",
    console_device=("-serial", "chardev:{con}"),
    channel_device=("-device", "virtio-serial-pci", "-device", "virtserialport,chardev={out}"),
    cmdline=("loglevel=6", "oops=panic", "panic=-1", "movable_node",
             "memhp_default_state=online_movable"),
    kernel_arch="riscv",
    source_arch="riscv",
    image="arch/riscv/boot/Image",
    image_target="Image",
    cross="riscv64-linux-gnu-",
    pages_kib=(4,),
    aliases=("riscv",),
    nodes=Nodes.FIXED,
    why_fixed="QEMU has no DIMM for riscv64",
    qemu_least=(7, 2),
)
