# SPDX-License-Identifier: GPL-2.0
"""The guest's initrd: a newc cpio archive written here, and its init, compiled
here and cached by the content of its sources.

Deterministic: the same files give the same bytes. The per-run configuration
is an archive of its own, appended; the kernel unpacks one after the other.
"""

from __future__ import annotations

import hashlib
import subprocess
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from qemu.machine import GuestError
from qemu.store import locked

INIT_SOURCES = Path(__file__).parent / "init"
CXX_FLAGS = ("-std=c++20", "-O2", "-Wall", "-Wextra", "-static", "-s")

_DIRECTORY = 0o040755
_PROGRAM = 0o100755
_FILE = 0o100644
_CHARACTER_DEVICE = 0o020600


@dataclass(frozen=True)
class Entry:
    """One file of an archive; `device` is (major, minor) for a device node."""

    name: str
    mode: int
    data: bytes = b""
    device: tuple[int, int] = (0, 0)


def directory(name: str) -> Entry:
    return Entry(name, _DIRECTORY)


def program(name: str, data: bytes) -> Entry:
    return Entry(name, _PROGRAM, data)


def file(name: str, data: bytes) -> Entry:
    return Entry(name, _FILE, data)


def device(name: str, major: int, minor: int) -> Entry:
    return Entry(name, _CHARACTER_DEVICE, b"", (major, minor))


def _padded(data: bytes, to: int = 4) -> bytes:
    return data + b"\0" * (-len(data) % to)


def _newc(entry: Entry, inode: int) -> bytes:
    """One archive member: magic, 13 fields of 8 hex digits, name, data."""
    name = entry.name.encode() + b"\0"
    links = 2 if entry.mode == _DIRECTORY else 1
    fields = (inode, entry.mode, 0, 0, links, 0, len(entry.data),
              0, 0, *entry.device, len(name), 0)
    header = b"070701" + b"".join(b"%08X" % field for field in fields)
    return _padded(header + name) + _padded(entry.data)


def pack(entries: Iterable[Entry]) -> bytes:
    """A whole archive, trailer included, padded to the block size of cpio."""
    members = [_newc(entry, number) for number, entry in enumerate(entries, 1)]
    members.append(_newc(Entry("TRAILER!!!", 0), 0))
    return _padded(b"".join(members), 512)


def base_entries(init: bytes, shell: bytes | None = None) -> list[Entry]:
    """What every guest has; `shell` is a static busybox for the rescue shell."""
    entries = [
        directory("dev"),
        device("dev/console", 5, 1),
        directory("proc"),
        directory("sys"),
        program("init", init),
    ]
    if shell is not None:
        entries += [directory("bin"), program("bin/busybox", shell), program("bin/sh", shell)]
    return entries


def sources_of_init() -> list[Path]:
    return sorted(INIT_SOURCES.glob("*.cc")) + sorted(INIT_SOURCES.glob("*.h"))


def _content_key(compiler: str) -> str:
    digest = hashlib.sha256(" ".join((compiler, *CXX_FLAGS)).encode())
    for source in sources_of_init():
        digest.update(source.name.encode() + b"\0" + source.read_bytes())
    return digest.hexdigest()[:16]


def _compile(compiler: str, target: Path) -> None:
    sources = [str(path) for path in sources_of_init() if path.suffix == ".cc"]
    temporary = target.with_name(target.name + ".part")
    command = [compiler, *CXX_FLAGS, "-o", str(temporary), *sources]
    try:
        built = subprocess.run(command, capture_output=True, text=True, check=False)
    except FileNotFoundError:
        raise GuestError(f"no C++ compiler {compiler}", "`make machines` names the package"
                         ) from None
    if built.returncode:
        raise GuestError(f"the guest's init does not compile:\n{built.stderr.strip()}",
                         "a static C library is needed: install libc6-dev and g++, or those "
                         "for the guest's architecture")
    temporary.rename(target)


def build_init(cache: Path, compiler: str = "g++") -> bytes:
    """The init program, compiled unless the cache has these very sources."""
    target = cache / "init" / _content_key(compiler)
    if not target.exists():
        with locked(cache / "init" / ".lock"):
            if not target.exists():
                _compile(compiler, target)
    return target.read_bytes()


def guest_config(values: dict[str, str | int]) -> Entry:
    """The configuration that init reads, one key=value a line."""
    for key, value in values.items():
        if "\n" in str(value):
            raise GuestError(f"the guest's {key} holds a line break", "give it on one line")
    text = "".join(f"{key}={value}\n" for key, value in values.items())
    return file("guest.conf", text.encode())
