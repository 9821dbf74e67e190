# SPDX-License-Identifier: GPL-2.0
"""How a run learns that nobody waits for it, and ssh ends with who asked."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from bisection import lifeline, tether
from bisection.bundle import Bundle
from bisection.lifeline import Held, Lifeline
from bisection.spread import begun
from bisection_fakes import fake_bundle, is_alive
from own_hosts import wait_until

from errors import ToolError


def test_a_fifo_lasts_as_long_as_its_writer(tmp_path: Path) -> None:
    held = Held(str(tmp_path / "line"))
    one = Lifeline(str(tmp_path / "line"))
    assert not one.is_cut() and not one.is_cut()
    held.cut()
    held.cut()
    assert one.is_cut() and Lifeline(str(tmp_path / "line")).is_cut()


def test_an_input_lasts_as_long_as_it_beats(monkeypatch: pytest.MonkeyPatch) -> None:
    now = [100.0]
    monkeypatch.setattr("bisection.lifeline.time.monotonic", lambda: now[0])
    reader, writer = os.pipe()
    one = Lifeline(lifeline.STDIN, reader)
    now[0] += lifeline.SILENCE_S - 1
    assert not one.is_cut()
    os.write(writer, b".")
    assert not one.is_cut()
    now[0] += lifeline.SILENCE_S - 1
    assert not one.is_cut()
    now[0] += 2
    assert one.is_cut()
    os.write(writer, b"..")
    assert not one.is_cut()
    os.close(writer)
    assert one.is_cut()
    os.close(reader)


def tethered(tmp_path: Path, ssh: str, *words: str) -> subprocess.Popen[str]:
    return subprocess.Popen([sys.executable, tether.__file__, *words], stdout=subprocess.PIPE,
                            text=True, env=dict(os.environ, SLUBTORTURE_SSH=ssh,
                                                SLUBTORTURE_LIFELINE=str(tmp_path / "line")))


@pytest.mark.parametrize("status", [0, 3, 255])
def test_ssh_is_called_as_the_user_says(tmp_path: Path, status: int) -> None:
    held = Held(str(tmp_path / "line"))
    ssh = tmp_path / "my ssh"
    ssh.write_text(f"#!/bin/sh\nprintf '%s|' \"$@\"\nexit {status}\n")
    ssh.chmod(0o755)
    process = tethered(tmp_path, f"'{ssh}' -F x", "host", "a command")
    out, _ = process.communicate(timeout=60)
    held.cut()
    assert process.returncode == status and out.startswith("-F|x|-o|BatchMode=yes|")
    assert out.endswith("|host|a command|")


def test_ssh_ends_with_who_asked(tmp_path: Path) -> None:
    held = Held(str(tmp_path / "line"))
    process = tethered(tmp_path, "sh -c 'echo $$; exec sleep 3600'")
    assert process.stdout
    pid = int(process.stdout.readline())
    assert is_alive(pid)
    held.cut()
    assert process.wait(60) == lifeline.LOST_STATUS and wait_until(lambda: not is_alive(pid))


def test_a_place_without_fifos_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(path: str, mode: int) -> None:
        raise PermissionError(1, "Operation not permitted")

    bundle: Bundle = fake_bundle(tmp_path, "")
    monkeypatch.setattr("bisection.lifeline.os.mkfifo", refuse)
    with pytest.raises(ToolError, match="runs cannot be made in .*: Operation not permitted"):
        begun(tmp_path / "work", bundle)
