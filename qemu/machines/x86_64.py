# SPDX-License-Identifier: GPL-2.0
"""x86-64: a PC with two serial ports; ACPI describes the nodes and the DIMM.

microvm would start sooner but has no ACPI memory hotplug, so it has no node
that can go and come.
"""

from __future__ import annotations

from qemu.machine import Machine

MACHINE = Machine(
    arch="x86_64",
    qemu="qemu-system-x86_64",
    package="qemu-system-x86",
    machine="pc,usb=off,vmport=off",
    cpu_emulated="max",
    console="ttyS0,115200",
    channel="/dev/ttyS1",
    console_device=("-device", "isa-serial,chardev={con}"),
    channel_device=("-device", "isa-serial,chardev={out}"),
    cmdline=(
        "loglevel=6",
        "oops=panic",
        "panic=-1",
        "movable_node",
        "memhp_default_state=online_movable",
    ),
    kernel_arch="x86_64",
    source_arch="x86",
    image="arch/x86/boot/bzImage",
    image_target="bzImage",
    cross="x86_64-linux-gnu-",
    pages_kib=(4,),
    aliases=("x86-64", "amd64", "x86"),
    # An emulated timer is delivered late on a busy host; the check that the
    # timer interrupt works would then fail for no fault of the kernel's.
    cmdline_emulated=("no_timer_check",),
    stores_in_order=True,
    virtio_mem=True,
    config="""\
CONFIG_64BIT=y
CONFIG_PCI=y
CONFIG_ACPI=y
CONFIG_NUMA=y
CONFIG_ACPI_NUMA=y
CONFIG_X86_64_ACPI_NUMA=y
CONFIG_ACPI_HOTPLUG_MEMORY=y
CONFIG_MEMORY_HOTPLUG=y
CONFIG_MEMORY_HOTREMOVE=y
CONFIG_KPROBES=y
CONFIG_SERIAL_8250=y
CONFIG_SERIAL_8250_CONSOLE=y
CONFIG_UNWINDER_ORC=y
""",
)
