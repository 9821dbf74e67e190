# SPDX-License-Identifier: GPL-2.0
"""What a name such as "7.2" stood for last time it was looked up, kept as a
small JSON file: so that a run needs no network while that is fresh, nor when
the archive is out of reach. What is looked up, and how, is for others.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Generic, TypeVar

from errors import ToolError
from qemu.store import write_whole

# How long "the newest of a series" stays what it was.
FRESH_S = 7 * 24 * 3600

T = TypeVar("T")


@dataclass(frozen=True)
class Memory(Generic[T]):
    """One name's file. `recalled` makes what it stood for of what was stored,
    None if that is not there any more; `stored` is what to store of it."""

    path: Path
    recalled: Callable[[dict[str, Any]], T | None]
    stored: Callable[[T], dict[str, str]]

    def recall(self) -> tuple[T | None, bool]:
        """What the name stood for last time, and whether that is fresh."""
        try:
            kept = json.loads(self.path.read_text())
            fresh = 0 <= time.time() - float(kept["when"]) < FRESH_S
            return self.recalled(kept), fresh
        except (OSError, ValueError, KeyError, TypeError):
            return None, False

    def keep(self, found: T) -> None:
        write_whole(self.path, json.dumps({**self.stored(found), "when": time.time()}).encode())

    def find(self, look_up: Callable[[], T], warn: Callable[[ToolError, T], None]) -> T:
        """What the name stands for; where it cannot be looked up, what it stood
        for, after a warning."""
        known, fresh = self.recall()
        if known and fresh:
            return known
        try:
            found = look_up()
        except ToolError as error:
            if not known:
                raise
            warn(error, known)
            return known
        self.keep(found)
        return found
