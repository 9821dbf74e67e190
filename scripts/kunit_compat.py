# SPDX-License-Identifier: GPL-2.0
"""Asks the kernel's own tools/testing/kunit/kunit.py what it reads in a KTAP
file or console, to compare it with what ktap.py reads.

    kunit_compat.py TREE FILE...

exits with 1 where the two differ. Two differences are meant: kunit.py knows no
TODO and XFAIL, and a suite that was planned and never came is one crashed case
to it, while here it is no case.
"""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

sys.path[:0] = [str(Path(__file__).resolve().parent.parent)]

import ktap
from entry import guarded
from errors import ToolError
from kunit_tool import TOOL
from options import cache_dir

_COUNT = re.compile(r"(passed|failed|crashed|skipped|errors): (\d+)")
_TESTING = "Testing complete."


@dataclass(frozen=True)
class Counts:
    """Cases by what became of them, in the words of kunit.py."""

    passed: int = 0
    failed: int = 0
    crashed: int = 0
    skipped: int = 0


def sources(environment: Mapping[str, str]) -> list[Path]:
    """Kernel sources here that have a kunit.py which can be asked for a summary
    (5.10's cannot), the newest last: the one that KUNIT_SOURCE names, or those of
    lab kernels."""
    named = environment.get("KUNIT_SOURCE", "")
    places = [Path(named)] if named else sorted(
        (cache_dir(environment) / "lab").glob("*/*/source"), key=lambda path: path.stat().st_mtime)
    return [place for place in places if _sums_up(place / TOOL)]


def _sums_up(tool: Path) -> bool:
    return tool.exists() and "--summary" in tool.read_text(errors="replace")


def theirs(tree: Path, log: Path) -> Counts:
    """What the kunit.py of a kernel's source counts in a log."""
    tool = tree / TOOL
    if not tool.exists():
        raise ToolError(f"{tree} has no {TOOL}", "name a kernel's source")
    done = subprocess.run([sys.executable, str(tool), "parse", "--summary", str(log.absolute())],
                          capture_output=True, text=True, check=False, cwd=tree)
    said = [line for line in done.stdout.splitlines() if _TESTING in line]
    if not said:
        raise ToolError(f"{tool} says nothing of {log}: {done.stderr.strip()[-300:]}",
                        "run the same by hand: kunit.py parse FILE")
    found = {word: int(number) for word, number in _COUNT.findall(said[-1])}
    found.pop("errors", None)
    return Counts(**found)


def ours(lines: Iterable[str]) -> Counts:
    """The same of ktap.py, with the two differences taken out."""
    parser = ktap.Parser()
    events = [event for line in lines for event in parser.feed(line)] + parser.finish()
    suites = [event for event in events if isinstance(event, ktap.Suite)]

    def total(verdict: str) -> int:
        return sum(suite.count(verdict) for suite in suites)

    absent = max(0, (parser.planned or 0) - len(suites))
    return Counts(total(ktap.PASS), total(ktap.FAIL) + total(ktap.TODO),
                  total(ktap.UNFINISHED) + absent, total(ktap.SKIP))


def whole_lines(log: Path) -> list[str]:
    return log.read_bytes().decode(errors="replace").split("\n")[:-1]


def differences(tree: Path, logs: Iterable[Path]) -> list[str]:
    """A line for each log of which the two say different things."""
    found = []
    for log in logs:
        mine, other = ours(whole_lines(log)), theirs(tree, log)
        if mine != other:
            found.append(f"{log}: {mine} here, {other} by {TOOL.name}")
    return found


def main() -> int:
    if len(sys.argv) < 3:
        raise ToolError("a kernel's source and a log are wanted", "kunit_compat.py TREE FILE...")
    logs = [Path(name) for name in sys.argv[2:]]
    absent = [log for log in logs if not log.is_file()]
    if absent:
        raise ToolError(f"{absent[0]} is no file", "name a run's ktap or console")
    found = differences(Path(sys.argv[1]), logs)
    print("\n".join(found) or f"the same in {len(logs)} logs")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(guarded(main))
