# SPDX-License-Identifier: GPL-2.0
"""herd.py: the machine's own, one fetched before, the archive's, and none.
Nothing is fetched here; the programs are scripts that print what they would."""

from __future__ import annotations

from pathlib import Path

import pytest

import herd
from archive import Archive
from errors import ToolError
from runtime import LIBRARIES, LOADER
from series import Package

# Stands for the loader: run the program, without what says where libraries are.
LOADER_TEXT = '#!/bin/sh\nshift 2\nexec "$@"\n'


def program(path: Path, version: str, libdir: str = "") -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f'#!/bin/sh\ncase $1 in -version) echo "{version}, Rev: exported" ;;\n'
                    f'-libdir) echo "{libdir}" ;; esac\n')
    path.chmod(0o755)


def unpacked(root: Path, version: str) -> None:
    for name in (*herd.PROGRAMS, "diy7"):
        program(root / "usr/bin" / name, version)
    loader = root / LIBRARIES / LOADER
    loader.parent.mkdir(parents=True)
    loader.write_text(LOADER_TEXT)
    loader.chmod(0o755)
    (root / "usr/share/herdtools7/herd").mkdir(parents=True)


def nowhere(name: str) -> str | None:
    return None


class NoArchive:
    def __init__(self, state: Path) -> None:
        pass

    def missed(self) -> list[str]:
        return ["sid"]

    def refresh(self) -> None:
        raise ToolError("the Debian archive cannot be reached", "check the network")


@pytest.mark.parametrize(("said", "version"), [
    ("7.58, Rev: exported", "7.58"), ("7.58.1+dev, Rev: x", "7.58.1+dev"), ("", ""),
    ("Usage: herd7", "")])
def test_version_is_read(said: str, version: str) -> None:
    assert herd.version_of(said) == version


@pytest.mark.parametrize(("version", "good"), [
    ("7.58", True), ("7.60", True), ("7.57", False), ("7.58.1+dev", True), ("", False)])
def test_which_version_will_do(version: str, good: bool) -> None:
    assert herd.new_enough(version) is good


def test_own_programs_are_used_if_they_are_new_enough(tmp_path: Path,
                                                      monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(herd, "Archive", NoArchive)
    for name in herd.PROGRAMS:
        program(tmp_path / name, "7.59", str(tmp_path))
    found = herd.obtain(tmp_path / "cache", lambda name: str(tmp_path / name))
    assert found.version == "7.59" and found.herd7 == (str(tmp_path / "herd7"),)
    program(tmp_path / "herd7", "7.57", str(tmp_path))
    with pytest.raises(ToolError, match="herd7 is not here and cannot be fetched: the Debian"):
        herd.obtain(tmp_path / "cache", lambda name: str(tmp_path / name))


def test_one_that_was_fetched_needs_no_network(tmp_path: Path,
                                               monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(herd, "Archive", NoArchive)
    unpacked(tmp_path / "herd/7.58-2", "7.58")
    unpacked(tmp_path / "herd/7.60-1", "7.60")
    found = herd.obtain(tmp_path, nowhere)
    assert found.version == "7.60" and found.herd7[0].endswith(LOADER)


def test_without_network_and_cache_both_ways_out_are_named(
        tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(herd, "Archive", NoArchive)
    with pytest.raises(ToolError, match="cannot be fetched") as caught:
        herd.obtain(tmp_path, nowhere)
    assert "check the network" in caught.value.hint and "in PATH" in caught.value.hint


@pytest.mark.parametrize("breakage", ["half", "old", "dumb"])
def test_what_does_not_run_is_not_taken(tmp_path: Path, breakage: str) -> None:
    root = tmp_path / "herd" / (".part" if breakage == "half" else "7.58-2")
    unpacked(root, "7.40" if breakage == "old" else "7.58")
    if breakage == "dumb":
        (root / "usr/bin/herd7").write_text("#!/bin/sh\nexit 127\n")
    assert herd.cached(tmp_path) is None


def fetched(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, version: str, runs: str) -> herd.Herd:
    packages = [Package(herd.PACKAGE, version), Package("libc6", "2.43-7")]
    monkeypatch.setattr(NoArchive, "refresh", lambda self: None)
    monkeypatch.setattr(herd, "Archive", NoArchive)
    monkeypatch.setattr(herd, "library_packages", lambda archive, roots: packages)

    def unpack(archive: Archive, packages: list[Package], root: Path) -> None:
        unpacked(root, runs)

    monkeypatch.setattr(herd, "unpack", unpack)
    return herd.obtain(tmp_path, nowhere)


def test_archives_is_kept_with_two_programs(tmp_path: Path,
                                            monkeypatch: pytest.MonkeyPatch) -> None:
    found = fetched(tmp_path, monkeypatch, "7.58-2", "7.58")
    root = tmp_path / "herd/7.58-2"
    assert found.library == root / "usr/share/herdtools7/herd"
    assert sorted(path.name for path in (root / "usr/bin").iterdir()) == ["herd7", "klitmus7"]
    assert not (tmp_path / "herd/.part").exists()


@pytest.mark.parametrize(("version", "runs", "told"), [
    ("7.52-1", "7.52", "offers no herdtools7 from 7.58 on"),
    ("7.58-2", "", "was unpacked and does not run")])
def test_archives_that_will_not_do_leaves_nothing(
        tmp_path: Path, monkeypatch: pytest.MonkeyPatch, version: str, runs: str,
        told: str) -> None:
    with pytest.raises(ToolError, match=told):
        fetched(tmp_path, monkeypatch, version, runs)
    assert [path.name for path in (tmp_path / "herd").iterdir()] == [".lock"]
