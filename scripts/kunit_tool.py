# SPDX-License-Identifier: GPL-2.0
"""What the kernel's own kunit.py must be told to boot our guests: the fields of
its QemuArchParams, from the machine and the configuration fragments, and the
initrd that loads the suites.

kunit.py adds -m, -kernel, -append, -serial and a choice of accelerators by
itself, and reads the console alone. The files in kunit/qemu_configs call this.
"""

from __future__ import annotations

import os
import re
import shlex
import sys
from pathlib import Path

sys.path[:0] = [str(Path(__file__).resolve().parent.parent)]

from lab import config
from lab.spec import CONFIGS, machine_fragments, machine_of
from options import ROOT
from qemu import initramfs
from qemu.machine import Accel, Machine, Nodes
from qemu.topology import Topology

FRAGMENTS = ("base", "kunit")
TOOL = Path("tools/testing/kunit/kunit.py")
INITRD = "KUNIT_INITRD"  # environment variable that names another initrd
TOPOLOGY = Topology(cpus=2, mem_mib=1024, dimm_mib=512)
# Unless it is told otherwise, kunit.py has the kernel restart when the suites
# built into it have ended, which is before init.
_EXTRA = ("kunit_shutdown=none",)


def default_initrd(arch: str) -> Path:
    return ROOT / "out" / f"kunit-{arch}.initrd"


def kconfig(machine: Machine, page_kib: int) -> str:
    """The options that our guests need; kunit.py wants all of them granted."""
    shared = [CONFIGS / f"{name}.config" for name in FRAGMENTS]
    wishes = config.read([*shared, *machine_fragments(machine, page_kib)])
    return "\n".join(wish.line for wish in wishes if not wish.may_be_lost)


def fields(arch: str, page_kib: int) -> dict[str, object]:
    """QemuArchParams for a machine and a page size."""
    machine = machine_of(arch)
    if machine.firmware is not None:
        machine = machine.without_firmware("kunit.py starts the kernel without firmware")
    emulated = Accel("tcg", ())
    initrd = os.environ.get(INITRD, "") or str(default_initrd(machine.arch))
    nodes = machine.numa_options(TOPOLOGY) if machine.nodes is not Nodes.NONE else ["-smp", "2"]
    return {
        "linux_arch": machine.kernel_arch,
        "kconfig": kconfig(machine, page_kib),
        "qemu_arch": machine.qemu.removeprefix("qemu-system-"),
        "kernel_path": machine.image,
        "kernel_command_line": " ".join((machine.command_line(emulated), *_EXTRA)),
        "extra_qemu_params": [*machine.cpu_options(emulated), *nodes, "-initrd", initrd],
    }


def qemu_config(machine: Machine, settings: str) -> Path:
    """The file of kunit/qemu_configs for a kernel with this .config."""
    place = ROOT / "kunit/qemu_configs"
    if len(machine.pages_kib) == 1:
        return place / f"{machine.arch}.py"
    built = (page for page in machine.pages_kib
             if re.search(rf"^CONFIG_\w*_{page}K_PAGES=y$", settings, re.MULTILINE))
    return place / f"{machine.arch}_{next(built, machine.pages_kib[0])}k.py"


def exec_command(build: Path, config_file: Path, initrd: Path) -> str:
    """The shell command with which the kunit.py of a build's source runs the
    suites; what kunit.py prints and reads is then on the terminal."""
    words = [str(TOOL), "exec", f"--build_dir={build}", f"--kunitconfig={ROOT / 'kunit'}",
             f"--qemu_config={config_file}"]
    places = (build / "source", build.parent, build)
    source = next((place for place in places if (place / TOOL).exists()), Path("KERNEL-SOURCE"))
    return (f"cd {shlex.quote(str(source))} && {INITRD}={shlex.quote(str(initrd))} "
            f"{shlex.join(words)}")


def initrd(machine: Machine, init: bytes, module: Path) -> bytes:
    """An archive that loads the suites and powers off; their results are on the
    console alone, there is no verdict channel."""
    asked: dict[str, str | int] = {"mode": "kunit", "module": module.stem, "channel": "/dev/null",
                                   "console": machine.console_path()}
    return initramfs.pack([*initramfs.base_entries(init),
                           initramfs.file("module.ko", module.read_bytes()),
                           initramfs.guest_config(asked)])
