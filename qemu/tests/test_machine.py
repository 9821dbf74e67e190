# SPDX-License-Identifier: GPL-2.0
"""machine.py, machines/ and accel.py: the options that follow from the data,
and which accelerator is chosen for which reason."""

from __future__ import annotations

import sys
from dataclasses import replace
from pathlib import Path

import pytest

from qemu import accel, machines
from qemu.machine import Accel, GuestError, Machine, Nodes
from qemu.topology import Topology

X86 = machines.find("x86_64")
FACTS = accel.HostFacts("6.1", "cpu", "qemu 7.2", "7.2.13", X86, "x86_64")


def refuse(tried: Accel) -> str:
    raise AssertionError("must not be probed")


def test_node_one_has_memory_and_no_cpu() -> None:
    options = machines.find("x86_64").numa_options(Topology(4, 768, 256))
    text = " ".join(options)
    assert "-numa node,nodeid=0,memdev=ram0,cpus=0-3" in text
    assert "-numa node,nodeid=1 " in text
    assert "pc-dimm,id=dimm1,memdev=dimm1-ram,node=1" in text
    assert "768M,slots=4,maxmem=1792M" in text


def test_oops_ends_the_guest() -> None:
    words = machines.find("x86_64").command_line(accel.emulated("", FACTS)).split()
    assert {"oops=panic", "panic=-1", "movable_node"} <= set(words)
    assert "nokaslr" not in words


def test_unknown_machine_names_the_known() -> None:
    with pytest.raises(GuestError) as caught:
        machines.find("vax")
    assert "x86_64" in caught.value.hint


def test_tcg_as_asked_needs_no_probe(tmp_path: Path) -> None:
    assert accel.choose("tcg", FACTS, tmp_path, refuse).name == "tcg"


def test_no_device_is_emulation_and_says_so(tmp_path: Path) -> None:
    got = accel.choose("auto", FACTS, tmp_path, refuse, lambda: "there is no /dev/kvm")
    assert got.name == "tcg" and "there is no /dev/kvm" in got.note
    assert got.options == ("-accel", "tcg,thread=multi")


def test_kvm_after_a_proof_which_is_remembered(tmp_path: Path) -> None:
    tried: list[str] = []

    def probe(with_accel: Accel) -> str:
        tried.append(with_accel.name)
        return ""

    for _ in range(2):
        assert accel.choose("auto", FACTS, tmp_path, probe, lambda: "").name == "kvm"
    assert tried == ["kvm"]


def test_failed_proof_is_emulation_or_an_error(tmp_path: Path) -> None:
    def probe(with_accel: Accel) -> str:
        return "it hung"

    assert "it hung" in accel.choose("auto", FACTS, tmp_path, probe, lambda: "").note
    with pytest.raises(GuestError, match="it hung"):
        accel.choose("kvm", FACTS, tmp_path, probe, lambda: "")


def test_another_kernel_is_asked_again(tmp_path: Path) -> None:
    other = replace(FACTS, guest_release="6.12.1")
    accel.choose("auto", FACTS, tmp_path, lambda tried: "no", lambda: "")
    assert accel.choose("auto", other, tmp_path, lambda tried: "", lambda: "").name == "kvm"


def test_damaged_memory_is_asked_again(tmp_path: Path) -> None:
    accel.choose("auto", FACTS, tmp_path, lambda tried: "no", lambda: "")
    stored = tmp_path / "accel" / f"{FACTS.key()}.json"
    stored.write_text('{"problem"')
    assert accel.choose("auto", FACTS, tmp_path, lambda tried: "", lambda: "").name == "kvm"


def facts_of(qemu: str, release: str, arch: str = "x86_64",
             host: str = "x86_64") -> accel.HostFacts:
    return accel.HostFacts("6.1.0", "some CPU", f"QEMU emulator version {qemu} (Debian)", release,
                           machines.find(arch), host)


@pytest.mark.parametrize(("qemu", "release", "without"), [
    ("7.2.22", "6.12.95+deb12-cloud-amd64", ("cx16",)),
    ("7.2.22", "5.10.0-46-cloud-amd64", ("cx16",)),
    ("7.2.22", "7.2.12+deb13-cloud-amd64", ()),
    ("10.0.8", "6.12.95+deb12-cloud-amd64", ()),
    ("none", "6.12.95+deb12-cloud-amd64", ()),
])
def test_feature_emulated_wrongly_is_left_out_and_told(
        qemu: str, release: str, without: tuple[str, ...]) -> None:
    chosen = accel.emulated("", facts_of(qemu, release))
    assert chosen.cpu_without == without
    assert ("cx16" in chosen.note) == bool(without)
    words = machines.find("x86_64").cpu_options(chosen)
    assert words[words.index("-cpu") + 1] == ("max,-cx16" if without else "max")


def test_feature_of_x86_is_no_matter_of_other_guests() -> None:
    facts = facts_of("7.2.22", "6.12.95", "ppc64le")
    assert accel.emulated("", facts).cpu_without == ()
    # but of an x86 guest on another host
    assert accel.emulated("", facts_of("7.2.22", "6.12.95", host="aarch64")).cpu_without


@pytest.mark.parametrize(("arch", "host", "threads"), [
    ("x86_64", "x86_64", "multi"), ("ppc64le", "x86_64", "multi"), ("s390x", "x86_64", "multi"),
    ("riscv64", "x86_64", "multi"), ("aarch64", "x86_64", "multi"),
    ("aarch64", "aarch64", "multi"), ("ppc64le", "aarch64", "multi"),
    ("x86_64", "aarch64", "single"), ("s390x", "ppc64le", "single"),
    ("x86_64", "s390x", "multi")])
def test_guests_whose_order_the_host_lacks_take_turns(arch: str, host: str, threads: str) -> None:
    got = accel.choose("tcg", facts_of("7.2", "7.2", arch, host), Path("/nowhere"), refuse)
    assert got.options == ("-accel", f"tcg,thread={threads}")
    assert f"thread={threads}" in got.note and "as asked" in got.note


def test_kvm_is_not_tried_for_another_architecture(tmp_path: Path) -> None:
    facts = facts_of("7.2.22", "7.2.13", "ppc64le")
    got = accel.choose("auto", facts, tmp_path, refuse, lambda: "")
    assert got.name == "tcg"
    assert "the guest is ppc64le, this computer is x86_64" in got.note
    with pytest.raises(GuestError, match="the guest is ppc64le"):
        accel.choose("kvm", facts, tmp_path, refuse, lambda: "")


def test_every_file_is_a_machine_and_the_usual_one_is_first() -> None:
    files = sorted(path.stem for path in Path(machines.__file__).parent.glob("[a-z]*.py"))
    archs = [machine.arch for machine in machines.MACHINES]
    assert sorted(archs) == files
    assert archs[0] == "x86_64" and archs[1:] == sorted(archs[1:])
    names = [name for machine in machines.MACHINES for name in (machine.arch, *machine.aliases)]
    assert len(names) == len(set(names))


def test_a_new_file_is_a_new_machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "loong64.py").write_text(
        "from dataclasses import replace\nfrom qemu.machines import x86_64\n"
        "MACHINE = replace(x86_64.MACHINE, arch='loong64')\n")
    monkeypatch.setattr(machines, "__path__", [*machines.__path__, str(tmp_path)])
    assert [machine.arch for machine in machines._all()] == [
        "x86_64", "aarch64", "loong64", "ppc64le", "riscv64", "s390x"]
    sys.modules.pop("qemu.machines.loong64")


@pytest.mark.parametrize("machine", machines.MACHINES, ids=lambda machine: str(machine.arch))
def test_console_and_channel_are_two_devices(machine: Machine) -> None:
    words = machine.device_options("first", "second")
    assert sum("chardev=first" in word or word == "chardev:first" for word in words) == 1
    assert sum("chardev=second" in word for word in words) == 1
    assert "{" not in " ".join(words)
    assert machine.console_path().startswith("/dev/") and "," not in machine.console_path()
    assert machine.channel.startswith("/dev/") and machine.channel != machine.console_path()


@pytest.mark.parametrize("machine", machines.MACHINES, ids=lambda machine: str(machine.arch))
def test_node_one_goes_or_says_why_not(machine: Machine) -> None:
    text = " ".join(machine.numa_options(Topology(2, 1024, 512)))
    assert (machine.nodes is Nodes.DIMM) == ("pc-dimm" in text) == (not machine.why_fixed)
    assert (machine.nodes is Nodes.NONE) == ("numa" not in text)
    # no memory of the boot is in the DIMM, all of it is elsewhere
    assert ("-m 1536M " in text) == (machine.nodes is Nodes.FIXED)


def test_topology_is_told_as_it_is() -> None:
    size = Topology(2, 1024, 512)
    assert machines.find("x86_64").described(size) == (
        "2 CPUs, 1024 MiB on node 0, 512 MiB on node 1")
    assert machines.find("s390x").described(size) == (
        "2 CPUs, 1024 MiB (no node 1: Linux has no NUMA on s390x)")
    plain = machines.find("arm64").without_firmware("there is none")
    assert plain.described(size).endswith("512 MiB on node 1 (which cannot go: there is none)")


def test_without_firmware_node_one_stays() -> None:
    whole = machines.find("arm64")
    assert "-bios" in whole.boot_options()
    plain = whole.without_firmware("there is none")
    assert plain.boot_options() == [] and plain.why_fixed == "there is none"
    assert "node,nodeid=1,memdev=ram1" in plain.numa_options(Topology())
    assert whole.with_firmware("/a/file").boot_options() == ["-bios", "/a/file"]
    with pytest.raises(GuestError, match="no firmware"):
        machines.find("x86_64").with_firmware("/a/file")


def test_memory_comes_in_steps() -> None:
    machines.find("ppc64le").check_memory(Topology(2, 768, 512))
    machines.find("x86_64").check_memory(Topology(2, 700, 512))
    with pytest.raises(GuestError, match="steps of 256 MiB") as caught:
        machines.find("ppc64le").check_memory(Topology(2, 700, 512))
    assert caught.value.hint == "for example MEM=768M"
