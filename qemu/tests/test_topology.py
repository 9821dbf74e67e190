# SPDX-License-Identifier: GPL-2.0
"""topology.py and topologies/: numbers from plans, QEMU's options for them, what
machines cannot have, and guests that are not what was asked for."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from qemu import machines, topologies
from qemu.machine import GuestError, Nodes
from qemu.topology import USUAL, Boot, Node, Plan, Topology, difference
from qemu.transcript import parse

X86 = machines.find("x86_64")
GOLDEN = Path(__file__).parent / "golden"


def sized(name: str) -> Topology:
    plan = topologies.find(name)
    return Topology(plan.cpus, 1024, 512, plan)


def options(name: str, arch: str = "x86_64") -> str:
    return " ".join(machines.find(arch).numa_options(sized(name)))


def test_every_file_is_a_topology_and_the_usual_one_is_first() -> None:
    files = {path.stem.replace("_", "-")
             for path in Path(topologies.__file__).parent.glob("[a-z]*.py")}
    names = [plan.name for plan in topologies.TOPOLOGIES]
    assert set(names) == files and names[0] == "two" and topologies.find("") is USUAL


def test_unknown_name_is_refused_with_the_list() -> None:
    with pytest.raises(GuestError, match="TOPOLOGY=three") as caught:
        topologies.find("three")
    assert "cpus-on-both, four" in caught.value.hint


def test_usual_guest_is_as_it_was() -> None:
    assert options("") == (
        "-smp 2,sockets=2,cores=1 -m 1024M,slots=4,maxmem=3072M "
        "-object memory-backend-ram,id=ram0,size=1024M "
        "-numa node,nodeid=0,memdev=ram0,cpus=0-1 -numa node,nodeid=1 "
        "-object memory-backend-ram,id=dimm1-ram,size=512M "
        "-device pc-dimm,id=dimm1,memdev=dimm1-ram,node=1")


def test_cpus_on_both() -> None:
    text = options("cpus-on-both")
    assert "-smp 4," in text and "nodeid=0,memdev=ram0,cpus=0-1" in text
    assert "nodeid=1,memdev=ram1,cpus=2-3" in text and "pc-dimm" not in text
    assert "-m 1536M " in text


def test_node_without_memory_has_a_dimm_to_come() -> None:
    text = options("no-memory-at-boot")
    assert "-numa node,nodeid=1,cpus=1" in text and "id=dimm1-ram,size=512M" in text
    assert "pc-dimm" not in text and "slots=4" in text
    assert [node.mib for node in sized("no-memory-at-boot").nodes()] == [1024, 0]


def test_four_nodes_with_distances() -> None:
    text = options("four")
    assert "dist,src=0,dst=3,val=40" in text and "dist,src=3,dst=2,val=15" in text
    assert "src=1,dst=1" not in text
    plan = topologies.find("four")
    for src, row in enumerate(plan.distances):
        for dst, far in enumerate(row):
            assert far == plan.distances[dst][src] and (far == 10) == (src == dst)


def test_two_dimms_make_one_node() -> None:
    text = options("two-dimms")
    assert "id=dimm1-0,memdev=dimm1-0-ram,node=1" in text
    assert "id=dimm1-1,memdev=dimm1-1-ram,node=1" in text
    assert [dimm.mib for dimm in sized("two-dimms").dimms] == [256, 256]


@pytest.mark.parametrize("plan", topologies.TOPOLOGIES, ids=lambda plan: str(plan.name))
def test_every_cpu_is_on_one_node(plan: Plan) -> None:
    for cpus in (plan.cpus, 5, 64):
        nodes = Topology(cpus, 1024, 512, plan).nodes()
        assert sum(node.cpus for node in nodes) == cpus
        at = 0
        for node in nodes:
            assert node.first_cpu == at
            at += node.cpus


@pytest.mark.parametrize("arch", ["s390x", "riscv64"])
def test_machine_with_one_node_says_so(arch: str) -> None:
    machine = machines.find(arch)
    machine.check_topology(sized("two"))
    with pytest.raises(GuestError, match=f"TOPOLOGY=four: a {arch} guest has one node"):
        machine.check_topology(sized("four"))


def test_without_dimms_some_cannot_be_had() -> None:
    fixed = machines.find("arm64").without_firmware("there is none")
    fixed.check_topology(sized("two-dimms"))
    assert "pc-dimm" not in " ".join(fixed.numa_options(sized("two-dimms")))
    for name in ("no-memory-at-boot", "movable-only"):
        with pytest.raises(GuestError, match=f"{name}: no DIMM .*: there is none"):
            fixed.check_topology(sized(name))


def test_too_few_cpus_for_a_plan() -> None:
    plan = Plan("three", "", tuple(Node(cpu_shares=1, boot=Boot.MEM) for _ in range(3)))
    with pytest.raises(GuestError, match="2 CPUs are too few") as caught:
        X86.check_topology(Topology(2, 1024, 512, plan))
    assert caught.value.hint == "CPUS=3 or more"


def fact(cpus: str, mib: int, distance: str = "10,20", block: int = 128) -> str:
    """What init says of a node whose memory is whole blocks."""
    return (f"cpus={cpus} mib={mib - mib // 16} blocks_mib={mib if block else 0} "
            f"block_mib={block} distance={distance}")


def found(name: str, **facts: str) -> str:
    topology = sized(name)
    return difference(X86.nodes_of(topology), topology.plan.distances, facts)


def test_guest_as_asked() -> None:
    assert found("two", node0=fact("0-1", 1024), node1=fact("", 512)) == ""
    assert found("no-memory-at-boot", node0=fact("0", 1024), node1=fact("1", 0)) == ""
    assert found("two", node0=fact("0-1", 1024, block=0), node1=fact("", 512, block=0)) == ""


def test_folded_guest_is_told() -> None:
    assert found("two", node0=fact("0-1", 1536)) == "nodes 0,1 wanted, 0 found"
    assert found("two") == "nodes 0,1 wanted, none found"
    assert found("two", node0="garbled") == "nodes 0,1 wanted, none found"


def test_changed_guest_is_told() -> None:
    assert found("two", node0=fact("0-1", 1024), node1=fact("", 256)) == (
        "node 1: 512 MiB wanted, 256 found")
    assert found("two", node0=fact("0-1", 1024, block=0), node1=fact("", 600, block=0)) == (
        "node 1: 512 MiB wanted, 563 found")
    assert found("cpus-on-both", node0=fact("0-3", 1024), node1=fact("", 512)) == (
        "node 0: CPUs '0-1' wanted, '0-3' found; node 1: CPUs '2-3' wanted, '' found")


def test_distances_are_compared_where_they_were_asked_for() -> None:
    nodes = {"node0": fact("0-1", 1024, "10,20,30,40"), "node1": fact("2-3", 512, "20,10,25,35"),
             "node2": fact("", 512, "30,25,10,15"), "node3": fact("", 512, "40,35,15,10")}
    assert found("four", **nodes) == ""
    assert found("four", **{**nodes, "node3": fact("", 512, "20,20,20,10")}) == (
        "node 3: distances 40,35,15,10 wanted, 20,20,20,10 found")
    assert found("two", node0=fact("0-1", 1024, "10,99"), node1=fact("", 512)) == ""


def test_node_that_ends_inside_of_a_block_shares_it() -> None:
    topology = replace(sized("cpus-on-both"), mem_mib=700)
    facts = {"node0": fact("0-1", 768), "node1": fact("2-3", 640)}
    assert difference(X86.nodes_of(topology), (), facts) == ""
    assert difference(X86.nodes_of(topology), (), {**facts, "node1": fact("2-3", 1024)}) != ""


def test_machine_without_nodes_has_none_to_compare() -> None:
    assert machines.find("s390x").nodes is Nodes.NONE
    assert machines.find("s390x").nodes_of(sized("two")) == ()


@pytest.mark.parametrize(("name", "said"), [
    ("two", ""), ("four", "nodes 0,1,2,3 wanted, 0,1 found")])
def test_golden_channel(name: str, said: str) -> None:
    facts = parse((GOLDEN / "nodes.ktap").read_bytes()).facts
    topology = sized(name)
    assert difference(X86.nodes_of(topology), topology.plan.distances, facts) == said


def test_golden_folded_channel() -> None:
    facts = parse((GOLDEN / "folded.ktap").read_bytes()).facts
    assert difference(X86.nodes_of(sized("two")), (), facts) == "nodes 0,1 wanted, 0 found"


def test_a_virtio_mem_device_is_there_before_its_memory() -> None:
    assert options("virtio-mem").endswith(
        "-numa node,nodeid=1,cpus=1 -object memory-backend-ram,id=dimm1-ram,size=512M "
        "-device virtio-mem-pci,id=dimm1,memdev=dimm1-ram,node=1,requested-size=0M")
    assert [node.mib for node in sized("virtio-mem").nodes()] == [1024, 0]
    with pytest.raises(GuestError, match="not tried on ppc64le"):
        machines.find("ppc64le").check_topology(sized("virtio-mem"))
