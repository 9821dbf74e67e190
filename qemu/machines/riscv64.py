# SPDX-License-Identifier: GPL-2.0
"""riscv64: the `virt` board."""

from __future__ import annotations

from qemu.machine import Machine

MACHINE = Machine(
    arch="riscv64",
    qemu="qemu-system-riscv64",
    package="qemu-system-misc",
    machine="virt",
    cpu_emulated="max",
    console="ttyS0",
    cmdline=("loglevel=6", "oops=panic", "panic=-1", "movable_node",
             "memhp_default_state=online_movable"),
    kernel_arch="riscv",
    source_arch="riscv",
    image="arch/riscv/boot/Image",
    image_target="Image",
    cross="riscv64-linux-gnu-",
    pages_kib=(4,),
    aliases=("riscv",),
)
