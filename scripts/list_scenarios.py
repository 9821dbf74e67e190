# SPDX-License-Identifier: GPL-2.0
"""`make scenarios`: what can be asked of a kernel, by name; with SCENARIO= what
these names and globs choose, controls included. Exit status 0.
"""

from __future__ import annotations

import os
import sys
import textwrap
from collections.abc import Iterable
from pathlib import Path

sys.path[:0] = [str(Path(__file__).resolve().parent.parent)]

from entry import guarded
from options import COLUMNS, DEFAULT_SCENARIOS
from scenarios import Scenario, known, select


def rows(chosen: Iterable[Scenario], wide: int) -> list[str]:
    """Name and question, in as many lines as the terminal's width takes."""
    return [line for scenario in chosen for line in textwrap.wrap(
        f"  {scenario.name:<{wide}}{scenario.question}", COLUMNS - 1,
        subsequent_indent=" " * (wide + 2), break_on_hyphens=False, drop_whitespace=True)]


def listing(table: list[Scenario], globs: str, default: str = DEFAULT_SCENARIOS) -> str:
    """All of them in two parts, or those that `globs` choose."""
    usual = select(default, table)
    chosen = select(globs, table) if globs else [s for s in table if not s.is_control]
    wide = max(len(scenario.name) for scenario in chosen) + 2
    lines = []
    for title, part in (("by default", [s for s in chosen if s in usual]),
                        ("by name only", [s for s in chosen if s not in usual])):
        lines += [title, *rows(part, wide)] if part else []
    controls = sum(scenario.is_control for scenario in select(globs or "*", table))
    return "\n".join([*lines, f"with {controls} control{'' if controls == 1 else 's'}, "
                              "which must fail"])


def main() -> int:
    print(listing(known(), os.environ.get("SCENARIO", "").strip()))
    return 0


if __name__ == "__main__":
    sys.exit(guarded(main))
