# SPDX-License-Identifier: GPL-2.0
"""firmware.py: the installed one, the archive's, none; and a kernel that could
not be started by any. Nothing is fetched here."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

import firmware as fw
from errors import ToolError
from qemu import machines
from qemu.machine import Firmware, Machine, Nodes
from series import Package

NEEDS = Firmware("qemu-efi-aarch64", "/usr/share/fw/QEMU_EFI.fd", "2025.02", ("EFI", "ACPI"))
ARM = replace(machines.find("aarch64"), firmware=NEEDS)
FITS = {"EFI": "y", "ACPI": "y"}


def refuse(firmware: Firmware, cache: Path) -> Path:
    raise AssertionError("must not be fetched")


def fitted(tmp_path: Path, version: str, path: str = "/nowhere", fetched: str = "") -> Machine:
    def get(firmware: Firmware, cache: Path) -> Path:
        if not fetched:
            raise ToolError("the Debian archive cannot be reached")
        return Path(fetched)

    machine = replace(ARM, firmware=replace(NEEDS, path=path))
    return fw.fitted(machine, FITS, tmp_path, get, lambda package: version)


@pytest.mark.parametrize(("version", "good"), [
    ("2025.02-8+deb13u1", True), ("2026.05-1", True), ("1:2025.02-1", True), ("2025.02", True),
    ("2022.11-6+deb12u2", False), ("", False), ("0~20191122.bd85bf54-2", False)])
def test_which_version_will_do(version: str, good: bool) -> None:
    assert fw.will_do(version, NEEDS) is good


def test_installed_one_is_used_if_it_is_new_enough(tmp_path: Path) -> None:
    file = tmp_path / "QEMU_EFI.fd"
    file.touch()
    got = fitted(tmp_path, "2025.02-8", str(file))
    assert got.boot_options() == ["-bios", str(file)] and got.nodes is Nodes.DIMM


@pytest.mark.parametrize(("version", "path"), [
    ("2022.11-6", "/etc/passwd"), ("", "/nowhere"), ("2025.02-8", "/nowhere")])
def test_else_the_archives(tmp_path: Path, version: str, path: str) -> None:
    got = fitted(tmp_path, version, path, fetched="/cache/QEMU_EFI.fd")
    assert got.boot_options() == ["-bios", "/cache/QEMU_EFI.fd"]


def test_without_any_node_one_stays_and_it_is_said(tmp_path: Path) -> None:
    got = fitted(tmp_path, "2022.11-6")
    assert got.boot_options() == [] and got.nodes is Nodes.FIXED
    assert "from 2025.02 on" in got.why_fixed and "cannot be reached" in got.why_fixed


def test_kernel_that_it_cannot_start_goes_without(tmp_path: Path) -> None:
    got = fw.fitted(ARM, {"EFI": "y", "ACPI": "n"}, tmp_path, refuse, lambda package: "2025.02-1")
    assert got.boot_options() == [] and got.why_fixed == "the kernel has no CONFIG_ACPI"


def test_other_machines_are_as_they_are(tmp_path: Path) -> None:
    machine = machines.find("x86_64")
    assert fw.fitted(machine, {}, tmp_path, refuse) is machine


def test_oldest_that_will_do_is_chosen() -> None:
    offered = [Package("qemu-efi-aarch64", version) for version in
               ("2026.05-1", "2022.11-6+deb12u2", "2025.02-8+deb13u1", "2025.11-3")]
    offered.append(Package("qemu-efi-arm", "2025.02-1"))
    chosen = fw.oldest_that_will_do(offered, NEEDS)
    assert chosen is not None and chosen.version == "2025.02-8+deb13u1"
    assert fw.oldest_that_will_do(offered[1:2], NEEDS) is None


def test_cached_file_is_not_fetched_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    class NoArchive:
        def __init__(self, state: Path) -> None:
            pass

        def refresh(self) -> None:
            raise AssertionError("must not be read")

    monkeypatch.setattr(fw, "Archive", NoArchive)
    file = tmp_path / "firmware/qemu-efi-aarch64/2025.02-8/usr/share/fw/QEMU_EFI.fd"
    file.parent.mkdir(parents=True)
    file.touch()
    assert fw.fetch(NEEDS, tmp_path) == file


def test_half_an_unpacking_is_not_taken_for_one(tmp_path: Path) -> None:
    half = tmp_path / "firmware/qemu-efi-aarch64/.part/root/usr/share/fw/QEMU_EFI.fd"
    half.parent.mkdir(parents=True)
    half.touch()
    assert fw.cached(NEEDS, tmp_path) is None
