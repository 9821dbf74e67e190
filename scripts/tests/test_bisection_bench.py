# SPDX-License-Identifier: GPL-2.0
"""Commits made ready in an imitated lab: one configuration for all of them,
whose fault it is when that does not come out, and what is left behind."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Callable, Iterable
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import bisect_tree
import options as opt
import pytest
from bisection import asked as ask
from bisection import bench as bn
from bisection import bundle, spread
from bisection.outcomes import Commit, Outcome, Ran
from bisection.session import Request, Session
from bisection.tree import opened
from errors import SourceError, ToolError
from lab import obtain as ob
from lab import spec, store
from lab_tree import make_tree


@pytest.fixture
def session(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Session:
    """Of a tree that the lab takes for Linux, at tmp_path/linux: a commit that
    builds, one that does not, one that does again."""
    if not all(shutil.which(name) for name in ("git", "ccache", "objcopy")):
        pytest.skip("git, ccache or objcopy is not installed")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "xdg"))
    monkeypatch.setattr(ob, "check_programs", lambda machine: None)
    monkeypatch.setattr(ob, "compiler_text", lambda machine: "a compiler")
    monkeypatch.setattr("lab.tools.platform.machine", lambda: "x86_64")
    monkeypatch.setattr(bn, "make_spec", lambda *what: replace(
        real(*what), fragments=tuple(part for part in real(*what).fragments if isinstance(
            part, Path) and part.parent == tmp_path)))
    monkeypatch.setattr(bn, "build_for", lambda *what, suites: tmp_path / "slubtorture.ko")
    monkeypatch.setattr(bundle, "make", lambda ready, options, into, suites: (
        into / "7.2-x").mkdir())
    tree = make_tree(tmp_path / "linux")
    bisect_tree.git(tree, "init", "-q")
    for broken in (False, True, False):
        (tree / "broken").unlink(missing_ok=True)
        (tree / "mm/slub.c").write_text(f"one\n{broken}\n{len(list(tree.iterdir()))}\n")
        if broken:
            (tree / "broken").touch()
        bisect_tree.git(tree, "add", "-A")
        bisect_tree.git(tree, "commit", "-q", "--allow-empty", "-m", "x")
    made = Session(tmp_path / "out")
    made.create(Request(str(tree), "g", "b", {}), [Commit("g", "")])
    return made


real = spec.make_spec


def bench(session: Session, tmp_path: Path, config: str = "") -> bn.LabBench:
    unset = ask.raw_values(ask.parser("", "").parse_args([]), {})
    if config:
        (tmp_path / "own.config").write_text(config)
    options = opt.checked({**unset, "config": str(tmp_path / "own.config") if config else ""},
                          session.directory)
    return bn.LabBench(session, options, (), 2)


def commits(session: Session) -> list[str]:
    log = bisect_tree.git(Path(session.request.tree), "log", "--reverse", "--format=%H")
    return log.split()


def test_a_commit_is_made_ready_once_and_its_kernel_does_not_stay(
        session: Session, tmp_path: Path) -> None:
    work, name = bench(session, tmp_path), commits(session)[0]
    first = work.build(name)
    assert first.seconds > 0 and (first.place / "7.2-x").is_dir()
    assert bench(session, tmp_path).build(name) == replace(first, seconds=0.0)
    assert not store.names(work.cache)
    work.close()
    assert not first.place.exists() and bench(session, tmp_path).build(name).seconds > 0


def test_a_kernel_that_was_there_before_stays(session: Session, tmp_path: Path) -> None:
    work, name = bench(session, tmp_path), commits(session)[0]
    ob.obtain(bn.spec_of(work.options, False, f"{session.request.tree}@{name}"), work.cache)
    work.build(name)
    assert len(store.names(work.cache)) == 1


def test_a_commit_that_does_not_build_is_told_from_a_full_disk(
        session: Session, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    work, names = bench(session, tmp_path), commits(session)
    with pytest.raises(SourceError, match="it is broken"):
        work.build(names[1])
    assert work.build(names[2]).seconds > 0
    monkeypatch.setattr("lab.build._is_full", lambda place: True)
    with pytest.raises(ToolError, match="is full") as caught:
        work.build(names[1])
    assert not isinstance(caught.value, SourceError)


def test_a_module_that_does_not_build_is_the_commits_fault(
        session: Session, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*what: object, suites: bool) -> Path:
        assert not suites
        raise ToolError("slubtorture.ko is not what it should be", "a log")

    monkeypatch.setattr(bn, "build_for", fail)
    work, names = bench(session, tmp_path), commits(session)
    with pytest.raises(SourceError, match="not what it should be"):
        work.build(names[0])
    monkeypatch.setattr("bisection.step._FULL_BYTES", 1 << 60)
    with pytest.raises(ToolError, match="is full") as caught:
        work.build(names[0])
    assert not isinstance(caught.value, SourceError)


def test_the_users_own_options_may_be_missing_at_a_commit(
        session: Session, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    own = "CONFIG_TINY=y\n\nCONFIG_GONE=y\n# CONFIG_NEVER is not set\n"
    names = commits(session)
    assert bench(session, tmp_path, own).build(names[0]).seconds > 0
    monkeypatch.setattr(bn, "CONFIGS", tmp_path)  # were it one of this project's fragments
    with pytest.raises(SourceError, match="CONFIG_GONE=y of own.config became n"):
        bench(session, tmp_path, own).build(names[2])


def test_numbers_that_are_there_already_are_left_out() -> None:
    wanted = [(number, 100 + number) for number in (0, 1, 4, 5, 6, 9)]
    assert list(bn.stretches(wanted)) == [(0, [100, 101]), (4, [104, 105, 106]), (9, [109])]
    assert list(bn.stretches([])) == []


def test_runs_end_when_enough_is_seen(session: Session, tmp_path: Path,
                                      monkeypatch: pytest.MonkeyPatch) -> None:
    work, name = bench(session, tmp_path), commits(session)[0]
    asked: list[tuple[int, list[int], str]] = []

    def run_many(found: object, seeds: Iterable[int], jobs: int, hosts: object,
                 take: Callable[[Ran], bool], place: spread.Place) -> None:
        asked.append((place.first, list(seeds), os.path.relpath(place.of(3), place.session)))
        for number in range(place.first, place.first + 9):
            if not take(Ran(name, number, 1, Outcome.GOOD, "")):
                return

    monkeypatch.setattr(spread, "run_many", run_many)
    monkeypatch.setattr(bundle.Bundle, "at", lambda path: path)
    built, taken = work.build(name), list[int]()

    def take(ran: Ran) -> bool:
        taken.append(ran.number)
        return len(taken) < 3

    work.run(built, [(2, 7), (3, 8), (7, 9)], lambda files, status: (Outcome.GOOD, ""), take)
    assert taken == [2, 3, 4]
    assert asked == [(2, [7, 8], os.path.relpath(session.files_of(name, 3), session.directory))]


def test_the_tree_is_only_read(session: Session, tmp_path: Path) -> None:
    def state() -> set[tuple[str, float]]:
        return {(str(path), path.lstat().st_mtime) for path in (tmp_path / "linux").rglob("*")}

    before = state()
    for name in commits(session)[::2]:
        bench(session, tmp_path).build(name)
    assert state() == before
    assert subprocess.run(["git", "-C", str(tmp_path / "linux"), "fsck"], check=False,
                          capture_output=True).returncode == 0


def test_a_disk_without_room_is_said_before_anything_is_built(
        session: Session, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("setup.check_guest", lambda options, arch: None)
    monkeypatch.setattr(ask, "check_programs", lambda machine: None)
    work, names = bench(session, tmp_path), commits(session)
    tree, ends = opened(session.request.tree), {"GOOD": names[0], "BAD": names[2]}
    ask._check_lab(tree, work.options, False, ends)

    def room(cache_mib: int, out_mib: int) -> None:
        monkeypatch.setattr(shutil, "disk_usage", lambda place: SimpleNamespace(
            free=(cache_mib if Path(place).is_relative_to(work.cache) else out_mib) << 20))

    for cache_mib, out_mib, match in ((500, 9000, "a lab kernel takes up to"),
                                      (9000, 500, "a bisection keeps up to")):
        room(cache_mib, out_mib)
        with pytest.raises(ToolError, match=match) as caught:
            ask._check_lab(tree, work.options, False, ends)
        assert caught.value.hint
    room(9000, 9000)
    ask._check_lab(tree, work.options, False, ends)
    assert not (work.cache / "lab/source").exists()
