# SPDX-License-Identifier: GPL-2.0
"""The vmlinux of a bzImage, on images made here in every compression that
stock kernels use, whole and damaged.
"""

from __future__ import annotations

import gzip
import lzma
import shutil
import struct
import subprocess

import pytest

import vmlinux
from errors import ToolError

ELF = b"\x7fELF" + bytes(range(256)) * 64


def sized(data: bytes) -> bytes:
    return data + struct.pack("<I", len(ELF))


def bzimage(payload: bytes, magic: bytes = b"HdrS", version: int = 0x20F) -> bytes:
    head = bytearray(2 * 512)
    head[0x1F1] = 1
    head[0x202:0x206] = magic
    struct.pack_into("<H", head, 0x206, version)
    struct.pack_into("<II", head, 0x248, 16, len(payload))
    return bytes(head) + bytes(16) + payload + b"what follows"


def lz4_legacy() -> bytes:
    # One block of literals alone: token 15 << 4, then the length in 255s.
    rest, literal = len(ELF) - 15, bytearray([0xF0])
    while rest >= 255:
        literal.append(255)
        rest -= 255
    literal.append(rest)
    block = bytes(literal) + ELF
    return b"\x02\x21\x4c\x18" + struct.pack("<I", len(block)) + block


@pytest.mark.parametrize("payload", [
    gzip.compress(ELF),
    sized(lzma.compress(ELF, lzma.FORMAT_XZ)),
    sized(lzma.compress(ELF, lzma.FORMAT_ALONE)),
    sized(lz4_legacy()),
], ids=["gzip", "xz", "lzma", "lz4"])
def test_what_was_packed_comes_out(payload: bytes) -> None:
    assert vmlinux.extract(bzimage(payload)) == ELF


@pytest.mark.skipif(not shutil.which("zstd"), reason="zstd packs the image of this test")
def test_zstd_comes_out() -> None:
    packed = subprocess.run(["zstd", "-cq"], input=ELF, capture_output=True, check=True).stdout
    assert vmlinux.extract(bzimage(sized(packed))) == ELF


@pytest.mark.parametrize("image, says", [
    (b"", "no x86 boot header"),
    (bzimage(gzip.compress(ELF), magic=b"HdrX"), "no x86 boot header"),
    (bzimage(gzip.compress(ELF), version=0x204), "0x204"),
    (bzimage(gzip.compress(ELF))[:1200], "shorter"),
    (bzimage(b"BZh9" + bytes(20)), "unknown way"),
    (bzimage(gzip.compress(ELF)[:40] + bytes(8)), "cannot be decompressed|holds"),
    (bzimage(sized(lzma.compress(ELF))[:-1] + b"\x7f"), "of .* bytes"),
    (bzimage(gzip.compress(b"no elf")), "not an ELF"),
])
def test_damaged_images_are_named(image: bytes, says: str) -> None:
    with pytest.raises(ToolError, match=says):
        vmlinux.extract(image)


def test_damaged_lz4_is_named() -> None:
    damaged = bytearray(lz4_legacy())
    damaged[8:12] = b"\x1f\xff\xff\xff"
    with pytest.raises(ToolError):
        vmlinux.extract(bzimage(sized(bytes(damaged))))
