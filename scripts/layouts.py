# SPDX-License-Identifier: GPL-2.0
"""Whether two sets of BTF agree on what a struct looks like: those that a build
directory's headers make, and those that a kernel was built with.

What is well-formed is for btf.py; offsets here are checked by it before.
"""

from __future__ import annotations

from dataclasses import dataclass

import btf

_STRUCT, _UNION = 4, 5


@dataclass(frozen=True)
class Layout:
    """Size in bytes, and name and place in bits of each member."""

    size: int
    members: tuple[tuple[str, int], ...]


@dataclass(frozen=True)
class Compared:
    """How many structs both have, and the names of those that differ."""

    count: int
    differ: tuple[str, ...]


def layouts(data: bytes) -> dict[str, set[Layout]]:
    """Layouts by name of whole BTF; several structs can have the same name."""
    btf.check(data)
    found: dict[str, set[Layout]] = {}
    for kind in btf.types(data):
        if kind.kind in (_STRUCT, _UNION) and kind.name:
            # with kind_flag a place has the bit field's width in its high byte
            members = tuple((member.name, member.place & 0xFFFFFF if kind.flag else member.place)
                            for member in kind.members)
            found.setdefault(kind.name, set()).add(Layout(kind.size, members))
    return found


def compare(made: bytes, kernels: bytes) -> Compared:
    """Structs of both by name; one differs if the kernel has none like it."""
    ours, theirs = layouts(made), layouts(kernels)
    both = sorted(ours.keys() & theirs.keys())
    return Compared(len(both), tuple(name for name in both if not ours[name] & theirs[name]))
