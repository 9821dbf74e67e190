# SPDX-License-Identifier: GPL-2.0
"""Whether a .BTF section is well formed, alone or on top of a base. Pure.

The kernel refuses a module whose BTF is not; what the types mean is not
looked at.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass

_HEADER = struct.Struct("<HBBIIIII")
_MAGIC = 0xEB9F
_TYPE = struct.Struct("<III")
# Kind -> bytes that follow a type: always, and for each of its members.
_EXTRA = {1: (4, 0), 2: (0, 0), 3: (12, 0), 4: (0, 12), 5: (0, 12), 6: (0, 8), 7: (0, 0),
          8: (0, 0), 9: (0, 0), 10: (0, 0), 11: (0, 0), 12: (0, 0), 13: (0, 8), 14: (4, 0),
          15: (0, 12), 16: (0, 0), 17: (4, 0), 18: (0, 0), 19: (0, 12)}
# Kinds whose third word is the number of another type.
_REFERS = {2, 8, 9, 10, 11, 12, 13, 14, 17, 18}


@dataclass(frozen=True)
class Extent:
    """How many types (void included) and string bytes a BTF holds."""

    types: int = 1
    strings: int = 0


def _parts(data: bytes) -> tuple[bytes, int]:
    """The types and the length of the strings, bounds checked."""
    if len(data) < _HEADER.size:
        raise ValueError("its header is cut short")
    magic, version, _, header, type_at, type_len, text_at, text_len = _HEADER.unpack_from(data)
    if magic != _MAGIC or version != 1:
        raise ValueError(f"its magic {magic:#x} or version {version} is unknown")
    if header < _HEADER.size or header + type_at + type_len > len(data):
        raise ValueError("its types lie outside the section")
    if header + text_at + text_len > len(data):
        raise ValueError("its strings lie outside the section")
    text = data[header + text_at:header + text_at + text_len]
    if text and text[-1]:
        raise ValueError("its last string has no end")
    return data[header + type_at:header + type_at + type_len], text_len


def extent(data: bytes, base: Extent = Extent()) -> Extent:
    """Walk all types of a BTF; ValueError names the first thing wrong."""
    types, strings = _parts(data)
    strings += base.strings
    at, number, highest = 0, base.types, 0
    while at < len(types):
        if at + _TYPE.size > len(types):
            raise ValueError(f"type {number} is cut short")
        name, info, third = _TYPE.unpack_from(types, at)
        kind = info >> 24 & 0x1F
        if kind not in _EXTRA:
            raise ValueError(f"type {number} has the unknown kind {kind}")
        if name >= strings and name:
            raise ValueError(f"the name of type {number} lies outside the strings")
        if kind in _REFERS:
            highest = max(highest, third)
        fixed, each = _EXTRA[kind]
        at += _TYPE.size + fixed + each * (info & 0xFFFF)
        number += 1
    if at != len(types):
        raise ValueError(f"type {number - 1} is cut short")
    if highest >= number:
        raise ValueError(f"a type refers to type {highest}, of {number}")
    return Extent(number, strings)
