# SPDX-License-Identifier: GPL-2.0
"""arm64: the `virt` board.

It has one serial port for the kernel, so verdicts leave through a virtio port.
A DIMM is known to the kernel through ACPI alone, and ACPI through UEFI
firmware, which costs 2 s of each boot. Memory of the boot cannot be offlined
on arm64 at all, so without firmware node 1 stays.
"""

from __future__ import annotations

from qemu.machine import Firmware, Machine

MACHINE = Machine(
    arch="aarch64",
    qemu="qemu-system-aarch64",
    package="qemu-system-arm",
    machine="virt,gic-version=3",
    cpu_emulated="max",
    console="ttyAMA0",
    channel="/dev/vport0p1",
    console_device=("-serial", "chardev:{con}"),
    channel_device=("-device", "virtio-serial-pci", "-device", "virtserialport,chardev={out}"),
    cmdline=("loglevel=6", "oops=panic", "panic=-1", "movable_node",
             "memhp_default_state=online_movable"),
    kernel_arch="arm64",
    source_arch="arm64",
    image="arch/arm64/boot/Image",
    image_target="Image",
    cross="aarch64-linux-gnu-",
    pages_kib=(4, 16, 64),
    aliases=("arm64",),
    firmware=Firmware(
        package="qemu-efi-aarch64",
        path="/usr/share/qemu-efi-aarch64/QEMU_EFI.fd",
        # 2022.11 has the kernel take its flash for memory outside every node,
        # upon which arm64 gives up on nodes altogether; 2025.02 has not.
        least="2025.02",
        config=("EFI", "ACPI", "ACPI_NUMA", "ACPI_HOTPLUG_MEMORY", "MEMORY_HOTREMOVE"),
    ),
    # a memory block is 512 MiB with 64 KiB pages, 128 MiB with smaller ones
    dimm_mib=((64, 1024),),
    qemu_least=(7, 2),
    config="""\
CONFIG_PCI=y
CONFIG_PCI_HOST_GENERIC=y
CONFIG_ACPI=y
CONFIG_EFI=y
CONFIG_EFI_STUB=y
CONFIG_SERIAL_AMBA_PL011=y
CONFIG_SERIAL_AMBA_PL011_CONSOLE=y
CONFIG_SERIAL_8250=y
CONFIG_SERIAL_8250_PCI=y
CONFIG_VIRTIO_MENU=y
CONFIG_VIRTIO_PCI=y
CONFIG_VIRTIO_MMIO=y
CONFIG_VIRTIO_CONSOLE=y
CONFIG_NUMA=y
CONFIG_ACPI_NUMA=y
CONFIG_ACPI_HOTPLUG_MEMORY=y
CONFIG_MEMORY_HOTPLUG=y
CONFIG_MEMORY_HOTREMOVE=y
CONFIG_KPROBES=y
""",
    page_config=((4, "CONFIG_ARM64_4K_PAGES=y"),
                 (16, "CONFIG_ARM64_16K_PAGES=y"),
                 (64, "CONFIG_ARM64_64K_PAGES=y")),
)
