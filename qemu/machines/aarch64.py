# SPDX-License-Identifier: GPL-2.0
"""arm64: the `virt` board, which boots fastest of all."""

from __future__ import annotations

from qemu.machine import Machine

MACHINE = Machine(
    arch="aarch64",
    qemu="qemu-system-aarch64",
    package="qemu-system-arm",
    machine="virt,gic-version=3",
    cpu_emulated="max",
    console="ttyAMA0",
    cmdline=("loglevel=6", "oops=panic", "panic=-1", "movable_node",
             "memhp_default_state=online_movable"),
    kernel_arch="arm64",
    source_arch="arm64",
    image="arch/arm64/boot/Image",
    image_target="Image",
    cross="aarch64-linux-gnu-",
    pages_kib=(4, 16, 64),
    aliases=("arm64",),
)
