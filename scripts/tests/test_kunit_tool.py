# SPDX-License-Identifier: GPL-2.0
"""kunit_tool.py and the files of kunit/qemu_configs, loaded as kunit.py loads
them."""

from __future__ import annotations

import dataclasses
import importlib.util
import shlex
import sys
import types
from pathlib import Path

import kunit_tool
import pytest
from lab.spec import machine_of
from options import ROOT
from qemu import machines

CONFIGS = sorted((ROOT / "kunit/qemu_configs").glob("*.py"))


@dataclasses.dataclass(frozen=True)
class QemuArchParams:
    """The same fields as kunit.py's."""

    linux_arch: str
    kconfig: str
    qemu_arch: str
    kernel_path: str
    kernel_command_line: str
    extra_qemu_params: list[str]
    serial: str = "stdio"


def loaded(path: Path, monkeypatch: pytest.MonkeyPatch) -> QemuArchParams:
    package, theirs = types.ModuleType("theirs"), types.ModuleType("theirs.qemu_config")
    setattr(theirs, "QemuArchParams", QemuArchParams)
    for name, module in (("theirs", package), ("theirs.qemu_config", theirs)):
        monkeypatch.setitem(sys.modules, name, module)
    package.__path__ = []
    spec = importlib.util.spec_from_file_location(f"theirs.qemu_configs.{path.stem}", path)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    monkeypatch.setattr(sys, "path", list(sys.path))
    spec.loader.exec_module(module)
    found = module.QEMU_ARCH
    assert isinstance(found, QemuArchParams)
    return found


def test_there_is_a_file_for_every_machine_and_page_size() -> None:
    wanted = {machine.arch if len(machine.pages_kib) == 1 else f"{machine.arch}_{page}k"
              for machine in machines.MACHINES for page in machine.pages_kib}
    assert {path.stem for path in CONFIGS} == wanted


@pytest.mark.parametrize("path", CONFIGS, ids=[path.stem for path in CONFIGS])
def test_file_names_its_machine(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    found, machine = loaded(path, monkeypatch), machine_of(path.stem.rpartition("_")[0]
                                                           if path.stem.endswith("k") else path.stem)
    assert found.linux_arch == machine.kernel_arch
    assert f"qemu-system-{found.qemu_arch}" == machine.qemu
    assert found.kernel_path == machine.image
    assert "kunit_shutdown=none" in found.kernel_command_line.split()
    assert f"console={machine.console}" in found.kernel_command_line.split()
    page = path.stem.rpartition("_")[2].upper()
    assert not page.endswith("K") or f"_{page}_PAGES=y" in found.kconfig


def test_options_that_may_be_lost_are_not_asked_for() -> None:
    text = kunit_tool.kconfig(machine_of("s390x"), 4)
    assert "CONFIG_KUNIT=y" in text and "CONFIG_MEMCG=y" in text
    assert "CONFIG_NUMA=y" not in text and "# CONFIG_SLUB_TINY is not set" in text


def test_initrd_can_be_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(kunit_tool.INITRD, "/elsewhere/initrd")
    assert kunit_tool.fields("x86_64", 4)["extra_qemu_params"][-1] == (  # type: ignore[index]
        "/elsewhere/initrd")
    monkeypatch.setenv(kunit_tool.INITRD, "")
    assert kunit_tool.fields("x86_64", 4)["extra_qemu_params"][-1] == (  # type: ignore[index]
        str(ROOT / "out/kunit-x86_64.initrd"))


def test_initrd_loads_the_suites_without_a_channel(tmp_path: Path) -> None:
    module = tmp_path / "slubtorture_kunit.ko"
    module.write_bytes(b"the module")
    data = kunit_tool.initrd(machine_of("ppc64le"), b"the init", module)
    for part in (b"the init", b"the module", b"mode=kunit\n", b"module=slubtorture_kunit\n",
                 b"channel=/dev/null\n", b"console=/dev/hvc0\n"):
        assert part in data


@pytest.mark.parametrize("arch, settings, name", [
    ("x86_64", "", "x86_64"), ("s390x", "CONFIG_X=y\n", "s390x"),
    ("ppc64le", "CONFIG_PPC_4K_PAGES=y\n", "ppc64le_4k"),
    ("ppc64le", "# CONFIG_PPC_4K_PAGES is not set\nCONFIG_PPC_64K_PAGES=y\n", "ppc64le_64k"),
    ("aarch64", "CONFIG_ARM64_16K_PAGES=y\n", "aarch64_16k"),
])
def test_file_is_found_by_the_kernels_page_size(arch: str, settings: str, name: str) -> None:
    found = kunit_tool.qemu_config(machine_of(arch), settings)
    assert found.stem == name and found in CONFIGS


@pytest.mark.parametrize("source", ["a b/source", "a b/source/build-x", "elsewhere"])
def test_command_can_be_pasted(source: str, tmp_path: Path) -> None:
    build, tool = tmp_path / "a b/source/build-x", tmp_path / source / kunit_tool.TOOL
    build.mkdir(parents=True)
    tool.parent.mkdir(parents=True)
    tool.touch()
    if source == "elsewhere":  # as make O= leaves it
        (build / "source").symlink_to(tmp_path / source)
        source = "a b/source/build-x/source"
    said = kunit_tool.exec_command(build, Path("/c/x86_64.py"), Path("/i"))
    assert said.startswith(f"cd {shlex.quote(str(tmp_path / source))} && KUNIT_INITRD=/i "
                           f"tools/testing/kunit/kunit.py exec '--build_dir={build}' ")


def test_command_without_a_source_says_what_is_missing(tmp_path: Path) -> None:
    assert kunit_tool.exec_command(tmp_path, Path("/c/x.py"), Path("/i")).startswith(
        "cd KERNEL-SOURCE && ")
