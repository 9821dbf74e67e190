# SPDX-License-Identifier: GPL-2.0
"""The one view of every lab kernel: what is seen in it, what is said of it, and
that its mounts are nobody else's. Kbuild is stood in for by a shell.
"""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

import build_module as bm
import module_view as mv

NAME = "build-x86_64-4k-kunit-0"


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    return tmp_path / "cache/slubtorture"


def lab_kernel(cache: Path, key: str) -> Path:
    kdir = cache / "lab/kernels" / key / "source" / NAME
    kdir.mkdir(parents=True)
    (kdir / ".config").write_text(key)
    (kdir / "Makefile").write_text(f"include {kdir.parent}/Makefile\n")
    return kdir


def viewed(kdir: Path, tree: Path) -> mv.View:
    tree.mkdir(parents=True)
    view = mv.of(kdir, tree)
    if view is None:
        pytest.skip("no mount namespace, or no ccache, is to be had here")
    return view


def test_all_kernels_have_the_same_paths_in_it(cache: Path, tmp_path: Path) -> None:
    said = []
    for key in ("one", "two"):
        view = viewed(lab_kernel(cache, key), tmp_path / "out" / key)
        command = ["sh", "-c", f"cat {view.kdir}/.config; echo; cat {view.kdir}/Makefile; "
                               f"echo {key} > {view.module}/made; echo {view.module}/made"]
        said.append(subprocess.run(view.words(command), capture_output=True, text=True,
                                   check=True).stdout.splitlines())
        assert (tmp_path / "out" / key / "made").read_text() == f"{key}\n"
        assert view.told(said[-1][2]) == str(tmp_path / "out" / key / "made")
        assert not list((cache / "lab/view/kernel").iterdir())  # the mounts are gone
    assert [said[0][0], said[1][0]] == ["one", "two"]
    assert said[0][1:] == said[1][1:] == [
        f"include {cache}/lab/view/kernel/Makefile", f"{cache}/lab/view/module/made"]


def test_a_command_s_failure_is_its_own(cache: Path, tmp_path: Path) -> None:
    view = viewed(lab_kernel(cache, "one"), tmp_path / "out")
    assert subprocess.run(view.words(["sh", "-c", "exit 3"]), check=False).returncode == 3


def test_other_kernels_and_machines_without_namespaces_have_none(
        cache: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    own = tmp_path / "linux"
    own.mkdir()
    assert mv.of(own, tmp_path) is None
    kdir = lab_kernel(cache, "one")
    monkeypatch.setattr(mv.View, "words", lambda self, command: ["false"])
    assert mv.of(kdir, tmp_path) is None
    monkeypatch.setattr(mv.View, "words", lambda self, command: [str(tmp_path / "absent")])
    assert mv.of(kdir, tmp_path) is None


@pytest.mark.parametrize("has_view", [True, False])
def test_kbuild_is_given_the_view_or_the_places(
        cache: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, has_view: bool) -> None:
    kdir, tree = lab_kernel(cache, "one"), tmp_path / "out/build/7.2"
    (tree / "module").mkdir(parents=True)
    asked: list[str] = []

    def make(words: list[str], **_: object) -> subprocess.CompletedProcess[str]:
        asked[:] = words
        (tree / bm.MODULE).touch()
        return subprocess.CompletedProcess(words, 0, f"CC {cache}/lab/view/module/a.o", "")

    monkeypatch.setattr(mv.View, "prepare", lambda self: has_view)
    monkeypatch.setattr("shutil.which", lambda name: name)
    monkeypatch.setattr("subprocess.run", make)
    said = bm.run_kbuild(bm.Build(kdir, "7.2", tree), 1)
    view = cache / "lab/view"
    wanted = {f"M={view}/module", f"{view}/kernel/{NAME}", "ST_CCACHE=ccache", "CC=ccache gcc"}
    if has_view:
        assert wanted <= set(asked) and said == f"CC {tree}/a.o"
    else:
        assert not wanted & set(asked) and {f"M={tree}", str(kdir)} <= set(asked)
