# SPDX-License-Identifier: GPL-2.0
"""`make scenarios`: all of this clone's, each once, and what globs choose."""

from __future__ import annotations

import re

import list_scenarios as ls
import pytest
from errors import ToolError
from options import COLUMNS
from scenarios import Scenario, known

TABLE = [Scenario("exts-a", False, "question a"), Scenario("busted-exts-a", False, "control: a"),
         Scenario("node-churn", True, "long " * 20)]


def names(text: str) -> list[str]:
    return re.findall(r"^  (\S+)", text, re.MULTILINE)


def test_every_scenario_is_listed_with_its_question() -> None:
    assert sorted(names(ls.listing(known(), ""))) == sorted(
        s.name for s in known() if not s.is_control)
    assert all(scenario.question for scenario in known())


def test_what_is_asked_by_name_stands_apart() -> None:
    usual, by_name = ls.listing(TABLE, "", "exts-*").split("by name only")
    assert names(usual) == ["exts-a"] and names(by_name) == ["node-churn"]
    assert by_name.endswith("with 1 control, which must fail")


def test_globs_bring_their_controls() -> None:
    text = ls.listing(TABLE, "exts-*", "exts-*")
    assert names(text) == ["exts-a", "busted-exts-a"] and "by name only" not in text
    with pytest.raises(ToolError):
        ls.listing(TABLE, "zzz", "exts-*")


def test_lines_fit_a_terminal() -> None:
    assert all(len(line) < COLUMNS for line in ls.listing(known(), "*").splitlines())
