# SPDX-License-Identifier: GPL-2.0
"""A picture of ratios with their intervals, if matplotlib is there; it is no
more than the table shows, so nothing fails without it."""

from __future__ import annotations

import importlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benches.intervals import Ratio

INCHES_A_BAR = 0.45
SPREAD = 0.5  # of one bar's marks over its row


@dataclass(frozen=True)
class Bar:
    """One row of the picture."""

    label: str
    ratios: Mapping[str, Ratio]


def _plot(axes: Any, bars: Sequence[Bar]) -> None:
    names = list(bars[0].ratios)
    for place, name in enumerate(names):
        ratios = [bar.ratios[name] for bar in bars]
        shift = SPREAD * (place / max(len(names) - 1, 1) - 0.5)
        axes.errorbar([ratio.mean for ratio in ratios],
                      [row + shift for row in range(len(bars))],
                      xerr=[[ratio.mean - ratio.low for ratio in ratios],
                            [ratio.high - ratio.mean for ratio in ratios]],
                      fmt="o", markersize=3, capsize=2, label=name)
    axes.axvline(1.0, color="grey", linewidth=0.8)
    axes.set_yticks(range(len(bars)), [bar.label for bar in bars])
    axes.invert_yaxis()
    axes.set_xlabel("time against no barrier, mean over guests, 95 % interval")
    axes.legend(loc="best", fontsize="small")


def draw(bars: Sequence[Bar], path: Path) -> str:
    """Draws into `path`; returns a line that says where it is, or why not."""
    try:
        figure_module = importlib.import_module("matplotlib.figure")
    except ImportError:
        return "no picture: matplotlib is not installed (apt-get install python3-matplotlib)"
    figure: Any = figure_module.Figure(figsize=(8, 1.5 + INCHES_A_BAR * len(bars)))
    _plot(figure.subplots(), bars)
    figure.tight_layout()
    figure.savefig(path)
    return f"picture: {path.name}"
