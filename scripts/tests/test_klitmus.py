# SPDX-License-Identifier: GPL-2.0
"""klitmus.py and benches/mp.py: what klitmus7's module prints, what comes of it
and of the engine's lines, and a module that cannot be made."""

from __future__ import annotations

from pathlib import Path

import pytest

import klitmus
from benches import mp
from errors import ToolError
from herd import Herd
from kdir import PreparedKernel
from qemu.transcript import parse

KERNEL = PreparedKernel("7.2", "7.2.13-test", "1", "/image", "/build", "/vmlinux", "/config")
RUN = """Test message-passing Allowed
Histogram (3 states)
480000  :>1:pointer=0; 1:content=0;
20000   :>1:pointer=0; 1:content=1;
500000  :>1:pointer=1; 1:content=1;
No

Witnesses
Positive: 0, Negative: 1000000
Condition exists (1:pointer=1 /\\ 1:content=0) is NOT validated
Observation message-passing Never 0 1000000
Time message-passing 0.40
"""
WEAK = RUN.replace("500000  :>1:pointer=1; 1:content=1;", "7       *>1:pointer=1; 1:content=0;\n499993  :>1:pointer=1; 1:content=1;")


def channel(turns: int = 2, engine_per_s: int = 5_000_000, share: str = "0.0500",
            wrong: int = 0, said: str = RUN) -> bytes:
    lines = []
    for turn in range(turns):
        lines += [f"# bench mp round={number} trials_per_s={engine_per_s + number} "
                  f"overlap_share={share} overlaps=9 wrong={wrong}" for number in range(3)]
        lines += [f"@ report {line}" for line in said.splitlines()]
        lines.append(f"@ step other ok {turn}"[:15])
    return "\n".join([*lines, ""]).encode()


def turns(**values: int | str) -> list[mp.Turn]:
    return mp.turns_of(parse(channel(**values)))  # type: ignore[arg-type]


def test_runs_of_the_module_are_read() -> None:
    first, second = klitmus.trials_of((RUN + "\n" + WEAK).splitlines())
    assert first.count == 1_000_000 and first.per_s == 2_500_000
    assert first.having(pointer="0", content="1") == 20000 and first.having(pointer="1", content="0") == 0
    assert second.having(pointer="1", content="0") == 7


@pytest.mark.parametrize("said", ["", RUN[:200], RUN.replace("0.40", "0.00"), RUN.replace(
    "Time", "Tame"), "message-passing: skipped\n", RUN[:200] + "\n@ more\n"])
def test_run_that_is_not_whole_is_none(said: str) -> None:
    assert klitmus.trials_of(said.splitlines()) == []
    assert len(klitmus.trials_of((said + "\n" + RUN).splitlines())) == 1


def test_both_sides_of_a_turn() -> None:
    first, second = turns()
    assert first == second
    assert first.engine == mp.Side(5_000_001.0, 0.05, 0)
    assert first.klitmus == mp.Side(2_500_000.0, 0.02, 0) and round(first.ratio, 3) == 2.0
    assert mp.is_good([first, second])


def test_cut_lines_and_missing_sides_are_left_out() -> None:
    text = channel(turns=1) + b"# bench mp round=0 trials_per_s=12"
    assert len(mp.turns_of(parse(text))) == 1
    assert turns(turns=0) == [] and not mp.is_good([])
    assert mp.turns_of(parse(channel(said="Test x"))) == []


@pytest.mark.parametrize(("values", "good"), [
    ({"engine_per_s": 3_760_000}, True), ({"engine_per_s": 3_700_000}, False),
    ({"share": "0.0301"}, True), ({"share": "0.0299"}, False), ({"wrong": 1}, False),
    ({"said": RUN.replace("20000 ", "60000 ").replace("480000", "440000")}, False)])
def test_targets(values: dict[str, int | str], good: bool) -> None:
    found = turns(**values)
    assert mp.is_good(found) is good
    text = "\n".join(mp.rows(found))
    assert ("NOT reached" in text) is (not good and "wrong" not in values)
    assert all(len(line) <= 80 for line in text.splitlines())


def fake(tmp_path: Path, script: str) -> Herd:
    program = tmp_path / "klitmus7"
    program.write_text("#!/bin/sh\n" + script)
    program.chmod(0o755)
    return Herd("7.58", ("false",), (str(program),), tmp_path, tmp_path)


def build(tmp_path: Path, script: str) -> Path:
    (tmp_path / "x.litmus").touch()
    return klitmus.build(fake(tmp_path, script), tmp_path / "x.litmus", KERNEL,
                         tmp_path / "scratch", tmp_path / "kept.ko")


WRITES = 'while [ "$1" != -o ]; do shift; done; : >"$2/litmus000.c"\n'


@pytest.mark.parametrize(("script", "status", "told"), [
    ("echo 'Fatal: no such arch' >&2; exit 2\n", 0, "no module of x.litmus: Fatal: no such arch"),
    ("exit 0\n", 0, "it said nothing"),
    (WRITES, 2, "does not build for 7.2.13-test:\n  litmus000.c:3: error: odd")])
def test_module_that_cannot_be_made_leaves_nothing(
        tmp_path: Path, monkeypatch: pytest.MonkeyPatch, script: str, status: int,
        told: str) -> None:
    monkeypatch.setattr(klitmus, "make_modules",
                        lambda *arguments: (status, "CC x\nlitmus000.c:3: error: odd\n"))
    with pytest.raises(ToolError) as caught:
        build(tmp_path, script)
    assert told in str(caught.value)
    assert list((tmp_path / "scratch").iterdir()) == [] and not (tmp_path / "kept.ko").exists()


def test_module_is_kept_and_its_tree_is_not(tmp_path: Path,
                                            monkeypatch: pytest.MonkeyPatch) -> None:
    def make(kdir: Path, tree: Path, variables: list[str], jobs: int) -> tuple[int, str]:
        assert kdir == Path("/build") and (tree / "litmus000.c").exists()
        (tree / "litmus000.ko").write_bytes(b"module")
        return 0, ""

    monkeypatch.setattr(klitmus, "make_modules", make)
    assert build(tmp_path, WRITES).read_bytes() == b"module"
    assert list((tmp_path / "scratch").iterdir()) == []


def test_without_the_program_it_is_said(tmp_path: Path) -> None:
    tool = Herd("7.58", ("false",), (str(tmp_path / "gone"),), tmp_path, tmp_path)
    with pytest.raises(ToolError, match="klitmus7 does not run"):
        klitmus.build(tool, tmp_path / "x.litmus", KERNEL, tmp_path / "scratch", tmp_path / "k")
