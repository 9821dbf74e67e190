# SPDX-License-Identifier: GPL-2.0
"""Names of racers: those of the module's table, nothing else."""

from __future__ import annotations

import pytest

import racers
from errors import ToolError

NAMES = ["attributes", "slabinfo", "cpus"]


def test_the_table_of_this_clone_is_read() -> None:
    names = racers.known()
    assert {"attributes", "slabinfo", "shrink", "validate", "caches", "cpus"} <= set(names)
    assert len(names) == racers.TABLE.read_text().count("\nRACER(")


@pytest.mark.parametrize("text, wanted", [
    ("", ""), ("cpus", "cpus"), (" cpus, s*", "cpus,s*"), ("*", "*"), ("none", "none")])
def test_names_and_globs(text: str, wanted: str) -> None:
    assert racers.checked(text, NAMES) == wanted


@pytest.mark.parametrize("text", ["cpu", "cpus,", "x*", "none,cpus", "CPUS", "cpus seconds=9", "[c]pus"])
def test_unknown_names_are_refused(text: str) -> None:
    with pytest.raises(ToolError) as caught:
        racers.checked(text, NAMES)
    assert "RACERS=" in str(caught.value) and "slabinfo" in caught.value.hint


def test_a_near_miss_is_guessed() -> None:
    with pytest.raises(ToolError) as caught:
        racers.checked("slab-info", NAMES)
    assert "did you mean slabinfo?" in caught.value.hint
