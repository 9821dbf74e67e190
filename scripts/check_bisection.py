# SPDX-License-Identifier: GPL-2.0
"""The stage of `make check` that bisects real kernels: a few commits of the git
tree that scripts/tests/bisect_kernel_tree.py makes, around the one that puts a
bug back; then the same command once more, which must do nothing over again.
"""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

from stages import ROOT, Count, command, tail

# From the commit before the bug came to the one after it: two questions.
GOOD, BAD, FIRST = "always-first~2", "always~5", "always-first"
ASKED = ("--scenario", "exts-in-object", "--seconds", "1", "--config", "kunit")


def _state(tree: str) -> str:
    """All references and objects of the tree, which must stay as they are."""
    refs = subprocess.run(["git", "-C", tree, "for-each-ref"], capture_output=True, text=True,
                          check=True).stdout
    files = sorted(f"{path} {path.stat().st_mtime_ns}" for path in Path(tree).rglob("*"))
    return "\n".join([refs, *files])


def _bisected(tree: str, out: Path, log: str, seconds: float) -> tuple[int, str]:
    return command([sys.executable, "scripts/bisect", "run", "--tree", tree, "--good", GOOD, "--bad",
                    BAD, *ASKED, "--out", str(out / "bisected")], out, log, seconds)


def _facts(out: Path, kind: str) -> list[str]:
    """Lines of the journal, of the only session there is."""
    journals = list((out / "bisected/bisect").glob("*/journal.jsonl"))
    lines = journals[0].read_text().splitlines() if len(journals) == 1 else []
    return [line for line in lines if json.loads(line)["what"] == kind]


def _result(out: Path) -> dict[str, object]:
    found = list((out / "bisected/bisect").glob("*/result.json"))
    return dict(json.loads(found[0].read_text())) if len(found) == 1 else {}


def bisection_tests(out: Path, seconds: float) -> Count:
    count = Count()
    status, text = command([sys.executable, "scripts/tests/bisect_kernel_tree.py"], out,
                           "bisect-tree.log", seconds)
    tree = text.partition("TREE=")[2].partition(" ")[0]
    if status or not tree:
        count.failed.append(f"a git tree of a kernel: exit status {status}\n{tail(text)}")
        return count
    first = subprocess.run(["git", "-C", tree, "rev-parse", FIRST], capture_output=True, text=True,
                           check=True).stdout.strip()
    before = _state(tree)
    status, text = _bisected(tree, out, "bisect.log", seconds)
    result = _result(out)
    sure = result.get("sure")
    count.test("bisection: the commit that brought the bug", [] if (
        status == 0 and result.get("first_bad") == first and isinstance(sure, float)
        and sure >= 0.95) else [f"exit status {status}, {first} wanted\n{tail(text)}"])
    ran = _facts(out, "ran")
    status, text = _bisected(tree, out, "bisect-again.log", seconds)
    count.test("bisection: the same command does nothing over again", [] if (
        status == 0 and ran and _facts(out, "ran") == ran and f"{first[:12]}" in text) else [
            f"exit status {status}, {len(ran)} runs before\n{tail(text)}"])
    count.test("bisection: the tree is as it was", [] if _state(tree) == before else [tree])
    return count
