# SPDX-License-Identifier: GPL-2.0
"""ppc64le: a POWER9 pseries guest, the hardware of the first report.

Its two virtual terminals are hvc0 and hvc1, in the order in which they are
named here. A node's memory and a DIMM come in logical blocks of 256 MiB.

The kernel is started by QEMU's own small stand-in for Open Firmware (vof)
instead of SLOF: 1.6 s to power-off instead of 7 s, with the same nodes.
"""

from __future__ import annotations

from qemu.machine import Machine

MACHINE = Machine(
    arch="ppc64le",
    qemu="qemu-system-ppc64",
    package="qemu-system-ppc",
    # Transactions cannot be emulated, nor can the mitigations that it would
    # otherwise warn about, one line each.
    machine="pseries,x-vof=on,cap-htm=off,cap-cfpc=broken,cap-sbbc=broken,"
            "cap-ibs=broken,cap-ccf-assist=off",
    cpu_emulated="power9",
    console="hvc0",
    channel="/dev/hvc1",
    console_device=("-device", "spapr-vty,chardev={con}"),
    channel_device=("-device", "spapr-vty,chardev={out}"),
    cmdline=("loglevel=6", "oops=panic", "panic=-1", "movable_node",
             "memhp_default_state=online_movable"),
    kernel_arch="powerpc",
    source_arch="powerpc",
    image="vmlinux",
    image_target="vmlinux",
    cross="powerpc64le-linux-gnu-",
    pages_kib=(64, 4),
    aliases=("ppc64el", "powerpc64le", "ppc64", "powerpc"),
    mem_step_mib=256,
    qemu_least=(7, 2),
    config="""\
CONFIG_PPC64=y
CONFIG_PPC_BOOK3S_64=y
CONFIG_CPU_LITTLE_ENDIAN=y
CONFIG_PPC_PSERIES=y
# without the trampoline it dies in the firmware
CONFIG_PPC_OF_BOOT_TRAMPOLINE=y
CONFIG_ALTIVEC=y
CONFIG_VSX=y
CONFIG_PPC_RADIX_MMU=y
CONFIG_PCI=y
CONFIG_HVC_CONSOLE=y
CONFIG_NUMA=y
CONFIG_MEMORY_HOTPLUG=y
CONFIG_MEMORY_HOTREMOVE=y
CONFIG_KPROBES=y
""",
    page_config=((64, "CONFIG_PPC_64K_PAGES=y"),
                 (4, "CONFIG_PPC_4K_PAGES=y")),
)
