# SPDX-License-Identifier: GPL-2.0
"""What a guest machine is, as data, and the QEMU options that follow from it.

The topology is the same everywhere: node 0 has the CPUs and the boot memory,
node 1 has no CPU and one hot-removable DIMM. Which QEMU devices that takes is
said by the files in machines/; accelerators are chosen in accel.py.
"""

from __future__ import annotations

from dataclasses import dataclass


class GuestError(Exception):
    """A guest cannot be had here; `hint` names the way out."""

    def __init__(self, message: str, hint: str = "") -> None:
        super().__init__(message)
        self.hint = hint


@dataclass(frozen=True)
class Topology:
    """CPUs and memory of a guest, in MiB."""

    cpus: int = 2
    mem_mib: int = 1024
    dimm_mib: int = 512


@dataclass(frozen=True)
class Accel:
    """An accelerator and, when it is not the one to be expected, why."""

    name: str
    options: tuple[str, ...]
    note: str = ""
    cpu_without: tuple[str, ...] = ()  # CPU features that it emulates wrongly


@dataclass(frozen=True)
class Machine:
    """One architecture's guest.

    `console` carries the kernel's messages; the second serial port, a device
    of its own, carries the verdicts.
    """

    arch: str
    qemu: str
    package: str
    machine: str
    cpu_emulated: str
    console: str
    cmdline: tuple[str, ...]
    kernel_arch: str  # ARCH= of the kernel's Makefile
    source_arch: str  # its directory under arch/
    image: str  # what is booted, relative to a build directory
    image_target: str  # what make must build to have it
    cross: str  # prefix of the cross tools, also used as a Debian package suffix
    pages_kib: tuple[int, ...]  # page sizes that a lab kernel can have, default first
    aliases: tuple[str, ...] = ()  # other names that users know it by
    cmdline_emulated: tuple[str, ...] = ()
    serial_device: str = "isa-serial"

    def numa_options(self, topology: Topology) -> list[str]:
        cpus, mem, dimm = topology.cpus, topology.mem_mib, topology.dimm_mib
        return [
            "-smp", f"{cpus},sockets={cpus},cores=1",
            "-m", f"{mem}M,slots=4,maxmem={mem + 4 * dimm}M",
            "-object", f"memory-backend-ram,id=ram0,size={mem}M",
            "-numa", f"node,nodeid=0,memdev=ram0,cpus=0-{cpus - 1}",
            "-numa", "node,nodeid=1",
            "-object", f"memory-backend-ram,id=ram1,size={dimm}M",
            "-device", "pc-dimm,memdev=ram1,node=1",
        ]

    def cpu_options(self, accel: Accel) -> list[str]:
        cpu = "host" if accel.name == "kvm" else self.cpu_emulated
        cpu = ",".join((cpu, *(f"-{feature}" for feature in accel.cpu_without)))
        return ["-machine", self.machine, "-cpu", cpu, *accel.options]

    def command_line(self, accel: Accel) -> str:
        words = (f"console={self.console}", *self.cmdline)
        if accel.name != "kvm":
            words += self.cmdline_emulated
        return " ".join(words)
