# SPDX-License-Identifier: GPL-2.0
"""Names of scenarios as the module's table has them, and selection by glob.

The table is module/core/scenarios.def, read here for names and questions only;
what a scenario does and expects is the module's business.
"""

from __future__ import annotations

import difflib
import fnmatch
import re
from dataclasses import dataclass
from pathlib import Path

from errors import ToolError

TABLE = Path(__file__).resolve().parent.parent / "module" / "core" / "scenarios.def"
CONTROL = "busted-"
_ROW = re.compile(r'^SCENARIO\(\s*"?([a-z0-9-]+)"?\s*,\s*\w+\s*,\s*\w+\s*,\s*(true|false)'
                  r'(?:\s*,\s*\w+\s*,\s*"([^"]*)")?', re.M)


@dataclass(frozen=True)
class Scenario:
    """A row of the table; `timed` ones take the seconds of the run."""

    name: str
    timed: bool
    question: str = ""

    @property
    def is_control(self) -> bool:
        return self.name.startswith(CONTROL)


def parse_table(text: str) -> list[Scenario]:
    return [Scenario(name, timed == "true", question)
            for name, timed, question in _ROW.findall(text)]


def known() -> list[Scenario]:
    """Every scenario of this clone, in the module's order."""
    return parse_table(TABLE.read_text())


def owner(control: Scenario, table: list[Scenario]) -> str:
    """The scenario that a control belongs to: the longest name that its own
    begins with after `busted-`, so that one scenario can have several."""
    rest = control.name[len(CONTROL):]
    names = [s.name for s in table if f"{rest}-".startswith(f"{s.name}-")]
    return max(names, key=len, default=rest)


def matches(scenario: Scenario, glob: str, table: list[Scenario]) -> bool:
    """A control runs whenever its scenario does, and by its own name."""
    if fnmatch.fnmatchcase(scenario.name, glob):
        return True
    return scenario.is_control and fnmatch.fnmatchcase(owner(scenario, table), glob)


def _unknown(glob: str, table: list[Scenario]) -> ToolError:
    names = [scenario.name for scenario in table]
    near = difflib.get_close_matches(glob, names, n=3, cutoff=0.5)
    meant = f"did you mean {', '.join(near)}? " if near else ""
    return ToolError(f"SCENARIO={glob}: no scenario of that name",
                     f"{meant}`make scenarios` lists all, with what they ask")


def select(globs: str, table: list[Scenario]) -> list[Scenario]:
    """Scenarios named by comma-separated names and globs, in table order."""
    patterns = [glob.strip() for glob in globs.split(",") if glob.strip()]
    if not patterns:
        raise ToolError("SCENARIO is empty", "leave it out to run all, or name scenarios")
    for glob in patterns:
        if not any(matches(scenario, glob, table) for scenario in table):
            raise _unknown(glob, table)
    return [s for s in table if any(matches(s, glob, table) for glob in patterns)]
