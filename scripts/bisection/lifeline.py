# SPDX-License-Identifier: GPL-2.0
"""How a run learns that nobody waits for it any more, also when whoever
started it was killed with -9, or the network went.

On the machine that asks, it is a FIFO whose only writer is the process that
asks: while that lives, a read finds nothing yet; afterwards it finds the end.
On another machine it is the standard input of the ssh session, on which a
byte comes every BEAT_S.
"""

from __future__ import annotations

import os
import select
import signal
import threading
import time

BEAT_S = 5.0
# Without one for so long the connection is gone, whatever its ends believe.
SILENCE_S = 60.0
LOOK_S = 0.5
# To end in an orderly way; then at once. A guest ends with its parent.
GRACE_S = 10.0
LOST_STATUS = 75  # EX_TEMPFAIL of sysexits.h
STDIN = "-"


class Held:
    """The end of the one who asks: a FIFO that is made here."""

    def __init__(self, path: str) -> None:
        os.mkfifo(path, 0o600)
        self._fd = os.open(path, os.O_RDWR | os.O_CLOEXEC)

    def cut(self) -> None:
        """End all runs that depend on it."""
        if self._fd >= 0:
            os.close(self._fd)
        self._fd = -1


class Lifeline:
    """The end that a run holds."""

    def __init__(self, name: str, stdin: int = 0) -> None:
        self._beats = name == STDIN
        self._fd = stdin if self._beats else os.open(
            name, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
        self._heard = time.monotonic()

    def is_cut(self) -> bool:
        """Whether it is over; returns at once. A reader that finds no writer was
        started too late: a read tells it, where poll() would not."""
        if not self._beats:
            return self._ended()
        if select.select([self._fd], [], [], 0)[0]:
            self._heard = time.monotonic()
            return self._ended()
        return time.monotonic() - self._heard > SILENCE_S

    def _ended(self) -> bool:
        try:
            return not os.read(self._fd, 4096)
        except BlockingIOError:
            return False


def _watch(line: Lifeline) -> None:
    while not line.is_cut():
        time.sleep(LOOK_S)
    os.kill(os.getpid(), signal.SIGTERM)
    time.sleep(GRACE_S)
    os._exit(LOST_STATUS)


def depend_on(name: str) -> None:
    """End this process when the lifeline is cut: by SIGTERM, then for good."""
    threading.Thread(target=_watch, args=(Lifeline(name),), daemon=True).start()
