# SPDX-License-Identifier: GPL-2.0
"""Small ELF files for tests: named sections with an address and data."""

from __future__ import annotations

import struct
from collections.abc import Mapping

_HEADER = 64


def elf_file(sections: Mapping[str, tuple[int, bytes]]) -> bytes:
    """A little-endian 64-bit file with these sections and nothing to run."""
    names, body, rows = b"\0", b"", [(0, 0, 0, 0, 0)]
    for name, (address, data) in sections.items():
        rows.append((len(names), 1, address, _HEADER + len(body), len(data)))
        names, body = names + name.encode() + b"\0", body + data
    rows.append((len(names), 3, 0, _HEADER + len(body), len(names) + len(".shstrtab\0")))
    names += b".shstrtab\0"
    body += names
    start = _HEADER + len(body)
    header = b"\x7fELF\x02\x01\x01".ljust(16, b"\0") + struct.pack(
        "<HHIQQQIHHHHHH", 2, 62, 1, 0, 0, start, 0, _HEADER, 0, 0, 64, len(rows), len(rows) - 1)
    table = b"".join(struct.pack("<IIQQQQIIQQ", name, kind, 0, address, offset, size, 0, 0, 1, 0)
                     for name, kind, address, offset, size in rows)
    return header + body + table
