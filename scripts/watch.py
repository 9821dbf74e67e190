# SPDX-License-Identifier: GPL-2.0
"""Runs a program that fetches files and says how far it is: by the sizes of
what it has written, so that its own output need not be understood.

A short run prints nothing. What came of it is for the caller to judge.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

QUIET_S = 4.0
EVERY_S = 4.0
_POLL_S = 0.1


@dataclass(frozen=True)
class Done:
    """Exit status and everything that was printed."""

    status: int
    said: str


def size_below(place: Path) -> int:
    """Bytes in the files of a directory; files may come and go meanwhile."""
    total = 0
    for path in place.rglob("*"):
        try:
            total += path.stat().st_size if path.is_file() else 0
        except OSError:
            continue
    return total


def progress_text(done: int, total: int, elapsed_s: float) -> str:
    """"12.3 of 26.6 MB, about 8 s left"."""
    text = f"{min(done, total) / 1e6:.1f} of {total / 1e6:.1f} MB"
    if 0 < done < total and elapsed_s > 0:
        text += f", about {(total - done) / (done / elapsed_s):.0f} s left"
    return text


def run_watched(command: list[str], cwd: Path, place: Path, total: int) -> Done:
    """Run `command` while telling, every few seconds, how much of `total`
    bytes has come to lie below `place`."""
    place.mkdir(parents=True, exist_ok=True)
    before, started = size_below(place), time.monotonic()
    said_at = started + QUIET_S - EVERY_S
    with tempfile.TemporaryFile("w+") as output, subprocess.Popen(
            command, cwd=cwd, stdin=subprocess.DEVNULL, stdout=output,
            stderr=subprocess.STDOUT, env=dict(os.environ, LC_ALL="C")) as child:
        try:
            while child.poll() is None:
                time.sleep(_POLL_S)
                now = time.monotonic()
                if now - said_at >= EVERY_S:
                    said_at = now
                    text = progress_text(size_below(place) - before, total, now - started)
                    print(f"slubtorture:   {text}", file=sys.stderr, flush=True)
        except BaseException:
            child.terminate()
            raise
        output.seek(0)
        return Done(child.returncode, output.read())
