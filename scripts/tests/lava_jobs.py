# SPDX-License-Identifier: GPL-2.0
"""A LAVA job of a run that never was."""

from __future__ import annotations

from lava_job import Asked, File
from qemu import machines
from qemu.machine import Accel
from qemu.topology import Topology

ASKED = Asked(
    "slubtorture 7.2.1 exts-late", "qemu", "public", machines.find("x86_64"),
    Topology(cpus=2, mem_mib=1024, dimm_mib=512), Accel("tcg", ("-accel", "tcg,thread=multi")),
    "kasan_multi_shot", File("kernel", "https://files.example.org/kernel", "0" * 64),
    File("initrd", "https://files.example.org/initrd", "1" * 64),
    ("exts-late", "busted-exts-late"), 420.0, (("kernel", "7.2.1"), ("seed", "7")))
