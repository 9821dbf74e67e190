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
    config="""\
CONFIG_64BIT=y
CONFIG_ARCH_RV64I=y
CONFIG_MMU=y
CONFIG_FPU=y
CONFIG_PCI=y
CONFIG_PCI_HOST_GENERIC=y
CONFIG_RISCV_SBI=y
CONFIG_MFD_SYSCON=y
CONFIG_POWER_RESET=y
CONFIG_POWER_RESET_SYSCON=y
CONFIG_POWER_RESET_SYSCON_POWEROFF=y
CONFIG_SERIAL_8250=y
CONFIG_SERIAL_8250_CONSOLE=y
CONFIG_SERIAL_OF_PLATFORM=y
CONFIG_SERIAL_8250_PCI=y
CONFIG_VIRTIO_MENU=y
CONFIG_VIRTIO_PCI=y
CONFIG_VIRTIO_MMIO=y
CONFIG_VIRTIO_CONSOLE=y

# may be lost: the board was renamed in 6.8
CONFIG_SOC_VIRT=y
CONFIG_ARCH_VIRT=y

# may be lost: from 6.6 on the kernel does not take QEMU 7's description of a
# CPU without it
CONFIG_RISCV_ISA_FALLBACK=y
""",
)
