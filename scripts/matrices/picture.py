# SPDX-License-Identifier: GPL-2.0
"""The picture of a matrix: detectors by kernels, a colour for each verdict. It
is skipped, with a message, where matplotlib is missing.
"""

from __future__ import annotations

import importlib
from pathlib import Path

from matrices.state import ALARM, ALSO, BROKEN, CAUGHT, KNOWN, MEANING, SILENT, SKIPPED, WRONG, Matrix

PACKAGE = "python3-matplotlib"
COLOURS = {CAUGHT: "#2f7f4f", ALSO: "#9fd0ae", SILENT: "#eef1f4", SKIPPED: "#d5dade",
           KNOWN: "#5a7fb0", BROKEN: "#e0b040", WRONG: "#c44e52", ALARM: "#8c1d22", " ": "#ffffff"}


def draw(matrix: Matrix, path: Path) -> str:
    """Writes the picture; returns why there is none, or ""."""
    rows, columns = matrix.detectors, list(matrix.columns.values())
    if not rows:
        return "none: no guest has told anything yet"
    try:
        matplotlib = importlib.import_module("matplotlib")
        matplotlib.use("Agg")
        plot = importlib.import_module("matplotlib.pyplot")
        colors = importlib.import_module("matplotlib.colors")
        patches = importlib.import_module("matplotlib.patches")
    except ImportError:
        return f"skipped, matplotlib is not installed: apt-get install {PACKAGE}"
    marks = list(COLOURS)
    numbers = [[marks.index(column.cell(row)) for column in columns] for row in rows]
    figure, axes = plot.subplots(figsize=(3.5 + 0.24 * len(columns), 2.5 + 0.19 * len(rows)),
                                 layout="constrained")
    axes.imshow(numbers, aspect="auto", cmap=colors.ListedColormap(list(COLOURS.values())),
                vmin=-0.5, vmax=len(marks) - 0.5)
    axes.set_yticks(range(len(rows)), rows, fontsize=7)
    axes.set_xticks(range(len(columns)), [column.name for column in columns], fontsize=7,
                    rotation=90)
    used = {marks[number] for line in numbers for number in line}
    axes.legend(handles=[patches.Patch(facecolor=COLOURS[mark], edgecolor="#888",
                                       label=MEANING[mark]) for mark in marks if mark in used],
                fontsize=7, loc="lower left", bbox_to_anchor=(0, 1.01), ncols=2)
    figure.savefig(path, dpi=110, bbox_inches="tight")
    plot.close(figure)
    return ""
