# SPDX-License-Identifier: GPL-2.0
"""The picture of a bisection: the commits that were still possible before each
step, the one that was asked about, its runs, and the time that it took. Shapes
and letters say what colours say. Skipped, with a message, where matplotlib is
missing.

Colours are names of roles: for a file they become those of paper, in a page
they become its style's, which knows light and dark.
"""

from __future__ import annotations

import importlib
import io
import math
import textwrap
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from bisection.outcomes import Answer, Outcome
from bisection.view import (View, candidates, counted, of_runs, runs_text, short, shrinking,
                            spans, time_text)

PACKAGE = "python3-matplotlib"
# Stand-ins that no drawing has by chance; the page's style has the same roles.
ROLES = {"ink": "#010203", "paper": "#fdfcfb", "faint": "#d0d1d2", "bad": "#b04010",
         "good": "#1060a0", "other": "#805090", "broken": "#707172"}
# Markers of answers, by matplotlib's names: filled and hollow differ most.
ANSWERS = {Answer.BAD: ("X", "bad"), Answer.GOOD: ("o", "good"), Answer.SKIP: ("s", "broken"),
           Answer.UNSURE: ("D", "other")}
LETTERS = {Outcome.BAD: "B", Outcome.GOOD: "g", Outcome.OTHER: "o", Outcome.BROKEN: "x"}
LINEAR_MOST = 64  # commits that an even axis has room for
CELLS = 32  # runs in one line of cells; more are drawn as shares
_ROW = 0.36  # inches


def axis_of(view: View) -> tuple[Callable[[float], float], int]:
    """From a place to the axis, and the place that the axis is about. A long
    range is drawn by the logarithm of the distance from the commit that was
    found, or from the middle of what is left: every halving is then as wide."""
    count = len(view.commits)
    left = sorted(candidates(view, len(view.steps)))
    middle = view.place(view.first_bad) if view.first_bad else -1
    if middle < 0:
        middle = left[len(left) // 2] if left else count // 2
    if count <= LINEAR_MOST:
        return float, middle

    def far(place: float) -> float:
        return math.copysign(math.log2(1 + abs(place - middle)), place - middle)

    return far, middle


def _ticks(view: View, far: Callable[[float], float], middle: int) -> tuple[list[float], list[str]]:
    """Where the axis has marks: every so many commits, or powers of ten."""
    last = len(view.commits) - 1
    if last < LINEAR_MOST:
        step = max(1, round(last / 8))
        places = list(range(0, last + 1, step))
        return [far(place) for place in places], [str(place) for place in places]
    far_off = [10 ** power for power in range(5) if 10 ** power <= max(middle, last - middle)]
    wanted = [-off for off in reversed(far_off) if off <= middle]
    wanted += [0, *(off for off in far_off if off <= last - middle)]
    return [far(middle + off) for off in wanted], [f"{off:+,}" if off else "0" for off in wanted]


def _range(axes: Any, view: View) -> None:
    """One line a step: what was possible before it, and what was asked."""
    far, middle = axis_of(view)
    for row, left in enumerate(shrinking(view)):
        for first, last in spans(left):
            begin, end = far(first - 0.5), far(last + 0.5)
            axes.barh(row, end - begin, left=begin, height=0.62, color=ROLES["faint"], zorder=1)
    for row, step in enumerate(view.steps):
        marker, role = ANSWERS[step.answer]
        place = view.place(step.commit)
        if place >= 0:
            filled = step.answer in (Answer.BAD, Answer.GOOD)
            axes.plot([far(place)], [row], marker, markersize=8, zorder=3, clip_on=False,
                      markerfacecolor=ROLES[role if filled else "paper"],
                      markeredgecolor=ROLES[role], markeredgewidth=1.4)
    if view.place(view.first_bad) >= 0:
        axes.axvline(far(view.place(view.first_bad)), color=ROLES["bad"], linestyle="--",
                     linewidth=1, zorder=2)
    where, texts = _ticks(view, far, middle)
    axes.set_xticks(where, texts, fontsize=7)
    begin, end = far(-0.5), far(len(view.commits) - 0.5)
    axes.set_xlim(begin - 0.02 * (end - begin), end + 0.02 * (end - begin))
    about = "the first bad one" if view.first_bad else "the middle of what is left"
    axes.set_xlabel("commit, counted from GOOD" if len(view.commits) <= LINEAR_MOST else
                    f"commits before and after {about} (logarithmic)", fontsize=8)
    axes.set_title(f"grey: may be the first bad one, of {max(len(view.commits) - 1, 0):,} commits\n"
                   "asked: \u2716 bad  \u25cf good  \u25a1 skipped  \u25c7 unsure", fontsize=8)


def row_labels(view: View) -> list[str]:
    """Of the steps, and of what is left after them."""
    labels = []
    for number, step in enumerate(view.steps, 1):
        end = {view.good: " GOOD", view.bad: " BAD"}.get(step.commit, "")
        labels.append(f"{number}  {short(step.commit)}{end}: {step.answer}")
    left = len(candidates(view, len(view.steps)))
    return [*labels, "found" if view.first_bad else f"{left} left"]


def _cell(axes: Any, row: int, begin: float, width: float, outcome: Outcome) -> None:
    role = outcome.value
    axes.barh(row, width, left=begin, height=0.62, linewidth=1, zorder=1,
              color=ROLES["paper" if role == "good" else role], edgecolor=ROLES[role])


def _runs(axes: Any, view: View) -> None:
    """A cell a run with its letter; where there are too many, shares."""
    most = max((len(step.ran) for step in view.steps if len(step.ran) <= CELLS), default=0)
    wide = max(most, 12)
    for row, step in enumerate(view.steps):
        if not step.ran:
            axes.text(-0.4, row, "no run", va="center", fontsize=7, color=ROLES["ink"])
        elif len(step.ran) > CELLS:
            begin = -0.43
            for outcome, count in of_runs(step).items():
                width = 0.45 * wide * count / len(step.ran)
                _cell(axes, row, begin, width, outcome)
                begin += width
            axes.text(begin + 0.02 * wide, row, runs_text(step), va="center", fontsize=7,
                      color=ROLES["ink"])
        else:
            for at, ran in enumerate(step.ran):
                _cell(axes, row, at - 0.43, 0.86, ran.outcome)
                axes.text(at, row, LETTERS[ran.outcome], ha="center", va="center", fontsize=7,
                          zorder=2, color=ROLES["ink" if ran.outcome is Outcome.GOOD else "paper"])
    axes.set_xlim(-0.8, wide - 0.2)
    axes.set_xticks([])
    axes.set_title("runs\nB bad  g good  o other failure  x broken", fontsize=8)


def _times(axes: Any, view: View) -> None:
    """Build and runs, beside each other; runs that overlap count each by itself."""
    widest = max((step.build_s + sum(ran.seconds for ran in step.ran)
                  for step in view.steps), default=0) or 1
    for row, step in enumerate(view.steps):
        ran = sum(one.seconds for one in step.ran)
        axes.barh(row, step.build_s, height=0.5, color=ROLES["paper"], hatch="////",
                  edgecolor=ROLES["broken"], linewidth=0.8)
        axes.barh(row, ran, left=step.build_s, height=0.5, color=ROLES["broken"],
                  edgecolor=ROLES["broken"], linewidth=0.8)
        axes.text(step.build_s + ran + 0.02 * widest, row,
                  f"{time_text(step.build_s)} + {time_text(ran)}", va="center", fontsize=7,
                  color=ROLES["ink"])
    axes.set_xlim(0, 1.75 * widest)
    axes.set_xticks([])
    axes.set_title("time\nbuild (hatched) + runs", fontsize=8)


def _plain(axes: Any, rows: int) -> None:
    axes.set_ylim(rows - 0.4, -0.6)
    axes.set_yticks([])
    axes.tick_params(colors=ROLES["ink"], labelcolor=ROLES["ink"])
    axes.xaxis.label.set_color(ROLES["ink"])
    axes.title.set_color(ROLES["ink"])
    axes.set_facecolor("none")
    for name, spine in axes.spines.items():
        spine.set_visible(name == "bottom" and bool(axes.get_xticks().size))
        spine.set_color(ROLES["broken"])


def _figure(plot: Any, view: View) -> Any:
    rows = len(view.steps) + 1
    figure, (left, middle, right) = plot.subplots(
        1, 3, figsize=(12.5, 1.1 + _ROW * max(rows, 3)), width_ratios=(5, 4, 2.4),
        layout="constrained")
    _range(left, view)
    _runs(middle, view)
    _times(right, view)
    for axes in (left, middle, right):
        _plain(axes, rows)
    left.set_yticks(range(rows), row_labels(view), fontsize=7, family="monospace",
                    color=ROLES["ink"])
    left.tick_params(axis="y", length=0)
    figure.patch.set_facecolor("none")
    return figure


def headline(view: View) -> str:
    """What came of it, in a few words."""
    if view.first_bad:
        return f"first bad commit {short(view.first_bad)} {view.subject(view.first_bad)}"
    if view.suspects:
        return f"one of {len(view.suspects)} commits, which skipped ones hide"
    return f"not ended, {counted(len(candidates(view, len(view.steps))), 'commit')} left"


def _matplotlib() -> tuple[Any, Any]:
    matplotlib = importlib.import_module("matplotlib")
    matplotlib.use("Agg")
    return matplotlib, importlib.import_module("matplotlib.pyplot")


def recoloured(svg: str, colours: Mapping[str, str]) -> str:
    """The drawing with each role's stand-in replaced."""
    for role, stand_in in ROLES.items():
        svg = svg.replace(stand_in, colours[role])
    return svg


def svg_text(view: View) -> tuple[str, str]:
    """The drawing as an <svg> element whose colours are the style's variables
    of the page that it is put in, and why there is none, or ""."""
    try:
        matplotlib, plot = _matplotlib()
    except ImportError:
        return "", f"no picture, matplotlib is not installed: apt-get install {PACKAGE}"
    # Text stays text; the same drawing twice is the same file.
    with matplotlib.rc_context({"svg.fonttype": "none", "svg.hashsalt": "bisection"}):
        figure, out = _figure(plot, view), io.StringIO()
        figure.savefig(out, format="svg", metadata={"Date": None, "Creator": None})
        plot.close(figure)
    svg = out.getvalue()
    return recoloured(svg[svg.index("<svg"):],
                      {role: f"var(--{role})" for role in ROLES}), ""


def draw(view: View, path: Path) -> str:
    """Writes the picture as PNG; returns why there is none, or ""."""
    try:
        _, plot = _matplotlib()
    except ImportError:
        return f"none, matplotlib is not installed: apt-get install {PACKAGE}"
    figure = _figure(plot, view)
    figure.suptitle(textwrap.shorten(f"{view.signature}: {headline(view)}", 130, placeholder="…"),
                    fontsize=9)
    figure.patch.set_facecolor(ROLES["paper"])
    figure.savefig(path, dpi=110, metadata={"Software": None})
    plot.close(figure)
    return ""
