# SPDX-License-Identifier: GPL-2.0
"""The picture of a matrix: detectors by kernels, a colour for each verdict. It
is skipped, with a message, where matplotlib is missing. As SVG it is text, and
of the same matrix the same text.
"""

from __future__ import annotations

import importlib
from pathlib import Path
from typing import Any

from matrices.state import (ALARM, ALSO, BROKEN, CAUGHT, KNOWN, MEANING, SILENT, SKIPPED, UNASKED,
                            WRONG, Matrix)

PACKAGE = "python3-matplotlib"
COLOURS = {CAUGHT: "#2f7f4f", ALSO: "#9fd0ae", KNOWN: "#5a7fb0", SILENT: "#e8ecf0",
           SKIPPED: "#cfc7b8", BROKEN: "#e0b040", WRONG: "#c44e52", ALARM: "#8c1d22"}
# Nothing of the day or of the computer; letters as letters.
_SVG = {"svg.hashsalt": "matrix", "svg.fonttype": "none", "font.family": "sans-serif"}
_GAP = 0.08


def _stretches(cells: list[str], mark: str) -> list[tuple[float, float]]:
    """Where a row has a mark, as (begin, length); neighbours are one."""
    found: list[tuple[float, float]] = []
    for number, cell in enumerate(cells):
        if cell != mark:
            continue
        if found and sum(found[-1]) == number - _GAP:
            found[-1] = (found[-1][0], found[-1][1] + 1)
        else:
            found.append((number, 1 - _GAP))
    return found


def _draw_rows(axes: Any, rows: list[list[str]]) -> set[str]:
    for height, cells in enumerate(rows):
        for mark, colour in COLOURS.items():
            stretches = _stretches(cells, mark)
            if stretches:
                axes.broken_barh(stretches, (height, 1 - _GAP), facecolors=colour, linewidth=0)
    return {cell for cells in rows for cell in cells} - {UNASKED}


def _label(axes: Any, matrix: Matrix, rows: list[str]) -> None:
    columns = list(matrix.columns.values())
    axes.set_xlim(0, len(columns))
    axes.set_ylim(len(rows), 0)
    axes.set_yticks([number + 0.5 for number in range(len(rows))], rows, fontsize=7)
    axes.set_xticks([number + 0.5 for number in range(len(columns))],
                    [column.name for column in columns], fontsize=7, rotation=90)
    axes.tick_params(length=0)
    for side in axes.spines.values():
        side.set_visible(False)


def draw(matrix: Matrix, *paths: Path) -> str:
    """Writes the picture, in the form that each path's name ends with; returns
    why there is none, or ""."""
    rows, columns = matrix.detectors, list(matrix.columns.values())
    if not rows:
        return "none: no guest has told anything yet"
    try:
        matplotlib = importlib.import_module("matplotlib")
        matplotlib.use("Agg")
        plot = importlib.import_module("matplotlib.pyplot")
        patches = importlib.import_module("matplotlib.patches")
    except ImportError:
        return f"skipped, matplotlib is not installed: apt-get install {PACKAGE}"
    with matplotlib.rc_context(_SVG):
        figure, axes = plot.subplots(figsize=(3.5 + 0.2 * len(columns), 2.8 + 0.17 * len(rows)),
                                     layout="constrained")
        used = _draw_rows(axes, [[column.cell(row) for column in columns] for row in rows])
        _label(axes, matrix, rows)
        axes.legend(handles=[patches.Patch(facecolor=COLOURS[mark], label=MEANING[mark])
                             for mark in COLOURS if mark in used], fontsize=7, frameon=False,
                    loc="lower left", bbox_to_anchor=(0, 1.01), ncols=2)
        for path in paths:
            metadata = {"Date": None} if path.suffix == ".svg" else None
            figure.savefig(path, dpi=110, metadata=metadata)
        plot.close(figure)
    return ""
