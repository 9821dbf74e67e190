# SPDX-License-Identifier: GPL-2.0
"""Checks that BTF is well-formed, as strictly as the kernel's loader is about
bounds (kernel/bpf/btf.c): header, types, names, references.

A module's BTF is split: its type ids and string offsets go on where those of
its base end. What the types say is not looked at.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import dataclass

MAGIC = 0xEB9F
_HEADER_BYTES = 24
_TYPE_BYTES = 12
# kind -> (name, bytes that follow the type, bytes that follow for each member)
_KINDS: dict[int, tuple[str, int, int]] = {
    1: ("int", 4, 0), 2: ("ptr", 0, 0), 3: ("array", 12, 0), 4: ("struct", 0, 12),
    5: ("union", 0, 12), 6: ("enum", 0, 8), 7: ("fwd", 0, 0), 8: ("typedef", 0, 0),
    9: ("volatile", 0, 0), 10: ("const", 0, 0), 11: ("restrict", 0, 0), 12: ("func", 0, 0),
    13: ("func_proto", 0, 8), 14: ("var", 4, 0), 15: ("datasec", 0, 12), 16: ("float", 0, 0),
    17: ("decl_tag", 4, 0), 18: ("type_tag", 0, 0), 19: ("enum64", 0, 12)}
# Kinds whose third word is a type id rather than a size.
_REFERS = {2, 8, 9, 10, 11, 12, 13, 14, 17, 18}


class BtfError(Exception):
    """What is wrong with the BTF, and where."""


@dataclass(frozen=True)
class Extent:
    """How far ids and strings of some BTF go; a base of its own is (1, 0)."""

    next_id: int = 1
    strings: int = 0


@dataclass(frozen=True)
class _Parts:
    types: bytes
    strings: bytes
    order: str  # of bytes, as the struct module writes it

    def words(self, at: int, count: int) -> tuple[int, ...]:
        """32-bit words of the types."""
        return struct.unpack_from(f"{self.order}{count}I", self.types, at)


def _parts(data: bytes) -> _Parts:
    if len(data) < _HEADER_BYTES:
        raise BtfError(f"{len(data)} bytes cannot hold a BTF header")
    order = ">" if data[:2] == MAGIC.to_bytes(2, "big") else "<"
    magic, version, _, length, type_at, type_size, str_at, str_size = struct.unpack_from(
        f"{order}HBBIIIII", data)
    if magic != MAGIC:
        raise BtfError(f"magic is {magic:#x}, not {MAGIC:#x}")
    if version != 1:
        raise BtfError(f"version is {version}, not 1")
    if length < _HEADER_BYTES or length > len(data):
        raise BtfError(f"header length {length} is not inside the section")
    for what, at, size in (("types", type_at, type_size), ("strings", str_at, str_size)):
        if length + at + size > len(data):
            raise BtfError(f"{what} end at {length + at + size}, beyond {len(data)} bytes")
    strings = data[length + str_at:length + str_at + str_size]
    if strings and strings[-1]:
        raise BtfError("the last string has no end")
    return _Parts(data[length + type_at:length + type_at + type_size], strings, order)


def _members(kind: int, parts: _Parts, at: int, count: int) -> tuple[list[int], list[int]]:
    """Names and type ids in what follows a type."""
    if kind == 3:
        return [], list(parts.words(at, 2))
    step = _KINDS[kind][2]
    names: list[int] = []
    ids: list[int] = []
    for n in range(count if step else 0):
        first, second = parts.words(at + n * step, 2)
        if kind == 15:
            ids.append(first)
            continue
        names.append(first)
        if kind in (4, 5, 13):
            ids.append(second)
    return names, ids


def check(data: bytes, base: Extent = Extent()) -> Extent:
    """Check BTF over its base, return how far it goes; BtfError names the
    type id and what is wrong with it."""
    parts = _parts(data)
    strings_end = base.strings + len(parts.strings)
    at, number, highest, who = 0, base.next_id, 0, 0
    while at < len(parts.types):
        if at + _TYPE_BYTES > len(parts.types):
            raise BtfError(f"type {number} is cut off")
        name, info, third = parts.words(at, 3)
        kind, count = (info >> 24) & 0x1F, info & 0xFFFF
        if kind not in _KINDS:
            raise BtfError(f"type {number} is of unknown kind {kind}")
        label, fixed, each = _KINDS[kind]
        end = at + _TYPE_BYTES + fixed + each * count
        if end > len(parts.types):
            raise BtfError(f"type {number} ({label}) is cut off")
        names, ids = _members(kind, parts, at + _TYPE_BYTES, count)
        beyond = max((name, *names))
        if beyond and beyond >= strings_end:
            raise BtfError(f"type {number} ({label}) has a name at {beyond}, "
                           f"strings end at {strings_end}")
        top = max((third if kind in _REFERS else 0, *ids))
        if top > highest:
            highest, who = top, number
        at, number = end, number + 1
    if highest >= number:
        raise BtfError(f"type {who} refers to type {highest}, the last is {number - 1}")
    return Extent(number, strings_end)


def extent(data: bytes) -> Extent:
    """How far a base goes, counted without checking what is in it."""
    parts = _parts(data)
    at, number = 0, 1
    while at + _TYPE_BYTES <= len(parts.types):
        (info,) = parts.words(at + 4, 1)
        kind = _KINDS.get((info >> 24) & 0x1F)
        if kind is None:
            raise BtfError(f"type {number} of the base is of an unknown kind")
        at += _TYPE_BYTES + kind[1] + kind[2] * (info & 0xFFFF)
        number += 1
    return Extent(number, len(parts.strings))


@dataclass(frozen=True)
class Member:
    """A member of a struct or union; `place` as it is encoded."""

    name: str
    place: int


@dataclass(frozen=True)
class Type:
    """A named thing of some kind; `size` is its third word, `flag` kind_flag."""

    kind: int
    name: str
    size: int
    flag: bool
    members: tuple[Member, ...]


def types(data: bytes) -> Iterator[Type]:
    """Every type of BTF that stands alone and was checked, in its order; members
    of structs and unions only."""
    parts = _parts(data)
    at = 0
    while at < len(parts.types):
        name, info, third = parts.words(at, 3)
        kind, count = (info >> 24) & 0x1F, info & 0xFFFF
        _, fixed, each = _KINDS[kind]
        body = at + _TYPE_BYTES + fixed
        members = [parts.words(body + each * n, 3) for n in range(count)] if kind in (4, 5) else []
        yield Type(kind, _name(parts, name), third, bool(info >> 31),
                   tuple(Member(_name(parts, member), place) for member, _, place in members))
        at = body + each * count


def _name(parts: _Parts, at: int) -> str:
    return parts.strings[at:parts.strings.find(b"\0", at)].decode("ascii", errors="replace")
