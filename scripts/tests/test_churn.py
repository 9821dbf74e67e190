# SPDX-License-Identifier: GPL-2.0
"""The benchmarks churn and price: what is read of a guest, what is good enough,
and that cut lines and skips are told."""

from __future__ import annotations

from pathlib import Path

import pytest
from benches import churn, price
from qemu.transcript import parse

GOOD = b"""# bench churn round=0 cycles=8 ns=2000000000 replaced=0
@ fact bare-0=8 1900000000
@ fact bare-1=8 2000000000
# bench churn round=0 cycles=8 ns=2000000000 replaced=0
# bench churn-zones round=0 cycles=8 ns=1
# bench churn round=0 cycles=8 ns=0
# bench churn round=0 cycles=8 n"""
TOLD = [
    "kept, bytes                 structure       barn      slabs   in slabs",
    "kmalloc-rnd-1 64                   64        256          0          0",
    "12 other caches                   768       3072          0          0",
    "all 13 caches                     832       3328          0          0",
    "4160 bytes are kept for a node of 512 MiB: 7 bytes for each million",
    "step of the whole node       all, ms  SLUB, ms     calls  share, %      kept",
    "movable memory goes            61.30      1.20         1      1.96      4160",
    "normal memory comes            70.00         -         -         -      4160"]


def test_turns_are_paired_in_their_order() -> None:
    turns = churn.turns_of(parse(GOOD))
    assert [round(turn.ratio, 2) for turn in turns] == [0.95, 1.0]
    assert "target   at least 0.9: reached" in "\n".join(churn.rows(turns))


@pytest.mark.parametrize("ratio, good", [(0.91, True), (0.89, False)])
def test_median_decides(ratio: float, good: bool) -> None:
    turns = [churn.Turn(ratio, 1.0), churn.Turn(ratio, 1.0), churn.Turn(5.0, 1.0)]
    assert churn.is_good(turns) is good
    assert ("NOT reached" in "\n".join(churn.rows(turns))) is not good
    assert not churn.is_good([])


def test_why_there_is_no_turn_is_told() -> None:
    text = b'# bench churn round=0 skip="there is no node"\n@ step blocks error 19 No such device\n'
    assert churn.why_not(parse(text)) == "there is no node; blocks: 19 No such device"
    assert churn.turns_of(parse(text)) == []


def test_price_is_read_of_what_was_told() -> None:
    assert price.caches_of(TOLD) == [price.Cache("kmalloc-rnd-1 64", 64, 256),
                                     price.Cache("12 other caches", 768, 3072)]
    assert price.steps_of(TOLD) == [price.Step("movable memory goes", 61.3, 1.2),
                                    price.Step("normal memory comes", 70.0, None)]
    assert price.caches_of([]) == [] and price.steps_of(["garbage"]) == []


def test_picture_is_drawn_or_its_absence_said(tmp_path: Path) -> None:
    said = price.draw(price.caches_of(TOLD), price.steps_of(TOLD), tmp_path / "price.png")
    assert said == "picture: price.png" or said.startswith("no picture: ")
    assert (tmp_path / "price.png").exists() == said.startswith("picture")
