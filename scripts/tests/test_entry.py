# SPDX-License-Identifier: GPL-2.0
"""entry.py and setup.py: expected trouble ends in one message and a status,
and the rescue shell is only taken where it can run."""

from __future__ import annotations

import os
import signal
from pathlib import Path

import pytest
import setup
from entry import guarded
from errors import ToolError
from qemu.machine import GuestError


def test_status_of_the_action_is_handed_on() -> None:
    assert [guarded(action) for action in (lambda: 0, lambda: 1, lambda: 2)] == [0, 1, 2]


def test_trouble_is_a_message_and_a_way_out(capsys: pytest.CaptureFixture[str]) -> None:
    def action() -> int:
        raise ToolError("SEED=x is no number", "leave it out")

    assert guarded(action) == 2
    assert capsys.readouterr().err == "slubtorture: SEED=x is no number\n  leave it out\n"


def test_guest_trouble_is_broken(capsys: pytest.CaptureFixture[str]) -> None:
    def action() -> int:
        raise GuestError("no QEMU")

    assert guarded(action) == 2
    assert capsys.readouterr().err == "slubtorture: no QEMU\n"


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_signal_has_the_shells_status(number: int) -> None:
    def action() -> int:
        os.kill(os.getpid(), number)
        return 0

    before = signal.getsignal(number)
    assert guarded(action) == 128 + number
    assert signal.getsignal(number) is before


def test_rescue_shell_must_be_static(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    dynamic, static = tmp_path / "dynamic", tmp_path / "static"
    dynamic.write_bytes(b"\x7fELF /lib64/ld-linux-x86-64.so.2")
    static.write_bytes(b"\x7fELF alone")
    monkeypatch.setattr(setup, "BUSYBOX", (str(tmp_path / "absent"), str(dynamic)))
    with pytest.raises(ToolError) as caught:
        setup.static_shell("RESCUE=yes")
    assert "busybox-static" in caught.value.hint
    monkeypatch.setattr(setup, "BUSYBOX", (str(dynamic), str(static)))
    assert setup.static_shell("RESCUE=yes") == b"\x7fELF alone"
