# SPDX-License-Identifier: GPL-2.0
"""Shows that a run is alive: a line as each scenario begins and ends.

On a terminal the running scenario's line is rewritten with the time that
passes; elsewhere every line is printed once. Reads the verdict channel's
lines and never judges them.
"""

from __future__ import annotations

import re
import time
from dataclasses import dataclass, field
from typing import TextIO

from qemu.transcript import parse_fields

_BEGIN = re.compile(r"\s+# Subtest: (\S+)")
_RECORD = re.compile(r"# record (.*)")
_REFRESH_S = 0.2


@dataclass
class Progress:
    """Progress of one guest towards `total` scenarios."""

    out: TextIO
    total: int
    started: float = field(default_factory=time.monotonic)
    done: int = 0
    running: str = ""
    since: float = 0.0
    drawn: float = 0.0

    def __post_init__(self) -> None:
        self.on_terminal = self.out.isatty()

    def line(self, text: str) -> None:
        """Take one line of the verdict channel."""
        begins, ends = _BEGIN.match(text), _RECORD.match(text)
        if text.startswith("@ step insmod ok"):
            self._print("guest up, module loaded")
        elif begins:
            self._begin(begins[1])
        elif ends:
            self._end(parse_fields(ends[1]))

    def tick(self) -> None:
        """Called often; rewrites the running line on a terminal."""
        now = time.monotonic()
        if not self.on_terminal or not self.running or now - self.drawn < _REFRESH_S:
            return
        self.drawn = now
        self.out.write(f"\r{self._prefix()}{self.running:<28} {now - self.since:6.1f} s\x1b[K")
        self.out.flush()

    def close(self) -> None:
        """Leave the cursor on a line of its own."""
        if self.on_terminal and self.running:
            self.out.write("\n")
            self.out.flush()

    def _prefix(self) -> str:
        return f"{time.monotonic() - self.started:7.1f} s  "

    def _begin(self, name: str) -> None:
        self.running, self.since = name, time.monotonic()
        if self.on_terminal:
            self.tick()
        else:
            self._print(f"{name:<28} begins")

    def _end(self, fields: dict[str, str]) -> None:
        self.done += 1
        verdict = fields.get("verdict", "?")
        expected = fields.get("expected", "")
        if expected == f"fail:{fields.get('cause', '')}" and verdict == "fail":
            verdict = "caught"
        self.running = ""
        self._print(f"{fields.get('scenario', '?'):<28} {verdict:<6} {self.done}/{self.total}")

    def _print(self, text: str) -> None:
        start = "\r" if self.on_terminal else ""
        clear = "\x1b[K" if self.on_terminal else ""
        self.out.write(f"{start}{self._prefix()}{text}{clear}\n")
        self.out.flush()
