# SPDX-License-Identifier: GPL-2.0
"""Reads the module's file `audit_records`: what was watched, what was lost,
and the pairs of sites. Pure functions from lines to values."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from errors import ToolError
from qemu.transcript import parse_fields

LOST = ("no_slot", "no_pair", "nested")
CONTEXTS = ("task", "softirq", "hardirq", "nmi")


@dataclass(frozen=True)
class Pair:
    """Objects allocated at one site and freed at another; `ages` counts them
    by the power of two of their age, `contexts` by that of their free."""

    alloc: str
    free: str
    freed: int
    other_cpu: int
    other_node: int
    contexts: tuple[int, ...]
    ages: tuple[int, ...]


@dataclass(frozen=True)
class Audit:
    """One reading. `age_shift`: ages[0] ends at 2^(age_shift+1) ns."""

    sample: int
    slice_ms: int
    every_ms: int
    watched_ns: int
    age_shift: int
    lost: int
    pairs: tuple[Pair, ...]

    @property
    def sampling(self) -> str:
        objects = "every object" if self.sample == 1 else f"1 object in {self.sample}"
        if self.slice_ms == self.every_ms:
            return f"{objects}, always"
        return f"{objects}, {self.slice_ms} of every {self.every_ms} ms"


def short(symbol: str) -> str:
    """`kfree_skb+0x12/0x40 [mod]` as `kfree_skb`."""
    return symbol.partition("+")[0].partition(" ")[0]


def _pair(fields: dict[str, str]) -> Pair:
    return Pair(fields["alloc"], fields["free"], int(fields["freed"]), int(fields["other_cpu"]),
                int(fields["other_node"]), tuple(int(fields[name]) for name in CONTEXTS),
                tuple(int(count) for count in fields["ages"].split(",")))


def parse(lines: Sequence[str]) -> Audit:
    """The first line tells what was watched, the others are pairs."""
    try:
        head = parse_fields(lines[0])
        pairs = tuple(_pair(parse_fields(line)) for line in lines[1:])
        if len(pairs) != int(head["pairs"]):
            raise ValueError(f"{len(pairs)} pairs of {head['pairs']}")
        return Audit(int(head["sample"]), int(head["slice_ms"]), int(head["every_ms"]),
                     int(head["watched_ns"]), int(head["age_shift"]),
                     sum(int(head[name]) for name in LOST), pairs)
    except (IndexError, KeyError, ValueError) as error:
        raise ToolError(f"the guest's audit_records cannot be read: {error!r}",
                        "see the file `channel` of this run") from error
