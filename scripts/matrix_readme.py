# SPDX-License-Identifier: GPL-2.0
"""`make matrix-readme`: puts the matrix that OUT/matrix tells of into README.md,
between two marker lines, and its picture into docs/. Nothing is asked, and
nothing of what is shown is written by hand.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path

sys.path[:0] = [str(Path(__file__).resolve().parent.parent)]

import options as opt
import records as rec
from bisection.journal import Journal
from entry import guarded
from errors import ToolError
from matrices import picture, report, state
from matrix import JOURNAL, PLACE
from qemu.store import write_whole

BEGIN = "<!-- matrix: written by make matrix-readme from here on -->"
END = "<!-- matrix: to here -->"
FENCE = "```"
PICTURE = Path("docs/matrix.svg")


def section(matrix: state.Matrix) -> str:
    """What stands between the markers."""
    lines = "\n".join(line.rstrip() for line in report.text(matrix).strip().splitlines())
    return (f"{BEGIN}\n\n![detectors by kernels]({PICTURE})\n\n{FENCE}text\n{lines}\n{FENCE}"
            f"\n\n{END}")


def parts(text: str) -> tuple[str, str, str]:
    """A README before, between and after the markers; ToolError without them."""
    before, begin, rest = text.partition(BEGIN)
    between, end, after = rest.partition(END)
    if not begin or not end or BEGIN in rest or END in after:
        raise ToolError("README.md has no place for the matrix, or two",
                        f"it belongs between two lines, each once: {BEGIN} and {END}")
    return before, between, after


def put(root: Path, matrix: state.Matrix) -> None:
    """README.md and picture, both or, where the picture cannot be drawn, none."""
    readme = root / "README.md"
    before, _, after = parts(readme.read_text())
    drawn = root / PICTURE
    drawn.parent.mkdir(exist_ok=True)
    why = picture.draw(matrix, drawn)
    if why:
        raise ToolError(f"there is no picture: {why}", "make deps FOR=matrix")
    # the library leaves blanks at the ends of lines
    write_whole(drawn, "".join(f"{line.rstrip()}\n" for line in
                               drawn.read_text().splitlines()).encode())
    write_whole(readme, f"{before}{section(matrix)}{after}".encode())


def main() -> int:
    out = Path(os.environ.get("OUT") or Path.cwd() / "out").absolute()
    place = out / PLACE / JOURNAL
    if not place.exists():
        raise ToolError(f"there is no matrix in {out / PLACE}", "make matrix asks for one")
    matrix = state.of_facts(Journal(place, "a matrix").lines(), str(place))
    if not matrix.done:
        raise ToolError(f"no guest has told anything yet in {out / PLACE}", "make matrix goes on")
    put(opt.ROOT, matrix)
    left = f"; {len(matrix.left)} guests were never asked" if matrix.left else ""
    print(f"README.md and {PICTURE} tell of {len(matrix.done)} guests of "
          f"{rec.shown(out / PLACE)}{left}")
    return 0


if __name__ == "__main__":
    sys.exit(guarded(main))
