# SPDX-License-Identifier: GPL-2.0
"""The tree of links that a module is built in, and when it is built again.
Kbuild is stood in for.
"""

from __future__ import annotations

import argparse
import os
import shutil
from pathlib import Path

import pytest

import build_module as bm
import check_module
from errors import ToolError
from lab.telling import telling_lines


@pytest.fixture
def clone(tmp_path: Path) -> Path:
    root = tmp_path / "clone"
    for name in ("Kbuild", "module/Kbuild", "module/main.c", "module/core/a.cc", "module/core/a.h",
                 "module/tests/test.cc", "module/main.o", "module/x.mod.c", "kunit/Kbuild"):
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(name)
    return root


@pytest.fixture
def build(tmp_path: Path) -> bm.Build:
    tree = tmp_path / "out/build/7.2"
    tree.mkdir(parents=True)
    return bm.Build(tmp_path / "kdir", "7.2", tree)


class Kbuild:
    """Counts builds, and leaves a module or fails as told."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.count, self.refused = 0, False
        monkeypatch.setattr(bm, "run_kbuild", self._run)
        monkeypatch.setattr(check_module, "check", self._check)

    def _run(self, build: bm.Build, jobs: int) -> str:
        self.count += 1
        build.module.write_text("module")
        return ""

    def _check(self, module: Path, kdir: Path, log: str) -> None:
        if self.refused:
            raise ToolError("slubtorture.ko must not be loaded")


def test_only_kernel_sources_are_linked(clone: Path, build: bm.Build) -> None:
    names = bm.sources(clone)
    assert [str(name) for name in names] == ["Kbuild", "module/Kbuild", "module/core/a.cc",
                                             "module/core/a.h", "module/main.c", "kunit/Kbuild"]
    bm.mirror(clone, names, build.tree)
    assert (build.tree / "module/core/a.cc").read_text() == "module/core/a.cc"


def test_a_source_that_went_is_unlinked_and_objects_stay(clone: Path, build: bm.Build) -> None:
    bm.mirror(clone, bm.sources(clone), build.tree)
    (build.tree / "module/main.o").write_text("object")
    (clone / "module/core/a.h").unlink()
    bm.mirror(clone, bm.sources(clone), build.tree)
    assert not (build.tree / "module/core/a.h").is_symlink()
    assert (build.tree / "module/main.o").read_text() == "object"


def test_nothing_is_built_when_nothing_changed(clone: Path, build: bm.Build,
                                               monkeypatch: pytest.MonkeyPatch) -> None:
    kbuild = Kbuild(monkeypatch)
    for _ in range(3):
        assert bm.build_module(clone, build) == build.module
    assert kbuild.count == 1


@pytest.mark.parametrize("name", ["clone/module/core/a.h", "kdir/Module.symvers",
                                  "out/build/7.2/module/slubtorture.ko"])
def test_a_change_is_built(clone: Path, build: bm.Build, tmp_path: Path, name: str,
                           monkeypatch: pytest.MonkeyPatch) -> None:
    kbuild = Kbuild(monkeypatch)
    bm.build_module(clone, build)
    (tmp_path / name).parent.mkdir(exist_ok=True)
    (tmp_path / name).write_text("changed for good")
    bm.build_module(clone, build)
    assert kbuild.count == 2


def test_a_change_that_make_cannot_see_is_built_from_nothing(
        clone: Path, build: bm.Build, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As by another clone with the same OUT, which was checked out earlier."""
    kbuild = Kbuild(monkeypatch)
    bm.build_module(clone, build)
    (build.tree / "module/main.o").write_text("object")
    other = tmp_path / "other"
    shutil.copytree(clone, other)  # times, too
    bm.build_module(other, build)
    assert kbuild.count == 2 and (build.tree / "module/main.o").exists()
    source = other / "module/main.c"
    old = source.stat().st_mtime - 100
    source.write_text("older")
    os.utime(source, (old, old))
    bm.build_module(other, build)
    assert kbuild.count == 3 and not (build.tree / "module/main.o").exists()
    assert (build.tree / "module/main.c").read_text() == "older"


def test_a_change_that_make_sees_keeps_the_other_objects(clone: Path, build: bm.Build,
                                                         monkeypatch: pytest.MonkeyPatch) -> None:
    kbuild = Kbuild(monkeypatch)
    bm.build_module(clone, build)
    (build.tree / "module/main.o").write_text("object")
    source = clone / "module/core/a.h"
    source.write_text("newer")
    new = build.seen.stat().st_mtime + 5
    os.utime(source, (new, new))
    bm.build_module(clone, build)
    assert kbuild.count == 2 and (build.tree / "module/main.o").exists()


def test_a_refused_module_is_built_from_nothing(clone: Path, build: bm.Build,
                                                monkeypatch: pytest.MonkeyPatch) -> None:
    kbuild = Kbuild(monkeypatch)
    kbuild.refused = True
    with pytest.raises(ToolError):
        bm.build_module(clone, build)
    assert not build.module.exists()
    kbuild.refused = False
    bm.build_module(clone, build)
    assert kbuild.count == 2


def test_a_cut_build_is_not_taken_for_whole(clone: Path, build: bm.Build,
                                            monkeypatch: pytest.MonkeyPatch) -> None:
    kbuild = Kbuild(monkeypatch)
    bm.build_module(clone, build)
    build.stamp.write_text('{"state"')
    bm.build_module(clone, build)
    assert kbuild.count == 2


def test_a_failed_build_shows_its_errors(build: bm.Build) -> None:
    build.kdir.mkdir()
    (build.kdir / "Makefile").write_text(
        "modules:\n\t@echo '  CC main.o'; echo 'main.c:3: error: no such thing'; exit 1\n")
    with pytest.raises(ToolError, match=r"main\.c:3: error: no such thing") as caught:
        bm.run_kbuild(build, 1)
    assert "CC main.o" not in str(caught.value) and str(build.log) in caught.value.hint


def test_lines_that_tell_come_first() -> None:
    assert telling_lines("CC a\na.c: error: x\nmake: *** [a] Error 1\n") == [
        "a.c: error: x", "make: *** [a] Error 1"]
    assert telling_lines("one\ntwo\n") == ["one", "two"]


def test_paths_that_kbuild_cannot_take_are_named(tmp_path: Path) -> None:
    with pytest.raises(ToolError, match="blanks or colons"):
        bm.build_for(tmp_path, "7.2", tmp_path / "my out")


def test_a_missing_tree_has_its_own_remedy(tmp_path: Path) -> None:
    own = f"/lib/modules/{os.uname().release}/build"
    for kdir, remedy in ((str(tmp_path / "none"), "leave KDIR out"), (own, "linux-headers-")):
        if Path(kdir).is_dir():
            continue
        with pytest.raises(ToolError, match="no kernel tree") as caught:
            bm.kdir_of(argparse.Namespace(kernel=None, kdir=kdir))
        assert remedy in caught.value.hint
