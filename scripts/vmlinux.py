# SPDX-License-Identifier: GPL-2.0
"""The ELF vmlinux inside an x86 bzImage, taken out by its boot header
(Documentation/arch/x86/boot.rst: setup_sects, payload_offset and _length).

Some headers packages ship a vmlinux with the BTF; this is for those that do
not.
"""

from __future__ import annotations

import ctypes
import lzma
import struct
import subprocess
import zlib

from errors import ToolError

_HINT = "the image is not one that this can read: fetch it again, or use another KERNEL"
_MAGIC = 0x202
_BOOT_2_08 = 0x208
_LZ4_BLOCK = 8 << 20


def payload(image: bytes) -> bytes:
    """The compressed kernel of a bzImage, its size field included."""
    if len(image) < 0x250 or image[_MAGIC:_MAGIC + 4] != b"HdrS":
        raise ToolError("the kernel image has no x86 boot header", _HINT)
    (version,) = struct.unpack_from("<H", image, 0x206)
    if version < _BOOT_2_08:
        raise ToolError(f"the kernel image has boot protocol {version:#x}, before 2.08", _HINT)
    setup_sects = image[0x1F1] or 4
    offset, length = struct.unpack_from("<II", image, 0x248)
    start = (setup_sects + 1) * 512 + offset
    if length < 8 or start + length > len(image):
        raise ToolError("the kernel image is shorter than its header says", _HINT)
    return image[start:start + length]


def _unzstd(data: bytes) -> bytes:
    done = subprocess.run(["zstd", "-dcq"], input=data, capture_output=True, check=False)
    if done.returncode:
        raise ToolError(f"zstd: {done.stderr.decode(errors='replace').strip()}", _HINT)
    return done.stdout


def _unlz4(data: bytes, size: int) -> bytes:
    """LZ4's legacy frames, by the library that apt itself is linked with."""
    try:
        lz4 = ctypes.CDLL("liblz4.so.1")
    except OSError as error:
        raise ToolError("liblz4.so.1 is missing", "apt-get install liblz4-1") from error
    out, at = bytearray(), 4
    block = ctypes.create_string_buffer(_LZ4_BLOCK)
    while at + 4 <= len(data) and len(out) < size:
        (length,) = struct.unpack_from("<I", data, at)
        packed = data[at + 4:at + 4 + length]
        got = lz4.LZ4_decompress_safe(packed, block, len(packed), _LZ4_BLOCK)
        if got < 0 or len(packed) != length:
            raise ToolError("the kernel image's LZ4 data is damaged", _HINT)
        out += block.raw[:got]
        at += 4 + length
    return bytes(out)


def decompress(data: bytes) -> bytes:
    """Undo gzip, xz, lzma, LZ4 or zstd. Each carries the length at its end: gzip
    in its own trailer, the others as four bytes that the build appends."""
    (size,) = struct.unpack("<I", data[-4:])
    try:
        if data[:2] == b"\x1f\x8b":
            found = zlib.decompressobj(wbits=31).decompress(data)
        elif data[:6] == b"\xfd7zXZ\0":
            found = lzma.LZMADecompressor(lzma.FORMAT_XZ).decompress(data)
        elif data[:3] == b"\x5d\0\0":
            found = lzma.LZMADecompressor(lzma.FORMAT_ALONE).decompress(data)
        elif data[:4] == b"\x28\xb5\x2f\xfd":
            found = _unzstd(data[:-4])
        elif data[:4] == b"\x02\x21\x4c\x18":
            found = _unlz4(data[:-4], size)
        else:
            raise ToolError(f"the kernel image is compressed in an unknown way "
                            f"(it begins with {data[:4].hex()})", _HINT)
    except (zlib.error, lzma.LZMAError, EOFError) as error:
        raise ToolError(f"the kernel image cannot be decompressed: {error}", _HINT) from error
    if len(found) != size:
        raise ToolError(f"the kernel image holds {len(found)} of {size} bytes", _HINT)
    return found


def extract(image: bytes) -> bytes:
    """The ELF file inside a bzImage."""
    found = decompress(payload(image))
    if found[:4] != b"\x7fELF":
        raise ToolError("what the kernel image holds is not an ELF file", _HINT)
    return found
