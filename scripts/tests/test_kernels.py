# SPDX-License-Identifier: GPL-2.0
"""Preparing kernels without archive or compiler: what is taken for whole and
what is not, what a name stands for, and how paths and tools are set.
"""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

import pytest

import kdir
import kernels
import options as opt
import prepared as prepared_for
import runtime
from archive import Archive, SourceGone
from errors import ToolError
from kdir import PreparedKernel
from qemu import machines
from series import Depend, Package, StockKernel

ONE = Package("linux-image-7.2", "7.2.1-1")
STOCK = StockKernel("7.2", "7.2-cloud-amd64", "7.2.1-1", ONE, ONE, ONE, ONE)


@pytest.fixture(autouse=True)
def this_compiler(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(kernels, "_compiler_text", lambda arch: "gcc 12")


def prepared(root: Path) -> PreparedKernel:
    for name in ("vmlinuz", "vmlinux", ".config"):
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text("")
    return PreparedKernel("7.2", "7.2-cloud", "7.2.1-1", str(root / "vmlinuz"), str(root),
                          str(root / "vmlinux"), str(root / ".config"))


class Fetches:
    """Stands for the archive; fails as often as it is told to."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, failures: int = 0) -> None:
        self.count, self.failures = 0, failures
        monkeypatch.setattr(kernels, "_fetch", self._fetch)
        monkeypatch.setattr(kdir, "make_usable",
                            lambda root, series, release, version, get, arch: prepared(root))

    def _fetch(self, archive: Archive, kernel: StockKernel, root: Path) -> None:
        self.count += 1
        (root / "debs").mkdir(parents=True, exist_ok=True)
        if self.count <= self.failures:
            raise ToolError("a download failed: cut", "try again")


def test_a_prepared_kernel_is_reused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    fetches = Fetches(monkeypatch)
    first = kernels.prepare_stock(Archive(tmp_path), STOCK, tmp_path)
    assert kernels.prepare_stock(Archive(tmp_path), STOCK, tmp_path) == first
    assert fetches.count == 1


def test_a_cut_download_is_not_taken_for_whole(tmp_path: Path,
                                               monkeypatch: pytest.MonkeyPatch) -> None:
    fetches = Fetches(monkeypatch, failures=1)
    with pytest.raises(ToolError):
        kernels.prepare_stock(Archive(tmp_path), STOCK, tmp_path)
    kernels.prepare_stock(Archive(tmp_path), STOCK, tmp_path)
    assert fetches.count == 2


@pytest.mark.parametrize("spoil", ["vmlinux", "kernel.json", "vmlinuz"])
def test_a_kernel_that_lost_a_file_is_made_anew(tmp_path: Path, spoil: str,
                                                monkeypatch: pytest.MonkeyPatch) -> None:
    fetches = Fetches(monkeypatch)
    kernels.prepare_stock(Archive(tmp_path), STOCK, tmp_path)
    next(tmp_path.rglob(spoil)).unlink()
    kernels.prepare_stock(Archive(tmp_path), STOCK, tmp_path)
    assert fetches.count == 2


@pytest.mark.parametrize("text", ["", "{", "[]", '{"recipe": 0}', '{"recipe": 1}'])
def test_a_damaged_stamp_is_none(text: str) -> None:
    assert kdir.from_stamp(text, "gcc 12") is None


def test_another_compiler_makes_a_kernel_anew(tmp_path: Path) -> None:
    text = kdir.stamp_text(prepared(tmp_path), "gcc 12")
    assert kdir.from_stamp(text, "gcc 12") == prepared(tmp_path)
    assert kdir.from_stamp(text, "gcc 14") is None


def test_a_stamp_does_not_vouch_for_a_file_that_was_cut(tmp_path: Path) -> None:
    kernel = prepared(tmp_path)
    Path(kernel.image).write_text("a whole image")
    text = kdir.stamp_text(kernel, "gcc 12")
    assert kdir.from_stamp(text, "gcc 12") == kernel
    Path(kernel.image).write_text("a whole im")
    assert kdir.from_stamp(text, "gcc 12") is None
    older = json.dumps({**json.loads(text), "sizes": {}})  # of an earlier slubtorture
    assert kdir.from_stamp(older, "gcc 12") == kernel


def test_a_series_is_remembered_without_the_archive(tmp_path: Path,
                                                    monkeypatch: pytest.MonkeyPatch) -> None:
    Fetches(monkeypatch)
    asked: list[Archive] = []

    def offered(archive: Archive) -> list[StockKernel]:
        asked.append(archive)
        return [STOCK]

    monkeypatch.setattr(kernels, "offered", offered)
    first = kernels.stock("7.2", tmp_path)
    assert kernels.stock("7.2", tmp_path) == first and len(asked) == 1


def test_an_old_memory_serves_when_the_archive_is_away(
        tmp_path: Path, monkeypatch: pytest.MonkeyPatch,
        capsys: pytest.CaptureFixture[str]) -> None:
    Fetches(monkeypatch)
    monkeypatch.setattr(kernels, "offered", lambda archive: [STOCK])
    first = kernels.stock("7.2", tmp_path)
    memory = tmp_path / "series/7.2.json"
    memory.write_text(json.dumps({**json.loads(memory.read_text()), "when": 0}))

    def away(archive: Archive) -> list[StockKernel]:
        raise ToolError("the Debian archive cannot be reached", "check")

    monkeypatch.setattr(kernels, "offered", away)
    assert kernels.stock("7.2", tmp_path) == first
    assert "cannot be reached" in capsys.readouterr().err
    with pytest.raises(ToolError):
        kernels.stock("6.1", tmp_path)


def test_suites_out_of_reach_are_named_with_an_unknown_series(
        tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(kernels, "offered", lambda archive: [STOCK])
    with pytest.raises(ToolError) as caught:
        kernels.choose(Archive(tmp_path), "9.9")
    assert "could not be used" not in caught.value.hint
    (tmp_path / "updated").write_text("sid forky")
    with pytest.raises(ToolError) as caught:
        kernels.choose(Archive(tmp_path), "9.9")
    assert caught.value.hint.endswith("suites that could not be used: sid, forky")
    assert not (tmp_path / "updated").exists()


def test_the_default_falls_back_to_the_distribution(tmp_path: Path,
                                                    monkeypatch: pytest.MonkeyPatch) -> None:
    def away(name: str, *rest: object) -> PreparedKernel:
        raise ToolError("the Debian archive cannot be reached", "check")

    monkeypatch.setattr(kernels, "stock", away)
    monkeypatch.setattr(kernels, "distribution", lambda cache: prepared(tmp_path))
    assert kernels.prepare("", tmp_path) == prepared(tmp_path)
    with pytest.raises(ToolError):
        kernels.prepare("7.2", tmp_path)


def test_a_built_tree_is_used_as_it_is(tmp_path: Path) -> None:
    for name, text in (("vmlinux", ""), ("arch/x86/boot/bzImage", ""), ("Module.symvers", ""),
                       (".config", "# Linux/x86 7.2.0 Kernel Configuration\n"), ("include/config/kernel.release", "7.2.0-lab\n")):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text)
    found = kernels.prepare(str(tmp_path), tmp_path / "cache")
    assert (found.series, found.release, found.build) == ("7.2", "7.2.0-lab", str(tmp_path))
    (tmp_path / "vmlinux").unlink()
    with pytest.raises(ToolError, match="vmlinux"):
        kernels.prepare(str(tmp_path), tmp_path / "cache")


@pytest.mark.parametrize("name", ["seven", "7.2.13", "/no/such/tree"])
def test_what_is_no_kernel_is_named(name: str, tmp_path: Path) -> None:
    with pytest.raises(ToolError, match="neither a series nor a directory"):
        kernels.prepare(name, tmp_path)


def test_makefiles_are_relocated_once() -> None:
    text = "KBUILD_OUTPUT=/usr/src/linux-headers-7\ninclude /usr/src/linux-headers-7-common/Makefile\n"
    moved = kdir.relocate(text, Path("/c/k"))
    assert moved.count("/c/k/usr/src/") == 2 and kdir.relocate(moved, Path("/c/k")) == moved


def test_kernel_variables_name_release_and_pahole() -> None:
    own, other = machines.find("x86_64"), machines.find("arm64")
    assert "override KERNELRELEASE = 7.2-x\n" in kdir.kernel_variables("7.2-x", "", own)
    assert "PAHOLE" not in kdir.kernel_variables("7.2-x", "", own)
    assert "override PAHOLE = /p\n" in kdir.kernel_variables("7.2-x", "/p", own)
    text = kdir.kernel_variables("7.2-x", "", other)
    assert "override ARCH = arm64\n" in text and "CC = aarch64-linux-gnu-gcc\n" in text
    assert "override CROSS_COMPILE = aarch64-linux-gnu-\n" in text


@pytest.mark.parametrize("config, wrong", [
    ({"DYNAMIC_FTRACE_WITH_CALL_OPS": "y"}, True),
    ({"DYNAMIC_FTRACE_WITH_CALL_OPS": "y", "CC_HAS_MIN_FUNCTION_ALIGNMENT": "y"}, False),
    ({}, False)])
def test_an_older_compiler_leaves_nothing_to_ftrace(config: dict[str, str], wrong: bool) -> None:
    assert kdir.misaligns(config) == wrong
    text = kdir.kernel_variables("7.2-x", "", machines.find("arm64"), not wrong)
    assert ("override CC_FLAGS_FTRACE =\n" in text) == wrong


def test_a_guest_must_be_able_to_answer(tmp_path: Path) -> None:
    (tmp_path / ".config").write_text("CONFIG_VIRTIO_PCI=y\nCONFIG_VIRTIO_CONSOLE=m\n")
    kdir.check_devices(tmp_path, "6.1", machines.find("x86_64"))  # by a serial port
    with pytest.raises(ToolError, match="answer through: VIRTIO_CONSOLE"):
        kdir.check_devices(tmp_path, "6.1", machines.find("arm64"))
    (tmp_path / ".config").write_text("CONFIG_VIRTIO_PCI=y\nCONFIG_VIRTIO_CONSOLE=y\n")
    kdir.check_devices(tmp_path, "6.12", machines.find("arm64"))


def test_no_vmlinux_of_another_machine_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(ToolError, match="for aarch64 hold no vmlinux"):
        kdir._place_vmlinux(tmp_path, tmp_path / "Image", machines.find("arm64"))
    (tmp_path / "vmlinux").write_text("elf")
    assert kdir._place_vmlinux(tmp_path, tmp_path / "Image", machines.find("arm64")).exists()


def test_tools_are_this_computers(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Kernel packages of one architecture, linux-kbuild of another; the same
    kernel of this computer is not offered."""
    def packages(archive: Archive) -> list[Package]:
        end = archive.architecture
        full = f"linux-headers-7.2.1-cloud-{end}"
        return [Package(full, "7.2.1-1", (Depend("linux-headers-7.2.1-common"),
                                          Depend("linux-kbuild-7.2.1"))),
                Package(f"linux-binary-7.2.1-cloud-{end}", "7.2.1-1"),
                Package("linux-headers-7.2.1-common", "7.2.1-1"),
                Package("linux-kbuild-7.2.1", "7.2.1-1", (), 1 if end == "amd64" else 2)]

    monkeypatch.setattr(kernels, "_packages", packages)
    found = kernels.offered(kernels._archive(tmp_path, "aarch64"))
    assert [(kernel.release, kernel.arch) for kernel in found] == [("7.2.1-cloud-arm64", "aarch64")]
    assert found[0].kbuild and found[0].kbuild.size == 1
    with pytest.raises(ToolError, match="no stock kernels are taken for s390x"):
        kernels._archive(tmp_path, "s390x")


@pytest.mark.parametrize("also", [{"CONFIG": "kasan"}, {"PATCH": "harmless"}, {"PAGE": "4"}])
def test_nothing_is_built_into_a_stock_kernel(tmp_path: Path, also: dict[str, str]) -> None:
    options = opt.checked(opt.raw_values(opt.parser("x").parse_args([]), {
        "KERNEL": "stock:7.2", **also}), tmp_path)
    with pytest.raises(ToolError, match="is a stock kernel") as caught:
        prepared_for.kernel_for(options)
    assert caught.value.hint.endswith("KERNEL=7.2")


@pytest.mark.parametrize("said, number", [("v1.24\n", 124), ("v1.32", 132), ("", 0), ("pahole", 0)])
def test_paholes_version_is_read(said: str, number: int) -> None:
    assert kdir.pahole_version(said) == number


def test_an_older_pahole_will_not_do() -> None:
    config = {"DEBUG_INFO_BTF_MODULES": "y", "PAHOLE_VERSION": "130"}
    assert kdir.needs_newer_pahole(config, 124) and not kdir.needs_newer_pahole(config, 132)
    assert not kdir.needs_newer_pahole({}, 0)


def test_libraries_are_followed_and_programs_are_not() -> None:
    known = {p.name: p for p in (
        Package("pahole", "1", (Depend("libelf1t64"), Depend("python3"))),
        Package("libelf1t64", "1", (Depend("zlib1g"), Depend("libelf1t64"))),
        Package("zlib1g", "1"), Package("python3", "1"))}
    assert [p.name for p in runtime.closure(("pahole",), known)] == [
        "libelf1t64", "pahole", "zlib1g"]


def test_tools_are_wrapped_past_their_front_ends(tmp_path: Path) -> None:
    for name in ("scripts/basic/fixdep", "scripts/mod/modpost", "scripts/mod/modpost.real-lsb-64"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text("elf")
    runtime.wrap_tools(tmp_path, runtime.Runtime(Path("/rt")))
    assert "modpost.real-lsb-64" in (tmp_path / "scripts/mod/modpost").read_text()
    fixdep = (tmp_path / "scripts/basic/fixdep").read_text()
    assert "/rt/usr/lib" in fixdep and "fixdep.real" in fixdep
    assert (tmp_path / "scripts/basic/fixdep.real").read_text() == "elf"


def test_the_stand_in_refuses_btf_ids(tmp_path: Path) -> None:
    runtime.supply_resolve_btfids(tmp_path)
    tool = tmp_path / "tools/bpf/resolve_btfids/resolve_btfids"
    for section, status in ((".BTF_ids", 1), (".data.x", 0)):
        source = f'__attribute__((section("{section}"))) int x = 1;'
        subprocess.run(["gcc", "-x", "c", "-c", "-o", tmp_path / "o.o", "-"], input=source,
                       text=True, check=True)
        done = subprocess.run([tool, "-b", "vmlinux", tmp_path / "o.o"], capture_output=True,
                              check=False)
        assert done.returncode == status


def test_a_damaged_package_is_named(tmp_path: Path) -> None:
    (tmp_path / "a.deb").write_bytes(b"half a package")
    with pytest.raises(ToolError, match=r"a\.deb"):
        kdir.unpack(tmp_path / "a.deb", tmp_path / "root")
    with pytest.raises(ToolError, match=r"a\.deb"):
        kdir.unpack(tmp_path / "a.deb", tmp_path / "root", "*/vmlinuz*")


def bare(version: str) -> StockKernel:
    return StockKernel("7.1", f"{version}-cloud-amd64", version, ONE)


def test_a_source_that_is_gone_has_an_older_one_tried(
        tmp_path: Path, monkeypatch: pytest.MonkeyPatch,
        capsys: pytest.CaptureFixture[str]) -> None:
    Fetches(monkeypatch)
    tried: list[str] = []

    def make(archive: Archive, kernel: StockKernel, offered: list[StockKernel], root: Path,
             cache: Path) -> None:
        tried.append(kernel.version)
        assert [other.version for other in offered] == ["7.1.3", "7.1.8"]
        if gone:
            raise SourceGone(f"the source of linux {kernel.version} cannot be had: 404", "check")

    gone = True
    monkeypatch.setattr(kernels, "offered", lambda archive: [bare("7.1.3"), bare("7.1.8")])
    monkeypatch.setattr(kernels, "_make_headers", make)
    with pytest.raises(SourceGone):
        kernels.stock("7.1", tmp_path)
    assert tried == ["7.1.8", "7.1.3"] and "trying an older one of 7.1" in capsys.readouterr().err
    assert not [path for path in (tmp_path / "kernels").iterdir() if path.is_dir()]
    gone = False
    assert kernels.stock("7.1", tmp_path).release and tried[2:] == ["7.1.8"]


def test_a_misfit_is_not_hidden_by_an_older_kernel(tmp_path: Path,
                                                   monkeypatch: pytest.MonkeyPatch) -> None:
    Fetches(monkeypatch)

    def make(archive: Archive, kernel: StockKernel, *rest: object) -> None:
        raise ToolError(f"modules for {kernel.release} cannot be built from its source", "use")

    monkeypatch.setattr(kernels, "offered", lambda archive: [bare("7.1.3"), bare("7.1.8")])
    monkeypatch.setattr(kernels, "_make_headers", make)
    with pytest.raises(ToolError, match="7.1.8-cloud-amd64 cannot be built"):
        kernels.stock("7.1", tmp_path)


def test_packages_come_from_where_they_run(tmp_path: Path,
                                           monkeypatch: pytest.MonkeyPatch) -> None:
    """linux-kbuild from this computer's state; a bare kernel has none."""
    asked: list[tuple[str, list[str]]] = []

    def download(archive: Archive, packages: list[Package], into: Path) -> list[Path]:
        asked.append((archive.architecture, [package.name for package in packages]))
        into.mkdir(parents=True)
        return []

    monkeypatch.setattr(Archive, "download", download)
    tools = Package("linux-kbuild-7.2.1", "7.2.1-1")
    other = kernels._archive(tmp_path, "aarch64")
    kernels._fetch(other, StockKernel("7.2", "7.2-cloud-arm64", "7.2.1-1", ONE, ONE, ONE, tools),
                   tmp_path / "k")
    assert asked == [("arm64", ["linux-image-7.2"] * 3), ("amd64", ["linux-kbuild-7.2.1"])]
    asked.clear()
    kernels._fetch(other, bare("7.1.8"), tmp_path / "k")
    assert asked == [("arm64", ["linux-image-7.2"])] and not list((tmp_path / "k").iterdir())
