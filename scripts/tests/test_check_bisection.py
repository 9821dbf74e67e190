# SPDX-License-Identifier: GPL-2.0
"""The stage of `make check` that bisects: what it must catch."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Sequence
from pathlib import Path

import bisect_tree
import check_bisection as stage
import pytest


def bisecting(tree: Path, first: str, sure: float, again: bool,
              touch: bool) -> Callable[..., tuple[int, str]]:
    """Stands for the commands of the stage; `again`: it runs what it has run."""
    def command(words: Sequence[str], out: Path, log: str, seconds: float) -> tuple[int, str]:
        if "bisect_kernel_tree" in words[1]:
            return 0, f"make bisect TREE={tree} GOOD=good BAD=always\n"
        place = out / "bisected/bisect/x"
        new = not place.exists()
        place.mkdir(parents=True, exist_ok=True)
        (place / "result.json").write_text(json.dumps({"first_bad": first, "sure": sure}))
        with (place / "journal.jsonl").open("a") as journal:
            journal.write('{"what": "began"}\n' + ('{"what": "ran"}\n' if new or again else ""))
        if touch:
            (tree / "left-behind").touch()
        steps = bisect_tree.git(tree, "log", "--format=%h", "--abbrev=12")
        return 0, f"First bad commit:\n  {first[:12]}\n\nSteps:\n{steps}"
    return command


@pytest.mark.parametrize("wrong", ["", "commit", "sure", "again", "touch"])
def test_a_wrong_or_doubtful_answer_work_done_twice_and_traces_are_told(
        tmp_path: Path, monkeypatch: pytest.MonkeyPatch, wrong: str) -> None:
    if shutil.which("git") is None:
        pytest.skip("git is not installed")
    names = bisect_tree.make(tmp_path / "linux", ["good", "bad", "bad"])
    bisect_tree.git(tmp_path / "linux", "tag", "always-first", names[1])
    monkeypatch.setattr(stage, "command", bisecting(
        tmp_path / "linux", names[2 if wrong == "commit" else 1], 0.5 if wrong == "sure" else 0.97,
        wrong == "again", wrong == "touch"))
    count = stage.bisection_tests(tmp_path / "out", 9)
    assert (count.passed, len(count.failed)) == ((3, 0) if not wrong else (2, 1))
    told = {"commit": "brought the bug", "sure": "brought the bug", "again": "over again",
            "touch": "as it was"}
    assert not wrong or told[wrong] in count.failed[0]


def test_without_a_tree_nothing_passes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stage, "command", lambda *what: (2, "no room"))
    count = stage.bisection_tests(tmp_path, 9)
    assert count.passed == 0 and "no room" in count.failed[0]
