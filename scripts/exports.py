# SPDX-License-Identifier: GPL-2.0
"""Module.symvers from a kernel's image: the names that it exports, to whom, and
their CRCs where it has any, for a kernel whose headers cannot be had.

The tables are those that include/linux/export-internal.h of that kernel makes
and kernel/module/main.c reads: three offsets a symbol, each from its own place
(value, name, namespace). What a symbol is typed as is in none of them.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator

import elf
from errors import ToolError

_ENTRY = struct.Struct("<iii")
_GPL_ONLY = 1
# Tables of symbols with their CRCs; the second one is gone with __kflagstab,
# which has a byte of flags for each symbol of the first.
_TABLES = (("__ksymtab", "__kcrctab", False), ("__ksymtab_gpl", "__kcrctab_gpl", True))
_FLAGS = "__kflagstab"
_HINT = "the image's layout is new to this program: use another KERNEL"


def _text(strings: elf.Section, address: int) -> str:
    at = address - strings.address
    end = strings.data.find(b"\0", at) if 0 <= at < len(strings.data) else -1
    if end < 0:
        raise ToolError(f"an exported name at {address:#x} is outside of __ksymtab_strings",
                        _HINT)
    return strings.data[at:end].decode("ascii", errors="replace")


def _table(found: list[elf.Section], names: tuple[str, str, bool],
           strings: elf.Section) -> Iterator[str]:
    table, crcs = elf.named(found, names[0]), elf.named(found, names[1])
    flags = elf.named(found, _FLAGS)
    if table is None:
        return
    whole = len(table.data) // _ENTRY.size
    for beside, width in ((crcs, 4), (flags, 1)):
        if beside is not None and len(beside.data) != whole * width:
            raise ToolError(f"{beside.name} does not fit {table.name}", _HINT)
    for index, (_, name, space) in enumerate(_ENTRY.iter_unpack(table.data[:whole * _ENTRY.size])):
        at = table.address + index * _ENTRY.size
        gpl = names[2] or bool(flags and flags.data[index] & _GPL_ONLY)
        crc = struct.unpack_from("<I", crcs.data, index * 4)[0] if crcs else 0
        yield "\t".join((f"{crc:#010x}", _text(strings, at + 4 + name), "vmlinux",
                         "EXPORT_SYMBOL_GPL" if gpl else "EXPORT_SYMBOL",
                         _text(strings, at + 8 + space) if space else ""))


def symvers(image: bytes) -> str:
    """The lines of Module.symvers that are about vmlinux, sorted by name."""
    try:
        found = elf.sections(image)
    except elf.ElfError as error:
        raise ToolError(f"the kernel's image cannot be read: {error}",
                        "fetch it again, or use another KERNEL") from error
    strings = elf.named(found, "__ksymtab_strings")
    rows = [row for names in _TABLES for row in _table(found, names, strings)] if strings else []
    if not rows:
        raise ToolError("the kernel's image has no table of exported symbols",
                        _HINT)
    return "\n".join(sorted(rows, key=lambda row: row.split("\t")[1])) + "\n"
