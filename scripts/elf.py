# SPDX-License-Identifier: GPL-2.0
"""Sections and symbols of a 64-bit ELF object of either byte order, every offset
checked against the file. What they mean is for check_module.py and btf.py.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import dataclass

SHT_SYMTAB = 2
SHT_NOBITS = 8
SHN_UNDEF = 0
_EHDR = "16xHHIQQQIHHHHHH"
_SHDR = "IIQQQQIIQQ"
_SYM = "IBBHQQ"
_ORDERS = {1: "<", 2: ">"}


class ElfError(Exception):
    """The file is not a whole ELF object of the kind that is read here."""


@dataclass(frozen=True)
class Section:
    """A section header with its name; `data` is empty for NOBITS. `order` is
    the file's byte order, as the struct module writes it; `address` is where
    the section lies in a linked file."""

    name: str
    kind: int
    link: int
    data: bytes
    order: str = "<"
    address: int = 0


@dataclass(frozen=True)
class Symbol:
    name: str
    section: int

    @property
    def undefined(self) -> bool:
        return self.section == SHN_UNDEF


def _string(table: bytes, offset: int) -> str:
    if offset >= len(table):
        raise ElfError(f"a name at {offset} is beyond its string table of {len(table)} bytes")
    return table[offset:table.find(b"\0", offset)].decode(errors="replace")


def sections(image: bytes) -> list[Section]:
    """Every section, in order of the header table."""
    order = _ORDERS.get(image[5], "") if image[:5] == b"\x7fELF\x02" and len(image) > 5 else ""
    if not order or len(image) < struct.calcsize(order + _EHDR):
        raise ElfError("not a 64-bit ELF file")
    *_, start, _, _, _, _, entry, count, names = struct.unpack_from(order + _EHDR, image)
    header_form = struct.Struct(order + _SHDR)
    if entry != header_form.size or start + count * entry > len(image) or names >= count:
        raise ElfError("the section headers are not inside the file")
    headers = [header_form.unpack_from(image, start + n * entry) for n in range(count)]
    bodies: list[bytes] = []
    for _, kind, _, _, offset, size, *_ in headers:
        if kind != SHT_NOBITS and offset + size > len(image):
            raise ElfError(f"a section at {offset} of {size} bytes is not inside the file")
        bodies.append(b"" if kind == SHT_NOBITS else image[offset:offset + size])
    return [Section(_string(bodies[names], header[0]) if header[0] else "", header[1],
                    header[6], body, order, header[3]) for header, body in zip(headers, bodies)]


def named(found: list[Section], name: str) -> Section | None:
    return next((section for section in found if section.name == name), None)


def symbols(found: list[Section]) -> Iterator[Symbol]:
    """Named symbols of the symbol table."""
    for table in found:
        if table.kind != SHT_SYMTAB:
            continue
        if table.link >= len(found):
            raise ElfError("the symbol table names no string table")
        strings = found[table.link].data
        form = struct.Struct(table.order + _SYM)
        whole = len(table.data) // form.size * form.size
        for name, _, _, section, _, _ in form.iter_unpack(table.data[:whole]):
            if name:
                yield Symbol(_string(strings, name), section)
