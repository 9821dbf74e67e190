# SPDX-License-Identifier: GPL-2.0
"""lkmm.py: the model of a tree, of a tarball, of a series; and what is done
without one, or without the archive."""

from __future__ import annotations

import io
import tarfile
from pathlib import Path

import pytest

import lkmm
from errors import ToolError
from lab.source import Source, from_tarball


def tree(place: Path) -> Path:
    (place / lkmm.PART).mkdir(parents=True)
    (place / lkmm.PART / lkmm.CONFIG).touch()
    return place


def tarball(path: Path, *names: str) -> Path:
    with tarfile.open(path, "w:gz") as archive:
        for name in names:
            member = tarfile.TarInfo(f"linux-9.9/{name}")
            member.size = 1
            archive.addfile(member, io.BytesIO(b"x"))
    return path


def unreachable(series: str, cache: Path) -> Source:
    raise ToolError("the Debian archive cannot be reached", "check the network")


def test_tree_has_its_own(tmp_path: Path) -> None:
    own = tree(tmp_path / "linux")
    assert lkmm.obtain(str(own), "7.2", tmp_path).directory == own / lkmm.PART
    built = tmp_path / "build"
    built.mkdir()
    (built / "source").symlink_to(own)
    assert lkmm.obtain(str(built), "7.2", tmp_path).directory == own / lkmm.PART


def test_part_of_a_tarball_is_taken_once(tmp_path: Path) -> None:
    path = tarball(tmp_path / "linux-9.9.tar.gz", f"{lkmm.PART}/{lkmm.CONFIG}", "mm/slub.c")
    model = lkmm.obtain(str(path), "9.9", tmp_path / "cache")
    assert (model.directory / lkmm.CONFIG).read_text() == "x"
    assert [one.name for one in model.directory.parents[1].iterdir()] == ["tools"]
    source = from_tarball(path)
    path.unlink()
    assert lkmm.extracted(source, tmp_path / "cache/lkmm") == model


def test_source_without_a_model_leaves_nothing(tmp_path: Path) -> None:
    path = tarball(tmp_path / "linux-4.4.tar.gz", f"{lkmm.PART}/README")
    with pytest.raises(ToolError, match="has no tools/memory-model/linux-kernel.cfg"):
        lkmm.obtain(str(path), "4.4", tmp_path / "cache")
    assert [one.name for one in (tmp_path / "cache/lkmm").iterdir()] == [".lock"]


def test_another_series_will_do_where_the_archive_is_out_of_reach(
        tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
        ) -> None:
    monkeypatch.setattr(lkmm, "from_series", unreachable)
    with pytest.raises(ToolError, match="of Linux 7.2 cannot be had: the Debian") as caught:
        lkmm.obtain("7.2", "", tmp_path)
    assert "KERNEL=DIR" in caught.value.hint
    for name in ("6.12_6.12.117-1", "7.10_7.10.1-1", "7.3_7.3.4-1"):
        tree(tmp_path / f"lkmm/debian-linux-source-{name}")
    assert lkmm.obtain("", "7.2", tmp_path).name == "debian-linux-source-7.10_7.10.1-1"
    assert "using the memory model of debian-linux-source-7.10" in capsys.readouterr().err
    assert lkmm.obtain("7.3", "", tmp_path).name == "debian-linux-source-7.3_7.3.4-1"
    with pytest.raises(ToolError, match="of Linux 7.2 cannot be had"):
        lkmm.obtain("7.2", "", tmp_path)
