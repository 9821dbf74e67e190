# SPDX-License-Identifier: GPL-2.0
"""riscv64: the `virt` board, started by QEMU's own OpenSBI.

It has one serial port, so verdicts leave through a virtio port. QEMU gives each
node CPUs and an interrupt controller of its own, and Linux (6.12 and 7.2 under
QEMU 7.2) then never hears from the devices behind the second one, so there is
one node.
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
    cmdline=("loglevel=6", "oops=panic", "panic=-1"),
    kernel_arch="riscv",
    source_arch="riscv",
    image="arch/riscv/boot/Image",
    image_target="Image",
    cross="riscv64-linux-gnu-",
    pages_kib=(4,),
    aliases=("riscv",),
    nodes=Nodes.NONE,
    why_fixed="with a second node, its devices' interrupts are lost",
    qemu_least=(7, 2),
)
