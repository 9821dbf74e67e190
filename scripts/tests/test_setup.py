# SPDX-License-Identifier: GPL-2.0
"""setup.py: what is refused before a guest is made, and what each guest is
told about itself."""

from __future__ import annotations

from pathlib import Path

import pytest

import setup as stp
from errors import ToolError
from kdir import PreparedKernel
from options import Options
from qemu import machines
from qemu.machine import Accel, GuestError


def options(mem_mib: int = 1024, rescue: bool = False) -> Options:
    return Options(kernel="", scenario="*", seconds=1, seed=1, cpus=2, mem_mib=mem_mib,
                   accel="tcg", out=Path("/nowhere"), rescue=rescue)


@pytest.fixture(autouse=True)
def a_pc_with_all_programs(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("platform.machine", lambda: "x86_64")
    monkeypatch.setattr(stp, "check_machine", lambda machine: None)


@pytest.mark.parametrize("arch", ["x86_64", "ppc64le", "arm64", "s390x", "riscv64"])
def test_every_machine_is_found_by_its_kernels_architecture(arch: str) -> None:
    assert arch in (stp.check_guest(options(), arch).arch, "arm64")


def test_rescue_shell_is_of_this_computer(tmp_path: Path,
                                          monkeypatch: pytest.MonkeyPatch) -> None:
    busybox = tmp_path / "busybox"
    monkeypatch.setattr(stp, "BUSYBOX", ("/nowhere/busybox", str(busybox)))
    busybox.write_bytes(b"\x7fELF needs /lib64/ld-linux-x86-64.so.2")
    with pytest.raises(ToolError, match="needs a static busybox"):
        stp.check_guest(options(rescue=True), "x86_64")
    busybox.write_bytes(b"\x7fELF static")
    stp.check_guest(options(rescue=True), "x86_64")
    with pytest.raises(ToolError, match="RESCUE=yes: there is no shell here for a ppc64le guest"):
        stp.check_guest(options(rescue=True), "ppc64le")


def test_memory_that_a_machine_cannot_have_is_refused() -> None:
    stp.check_guest(options(mem_mib=600), "x86_64")
    with pytest.raises(GuestError, match="MEM=600M"):
        stp.check_guest(options(mem_mib=600), "ppc64le")


def test_missing_programs_are_told(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(machine: object) -> None:
        raise ToolError("guests cannot run here")

    monkeypatch.setattr(stp, "check_machine", refuse)
    with pytest.raises(ToolError, match="cannot run"):
        stp.check_guest(options(), "s390x")


@pytest.mark.parametrize(("arch", "channel", "console"), [
    ("x86_64", "/dev/ttyS1", "/dev/ttyS0"), ("ppc64le", "/dev/hvc1", "/dev/hvc0"),
    ("aarch64", "/dev/vport0p1", "/dev/ttyAMA0"), ("s390x", "/dev/vport0p1", "/dev/ttysclp0"),
    ("riscv64", "/dev/vport0p1", "/dev/ttyS0")])
def test_guest_is_told_its_channel_and_console(tmp_path: Path, arch: str, channel: str,
                                               console: str) -> None:
    kernel = PreparedKernel("7.2", "7.2.13", "", "image", "build", "vmlinux", "config", arch)
    setup = stp.Setup(options(), kernel, machines.find(arch), Accel("tcg", ()), b"init")
    text = stp._write_initrd(setup, tmp_path, {"mode": "bare"}, None).read_bytes()
    assert f"channel={channel}\nconsole={console}\nmode=bare\n".encode() in text


@pytest.mark.parametrize(("config", "words"), [
    ("CONFIG_KASAN=y\n", "kasan_multi_shot"), ("CONFIG_HAVE_ARCH_KASAN=y\n", ""),
    ("# CONFIG_KASAN is not set\n", "")])
def test_kasan_is_told_to_go_on_reporting(tmp_path: Path, config: str, words: str) -> None:
    (tmp_path / "config").write_text(config)
    kernel = PreparedKernel("7.2", "7.2.13", "", "image", "build", "vmlinux",
                            str(tmp_path / "config"), "x86_64")
    setup = stp.Setup(options(), kernel, machines.find("x86_64"), Accel("tcg", ()), b"init")
    assert setup.cmdline == words


def test_the_page_size_is_read_from_the_configuration() -> None:
    assert stp.page_kib_of({"PAGE_SIZE_64KB": "y", "PAGE_SIZE": "64"}) == 64
    assert stp.page_kib_of({"ARM64_16K_PAGES": "y"}) == 16
    assert stp.page_kib_of({"X86": "y"}) == 4


def test_a_node_that_goes_has_two_blocks() -> None:
    arm64 = machines.find("arm64")
    assert arm64.dimm_for(64, 512) == 1024 and arm64.dimm_for(4, 512) == 512


def test_more_cpus_than_the_kernel_knows_are_refused() -> None:
    stp.check_cpus(2, {"NR_CPUS": "2"})
    stp.check_cpus(4, {})
    with pytest.raises(ToolError, match="CPUS=4: this kernel is built for 2 CPUs"):
        stp.check_cpus(4, {"NR_CPUS": "2"})
