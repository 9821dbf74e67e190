# SPDX-License-Identifier: GPL-2.0
"""ppc64le: a POWER9 pseries guest, the hardware of the first report."""

from __future__ import annotations

from qemu.machine import Machine

MACHINE = Machine(
    arch="ppc64le",
    qemu="qemu-system-ppc64",
    package="qemu-system-ppc",
    machine="pseries,cap-htm=off",
    cpu_emulated="power9",
    console="hvc0",
    cmdline=("loglevel=6", "oops=panic", "panic=-1", "movable_node",
             "memhp_default_state=online_movable"),
    kernel_arch="powerpc",
    source_arch="powerpc",
    image="vmlinux",
    image_target="vmlinux",
    cross="powerpc64le-linux-gnu-",
    pages_kib=(64, 4),
    aliases=("ppc64el", "powerpc64le", "ppc64", "powerpc"),
    serial_device="spapr-vty",
)
