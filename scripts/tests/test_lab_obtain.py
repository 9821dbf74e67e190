# SPDX-License-Identifier: GPL-2.0
"""From a spec to a finished kernel: made once, resumed, refused with a reason."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import kernel as cli
import pytest
from errors import ToolError
from lab import obtain as ob
from lab import source, spec, store, tools
from lab.build import Build, Steps, compile_kernel, failure
from lab_tree import make_tree, patch
from options import ROOT
from qemu import machines

X86 = machines.find("x86_64")


@pytest.fixture
def lab(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A cache, and a git tree at tmp_path/linux that KERNEL can name."""
    if not all(shutil.which(name) for name in ("git", "ccache", "objcopy")):
        pytest.skip("git, ccache or objcopy is not installed")
    monkeypatch.setattr(ob, "check_programs", lambda machine: None)
    monkeypatch.setattr(ob, "compiler_text", lambda machine: "a compiler")
    monkeypatch.setattr("lab.tools.platform.machine", lambda: "x86_64")
    make_tree(tmp_path / "linux")
    for words in (["init", "-q"], ["add", "."], ["-c", "user.name=t", "-c", "user.email=t",
                                                 "commit", "-qm", "x"]):
        subprocess.run(["git", "-C", str(tmp_path / "linux"), *words], check=True)
    fragment(tmp_path, "CONFIG_TINY=y\n")
    return tmp_path / "cache"


def runs(command: str) -> bool:
    """Whether a process has been started so; not every machine has pgrep."""
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            words = path.read_bytes().replace(b"\0", b" ")
        except OSError:
            continue
        if words.startswith(command.encode()):
            return True
    return False


def soon(happens: Callable[[], bool], most_s: float = 60) -> bool:
    deadline = time.monotonic() + most_s
    while not happens():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.05)
    return True


def fragment(tmp_path: Path, text: str) -> Path:
    path = tmp_path / "own.config"
    path.write_text(text)
    return path


def wanted(tmp_path: Path, *patches: Path) -> spec.Spec:
    return spec.Spec(str(tmp_path / "linux"), X86, 4, (tmp_path / "own.config",), patches)


def builds(cache: Path) -> int:
    found = list(cache.glob("lab/source/*/tree/built"))
    return sum(len(path.read_text().split()) for path in found)


def test_a_kernel_is_built_once(lab: Path, tmp_path: Path) -> None:
    first = ob.obtain(wanted(tmp_path), lab)
    assert Path(first.image).read_text() == "one\ntwo\nthree\n" and first.arch == "x86_64"
    assert "-lab-" in first.release and str(lab / "lab/kernels") in first.build
    assert str(lab / "lab/source") not in (Path(first.build) / "Makefile").read_text()
    assert ob.obtain(wanted(tmp_path), lab) == first and builds(lab) == 2  # image and modules


def test_everything_it_is_made_of_is_in_the_key(lab: Path, tmp_path: Path,
                                                 monkeypatch: pytest.MonkeyPatch) -> None:
    def key(what: spec.Spec) -> str:
        return ob.Wanted(what, source.find(what.source, lab), lab).key
    plain = wanted(tmp_path)
    keys = {key(plain), key(wanted(tmp_path, patch(tmp_path / "a.patch"))),
            key(replace(plain, machine=machines.find("s390x"))),
            key(replace(plain, page_kib=64))}
    fragment(tmp_path, "CONFIG_TINY=y\nCONFIG_X=y\n")
    keys.add(key(plain))
    monkeypatch.setattr(ob, "compiler_text", lambda machine: "another compiler")
    keys.add(key(plain))
    (tmp_path / "linux/mm/slub.c").write_text("edited\n")
    keys.add(key(plain))
    assert len(keys) == 7
    fragment(tmp_path, "# a comment\nCONFIG_TINY=y\nCONFIG_X=y\n")
    assert key(plain) in keys


def test_a_patched_kernel_and_back(lab: Path, tmp_path: Path) -> None:
    one = patch(tmp_path / "one.patch")
    assert "zwei" in Path(ob.obtain(wanted(tmp_path, one), lab).image).read_text()
    assert "two" in Path(ob.obtain(wanted(tmp_path), lab).image).read_text()


def test_lost_options_stop_it(lab: Path, tmp_path: Path) -> None:
    fragment(tmp_path, "CONFIG_TINY=y\nCONFIG_GONE=y\n")
    with pytest.raises(ToolError, match="CONFIG_GONE=y of own.config became n"):
        ob.obtain(wanted(tmp_path), lab)
    fragment(tmp_path, "CONFIG_TINY=y\n\n# may be lost: because\nCONFIG_GONE=y\n")
    assert ob.obtain(wanted(tmp_path), lab)


def test_a_configuration_that_was_cut_short_is_made_anew(lab: Path, tmp_path: Path) -> None:
    plain = wanted(tmp_path)
    first = ob.obtain(plain, lab)
    cli.remove(lab, "x86_64*")
    kconfig = tmp_path / "kconfig.patch"
    kconfig.write_text("--- a/Kconfig\n+++ b/Kconfig\n@@ -1 +1 @@\n-mainmenu\n+other\n")
    fragment(tmp_path, "CONFIG_TINY=y\n")
    directory = next(lab.glob("lab/source/*/tree/build-*"))
    (directory.parent / "stop").touch()  # tinyconfig writes, olddefconfig fails
    with pytest.raises(ToolError, match="olddefconfig failed"):
        ob.obtain(wanted(tmp_path, kconfig), lab)
    (directory.parent / "stop").unlink()
    (directory / ".config").write_text("CONFIG_OF_THE_OTHER=y\n")
    assert Path(ob.obtain(plain, lab).config).read_text() == "CONFIG_TINY=y\nCONFIG_TINY=y\n"
    assert first == ob.obtain(plain, lab)


def test_variables_of_the_caller_do_not_reach_the_kernels_make(
        tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("KCFLAGS", "LLVM", "W", "V", "KCONFIG_CONFIG", "KBUILD_OUTPUT", "KBUILD_EXTMOD",
                 "MAKEFLAGS", "GNUMAKEFLAGS", "ARCH", "CPATH", "CCACHE_PREFIX", "HOSTCFLAGS"):
        monkeypatch.setenv(name, "x")
    environment = Build(wanted(tmp_path), tmp_path, "build-x", tmp_path).environment()
    assert environment.pop("PATH") and environment.pop("CCACHE_DIR") == f"{tmp_path}/ccache"
    assert "x" not in environment.values()


@pytest.mark.parametrize("flaw, message, hint", [
    ("broken", "error: it is broken", "lab.log"), ("full", "is full", "REMOVE=")])
def test_a_failed_build_says_why_and_goes_on_later(lab: Path, tmp_path: Path, flaw: str,
                                                   message: str, hint: str) -> None:
    tree = tmp_path / "linux"
    (tree / flaw).touch()
    subprocess.run(["git", "-C", str(tree), "add", flaw], check=True)
    with pytest.raises(ToolError, match=message) as caught:
        ob.obtain(wanted(tmp_path), lab)
    assert hint in caught.value.hint and not store.all_stored(lab)
    subprocess.run(["git", "-C", str(tree), "rm", "-qf", flaw], check=True)
    assert ob.obtain(wanted(tmp_path), lab)


def test_a_disk_that_is_nearly_full_is_said_first(lab: Path, tmp_path: Path,
                                                  monkeypatch: pytest.MonkeyPatch) -> None:
    usage = SimpleNamespace(free=100 << 20)
    monkeypatch.setattr("lab.obtain.shutil.disk_usage", lambda path: usage)
    with pytest.raises(ToolError, match="100 MiB free"):
        ob.obtain(wanted(tmp_path), lab)
    assert builds(lab) == 0


def test_a_full_disk_is_told_where_nobody_could_write_so(
        tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    build = Build(wanted(tmp_path), tmp_path, "build-x", tmp_path)
    said = "make[2]: *** [objtool] Error 2"
    assert "is full" not in str(failure(build, "x", said))
    monkeypatch.setattr("lab.build.shutil.disk_usage",
                        lambda place: SimpleNamespace(free=4096))
    assert "is full" in str(failure(build, "x", said))


@pytest.mark.parametrize("number, status", [(signal.SIGINT, 128 + signal.SIGINT),
                                            (signal.SIGKILL, -signal.SIGKILL)])
def test_an_interrupted_build_leaves_no_process(lab: Path, tmp_path: Path, number: signal.Signals,
                                                status: int) -> None:
    tree = make_tree(tmp_path / "tree")
    (tree / "slow").touch()
    build = Build(wanted(tmp_path), tree, "build-x", lab)
    code = ("import sys; sys.path[:0] = sys.argv[1].split(':')\nfrom pathlib import Path\n"
            "from entry import guarded\nfrom lab import build, spec\nfrom qemu import machines\n"
            "b = build.Build(spec.Spec('', machines.find('x86_64'), 4, (), ()),"
            f" Path({str(tree)!r}), 'build-x', Path({str(lab)!r}))\n"
            "sys.exit(guarded(lambda: build.make(b, ['vmlinux'], 'x') or 0))")
    path = f"{ROOT}:{ROOT / 'scripts'}"
    child = subprocess.Popen([sys.executable, "-c", code, path], stderr=subprocess.PIPE)
    assert soon(lambda: runs(f"make -C {tree}"))
    os.kill(child.pid, number)
    assert child.wait(60) == status
    assert soon(lambda: not runs(f"make -C {tree}"))


def test_a_missing_or_old_compiler_names_the_package(tmp_path: Path,
                                                     monkeypatch: pytest.MonkeyPatch) -> None:
    machine = machines.find("ppc64le")
    monkeypatch.setattr("lab.tools.shutil.which", lambda name: None if "powerpc" in name else "/x")
    with pytest.raises(ToolError, match="missing powerpc64le-linux-gnu-gcc") as caught:
        tools.check_programs(machine)
    assert "gcc-powerpc64le-linux-gnu" in caught.value.hint
    (tmp_path / "scripts").mkdir()
    (tmp_path / "scripts/min-tool-version.sh").write_text("echo 99.1.0\n")
    with pytest.raises(ToolError, match="is too old for this kernel, which needs 99.1.0"):
        tools.check_compiler(X86, tmp_path)


def test_finished_kernels_are_listed_and_removed(lab: Path, tmp_path: Path) -> None:
    kernel = ob.obtain(wanted(tmp_path), lab)
    root = store.all_stored(lab)[0][0]
    assert root.name in cli.listing(lab) and "work/git-" in cli.listing(lab)
    with pytest.raises(ToolError, match="REMOVE=nix: no such kernel"):
        cli.remove(lab, "nix")
    assert cli.remove(lab, root.name) == "removed 1 kernels and 0 work trees"
    assert not Path(kernel.image).exists()
    assert cli.remove(lab, "all") == "removed 0 kernels and 1 work trees"
    assert "no lab kernel" in cli.listing(lab)


def test_what_an_interrupted_removal_leaves_is_not_trusted(
        lab: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def stop(path: Path, **_: object) -> None:
        raise KeyboardInterrupt
    ob.obtain(wanted(tmp_path), lab)
    root, tree = store.all_stored(lab)[0][0], next(lab.glob("lab/source/git-*"))
    for name in (root.name, f"work/{tree.name}"):
        with monkeypatch.context() as patching:
            patching.setattr("shutil.rmtree", stop)
            with pytest.raises(KeyboardInterrupt):
                cli.remove(lab, name)
    assert store.load(root) is None and source.WorkTree(tree).identity() == ""


def test_a_kernel_that_lacks_a_file_is_built_again(lab: Path, tmp_path: Path) -> None:
    kernel = ob.obtain(wanted(tmp_path), lab)
    for path in (kernel.vmlinux, kernel.config):
        Path(path).unlink()
        assert ob.obtain(wanted(tmp_path), lab) == kernel and Path(path).exists()


def test_a_build_without_its_image_is_not_kept(lab: Path, tmp_path: Path) -> None:
    with pytest.raises(ToolError, match="left no image") as caught:
        ob.obtain(replace(wanted(tmp_path), machine=replace(X86, image="arch/x86/boot/none")), lab)
    assert "lab.log" in caught.value.hint and not store.all_stored(lab)


def test_an_edit_during_the_build_is_noticed(lab: Path, tmp_path: Path,
                                             monkeypatch: pytest.MonkeyPatch) -> None:
    one = patch(tmp_path / "one.patch")

    def edited(build: Build, stamp: str) -> None:
        compile_kernel(build, stamp)
        patch(one, new="deux")
    with monkeypatch.context() as patching:
        patching.setattr(ob, "compile_kernel", edited)
        with pytest.raises(ToolError, match="was edited while"):
            ob.obtain(wanted(tmp_path, one), lab)
    assert not store.all_stored(lab)
    assert "deux" in Path(ob.obtain(wanted(tmp_path, one), lab).image).read_text()


def test_a_permission_that_was_taken_back_counts_for_old_kernels(lab: Path, tmp_path: Path) -> None:
    fragment(tmp_path, "CONFIG_TINY=y\n\n# may be lost: because\nCONFIG_GONE=y\n")
    ob.obtain(wanted(tmp_path), lab)
    fragment(tmp_path, "CONFIG_TINY=y\nCONFIG_GONE=y\n")
    with pytest.raises(ToolError, match="CONFIG_GONE=y of own.config became n"):
        ob.obtain(wanted(tmp_path), lab)


def test_what_cannot_be_read_or_written_is_said(lab: Path, tmp_path: Path) -> None:
    with pytest.raises(ToolError, match="blank or a colon"):
        ob.obtain(wanted(tmp_path), tmp_path / "a cache")
    with pytest.raises(ToolError, match="building a kernel failed: .*Not a directory"):
        (tmp_path / "file").touch()
        ob.obtain(wanted(tmp_path), tmp_path / "file")
    (tmp_path / "own.config").write_bytes(b"CONFIG_X=\"\xff\"\n")
    with pytest.raises(ToolError, match="own.config cannot be read as text"):
        ob.obtain(wanted(tmp_path), lab)


def test_how_to_use_it_names_the_same_kernel(lab: Path, tmp_path: Path) -> None:
    kernel = ob.obtain(wanted(tmp_path), lab)
    none = dict.fromkeys(("kernel", "arch", "page", "config", "patch"), "")
    uses: list[tuple[dict[str, str], str]] = [
        ({"kernel": "7.2"}, "make run KERNEL=7.2 CONFIG=base"), ({}, "make run CONFIG=base"),
        ({"config": "kunit, kasan"}, "make run CONFIG='kunit, kasan'"),
        ({"page": "4", "cpus": "4"}, "make run PAGE=4 CPUS=4")]
    for asked, said in uses:
        assert cli.shown(kernel, {**none, **asked}).endswith(said)


def test_progress_has_an_estimate() -> None:
    steps = Steps(200, started=0.0, done=50)
    assert steps.text(10.0) == "50 of about 200 steps, 10 s, about 30 s left"
    steps.line(b"make[1]: Entering directory\n")
    steps.line(b"  CC [M]  mm/slub.o\n")
    assert steps.done == 51
    assert Steps(0, started=0.0, done=7).text(10.0) == "7 steps, 10 s"
