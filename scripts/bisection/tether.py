# SPDX-License-Identifier: GPL-2.0
"""What GNU parallel calls for ssh: the user's ssh, with a standard input that
says to the other side every few seconds that somebody is still there, and that
ends with the process that asked for the runs.

SLUBTORTURE_SSH has the ssh command, SLUBTORTURE_LIFELINE the lifeline's path.
"""

from __future__ import annotations

import ctypes
import os
import shlex
import signal
import subprocess
import sys
import time
from pathlib import Path

sys.path[:0] = [str(Path(__file__).resolve().parent.parent)]

from bisection.lifeline import BEAT_S, LOOK_S, LOST_STATUS, Lifeline

_PR_SET_PDEATHSIG = 1
# What ssh returns when it failed itself, as for a host that is gone. Such a
# host must not use up everything that waits before it is taken off the list.
SSH_FAILED = 255
PAUSE_S = 1.0
# A first value wins in OpenSSH, so what the user's command says stays so. The
# other side is taken for lost after half a minute.
OPTIONS = ("-o", "BatchMode=yes", "-o", "ConnectTimeout=20", "-o", "ServerAliveInterval=10",
           "-o", "ServerAliveCountMax=3")


def ssh_words(environment: str) -> list[str]:
    """The command for ssh that a user has set, and options that it lacks."""
    return [*(shlex.split(environment) or ["ssh"]), *OPTIONS]


def _die_with_parent() -> None:
    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)


def _beat(process: subprocess.Popen[bytes]) -> None:
    try:
        assert process.stdin
        os.write(process.stdin.fileno(), b".")
    except OSError:
        pass  # it has ended, or reads nothing: both are seen elsewhere


def _has_ended(process: subprocess.Popen[bytes]) -> bool:
    """Waits for that a little."""
    try:
        process.wait(LOOK_S)
    except subprocess.TimeoutExpired:
        return False
    return True


def main(arguments: list[str]) -> int:
    lifeline = Lifeline(os.environ["SLUBTORTURE_LIFELINE"])
    words = [*ssh_words(os.environ.get("SLUBTORTURE_SSH", "")), *arguments]
    began = beat = time.monotonic()
    with subprocess.Popen(words, stdin=subprocess.PIPE, preexec_fn=_die_with_parent) as process:
        assert process.stdin
        os.set_blocking(process.stdin.fileno(), False)
        while not _has_ended(process):
            if lifeline.is_cut():
                process.kill()
                return LOST_STATUS
            if time.monotonic() - beat > BEAT_S:
                beat = time.monotonic()
                _beat(process)
    if process.returncode == SSH_FAILED and time.monotonic() - began < PAUSE_S:
        time.sleep(PAUSE_S)
    return process.returncode if process.returncode >= 0 else SSH_FAILED


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
