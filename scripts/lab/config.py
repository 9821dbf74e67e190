# SPDX-License-Identifier: GPL-2.0
"""Fragments into a .config: tinyconfig, then each fragment in turn, then the
kernel's own olddefconfig. Kconfig drops what cannot be had without a word; here
that stops the build, unless the fragment says that an option may be lost.

A fragment holds CONFIG_X=y and CONFIG_X=n lines. Options in the paragraph
after a comment that begins with "may be lost:" may be lost.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass

import compiler
from errors import SourceError, ToolError
from lab.spec import Fragment

_LINE = re.compile(r"(CONFIG_\w+)=(.+)")
_UNSET = re.compile(r"# (CONFIG_\w+) is not set")
_MAY = re.compile(r"#\s*may be lost:", re.IGNORECASE)


@dataclass(frozen=True)
class Wish:
    """One option of a fragment. `value` is "n" where it must be off."""

    option: str
    value: str
    fragment: str
    may_be_lost: bool = False

    @property
    def line(self) -> str:
        return f"# {self.option} is not set" if self.value == "n" else f"{self.option}={self.value}"


def parse(text: str, fragment: str) -> list[Wish]:
    """The wishes of a fragment; ToolError for a line that is none."""
    wishes: list[Wish] = []
    may_be_lost = False
    for number, line in enumerate(text.splitlines(), 1):
        line = line.strip()
        unset, match = _UNSET.fullmatch(line), _LINE.fullmatch(line)
        if not line:
            may_be_lost = False
        elif unset:
            wishes.append(Wish(unset[1], "n", fragment, may_be_lost))
        elif match:
            wishes.append(Wish(match[1], match[2].strip(), fragment, may_be_lost))
        elif line.startswith("#"):
            may_be_lost = may_be_lost or bool(_MAY.match(line))
        else:
            raise ToolError(f"{fragment}, line {number}: {line!r} is no option",
                            "lines are CONFIG_NAME=value, or comments")
    return wishes


def read(fragments: Iterable[Fragment]) -> list[Wish]:
    """All wishes in order; of one option the last counts."""
    last: dict[str, Wish] = {}
    for fragment in fragments:
        try:
            text = fragment.read_text()
        except (OSError, ValueError) as error:
            raise ToolError(f"CONFIG={fragment} cannot be read as text: {error}",
                            "a fragment holds lines CONFIG_NAME=value") from error
        for wish in parse(text, fragment.name):
            last.pop(wish.option, None)
            last[wish.option] = wish
    return list(last.values())


def lost(wishes: Iterable[Wish], config: str) -> list[Wish]:
    """Wishes that the finished configuration does not grant."""
    found = compiler.settings(config)
    return [wish for wish in wishes
            if found.get(wish.option.removeprefix("CONFIG_"), "n") != wish.value]


def check_lost(wishes: Iterable[Wish], config: str, where: str) -> list[str]:
    """Names of options lost with permission; ToolError for the others."""
    gone = lost(wishes, config)
    bad = [wish for wish in gone if not wish.may_be_lost]
    if bad:
        found = compiler.settings(config)
        text = "\n".join(
            f"  {wish.option}={wish.value} of {wish.fragment} became "
            f"{found.get(wish.option.removeprefix('CONFIG_'), 'n')}" for wish in bad)
        raise SourceError(
            f"options did not survive the kernel's own olddefconfig ({where}):\n{text}",
            "this kernel has them under another name or not at all, or they need others; if one "
            "may be lost, let its fragment say so")
    return [wish.option for wish in gone]
