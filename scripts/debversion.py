# SPDX-License-Identifier: GPL-2.0
"""Order of Debian version numbers, as dpkg sorts them (Debian Policy 5.6.12).

Written out because a process for every comparison would cost a second and
python3-apt need not be there.
"""

from __future__ import annotations

import re

_PARTS = re.compile(r"(\D*)(\d*)")


def _rank(char: str) -> int:
    """'~' before the end, the end before letters, letters before the rest."""
    if char == "~":
        return -1
    return ord(char) if char.isalpha() else ord(char) + 256


Key = tuple[tuple[tuple[int, ...], int], ...]


_END = ((0,), 0)


def _part_key(text: str) -> Key:
    # A 0 closes each non-digit part, so that its end sorts after "~" only.
    parts = [(tuple(map(_rank, chars)) + (0,), int(digits or 0))
             for chars, digits in _PARTS.findall(text) if chars or digits]
    while parts and parts[-1] == _END:
        parts.pop()
    return (*parts, _END)


def sort_key(version: str) -> tuple[int, Key, Key]:
    """A key that orders versions as `dpkg --compare-versions` does."""
    epoch, colon, rest = version.partition(":")
    if not colon:
        epoch, rest = "0", version
    upstream, _, revision = rest.rpartition("-") if "-" in rest else (rest, "", "")
    return int(epoch), _part_key(upstream), _part_key(revision)
