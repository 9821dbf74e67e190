# SPDX-License-Identifier: GPL-2.0
"""What is known so far, one JSON line a fact, each on the disk before anything
is done that builds on it. A line that was cut short by a crash or a full disk
is taken away; all before it stays true.

What the facts mean is for session.py.
"""

from __future__ import annotations

import contextlib
import json
import os
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from errors import ToolError


def _whole(data: bytes) -> int:
    """Bytes up to the end of the last whole line."""
    return data.rfind(b"\n") + 1


@dataclass
class Journal:
    """The lines of one file; opened for adding only under its session's lock."""

    path: Path
    of: str = "a bisection"
    _size: int = field(default=-1, repr=False)  # once it was written to
    _read: int = field(default=0, repr=False)  # bytes that are in _known
    _known: list[dict[str, Any]] = field(default_factory=list, repr=False)

    def lines(self) -> Iterator[dict[str, Any]]:
        """Every whole line in order; ToolError for one that is none of ours."""
        self._catch_up()
        yield from self._known

    def _catch_up(self) -> None:
        """Read what was added since the last time; another process may do so."""
        try:
            with open(self.path, "rb") as file:
                if os.fstat(file.fileno()).st_size < self._read:
                    self._read, self._known = 0, []
                file.seek(self._read)
                data = file.read()
        except FileNotFoundError:
            self._read, self._known = 0, []
            return
        whole = data[:_whole(data)]
        found = [self._parsed(line, number) for number, line in enumerate(
            whole.splitlines(), len(self._known) + 1)]
        self._known += found
        self._read += len(whole)

    def _parsed(self, line: bytes, number: int) -> dict[str, Any]:
        try:
            values = json.loads(line)
            return {**values, "what": str(values["what"])}
        except (ValueError, KeyError, TypeError) as error:
            raise ToolError(f"{self.path}, line {number}, is no line of {self.of}'s journal",
                            "it was edited, or the disk lost it: remove the line, and what it "
                            "told is asked once more") from error

    def _mend(self) -> None:
        """Take away what follows the last whole line."""
        data = self.path.read_bytes() if self.path.exists() else b""
        self._size = _whole(data)
        if self._size != len(data):
            os.truncate(self.path, self._size)

    def add(self, what: str, **values: Any) -> None:
        """One more fact, on the disk when this returns; or, where there is no
        room for it, none at all and a ToolError."""
        if self._size < 0:
            self._mend()
        line = json.dumps({"what": what, **values}).encode() + b"\n"
        try:
            self._write(line)
        except OSError as error:
            with contextlib.suppress(OSError):
                os.truncate(self.path, self._size)
            raise ToolError(f"{self.path} cannot be written: {error.strerror}",
                            "make room; then the same command goes on where it was") from error
        self._size += len(line)

    def _write(self, line: bytes) -> None:
        new = not self.path.exists()
        with open(self.path, "ab", buffering=0) as file:
            view = memoryview(line)
            while view:
                view = view[file.write(view) or 0:]
            os.fsync(file.fileno())
        if new:  # its name must outlive a crash, too
            directory = os.open(self.path.parent, os.O_RDONLY)
            try:
                os.fsync(directory)
            finally:
                os.close(directory)
