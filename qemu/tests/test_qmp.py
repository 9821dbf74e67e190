# SPDX-License-Identifier: GPL-2.0
"""qmp.py against a thread that stands in for QEMU, well-behaved and not, and
against QEMU itself without a machine."""

from __future__ import annotations

import json
import shutil
import socket
import subprocess
import threading
from collections.abc import Sequence

import pytest

from qemu import qmp
from qemu.qmp import Monitor, QmpError

GREETING = b'{"QMP": {"version": {}}}\n'
DONE = b'{"return": {}}\n'


def answered(end: socket.socket, answers: Sequence[bytes], asked: list[object]) -> threading.Thread:
    """One answer for each line that comes, and the greeting before all."""

    def serve() -> None:
        end.sendall(GREETING)
        with end.makefile("rb") as lines:
            for answer, line in zip(answers, lines):
                asked.append(json.loads(line))
                end.sendall(answer)

    thread = threading.Thread(target=serve, daemon=True)
    thread.start()
    return thread


def test_command_is_asked_and_answered() -> None:
    asked: list[object] = []
    with qmp.opened() as (ours, theirs):
        event = b'{"event": "DEVICE_DELETED", "data": {}}\n'
        serving = answered(theirs, [DONE, event + b'{"return": {"status": "running"}}\n', DONE],
                           asked)
        monitor = Monitor(ours)
        assert monitor.ask("query-status") == {"status": "running"}
        monitor.ask("device_del", id="dimm1")
        serving.join(5)
    assert asked == [{"execute": "qmp_capabilities"}, {"execute": "query-status"},
                     {"execute": "device_del", "arguments": {"id": "dimm1"}}]
    assert [event["event"] for event in monitor.events] == ["DEVICE_DELETED"]


def test_refusal_is_in_qemus_words() -> None:
    with qmp.opened() as (ours, theirs):
        answered(theirs, [DONE, b'{"error": {"class": "x", "desc": "no such device"}}\n'], [])
        with pytest.raises(QmpError, match="no such device"):
            Monitor(ours).ask("device_del", id="dimm9")


def test_silence_is_bounded() -> None:
    with qmp.opened() as (ours, _theirs), pytest.raises(QmpError, match="no answer in 0.05 s"):
        Monitor(ours, patience_s=0.05).ask("query-status")


@pytest.mark.parametrize("said", [b"not json\n", b"[1]\n", b'"text"\n'])
def test_what_is_no_message_is_told(said: bytes) -> None:
    with qmp.opened() as (ours, theirs):
        theirs.sendall(said)
        with pytest.raises(QmpError, match="no message"):
            Monitor(ours).ask("query-status")


def test_end_of_qemu_is_told() -> None:
    with qmp.opened() as (ours, theirs):
        theirs.close()
        with pytest.raises(QmpError):
            Monitor(ours).ask("query-status")


@pytest.mark.skipif(shutil.which("qemu-system-x86_64") is None, reason="QEMU is not installed")
def test_qemu_itself_answers() -> None:
    with qmp.opened() as (ours, theirs):
        number = theirs.fileno()
        process = subprocess.Popen(
            ["qemu-system-x86_64", "-nodefaults", "-display", "none", "-machine", "none",
             *qmp.options(number)], pass_fds=(number,), stdin=subprocess.DEVNULL)
        try:
            monitor = Monitor(ours, patience_s=60)
            assert monitor.ask("query-status")
            monitor.ask("quit")
            assert process.wait(60) == 0
        finally:
            if process.poll() is None:
                process.kill()
            process.wait()
