# SPDX-License-Identifier: GPL-2.0
"""machine.py, machines/ and accel.py: the options that follow from the data,
and which accelerator is chosen for which reason."""

from __future__ import annotations

from pathlib import Path

import pytest

from qemu import accel, machines
from qemu.machine import Accel, GuestError, Topology

FACTS = accel.HostFacts("6.1", "cpu", "qemu 7.2", "7.2.13")


def refuse(tried: Accel) -> str:
    raise AssertionError("must not be probed")


def test_node_one_has_memory_and_no_cpu() -> None:
    options = machines.find("x86_64").numa_options(Topology(4, 768, 256))
    text = " ".join(options)
    assert "-numa node,nodeid=0,memdev=ram0,cpus=0-3" in text
    assert "-numa node,nodeid=1 " in text
    assert "pc-dimm,memdev=ram1,node=1" in text
    assert "768M,slots=4,maxmem=1792M" in text


def test_oops_ends_the_guest() -> None:
    words = machines.find("x86_64").command_line(accel.emulated("")).split()
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
    other = accel.HostFacts("6.1", "cpu", "qemu 7.2", "6.12.1")
    accel.choose("auto", FACTS, tmp_path, lambda tried: "no", lambda: "")
    assert accel.choose("auto", other, tmp_path, lambda tried: "", lambda: "").name == "kvm"


def test_damaged_memory_is_asked_again(tmp_path: Path) -> None:
    accel.choose("auto", FACTS, tmp_path, lambda tried: "no", lambda: "")
    stored = tmp_path / "accel" / f"{FACTS.key()}.json"
    stored.write_text('{"problem"')
    assert accel.choose("auto", FACTS, tmp_path, lambda tried: "", lambda: "").name == "kvm"


def facts_of(qemu: str, release: str) -> accel.HostFacts:
    return accel.HostFacts("6.1.0", "some CPU", f"QEMU emulator version {qemu} (Debian)", release)


@pytest.mark.parametrize(("qemu", "release", "without"), [
    ("7.2.22", "6.12.95+deb12-cloud-amd64", ("cx16",)),
    ("7.2.22", "5.10.0-46-cloud-amd64", ("cx16",)),
    ("7.2.22", "7.2.12+deb13-cloud-amd64", ()),
    ("10.0.8", "6.12.95+deb12-cloud-amd64", ()),
    ("none", "6.12.95+deb12-cloud-amd64", ()),
])
def test_feature_emulated_wrongly_is_left_out_and_told(
        qemu: str, release: str, without: tuple[str, ...],
        monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("platform.machine", lambda: "x86_64")
    chosen = accel.emulated("emulation", facts_of(qemu, release))
    assert chosen.cpu_without == without
    assert ("cx16" in chosen.note) == bool(without)
    words = machines.find("x86_64").cpu_options(chosen)
    assert words[words.index("-cpu") + 1] == ("max,-cx16" if without else "max")
