# SPDX-License-Identifier: GPL-2.0
"""The picture of an audit: for the pairs of sites that freed most on other
CPUs, how many were freed where, and how old the objects were then. It is
skipped, with a message, where matplotlib is missing.
"""

from __future__ import annotations

import importlib
import textwrap
from pathlib import Path
from typing import Any

from audit_report import Audit, Pair, short

PACKAGE = "python3-matplotlib"
SHOWN = 14
NAME = 34


def age_label(power: int) -> str:
    """2^power ns as a tick: `1 us`, `16 ms`."""
    value = 1 << power
    for unit in ("ns", "us", "ms"):
        if value < 1000:
            return f"{value} {unit}"
        value //= 1000
    return f"{value} s"


def row_label(pair: Pair) -> str:
    names = (textwrap.shorten(short(site), NAME, placeholder="…") if " " in short(site)
             else short(site)[:NAME] for site in (pair.alloc, pair.free))
    return " →\n".join(names)


def shares(pair: Pair) -> list[float]:
    """Of its objects, how many had each age; sums to 1."""
    total = sum(pair.ages) or 1
    return [count / total for count in pair.ages]


def _bars(axes: Any, pairs: list[Pair]) -> None:
    places = range(len(pairs))
    other = [pair.other_cpu for pair in pairs]
    same = [pair.freed - pair.other_cpu for pair in pairs]
    axes.barh(places, other, color="#c44e52", label="on another CPU")
    axes.barh(places, same, left=other, color="#a8b8c8", label="on the same CPU")
    for place, pair in zip(places, pairs):
        share = 100 * pair.other_cpu // pair.freed if pair.freed else 0
        axes.text(pair.freed, place, f" {share}%", va="center", fontsize=7)
    axes.set_yticks(list(places), [row_label(pair) for pair in pairs], fontsize=7)
    axes.margins(x=0.15)
    axes.set_ylim(len(pairs) - 0.5, -0.5)  # as the ages beside it have their rows
    axes.set_xlabel("objects freed")
    axes.legend(fontsize=7, loc="lower right")


def _ages(figure: Any, axes: Any, pairs: list[Pair], shift: int) -> None:
    count = len(pairs[0].ages)
    image = axes.imshow([shares(pair) for pair in pairs], aspect="auto", cmap="Blues",
                        vmin=0, vmax=1)
    ticks = list(range(0, count, 4))
    axes.set_xticks([tick + 0.5 for tick in ticks],
                    [age_label(tick + shift + 1) for tick in ticks], fontsize=7, rotation=45)
    axes.set_yticks([])
    axes.set_xlabel("age when freed")
    figure.colorbar(image, ax=axes, label="share of the pair's objects")


def draw(audit: Audit, title: str, path: Path) -> str:
    """Writes the picture; returns why there is none, or ""."""
    pairs = list(audit.pairs[:SHOWN])
    if not pairs:
        return "none: no object was seen allocated and freed"
    try:
        matplotlib = importlib.import_module("matplotlib")
        matplotlib.use("Agg")
        plot = importlib.import_module("matplotlib.pyplot")
    except ImportError:
        return f"skipped, matplotlib is not installed: apt-get install {PACKAGE}"
    figure, (left, right) = plot.subplots(
        1, 2, figsize=(11, 1.6 + 0.42 * len(pairs)), width_ratios=(3, 2), layout="constrained")
    _bars(left, pairs)
    _ages(figure, right, pairs, audit.age_shift)
    figure.suptitle(f"{title}\n{audit.sampling}; watched {audit.watched_ns / 1e9:.2f} s; "
                    f"{audit.lost:,} events lost", fontsize=9)
    figure.savefig(path, dpi=110)
    plot.close(figure)
    return ""
