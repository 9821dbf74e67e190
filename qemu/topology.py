# SPDX-License-Identifier: GPL-2.0
"""What nodes a guest has, as data: CPUs, memory of the boot, DIMMs that can go
and come, distances; and whether a guest that runs has become what was asked.

A plan is in shares of what the user chose (CPUS, MEM) and of the machine's
usual DIMM; `Topology` makes numbers of it. QEMU's options for it are in
machine.py, which plans there are is said by the files in topologies/.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import Enum

_VALUE = re.compile(r"([a-z_]+)=(\S*)")


class Boot(Enum):
    """Memory that a node has from the boot on and never loses."""

    NONE = "none"
    MEM = "as much as MEM says"
    DIMM = "as much as the machine's usual DIMM"


class Kind(Enum):
    """How memory that can go and come is made."""

    DIMM = "DIMM"
    VIRTIO_MEM = "virtio-mem"


@dataclass(frozen=True)
class Dimm:
    """Memory that can go and come: one of so many equal parts of the usual
    DIMM; without `at_boot` it comes when the host is asked for it. A virtio-mem
    device is there from the boot on and grows and shrinks when it is asked to."""

    part_of: int = 1
    at_boot: bool = True
    kind: Kind = Kind.DIMM


@dataclass(frozen=True)
class Node:
    """One node: how many of so many equal shares of the CPUs, and its memory."""

    cpu_shares: int = 0
    boot: Boot = Boot.NONE
    dimms: tuple[Dimm, ...] = ()


@dataclass(frozen=True)
class Plan:
    """Nodes in their order. `distances` has one row a node, or none at all;
    `cpus` is what CPUS is when nobody says; `goes` is the node whose memory the
    module may take though it has CPUs, or -1; `cmdline` is for the kernel."""

    name: str
    text: str
    nodes: tuple[Node, ...]
    distances: tuple[tuple[int, ...], ...] = ()
    cpus: int = 2
    goes: int = -1
    movable_only: bool = False
    cmdline: tuple[str, ...] = ()

    @property
    def needs_dimm(self) -> bool:
        """Whether it is another one where no DIMM can go or come."""
        late = any(not dimm.at_boot for node in self.nodes for dimm in node.dimms)
        return late or self.movable_only

    @property
    def has_virtio_mem(self) -> bool:
        return any(dimm.kind is Kind.VIRTIO_MEM for node in self.nodes for dimm in node.dimms)


USUAL = Plan("two", "node 1 has no CPU and a DIMM that can go and come",
             (Node(cpu_shares=1, boot=Boot.MEM), Node(dimms=(Dimm(),))))


@dataclass(frozen=True)
class GuestDimm:
    """A DIMM by the name that QEMU knows it by."""

    name: str
    nid: int
    mib: int
    at_boot: bool
    kind: Kind = Kind.DIMM


@dataclass(frozen=True)
class GuestNode:
    """One node in numbers; its CPUs are `first_cpu` and those that follow."""

    nid: int
    first_cpu: int
    cpus: int
    boot_mib: int
    dimms: tuple[GuestDimm, ...] = ()

    @property
    def mib(self) -> int:
        """What it has when the guest has booted."""
        return self.boot_mib + sum(dimm.mib for dimm in self.dimms if dimm.at_boot)

    @property
    def cpu_list(self) -> str:
        last = self.first_cpu + self.cpus - 1
        return "" if not self.cpus else (
            str(last) if self.cpus == 1 else f"{self.first_cpu}-{last}")


@dataclass(frozen=True)
class Topology:
    """A plan with its numbers, in MiB."""

    cpus: int = 2
    mem_mib: int = 1024
    dimm_mib: int = 512
    plan: Plan = field(default=USUAL)

    def nodes(self, dimms_stay: bool = False) -> tuple[GuestNode, ...]:
        """Every node; where DIMMs stay they are memory of the boot."""
        shares = sum(node.cpu_shares for node in self.plan.nodes)
        found: list[GuestNode] = []
        done = 0
        for nid, node in enumerate(self.plan.nodes):
            before = self.cpus * done // shares
            done += node.cpu_shares
            dimms = tuple(
                GuestDimm(f"dimm{nid}" + (f"-{number}" if len(node.dimms) > 1 else ""), nid,
                          self.dimm_mib // dimm.part_of, dimm.at_boot, dimm.kind)
                for number, dimm in enumerate(node.dimms))
            boot = {Boot.NONE: 0, Boot.MEM: self.mem_mib, Boot.DIMM: self.dimm_mib}[node.boot]
            if dimms_stay:
                boot, dimms = boot + sum(dimm.mib for dimm in dimms), ()
            found.append(GuestNode(nid, before, self.cpus * done // shares - before, boot, dimms))
        return tuple(found)

    @property
    def dimms(self) -> tuple[GuestDimm, ...]:
        return tuple(dimm for node in self.nodes() for dimm in node.dimms)

    @property
    def total_mib(self) -> int:
        """All memory that it can have, at the boot or later."""
        return sum(node.mib for node in self.nodes(dimms_stay=True))


@dataclass(frozen=True)
class FoundNode:
    """What a guest says of one node."""

    cpus: str
    mib: int
    blocks_mib: int
    block_mib: int
    distances: tuple[int, ...]


def found_nodes(facts: Mapping[str, str]) -> dict[int, FoundNode]:
    """The nodes that init reports, as `node0=cpus=0-1 mib=977 ...`."""
    found = {}
    for key, text in facts.items():
        match = re.fullmatch(r"node(\d+)", key)
        values = dict(_VALUE.findall(text)) if match else {}
        if match and values:
            number = {name: int(value) for name, value in values.items() if value.isdigit()}
            found[int(match[1])] = FoundNode(
                values.get("cpus", ""), number.get("mib", 0), number.get("blocks_mib", 0),
                number.get("block_mib", 0),
                tuple(int(word) for word in values.get("distance", "").split(",")
                      if word.isdigit()))
    return found


def _is_so_large(node: GuestNode, found: FoundNode, aligned: bool) -> bool:
    """Memory blocks tell it to the MiB; a kernel without them only what it has
    left after its own needs. Where a node ends inside of a block, the block is
    counted for both of its nodes."""
    if found.blocks_mib:
        slack = 0 if aligned else 2 * found.block_mib
        return abs(found.blocks_mib - node.mib) <= slack
    return node.mib // 2 <= found.mib <= node.mib


def _node_problem(node: GuestNode, found: FoundNode, aligned: bool) -> str:
    if found.cpus != node.cpu_list:
        return f"CPUs '{node.cpu_list}' wanted, '{found.cpus}' found"
    if not _is_so_large(node, found, aligned):
        return f"{node.mib} MiB wanted, {found.blocks_mib or found.mib} found"
    return ""


def _joined(numbers: Iterable[int]) -> str:
    return ",".join(str(number) for number in numbers)


def difference(wanted: Sequence[GuestNode], distances: Sequence[tuple[int, ...]],
               facts: Mapping[str, str]) -> str:
    """What of a guest is not as it was asked for, or ""; all that differs."""
    found = found_nodes(facts)
    there = [node for node in wanted if node.cpus or node.mib]
    nids = [node.nid for node in there]
    if sorted(found) != nids:
        return f"nodes {_joined(nids)} wanted, {_joined(sorted(found)) or 'none'} found"
    problems = []
    for node in there:
        one = found[node.nid]
        aligned = not one.block_mib or all(n.boot_mib % one.block_mib == 0 for n in wanted)
        problem = _node_problem(node, one, aligned)
        far = tuple(distances[node.nid][nid] for nid in nids) if distances else ()
        if not problem and far and one.distances != far:
            problem = f"distances {_joined(far)} wanted, {_joined(one.distances)} found"
        if problem:
            problems.append(f"node {node.nid}: {problem}")
    return "; ".join(problems)
