# SPDX-License-Identifier: GPL-2.0
"""benches/sampling.py: its lines are read, nonsense is left out, and the median
decides whether looking at metadata is cheap enough."""

from __future__ import annotations

from benches import sampling
from qemu.transcript import parse

LINES = b"""# bench sampling round=0 period=16 on_per_s=970 off_per_s=1000
# bench sampling round=1 period=16 on_per_s=1010 off_per_s=1000
# bench engine round=1 engine_per_s=1 bare_per_s=1000
# bench sampling round=2 period=16 on_per_s=940 off_per_s=1000
# bench sampling round=3 period=16 on_per_s=940 off_per_s=0
# bench sampling round=4 period=16 on_per_s=9"""


def test_rounds_are_read_and_nonsense_left_out() -> None:
    rounds = sampling.sampling_rounds(parse(LINES))
    assert [each.ratio for each in rounds] == [0.97, 1.01, 0.94]
    text = "\n".join(sampling.rows(rounds))
    assert "one handoff in 16" in text
    assert "0.97 (0.94 to 1.01, 3 times)" in text and ": reached" in text


def test_dear_watching_is_told() -> None:
    dear = [sampling.SamplingRound(1, 90, 100)]
    assert not sampling.is_good(dear)
    assert "NOT reached" in "\n".join(sampling.rows(dear))
    assert not sampling.is_good([])
