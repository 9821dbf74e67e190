# SPDX-License-Identifier: GPL-2.0
"""Reads 64-bit little-endian ELF objects: sections and symbols. Pure.

Just what a check of a kernel module needs; what is right or wrong about a
section or a symbol is for check_module.py.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass

_SECTION = struct.Struct("<IIQQQQIIQQ")
_SYMBOL = struct.Struct("<IBBHQQ")
_SYMTAB = 2
_NOBITS = 8
_WEAK = 2


@dataclass(frozen=True)
class Section:
    """One section; `data` is empty for those that take no room in the file."""

    name: str
    kind: int
    size: int
    link: int
    data: bytes


@dataclass(frozen=True)
class Symbol:
    """One entry of the symbol table."""

    name: str
    undefined: bool
    weak: bool


def _text(table: bytes, offset: int) -> str:
    end = table.find(b"\0", offset)
    return table[offset:end].decode(errors="replace") if end >= 0 else ""


def sections(image: bytes) -> list[Section]:
    """All sections; ValueError for what is no whole ELF object."""
    if image[:6] != b"\x7fELF\x02\x01" or len(image) < 64:
        raise ValueError("not a 64-bit little-endian ELF object")
    start, = struct.unpack_from("<Q", image, 0x28)
    each, count, names = struct.unpack_from("<HHH", image, 0x3A)
    if each != _SECTION.size or start + count * each > len(image):
        raise ValueError("the section headers lie outside the file")
    rows = [_SECTION.unpack_from(image, start + i * each) for i in range(count)]
    for row in rows:
        if row[1] != _NOBITS and row[4] + row[5] > len(image):
            raise ValueError("a section lies outside the file")
    bodies = [b"" if row[1] == _NOBITS else image[row[4]:row[4] + row[5]] for row in rows]
    table = bodies[names] if names < count else b""
    return [Section(_text(table, row[0]), row[1], row[5], row[6], body)
            for row, body in zip(rows, bodies)]


def symbols(found: list[Section]) -> list[Symbol]:
    """The named symbols of the symbol table, if there is one."""
    table = next((section for section in found if section.kind == _SYMTAB), None)
    if table is None:
        return []
    names = found[table.link].data
    rows = _SYMBOL.iter_unpack(table.data[:len(table.data) // _SYMBOL.size * _SYMBOL.size])
    return [Symbol(_text(names, name), index == 0, info >> 4 == _WEAK)
            for name, info, _, index, _, _ in rows if name]
