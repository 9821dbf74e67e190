# SPDX-License-Identifier: GPL-2.0
"""Sources: their identities, and a work tree that follows them."""

from __future__ import annotations

import fcntl
import json
import shutil
import subprocess
import time
from pathlib import Path

import prepared
import pytest
from errors import ToolError
from lab import source
from lab.source import WorkTree
from lab_tree import make_tree, patch
from qemu.store import locked


def git(tree: Path, *words: str) -> str:
    return subprocess.run(["git", "-C", str(tree), "-c", "user.name=t", "-c", "user.email=t",
                           *words], check=True, capture_output=True, text=True).stdout.strip()


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    if not shutil.which("git"):
        pytest.skip("git is not installed")
    tree = make_tree(tmp_path / "linux")
    git(tree, "init", "-q")
    git(tree, "add", ".")
    git(tree, "commit", "-qm", "one")
    return tree


def tarball(tmp_path: Path) -> Path:
    make_tree(tmp_path / "pack/linux-7.2")
    path = tmp_path / "linux-7.2.tar.xz"
    subprocess.run(["tar", "-cJf", path, "-C", tmp_path / "pack", "linux-7.2"], check=True)
    return path


def work(tmp_path: Path) -> WorkTree:
    (tmp_path / "work").mkdir(exist_ok=True)
    return WorkTree(tmp_path / "work")


def test_a_tarball_is_known_by_its_content(tmp_path: Path) -> None:
    path = tarball(tmp_path)
    found = source.find(str(path), tmp_path)
    shutil.copy(path, tmp_path / "linux-7.2-copy.tar.xz")
    assert found.series == "7.2"
    assert source.find(str(tmp_path / "linux-7.2-copy.tar.xz"), tmp_path).identity == found.identity
    tree = work(tmp_path)
    tree.bring_to(found, ())
    assert (tree.tree / "mm/slub.c").exists() and tree.identity() == found.identity


def test_what_is_no_kernel_is_refused_and_not_kept(tmp_path: Path) -> None:
    (tmp_path / "pack/x").mkdir(parents=True)
    path = tmp_path / "x.tar"
    subprocess.run(["tar", "-cf", path, "-C", tmp_path / "pack", "x"], check=True)
    tree = work(tmp_path)
    with pytest.raises(ToolError, match="is no Linux source"):
        tree.bring_to(source.find(str(path), tmp_path), ())
    assert tree.identity() == ""
    path.write_bytes(b"not a tarball")
    with pytest.raises(ToolError, match="cannot be unpacked"):
        tree.bring_to(source.find(str(path), tmp_path), ())


def test_a_commit_of_a_git_tree(repository: Path, tmp_path: Path) -> None:
    first = git(repository, "rev-parse", "HEAD")
    (repository / "mm/slub.c").write_text("changed\n")
    (repository / "mm/slab.h").unlink()
    git(repository, "commit", "-qam", "two")
    tree = work(tmp_path)
    tree.bring_to(source.find(f"{repository}@{first}", tmp_path), ())
    untouched = (tree.tree / "Makefile").stat().st_mtime_ns
    tree.bring_to(source.find(f"{repository}@HEAD", tmp_path), ())
    assert (tree.tree / "mm/slub.c").read_text() == "changed\n"
    assert not (tree.tree / "mm/slab.h").exists()
    assert (tree.tree / "Makefile").stat().st_mtime_ns == untouched
    assert source.find(f"{repository}@HEAD", tmp_path).series == "7.2"


def test_edits_count_and_the_repository_is_only_read(repository: Path, tmp_path: Path) -> None:
    def below() -> list[str]:
        return sorted(str(path) for path in (repository / ".git").rglob("*"))
    clean = source.find(str(repository), tmp_path)
    (repository / "mm/slub.c").write_text("edited\n")
    before = below()
    edited = source.find(str(repository), tmp_path)
    assert edited.identity == source.find(str(repository), tmp_path).identity != clean.identity
    tree = work(tmp_path)
    tree.bring_to(clean, ())
    tree.bring_to(edited, ())
    assert (tree.tree / "mm/slub.c").read_text() == "edited\n"
    assert below() == before


def test_patches_do_not_outlive_their_source(repository: Path, tmp_path: Path) -> None:
    tree, one = work(tmp_path), patch(tmp_path / "one.patch")
    tree.bring_to(source.find(str(repository), tmp_path), (one,))
    assert "zwei" in (tree.tree / "mm/slub.c").read_text()
    (repository / "mm/slub.c").write_text("one\ntwo\nthree\nfour\n")
    tree.bring_to(source.find(str(repository), tmp_path), ())
    assert (tree.tree / "mm/slub.c").read_text() == "one\ntwo\nthree\nfour\n"


def test_a_commit_that_is_not_there_is_named(repository: Path, tmp_path: Path) -> None:
    with pytest.raises(ToolError, match="git rev-parse in .*"):
        source.find(f"{repository}@nowhere", tmp_path)


def test_the_callers_repository_is_not_taken_for_the_named_one(
        repository: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    right = source.find(str(repository), tmp_path).identity
    other = make_tree(tmp_path / "other")
    (other / "mm/slub.c").write_text("other\n")
    git(other, "init", "-q")
    git(other, "add", ".")
    git(other, "commit", "-qm", "other")
    monkeypatch.setenv("GIT_DIR", str(other / ".git"))
    monkeypatch.setenv("GIT_WORK_TREE", str(other))
    assert source.find(str(repository), tmp_path).identity == right


def test_a_part_of_a_repository_is_no_kernel(repository: Path, tmp_path: Path) -> None:
    for name in ("mm", "untracked"):
        (repository / name).mkdir(exist_ok=True)
        with pytest.raises(ToolError, match=f"{name} is no git tree of its own") as caught:
            source.find(str(repository / name), tmp_path / "cache")
        assert "git init" in caught.value.hint


def test_bare_shallow_and_linked_repositories(repository: Path, tmp_path: Path) -> None:
    head = source.find(str(repository), tmp_path).identity
    git(repository, "clone", "-q", "--bare", ".", str(tmp_path / "bare.git"))
    git(repository, "clone", "-q", "--depth=1", f"file://{repository}", str(tmp_path / "shallow"))
    git(repository, "worktree", "add", "-q", str(tmp_path / "linked"))
    for kernel in ("bare.git@HEAD", "shallow", "linked", "linked@HEAD"):
        found = source.find(str(tmp_path / kernel), tmp_path)
        assert found.identity == head
        tree = WorkTree(tmp_path / f"work-{kernel}")
        tree.bring_to(found, ())
        assert (tree.tree / "mm/slub.c").exists()


def test_an_at_sign_may_be_part_of_a_path(repository: Path, tmp_path: Path,
                                          monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "me@home").mkdir()
    (tmp_path / "me").mkdir()
    repository.rename(tmp_path / "me@home/linux")
    monkeypatch.setenv("HOME", str(tmp_path))
    found = {source.find(name, tmp_path / "cache").identity for name in (
        f"{tmp_path}/me@home/linux", f"{tmp_path}/me@home/linux@HEAD", "~/me@home/linux")}
    assert len(found) == 1
    assert prepared._is_source("~/me@home/linux") and prepared._is_source("~/me@home/linux@HEAD")
    monkeypatch.chdir(Path("~/me@home/linux").expanduser())
    assert not prepared._is_source("")  # the newest stock kernel, also in a git tree
    assert not prepared._is_source("7.2") and not prepared._is_source("~/me")
    tarball(tmp_path).rename(tmp_path / "me@home/linux:7.2.tar.xz")
    tree = work(tmp_path)
    tree.bring_to(source.find(f"{tmp_path}/me@home/linux:7.2.tar.xz", tmp_path), ())
    assert (tree.tree / "mm/slub.c").exists()


def test_a_commit_may_put_a_file_where_a_directory_was(repository: Path, tmp_path: Path) -> None:
    (repository / "d").mkdir()
    for name in ("d/one", "caf\u00e9 [x]"):
        (repository / name).write_text("old\n")
    git(repository, "add", ".")
    git(repository, "commit", "-qm", "two")
    tree = work(tmp_path)
    tree.bring_to(source.find(str(repository), tmp_path), ())
    (repository / "caf\u00e9 [x]").write_text("new\n")
    git(repository, "commit", "-qam", "three")
    untouched = (tree.tree / "Makefile").stat().st_mtime_ns
    tree.bring_to(source.find(str(repository), tmp_path), ())
    assert (tree.tree / "caf\u00e9 [x]").read_text() == "new\n"
    assert (tree.tree / "Makefile").stat().st_mtime_ns == untouched
    shutil.rmtree(repository / "d")
    (repository / "d").write_text("file\n")
    git(repository, "add", "-A")
    git(repository, "commit", "-qm", "four")
    tree.bring_to(source.find(str(repository), tmp_path), ())
    assert (tree.tree / "d").read_text() == "file\n"


def test_a_tarball_that_changes_while_it_is_read_is_not_kept(tmp_path: Path) -> None:
    path = tarball(tmp_path)
    found, tree = source.find(str(path), tmp_path), work(tmp_path)
    subprocess.run(["tar", "-cJf", path, "-C", tmp_path / "pack", "--mtime=@1", "linux-7.2"],
                   check=True)
    with pytest.raises(ToolError, match="changed while it was read"):
        tree.bring_to(found, ())
    assert tree.identity() == ""


def test_a_series_that_is_here_takes_no_archive(tmp_path: Path, monkeypatch: pytest.MonkeyPatch,
                                                capsys: pytest.CaptureFixture[str]) -> None:
    def out_of_reach(*_: object) -> None:
        raise ToolError("the archive is out of reach")
    monkeypatch.setattr(source, "source_packages", out_of_reach)
    with pytest.raises(ToolError, match="out of reach"):
        source.find("7.2", tmp_path)
    kept = tmp_path / "linux-source-7.2_7.2.13-1.tar.xz"
    tarball(tmp_path).rename(kept)
    memory = tmp_path / "lab/series/7.2.json"
    memory.parent.mkdir(parents=True)
    for when, said in ((time.time(), ""), (0.0, "warning: the archive is out of reach")):
        memory.write_text(json.dumps({"tarball": str(kept), "when": when}))
        assert source.find("7.2", tmp_path).identity == "debian-linux-source-7.2_7.2.13-1"
        assert said in capsys.readouterr().err
    kept.unlink()
    with pytest.raises(ToolError, match="out of reach"):
        source.find("7.2", tmp_path)


def test_a_wait_for_another_holder_is_said_once_and_only_then(tmp_path: Path) -> None:
    said: list[str] = []
    with locked(tmp_path / "lock", lambda: said.append("free")):
        pass
    holder = (tmp_path / "lock").open()
    fcntl.flock(holder, fcntl.LOCK_EX)

    def waiting() -> None:
        said.append("held")
        holder.close()
    with locked(tmp_path / "lock", waiting):
        assert said == ["held"]


def test_neither_series_nor_file(tmp_path: Path) -> None:
    with pytest.raises(ToolError, match="KERNEL=/nowhere/linux: no series, no tarball"):
        source.find("/nowhere/linux", tmp_path)
