# SPDX-License-Identifier: GPL-2.0
"""initramfs.py: the archive is well formed, deterministic and read by cpio's
own rules; init is compiled once for the same sources."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from qemu import initramfs
from qemu.machine import GuestError


def members(archive: bytes) -> dict[str, tuple[int, bytes]]:
    """Name to (mode, data), read independently of how it was written."""
    found: dict[str, tuple[int, bytes]] = {}
    at = 0
    while True:
        assert archive[at:at + 6] == b"070701" and at % 4 == 0
        field = [int(archive[at + 6 + 8 * i:at + 14 + 8 * i], 16) for i in range(13)]
        name = archive[at + 110:at + 110 + field[11] - 1].decode()
        data_at = -(-(at + 110 + field[11]) // 4) * 4
        if name == "TRAILER!!!":
            return found
        found[name] = (field[1], archive[data_at:data_at + field[6]])
        at = -(-(data_at + field[6]) // 4) * 4


def test_archive_holds_what_it_was_given() -> None:
    entries = [initramfs.directory("dev"), initramfs.program("init", b"\x7fELF123"),
               initramfs.file("odd", b"x" * 5), initramfs.file("empty", b"")]
    archive = initramfs.pack(entries)
    assert members(archive) == {"dev": (0o040755, b""), "init": (0o100755, b"\x7fELF123"),
                                "odd": (0o100644, b"xxxxx"), "empty": (0o100644, b"")}
    assert len(archive) % 512 == 0


def test_same_entries_give_the_same_bytes() -> None:
    assert initramfs.pack(initramfs.base_entries(b"i")) == initramfs.pack(
        initramfs.base_entries(b"i"))


def test_shell_is_there_only_on_request() -> None:
    assert "bin/sh" not in members(initramfs.pack(initramfs.base_entries(b"i")))
    assert "bin/sh" in members(initramfs.pack(initramfs.base_entries(b"i", b"shell")))


def test_config_is_one_key_a_line() -> None:
    assert initramfs.guest_config({"mode": "run", "cycles": 2}).data == b"mode=run\ncycles=2\n"


def test_config_refuses_a_line_break() -> None:
    with pytest.raises(GuestError, match="args"):
        initramfs.guest_config({"args": "a\nmode=bare"})


def test_init_is_compiled_once(tmp_path: Path) -> None:
    first = initramfs.build_init(tmp_path)
    stamp = next(path for path in (tmp_path / "init").iterdir() if path.name[0] != ".")
    os.utime(stamp, (1, 1))
    assert initramfs.build_init(tmp_path) == first
    assert stamp.stat().st_mtime == 1
    assert first[:4] == b"\x7fELF"


def test_missing_compiler_is_named(tmp_path: Path) -> None:
    with pytest.raises(GuestError, match="no-such-compiler"):
        initramfs.build_init(tmp_path, "no-such-compiler")


def test_half_a_compilation_is_not_taken_for_one(tmp_path: Path,
                                                 monkeypatch: pytest.MonkeyPatch) -> None:
    broken = tmp_path / "src"
    broken.mkdir()
    (broken / "main.cc").write_text("int main() { return }\n")
    monkeypatch.setattr(initramfs, "INIT_SOURCES", broken)
    with pytest.raises(GuestError, match="does not compile"):
        initramfs.build_init(tmp_path / "cache")
    (broken / "main.cc").write_text("int main() { return 0; }\n")
    assert initramfs.build_init(tmp_path / "cache")[:4] == b"\x7fELF"
