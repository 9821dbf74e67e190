# SPDX-License-Identifier: GPL-2.0
"""The private apt state: mirrors from the machine's sources, what an update
said, downloads that stop half-way. apt itself is stood in for.
"""

from __future__ import annotations

from pathlib import Path

import pytest

import archive as arc
import watch
from archive import Archive, Mirrors
from errors import ToolError
from series import Package


def test_mirrors_are_taken_from_the_machines_targets() -> None:
    said = ("http://mirror.example/debian/ bookworm\nhttp://mirror.example/debian/ bookworm-updates\n"
            "http://sec.example/debian-security/ bookworm-security\nhttp://other.example/ nodistro\n")
    assert arc.mirrors_from(said) == Mirrors("http://mirror.example/debian",
                                             "http://sec.example/debian-security")


def test_security_is_the_sibling_where_none_is_set_up() -> None:
    assert arc.mirrors_from("http://mirror.example/debian trixie\n") == Mirrors(
        "http://mirror.example/debian", "http://mirror.example/debian-security")


@pytest.mark.parametrize("said", ["", "http://other.example/ stable-but-not-debian\n",
                                  "http://sec.example/x bookworm-security\n"])
def test_no_debian_among_the_sources(said: str) -> None:
    assert arc.mirrors_from(said) is None


def test_every_suite_has_a_line() -> None:
    text = arc.sources_list(Mirrors("http://m/debian", "http://s/sec"), "/k.gpg")
    assert text.count("\n") == len(arc.MAIN_SUITES) + len(arc.SECURITY_SUITES)
    assert "deb [signed-by=/k.gpg] http://s/sec bullseye-security main\n" in text
    assert "[" not in arc.sources_list(Mirrors("http://m", "http://s"), "")


def test_suites_that_were_missed_are_named_once() -> None:
    said = ("E: Release file for http://m/debian/dists/bookworm-backports/InRelease is expired (x).\n"
            "W: Failed to fetch http://m/debian/dists/sid/InRelease  Could not resolve 'm'\n"
            "W: Failed to fetch http://m/debian/dists/sid/InRelease  Could not resolve 'm'\n"
            "W: Some index files failed to download.\nGet:1 http://m/debian trixie InRelease\n")
    assert list(arc.unreachable(said)) == ["bookworm-backports", "sid"]
    assert arc.unreachable("Hit:1 http://m/debian trixie InRelease\n") == {}


def test_no_list_at_all_is_an_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(arc, "machine_mirrors", lambda: Mirrors("http://m", "http://s"))
    monkeypatch.setattr(arc, "run_watched", lambda *rest: watch.Done(
        100, "W: Failed to fetch http://m/dists/sid/InRelease  no\n"))
    with pytest.raises(ToolError, match="cannot be reached: Failed to fetch"):
        Archive(tmp_path).refresh()
    assert not (tmp_path / "updated").exists()


def test_one_missed_suite_is_a_warning(tmp_path: Path, monkeypatch: pytest.MonkeyPatch,
                                       capsys: pytest.CaptureFixture[str]) -> None:
    calls: list[list[str]] = []

    def apt(command: list[str], *rest: object) -> watch.Done:
        calls.append(command)
        (tmp_path / "lists" / "m_dists_trixie_main_Packages").write_text("")
        said = "W: Failed to fetch http://m/dists/sid/InRelease  no\n"
        return watch.Done(0, said)

    monkeypatch.setattr(arc, "machine_mirrors", lambda: Mirrors("http://m", "http://s"))
    monkeypatch.setattr(arc, "run_watched", apt)
    Archive(tmp_path).refresh()
    Archive(tmp_path).refresh()
    assert len(calls) == 1 and Archive(tmp_path).missed() == ["sid"]
    Archive(tmp_path).forget()
    Archive(tmp_path).refresh()
    assert len(calls) == 2
    said = capsys.readouterr().err
    assert "sid is not used" in said and "Check-Valid-Until" not in said


def test_a_mirror_that_nobody_renews_comes_with_the_way_out(
        tmp_path: Path, monkeypatch: pytest.MonkeyPatch,
        capsys: pytest.CaptureFixture[str]) -> None:
    def apt(command: list[str], *rest: object) -> watch.Done:
        (tmp_path / "lists" / "m_dists_trixie_main_Packages").write_text("")
        return watch.Done(100, "E: Release file for http://m/debian/dists/sid/InRelease is "
                               "expired (invalid since 15d).\n")

    monkeypatch.setattr(arc, "machine_mirrors", lambda: Mirrors("http://m", "http://s"))
    monkeypatch.setattr(arc, "run_watched", apt)
    Archive(tmp_path).refresh()
    assert 'Check-Valid-Until "false"' in capsys.readouterr().err


def fake_apt(at: Path, script: str, monkeypatch: pytest.MonkeyPatch) -> None:
    (at / "bin").mkdir()
    (at / "bin/apt-get").write_text(f"#!/bin/sh\n{script}\n")
    (at / "bin/apt-get").chmod(0o755)
    monkeypatch.setenv("PATH", f"{at / 'bin'}:/usr/bin:/bin")


@pytest.mark.parametrize("script", ["echo half >a.deb; echo 'E: Failed to fetch b' >&2; exit 100",
                                    "echo whole >a.deb", "exit 0"])
def test_a_partial_download_is_an_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch,
                                        script: str) -> None:
    fake_apt(tmp_path, script, monkeypatch)
    with pytest.raises(ToolError, match="download failed"):
        Archive(tmp_path).download([Package("a", "1"), Package("b", "1")], tmp_path / "debs")


def test_a_whole_download_is_listed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    fake_apt(tmp_path, "touch a.deb b.deb", monkeypatch)
    found = Archive(tmp_path).download([Package("a", "1"), Package("b", "1")], tmp_path / "debs")
    assert [path.name for path in found] == ["a.deb", "b.deb"]


def test_progress_has_sizes_and_an_estimate() -> None:
    assert watch.progress_text(10_000_000, 30_000_000, 5.0) == (
        "10.0 of 30.0 MB, about 10 s left")
    assert watch.progress_text(0, 30_000_000, 5.0) == "0.0 of 30.0 MB"
    assert watch.progress_text(31_000_000, 30_000_000, 5.0) == "30.0 of 30.0 MB"


def test_a_slow_program_is_told_of(tmp_path: Path, monkeypatch: pytest.MonkeyPatch,
                                   capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr(watch, "QUIET_S", 0.1)
    monkeypatch.setattr(watch, "EVERY_S", 0.1)
    script = "echo said; head -c 1000000 /dev/zero >f; sleep 0.4; exit 3"
    done = watch.run_watched(["sh", "-c", script], tmp_path, tmp_path, 2_000_000)
    assert done == watch.Done(3, "said\n")
    assert "1.0 of 2.0 MB" in capsys.readouterr().err


def test_sources_are_a_state_of_their_own() -> None:
    text = arc.sources_list(Mirrors("http://m/debian", "http://s"), "/k.gpg", sources=True)
    assert text.splitlines() == [
        f"deb-src [signed-by=/k.gpg] http://m/debian {suite} main" for suite in arc.SOURCE_SUITES]


@pytest.mark.parametrize("script", ["echo 'E: Failed to fetch x 404' >&2; exit 100", "exit 0",
                                    "touch linux_7.1.orig.tar.xz; exit 100"])
def test_a_source_that_the_mirror_has_not_is_gone(
        tmp_path: Path, monkeypatch: pytest.MonkeyPatch, script: str) -> None:
    monkeypatch.setattr(Archive, "refresh", lambda self: None)
    fake_apt(tmp_path, script, monkeypatch)
    with pytest.raises(arc.SourceGone, match="source of linux 7.1-1 cannot be had"):
        Archive(tmp_path, sources=True).download_source("linux", "7.1-1", tmp_path / "in")


def test_a_source_is_its_tarball(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Archive, "refresh", lambda self: None)
    fake_apt(tmp_path, 'test "$5" = --tar-only && touch linux_7.1.orig.tar.xz', monkeypatch)
    found = Archive(tmp_path, sources=True).download_source("linux", "7.1-1", tmp_path / "in")
    assert found.name == "linux_7.1.orig.tar.xz"


def test_a_state_is_of_one_architecture(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(arc, "machine_mirrors", lambda: Mirrors("http://m", "http://s"))
    other = Archive(tmp_path / "apt-arm64", architecture="arm64")
    other._set_up()
    text = (tmp_path / "apt-arm64/apt.conf").read_text()
    assert 'APT::Architecture "arm64";' in text and 'Architectures { "arm64"; }' in text
    assert other.tools == Archive(tmp_path / "apt") and other.tools.tools == other.tools
