# SPDX-License-Identifier: GPL-2.0
"""Names of what can run beside node-churn, as the module's table has them.

The table is module/abi/racers.def, read here for its names only; what a racer
does is the module's business.
"""

from __future__ import annotations

import difflib
import fnmatch
import re
from pathlib import Path

from errors import ToolError

TABLE = Path(__file__).resolve().parent.parent / "module" / "abi" / "racers.def"
NONE = "none"
_ROW = re.compile(r'^RACER\(\w+, "([a-z-]+)"', re.M)


def parse_table(text: str) -> list[str]:
    return _ROW.findall(text)


def known() -> list[str]:
    """Every racer of this clone, in the module's order."""
    return parse_table(TABLE.read_text())


def checked(text: str, names: list[str]) -> str:
    """Names and globs as the module's parameter takes them; "" for its default."""
    globs = [glob.strip() for glob in text.split(",")] if text else []
    if globs == [NONE]:
        return NONE
    for glob in globs:
        if not fnmatch.filter(names, glob) or not re.fullmatch(r"[a-z*?-]+", glob):
            near = difflib.get_close_matches(glob, names, n=2, cutoff=0.5)
            meant = f"did you mean {', '.join(near)}? " if near else ""
            raise ToolError(f"RACERS={text}: '{glob}' is no racer",
                            f"{meant}known: {', '.join(names)}; or RACERS={NONE}")
    return ",".join(globs)
