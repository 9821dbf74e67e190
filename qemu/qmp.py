# SPDX-License-Identifier: GPL-2.0
"""Asks a running QEMU to do things: its machine protocol (QMP) over a pair of
connected sockets that no file name leads to.

One command at a time, each answered within a bound; events that come in
between are kept. What to ask for is for others. (Debian 12 has no library of
this protocol; trixie's is for asyncio.)
"""

from __future__ import annotations

import json
import select
import socket
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

PATIENCE_S = 10.0


class QmpError(Exception):
    """QEMU refused a command, or gave no answer."""


def pair() -> tuple[socket.socket, socket.socket]:
    """Our end and QEMU's, which it inherits."""
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_STREAM)
    theirs.set_inheritable(True)
    return ours, theirs


def options(number: int) -> list[str]:
    """QEMU's options for the end that is its file descriptor `number`."""
    return ["-chardev", f"socket,id=qmp,fd={number}", "-mon", "chardev=qmp,mode=control"]


@contextmanager
def opened() -> Iterator[tuple[socket.socket, socket.socket]]:
    """Both ends, closed on the way out."""
    ours, theirs = pair()
    try:
        yield ours, theirs
    finally:
        ours.close()
        theirs.close()


@dataclass
class Monitor:
    """Our end of the pair."""

    end: socket.socket
    patience_s: float = PATIENCE_S
    events: list[dict[str, object]] = field(default_factory=list)
    _rest: bytes = b""
    _greeted: bool = False

    def _line(self, until: float) -> dict[str, object]:
        """The next message; QmpError when none comes in time."""
        while b"\n" not in self._rest:
            left = until - time.monotonic()
            if left <= 0 or not select.select([self.end], [], [], left)[0]:
                raise QmpError(f"QEMU gave no answer in {self.patience_s:g} s")
            data = self.end.recv(65536)
            if not data:
                raise QmpError("QEMU has gone")
            self._rest += data
        line, _, self._rest = self._rest.partition(b"\n")
        try:
            message = json.loads(line)
        except ValueError as error:
            raise QmpError(f"QEMU said what is no message: {line[:80]!r}") from error
        if not isinstance(message, dict):
            raise QmpError(f"QEMU said what is no message: {line[:80]!r}")
        return message

    def _answer(self, until: float) -> object:
        while True:
            message = self._line(until)
            if "event" in message:
                self.events.append(message)
            elif "error" in message:
                error = message["error"]
                text = error.get("desc") if isinstance(error, dict) else error
                raise QmpError(str(text))
            elif "return" in message:
                return message["return"]

    def ask(self, command: str, **arguments: object) -> object:
        """What QEMU returns; QmpError says why it does not."""
        until = time.monotonic() + self.patience_s
        try:
            if not self._greeted:
                self._line(until)  # the greeting
                self._send("qmp_capabilities", {})
                self._answer(until)
                self._greeted = True
            self._send(command, arguments)
            return self._answer(until)
        except OSError as error:
            raise QmpError(f"QEMU cannot be asked: {error.strerror or error}") from error

    def _send(self, command: str, arguments: dict[str, object]) -> None:
        message: dict[str, object] = {"execute": command}
        if arguments:
            message["arguments"] = arguments
        self.end.sendall(json.dumps(message).encode() + b"\n")
