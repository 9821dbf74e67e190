# SPDX-License-Identifier: GPL-2.0
"""What `make inspect` asks of a guest and makes of its answer, without a guest."""

from __future__ import annotations

from pathlib import Path

import pytest

import inspector
import setup as stp
from errors import ToolError
from qemu.guest import GuestResult
from qemu.transcript import parse

LIST = """@ report no cache is chosen; write the name of one to
@ report     size  object  cache
@ report      256     248  filp
@ report       64      64  kmalloc-64
@ report     4096    4096  kmalloc-4k
"""


def booted(channel: str) -> stp.Booted:
    return stp.Booted(parse(channel.encode()), GuestResult("powered-off", 1.0), (), "", ())


@pytest.mark.parametrize("name", ["a\nb", "x" * 64, "a\tb"])
def test_a_name_that_no_cache_can_have_is_refused(name: str) -> None:
    with pytest.raises(ToolError) as refused:
        inspector.checked_name(name)
    assert "CACHE=" in str(refused.value) and "make inspect" in refused.value.hint


def test_names_are_taken_as_they_are() -> None:
    assert inspector.checked_name(" kmalloc-rnd-01-64 ") == "kmalloc-rnd-01-64"
    assert inspector.checked_name("bio-120 (clone)") == "bio-120 (clone)"
    assert inspector.checked_name("") == ""


def test_the_names_of_a_list_are_read() -> None:
    assert inspector.names_of(parse(LIST.encode()).report) == ["filp", "kmalloc-64", "kmalloc-4k"]


def test_a_cache_that_is_not_there_is_named_with_those_that_are_near() -> None:
    channel = "@ step inspect-choose error 2 No such file or directory\n" + LIST
    with pytest.raises(ToolError) as refused:
        inspector.check_text(inspector.Asked("kmaloc-64", 16), booted(channel))
    assert "CACHE=kmaloc-64" in str(refused.value) and refused.value.status == 2
    assert "did you mean kmalloc-64" in refused.value.hint


def test_a_guest_that_sent_nothing_is_an_error() -> None:
    with pytest.raises(ToolError) as refused:
        inspector.check_text(inspector.Asked("filp", 16),
                             booted("@ step inspect error 12 Out of memory\n"))
    assert "Out of memory" in str(refused.value)


def test_a_text_is_enough() -> None:
    inspector.check_text(inspector.Asked("filp", 16), booted("@ report cache      filp\n"))


def test_a_file_that_root_can_open_for_writing_is_a_fail() -> None:
    facts = {"inspect_open_write": "13", "inspect_open_both": "13"}
    assert not inspector.file_problems(facts)
    for door in facts:
        for value in ("0", "22"):
            assert len(inspector.file_problems(facts | {door: value})) == 1
    assert len(inspector.file_problems({})) == 2


def test_options_come_from_the_environment(monkeypatch: pytest.MonkeyPatch,
                                           tmp_path: Path) -> None:
    for name in ("SCENARIO", "SECONDS", "CACHE", "OBJECTS", "KERNEL", "MEM", "CPUS"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr("sys.argv", ["inspector.py"])
    monkeypatch.setenv("OUT", str(tmp_path))
    monkeypatch.setenv("MEM", "512M")
    monkeypatch.setenv("CACHE", "filp")
    monkeypatch.setenv("SCENARIO", "")
    options, asked = inspector.parsed_options()
    assert (options.scenario, options.seconds) == ("inspect", 1)
    assert asked == inspector.Asked("filp", 16)
    monkeypatch.setenv("OBJECTS", "many")
    with pytest.raises(ToolError, match="OBJECTS=many"):
        inspector.parsed_options()
