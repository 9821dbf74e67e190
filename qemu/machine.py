# SPDX-License-Identifier: GPL-2.0
"""What a guest machine is, as data, and the QEMU options that follow from it.

Which nodes a guest has is data of topology.py; what is so on which machine is
said by the files in machines/; accelerators are chosen in accel.py.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import Enum

from qemu.topology import USUAL, GuestNode, Kind, Topology

DIMM_SLOTS = 4


class GuestError(Exception):
    """A guest cannot be had here; `hint` names the way out."""

    def __init__(self, message: str, hint: str = "") -> None:
        super().__init__(message)
        self.hint = hint


@dataclass(frozen=True)
class Accel:
    """An accelerator and, when it is not the one to be expected, why."""

    name: str
    options: tuple[str, ...]
    note: str = ""
    cpu_without: tuple[str, ...] = ()  # CPU features that it emulates wrongly


class Nodes(Enum):
    """What node 1 is."""

    DIMM = "a DIMM that can go and come"
    FIXED = "which cannot go"
    NONE = "no node 1"


@dataclass(frozen=True)
class Firmware:
    """What a machine needs for its DIMM besides QEMU: a file, the package that
    has it, the oldest version of the package that will do, and what the guest's
    kernel must be configured with to be started by it."""

    package: str
    path: str
    least: str
    config: tuple[str, ...]


@dataclass(frozen=True)
class Machine:
    """One architecture's guest.

    `console` carries the kernel's messages; `channel`, a device of its own in
    the guest's /dev, carries the verdicts. `{con}` and `{out}` in their QEMU
    devices stand for the two chardevs.
    """

    arch: str
    qemu: str
    package: str
    machine: str
    cpu_emulated: str
    console: str
    channel: str
    console_device: tuple[str, ...]
    channel_device: tuple[str, ...]
    cmdline: tuple[str, ...]
    kernel_arch: str  # ARCH= of the kernel's Makefile
    source_arch: str  # its directory under arch/
    image: str  # what is booted, relative to a build directory
    image_target: str  # what make must build to have it
    cross: str  # prefix of the cross tools, also used as a Debian package suffix
    pages_kib: tuple[int, ...]  # page sizes that a lab kernel can have, default first
    config: str = ""  # options of a lab kernel, in the form of a fragment
    page_config: tuple[tuple[int, str], ...] = ()  # (page KiB, options), where there is a choice
    aliases: tuple[str, ...] = ()  # other names that users know it by
    cmdline_emulated: tuple[str, ...] = ()
    nodes: Nodes = Nodes.DIMM
    why_fixed: str = ""  # why node 1 cannot go, if it cannot
    firmware: Firmware | None = None
    dimm_mib: tuple[tuple[int, int], ...] = ()  # (page KiB, size), where it is not the usual one
    mem_step_mib: int = 1  # a node's memory must be a multiple of this
    stores_in_order: bool = False  # seen from its other CPUs
    virtio_mem: bool = False  # its guests were seen to take such memory
    qemu_least: tuple[int, int] = (0, 0)  # the oldest that guests were booted with

    def dimm_for(self, page_kib: int, usual_mib: int) -> int:
        """Size of the DIMM: at least two memory blocks, or it could not come
        back to the normal zone (the first one's memory stays with kswapd)."""
        return dict(self.dimm_mib).get(page_kib, usual_mib)

    def nodes_of(self, topology: Topology) -> tuple[GuestNode, ...]:
        """The nodes as this machine has them, () if it has none."""
        if self.nodes is Nodes.NONE:
            return ()
        return topology.nodes(dimms_stay=self.nodes is Nodes.FIXED)

    def numa_options(self, topology: Topology) -> list[str]:
        cpus, nodes = topology.cpus, self.nodes_of(topology)
        if not nodes:
            return ["-smp", str(cpus), "-m", f"{topology.mem_mib}M"]
        boot = sum(node.boot_mib for node in nodes)
        size = f"{boot}M"
        if any(node.dimms for node in nodes):
            size += f",slots={DIMM_SLOTS},maxmem={boot + DIMM_SLOTS * topology.dimm_mib}M"
        words = ["-smp", f"{cpus},sockets={cpus},cores=1", "-m", size]
        for node in nodes:
            words += _node_options(node)
        for src, row in enumerate(topology.plan.distances):
            for dst, far in enumerate(row):
                if src != dst:
                    words += ["-numa", f"dist,src={src},dst={dst},val={far}"]
        return words

    def device_options(self, con: str, out: str) -> list[str]:
        """Options for the devices behind the chardevs `con` and `out`."""
        words = (*self.console_device, *self.channel_device)
        return [word.format(con=con, out=out) for word in words]

    def boot_options(self) -> list[str]:
        return ["-bios", self.firmware.path] if self.firmware else []

    def cpu_options(self, accel: Accel) -> list[str]:
        cpu = "host" if accel.name == "kvm" else self.cpu_emulated
        cpu = ",".join((cpu, *(f"-{feature}" for feature in accel.cpu_without)))
        return ["-machine", self.machine, "-cpu", cpu, *accel.options]

    def command_line(self, accel: Accel) -> str:
        words = (f"console={self.console}", *self.cmdline)
        if accel.name != "kvm":
            words += self.cmdline_emulated
        return " ".join(words)

    def console_path(self) -> str:
        """The console's device in the guest."""
        return f"/dev/{self.console.partition(',')[0]}"

    def with_firmware(self, path: str) -> Machine:
        """This machine with its firmware at `path`."""
        if self.firmware is None:
            raise GuestError(f"a {self.arch} machine has no firmware of its own")
        return replace(self, firmware=replace(self.firmware, path=path))

    def without_firmware(self, why: str) -> Machine:
        """This machine as it is without its firmware: node 1 has to stay."""
        return replace(self, firmware=None, nodes=Nodes.FIXED, why_fixed=why)

    def described(self, topology: Topology) -> str:
        """CPUs and memory for people, and what node 1 is if it cannot go."""
        if topology.plan is not USUAL:
            return f"topology {topology.plan.name}: " + "; ".join(
                self.node_text(node) for node in self.nodes_of(topology))
        text = f"{topology.cpus} CPUs, {topology.mem_mib} MiB"
        if self.nodes is not Nodes.NONE:
            text += f" on node 0, {topology.dimm_mib} MiB on node 1"
        return text + (f" ({self.nodes.value}: {self.why_fixed})" if self.why_fixed else "")

    @staticmethod
    def node_text(node: GuestNode) -> str:
        """One node for people."""
        parts = [f"{node.cpus} CPU" + "s" * (node.cpus > 1)] if node.cpus else []
        parts += [f"{node.boot_mib} MiB"] if node.boot_mib else []
        parts += [f"{dimm.kind.value} of {dimm.mib} MiB" + ("" if dimm.at_boot else " to come")
                  for dimm in node.dimms]
        return f"node {node.nid}: {', '.join(parts)}"

    def check_topology(self, topology: Topology) -> None:
        """GuestError if this machine cannot have such nodes."""
        plan = topology.plan
        if plan.name == USUAL.name:  # has nodes of its own where it can
            return
        if self.nodes is Nodes.NONE:
            raise GuestError(f"TOPOLOGY={plan.name}: a {self.arch} guest has one node: "
                             f"{self.why_fixed}", "leave TOPOLOGY out")
        if self.nodes is Nodes.FIXED and plan.needs_dimm:
            raise GuestError(f"TOPOLOGY={plan.name}: no DIMM of this {self.arch} guest can go or "
                             f"come: {self.why_fixed}", "leave TOPOLOGY out")
        if plan.has_virtio_mem and not self.virtio_mem:
            raise GuestError(f"TOPOLOGY={plan.name}: not tried on {self.arch}",
                             "leave TOPOLOGY out, or take an x86_64 guest")
        least = sum(node.cpu_shares for node in plan.nodes)
        if topology.cpus < least:
            raise GuestError(f"TOPOLOGY={plan.name}: {topology.cpus} CPUs are too few for it",
                             f"CPUS={least} or more")

    def check_memory(self, topology: Topology) -> None:
        """GuestError if a node's size is none that this machine can have."""
        step = self.mem_step_mib
        if topology.mem_mib % step:
            near = max(1, round(topology.mem_mib / step)) * step
            raise GuestError(f"MEM={topology.mem_mib}M: the memory of a {self.arch} guest comes "
                             f"in steps of {step} MiB", f"for example MEM={near}M")


def _node_options(node: GuestNode) -> list[str]:
    """One node with its memory; a DIMM that is to come has a backend only."""
    words, has = [], f"node,nodeid={node.nid}"
    if node.boot_mib:
        words += ["-object", f"memory-backend-ram,id=ram{node.nid},size={node.boot_mib}M"]
        has += f",memdev=ram{node.nid}"
    if node.cpus:
        has += f",cpus={node.cpu_list}"
    words += ["-numa", has]
    for dimm in node.dimms:
        words += ["-object", f"memory-backend-ram,id={dimm.name}-ram,size={dimm.mib}M"]
        if dimm.kind is Kind.VIRTIO_MEM:
            words += ["-device", f"virtio-mem-pci,id={dimm.name},memdev={dimm.name}-ram,"
                      f"node={node.nid},requested-size={dimm.mib if dimm.at_boot else 0}M"]
        elif dimm.at_boot:
            words += ["-device", f"pc-dimm,id={dimm.name},memdev={dimm.name}-ram,node={node.nid}"]
    return words

