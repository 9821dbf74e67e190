# SPDX-License-Identifier: GPL-2.0
"""Tiny git trees that look like Linux to a bisection: each commit says in
mm/slub.c what a kernel built from it is like (bisect_fake.py reads that)."""

from __future__ import annotations

import subprocess
from collections.abc import Sequence
from pathlib import Path


def git(tree: Path, *words: str, stdin: str | None = None) -> str:
    return subprocess.run(["git", "-C", str(tree), "-c", "user.name=t", "-c", "user.email=t",
                           *words], input=stdin, capture_output=True, text=True, check=True).stdout


def _commit(number: int, state: str, parents: Sequence[int]) -> str:
    message, data = f"mm: change {number}, {state}", f"{state}\n{number}\n"
    lines = [] if parents else ["reset refs/heads/main", ""]  # else the last one is its parent
    lines += ["commit refs/heads/main", f"mark :{number + 1}",
             f"committer t <t> {1700000000 + number} +0000", f"data {len(message)}", message]
    lines += [f"from :{parents[0] + 1}"] if parents else []
    lines += [f"merge :{parent + 1}" for parent in parents[1:]]
    return "\n".join([*lines, "M 644 inline mm/slub.c", f"data {len(data)}", data, ""])


def make(place: Path, states: Sequence[str],
         parents: dict[int, Sequence[int]] | None = None) -> list[str]:
    """A tree at `place` with a commit for each state, one after the other but
    where `parents` says otherwise; returns their names."""
    place.mkdir(parents=True)
    git(place, "init", "-q", "-b", "main")
    stream = "".join(
        _commit(number, state, (parents or {}).get(number, [number - 1] if number else []))
        for number, state in enumerate(states))
    git(place, "fast-import", "--quiet", "--export-marks=.git/marks", stdin=stream)
    marks = dict(line.split() for line in (place / ".git/marks").read_text().splitlines())
    (place / ".git/marks").unlink()
    git(place, "checkout", "-q", "-f", "main")
    return [marks[f":{number + 1}"] for number in range(len(states))]
