# SPDX-License-Identifier: GPL-2.0
"""Module.symvers from an image's tables, in the three forms that kernels have
had, and what is said of tables that are none."""

from __future__ import annotations

import struct

import pytest

import exports
from elf_builder import elf_file
from errors import ToolError

STRINGS = b"kfree\0kmem_cache_alloc\0NS\0\0"
AT = 0x1000
NAMES = {"kfree": 0, "kmem_cache_alloc": 6, "NS": 23, "": 26}


def table(at: int, *symbols: tuple[str, str]) -> bytes:
    """Entries at an address: offsets of a value, a name and a namespace."""
    data = b""
    for number, (name, space) in enumerate(symbols):
        here = at + 12 * number
        data += struct.pack("<iii", 0x500, AT + NAMES[name] - (here + 4),
                            AT + NAMES[space] - (here + 8))
    return data


def image(**tables: tuple[int, bytes]) -> bytes:
    return elf_file({"__ksymtab_strings": (AT, STRINGS), **tables})


def test_two_tables_with_crcs() -> None:
    made = image(__ksymtab=(0x2000, table(0x2000, ("kfree", ""))),
                 __kcrctab=(0x3000, struct.pack("<I", 0xABC)),
                 __ksymtab_gpl=(0x4000, table(0x4000, ("kmem_cache_alloc", "NS"))),
                 __kcrctab_gpl=(0x5000, struct.pack("<I", 1)))
    assert exports.symvers(made) == (
        "0x00000abc\tkfree\tvmlinux\tEXPORT_SYMBOL\t\n"
        "0x00000001\tkmem_cache_alloc\tvmlinux\tEXPORT_SYMBOL_GPL\tNS\n")


def test_two_tables_without_crcs() -> None:
    made = image(__ksymtab_gpl=(0x4000, table(0x4000, ("kmem_cache_alloc", ""))))
    assert exports.symvers(made) == (
        "0x00000000\tkmem_cache_alloc\tvmlinux\tEXPORT_SYMBOL_GPL\t\n")


def test_one_table_with_flags() -> None:
    made = image(__ksymtab=(0x2000, table(0x2000, ("kfree", ""), ("kmem_cache_alloc", ""))),
                 __kflagstab=(0x3000, b"\0\1"))
    kinds = [line.split("\t")[3] for line in exports.symvers(made).splitlines()]
    assert kinds == ["EXPORT_SYMBOL", "EXPORT_SYMBOL_GPL"]


@pytest.mark.parametrize("tables, said", [
    ({}, "no table of exported symbols"),
    ({"__ksymtab": (0x2000, table(0x2000, ("kfree", ""))), "__kcrctab": (0x3000, b"12345678")},
     "__kcrctab does not fit __ksymtab"),
    ({"__ksymtab": (0x2000, table(0x2000, ("kfree", ""))), "__kflagstab": (0x3000, b"\0\0")},
     "__kflagstab does not fit"),
    ({"__ksymtab": (0x9000, table(0x2000, ("kfree", "")))}, "outside of __ksymtab_strings")])
def test_tables_that_are_none(tables: dict[str, tuple[int, bytes]], said: str) -> None:
    with pytest.raises(ToolError, match=said):
        exports.symvers(image(**tables))


@pytest.mark.parametrize("data", [b"", b"\x7fELF\x02\x01", b"MZ" * 100])
def test_what_is_no_image(data: bytes) -> None:
    with pytest.raises(ToolError, match="cannot be read"):
        exports.symvers(data)
