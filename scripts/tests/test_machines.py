# SPDX-License-Identifier: GPL-2.0
"""machines.py and guest_tools.py: what is told of machines that can run, that
cannot, and that can only in part; with programs of the tests' own making."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

import guest_tools
import machines as mach
from errors import ToolError
from guest_tools import Program, check_machine, compiler_of, numbers, qemu_of
from qemu import machines

PPC = machines.find("ppc64le")
ARM = machines.find("aarch64")
X86 = machines.find("x86_64")


@pytest.fixture(name="path")
def path_of_fakes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty PATH, on a computer that is an x86-64 one."""
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr("platform.machine", lambda: "x86_64")
    return tmp_path


def put(path: Path, name: str, says: str) -> None:
    program = path / name
    program.write_text(f"#!/bin/sh\necho '{says}'\n")
    program.chmod(0o755)


def put_ppc(path: Path, qemu: str = "7.2.22", gxx: str = "12.2.0") -> None:
    put(path, "qemu-system-ppc64", f"QEMU emulator version {qemu} (Debian 1:{qemu}+dfsg-7)")
    put(path, "powerpc64le-linux-gnu-g++", gxx)


def test_versions_are_read(path: Path) -> None:
    put_ppc(path)
    assert (qemu_of(PPC).version, compiler_of(PPC).version) == ("7.2.22", "12.2.0")
    check_machine(PPC)


def test_own_architecture_takes_no_cross_compiler(path: Path) -> None:
    assert (compiler_of(X86).name, compiler_of(X86).package) == ("g++", "g++")
    assert compiler_of(ARM).name == "aarch64-linux-gnu-g++"


def test_missing_programs_are_named_with_their_packages(path: Path) -> None:
    with pytest.raises(ToolError) as caught:
        check_machine(PPC)
    assert "ppc64le guests cannot run here" in str(caught.value)
    assert "no qemu-system-ppc64" in str(caught.value)
    assert "no powerpc64le-linux-gnu-g++" in str(caught.value)
    assert "apt-get install qemu-system-ppc" in caught.value.hint
    assert "g++-powerpc64le-linux-gnu" in caught.value.hint
    assert caught.value.status == 2


@pytest.mark.parametrize(("qemu", "gxx", "said"), [
    ("5.2.0", "12.2.0", "qemu-system-ppc64 5.2.0 is too old, 7.2"),
    ("7.2.22", "9.4.0", "g++ 9.4.0 is too old, 10.0")])
def test_old_programs_are_refused(path: Path, qemu: str, gxx: str, said: str) -> None:
    put_ppc(path, qemu, gxx)
    with pytest.raises(ToolError) as caught:
        check_machine(PPC)
    assert said in str(caught.value)
    assert "apt-get install" not in caught.value.hint


def test_new_programs_are_taken(path: Path) -> None:
    put_ppc(path, "10.0.13", "14.2.0")
    check_machine(PPC)
    put_ppc(path, "7.2", "10")
    check_machine(PPC)


def test_program_that_does_not_say_its_version_is_too_old_to_know(path: Path) -> None:
    put_ppc(path, "unknown")
    assert qemu_of(PPC).version == "?" and qemu_of(PPC).problem
    assert numbers("10") == (10, 0) and numbers("7.2.22") == (7, 2) and numbers("?") == (0, 0)


def test_how_guests_are_run() -> None:
    assert mach.runs(X86, "x86_64", "") == "KVM?"
    assert mach.runs(X86, "x86_64", "there is no /dev/kvm") == "emulated"
    assert mach.runs(PPC, "x86_64", "") == "emulated"
    assert mach.runs(PPC, "ppc64le", "") == "KVM?"


def test_node_that_can_go_and_why_not() -> None:
    assert mach.node_text(PPC, "", False) == "yes"
    assert "no NUMA" in mach.node_text(machines.find("s390x"), "", False)
    old = mach.node_text(ARM, "2022.11-6+deb12u2", False)
    assert "from 2025.02 on, fetched when used; 2022.11 is installed" in old
    assert mach.node_text(ARM, "", True).endswith("in the cache")
    assert mach.node_text(ARM, "2025.02-8", False) == "yes, by qemu-efi-aarch64 2025.02"


def row(machine: str, qemu: str = "7.2.22", gxx: str = "12.2.0") -> mach.Row:
    data = machines.find(machine)
    return mach.Row(data, Program(data.qemu, data.package, qemu, data.qemu_least),
                    Program(f"{data.cross}g++", "g++-cross", gxx, guest_tools.LEAST_GXX),
                    "emulated", mach.node_text(data, "2022.11-6", False))


def test_table_fits_80_columns_and_names_every_machine() -> None:
    rows = [row(machine.arch) for machine in machines.MACHINES]
    text = mach.table(rows, "x86_64", "there is no /dev/kvm")
    assert max(map(len, text.splitlines())) < 80
    firsts = [line.split()[0] for line in text.splitlines() if line and line[0] != " "]
    assert firsts[1:6] == [machine.arch for machine in machines.MACHINES]
    assert "x86_64 guests are emulated: there is no /dev/kvm" in text
    assert "apt-get" not in text


def test_table_says_what_to_install() -> None:
    text = mach.table([row("x86_64"), row("s390x", qemu=""), row("ppc64le", gxx="9.1")], "x86_64",
                      "")
    assert "s390x: there is no qemu-system-s390x: apt-get install qemu-system-misc" in text
    assert "ppc64le: powerpc64le-linux-gnu-g++ 9.1 is too old" in text
    lines = {line.split()[0]: line.split() for line in text.splitlines()[1:4]}
    assert lines["x86_64"][4] == "emulated"
    assert lines["s390x"][2] == "none" and lines["s390x"][4] == "no"
    assert max(map(len, text.splitlines()[:4])) < 80


def test_a_machine_that_needs_nothing_special_takes_any_qemu(path: Path) -> None:
    put(path, "qemu-system-x86_64", "QEMU emulator version 4.2.0")
    put(path, "g++", "12.2.0")
    check_machine(X86)
    with pytest.raises(ToolError, match="too old"):
        check_machine(replace(X86, qemu_least=(7, 2)))
