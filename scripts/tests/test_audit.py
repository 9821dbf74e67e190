# SPDX-License-Identifier: GPL-2.0
"""audit.py, audit_report.py, audit_plot.py and benches/audit.py: what the
guest says is read, what is cut or wrong is refused, and the picture is skipped
with a message where it cannot be drawn."""

from __future__ import annotations

import importlib
import re
from pathlib import Path
from typing import Any

import audit
import audit_plot
import audit_report
import options as opt
import pytest
from benches import audit as bench
from errors import ToolError
from guests import MARKERS
from qemu.console import Splat, find_splats
from qemu.guest import GuestResult
from qemu.transcript import parse
from setup import Booted

HEAD = ("audit on=1 sample=16 slice_ms=20 every_ms=1000 windows=3 watched_ns=61000000 age_shift=6 "
        "pairs={pairs} allocated=9 freed=9 alive=0 unknown=1 reused=0 outlived=0 no_slot=2 "
        "no_pair=1 nested=0")
PAIR = ('pair alloc="__alloc_skb+0x1/0x2" free="kfree_skb+0x3/0x4 [mod]" freed=10 other_cpu=4 '
        "other_node=1 task=7 softirq=3 hardirq=0 nmi=0 ages=" + ",".join(["0"] * 30 + ["6", "4"]))
BENCH = b"""# bench audit round=0 off_per_s=1000 empty_per_s=800 default_per_s=970 always_per_s=600 exact_per_s=100
# bench audit round=1 off_per_s=1000 empty_per_s=700 default_per_s=960 always_per_s=500 exact_per_s=110
# bench audit round=2 off_per_s=0 empty_per_s=700 default_per_s=960 always_per_s=500 exact_per_s=110
# bench audit round=3 off_per_s=1000 empty_per_s=7"""


def reading() -> audit_report.Audit:
    return audit_report.parse([HEAD.format(pairs=1), PAIR])


def booted(text: str, *splats: Splat) -> Booted:
    return Booted(parse(text.encode()), GuestResult("powered-off", 1.0), splats, "", ())


def test_records_are_read() -> None:
    found = reading()
    assert (found.lost, found.sampling) == (3, "1 object in 16, 20 of every 1000 ms")
    pair = found.pairs[0]
    assert (pair.freed, pair.other_cpu, pair.contexts) == (10, 4, (7, 3, 0, 0))
    assert audit_report.short(pair.free) == "kfree_skb"
    assert sum(pair.ages) == pair.freed


@pytest.mark.parametrize("lines", [
    [], ["audit on=1"], [HEAD.format(pairs=2), PAIR], [HEAD.format(pairs=1), PAIR[:60]],
    [HEAD.format(pairs=1), PAIR.replace("=10", "=x")]])
def test_what_is_cut_or_wrong_is_refused(lines: list[str]) -> None:
    with pytest.raises(ToolError, match="cannot be read"):
        audit_report.parse(lines)


def test_words_become_one_parameter() -> None:
    assert audit.checked_words("") == "on"
    assert audit.checked_words("exact") == "exact,on"
    assert audit.checked_words("sample=4  slice 20 500") == "sample,4,slice,20,500,on"


def test_words_are_those_that_the_module_takes() -> None:
    source = (opt.ROOT / "module/core/audit_text.cc").read_text()
    assert set(audit.WORDS) == set(re.findall(r'word == "(\w+)"', source))


@pytest.mark.parametrize("text", ['a"b', "exact " * 40, "größer", "exakt", "sample", "sample x",
                                  "slice 20", "exact sample 4 slice 20 5x", "exact,4"])
def test_words_that_no_parameter_takes(text: str) -> None:
    with pytest.raises(ToolError, match="AUDIT="):
        audit.checked_words(text)


def test_a_module_that_is_refused_says_why() -> None:
    transcript = parse(b"@ step insmod error 22 Invalid argument\n@ end failed\n")
    booted = Booted(transcript, GuestResult("powered-off", 1.0), (), "",
                    ("slubtorture: audit: slice '9 1' is not two numbers of ms",))
    with pytest.raises(ToolError, match="slice '9 1' is not two numbers") as caught:
        audit.check_guest(booted, Path("out"))
    assert str(caught.value).count("22 Invalid") == 1


def test_workload_is_one_line() -> None:
    with pytest.raises(ToolError, match="several lines"):
        audit.checked_workload("a\nb")


def test_files_are_told_apart() -> None:
    guest = booted("@ report audit audit on\n@ report audit \n@ report audit_records pair a\n")
    assert audit.lines_of(guest, "audit") == ["audit on", ""]
    assert audit.lines_of(guest, "audit_records") == ["pair a"]


@pytest.mark.parametrize("text, told", [
    ("@ end ok\n@ step insmod error 22 Invalid argument\n", "refused the module: 22"),
    ("@ step insmod ok\n", "ended as `powered-off`")])
def test_audit_that_did_not_end_is_told(text: str, told: str) -> None:
    with pytest.raises(ToolError, match=told):
        audit.check_guest(booted(text), Path("out/x"))


def test_complaint_of_the_kernel_is_told() -> None:
    splats = find_splats(b"BUG: something\n---[ end trace\n", MARKERS)
    with pytest.raises(ToolError, match="complained: BUG: something"):
        audit.check_guest(booted("@ end ok\n", *splats), Path("out/x"))


def test_good_end_is_silent() -> None:
    audit.check_guest(booted("@ step insmod ok\n@ end ok\n"), Path("out/x"))


def test_picture_is_drawn_or_its_lack_is_told(tmp_path: Path) -> None:
    path = tmp_path / "audit.png"
    problem = audit_plot.draw(reading(), "title", path)
    assert path.exists() != bool(problem)
    if problem:
        assert audit_plot.PACKAGE in problem


def test_missing_matplotlib_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def missing(name: str) -> Any:
        raise ImportError(name)

    monkeypatch.setattr(importlib, "import_module", missing)
    assert "apt-get install python3-matplotlib" in audit_plot.draw(
        reading(), "title", tmp_path / "audit.png")


def test_empty_audit_has_no_picture(tmp_path: Path) -> None:
    empty = audit_report.parse([HEAD.format(pairs=0)])
    assert "no object" in audit_plot.draw(empty, "title", tmp_path / "audit.png")


def test_labels() -> None:
    assert [audit_plot.age_label(power) for power in (7, 10, 20, 37)] == [
        "128 ns", "1 us", "1 ms", "137 s"]
    assert audit_plot.row_label(reading().pairs[0]) == "__alloc_skb →\nkfree_skb"


def test_cost_is_the_median_share() -> None:
    rounds = bench.rounds_of(parse(BENCH))
    assert [round(each.cost("default"), 2) for each in rounds] == [0.03, 0.04]
    text = "\n".join(bench.rows(rounds))
    assert "0.04 (0.03 to 0.04, 2 times)" in text or "0.03 (0.03 to 0.04, 2 times)" in text
    assert bench.is_good(rounds) and ": reached" in text
    dear = [bench.Round({"off": 100, "empty": 1, "default": 90, "always": 1, "exact": 1})]
    assert not bench.is_good(dear) and "NOT reached" in "\n".join(bench.rows(dear))
    assert not bench.is_good([])
