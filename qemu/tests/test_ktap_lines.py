# SPDX-License-Identifier: GPL-2.0
"""The grammar of single KTAP lines: what is a result, and what only looks it."""

from __future__ import annotations

import pytest

from qemu.ktap import PLAN, STAMP, VERSION, Result, result_of


@pytest.mark.parametrize("text, result", [
    ("ok 1 case", Result(1, True, "case")),
    ("not ok 12 case", Result(12, False, "case")),
    ("ok 1 - case", Result(1, True, "case")),
    ("ok 3 65536 bytes", Result(3, True, "65536 bytes")),
    ("ok 3 -12 is less", Result(3, True, "-12 is less")),
    ("ok 4", Result(4, True, "")),
    ("ok 1 a#b", Result(1, True, "a#b")),
    ("ok 1 case # SKIP no nodes", Result(1, True, "case", "SKIP no nodes")),
    ("ok 1 # SKIP no name", Result(1, True, "", "SKIP no name")),
    ("not ok 2 case #TODO later", Result(2, False, "case", "TODO later")),
])
def test_results_are_read(text: str, result: Result) -> None:
    assert result_of(text) == result


@pytest.mark.parametrize("text", ["", "ok", "ok case", "okay 1 case", "not okay 1", "ok1 case",
                                  "nok 1 case", "ok -1 case", " ok 1 case", "# ok 1 case"])
def test_other_lines_are_no_results(text: str) -> None:
    assert result_of(text) is None


@pytest.mark.parametrize("directive, keyword, reason", [
    ("SKIP no nodes", "SKIP", "no nodes"), ("skip: no nodes", "SKIP", "no nodes"),
    ("TODO", "TODO", ""), ("XFAIL known", "XFAIL", "known"), ("TIMEOUT 3 s", "TIMEOUT", "3 s"),
    ("SKIPPED ports are 3", "", "SKIPPED ports are 3"), ("rcode=0", "", "rcode=0"), ("", "", ""),
])
def test_directives_are_keyword_and_reason(directive: str, keyword: str, reason: str) -> None:
    result = Result(1, True, "case", directive)
    assert (result.keyword, result.reason) == (keyword, reason)


def test_plans_versions_and_stamps() -> None:
    assert PLAN.match("1..4") and PLAN.match("1..0 # SKIP none here")
    assert not PLAN.match("1..x") and not PLAN.match("1..4 cases")
    assert VERSION.match("KTAP version 1") and VERSION.match("TAP version 14")
    assert not VERSION.match("KTAP version 1, said somebody")
    for stamp in ("[    5.140900] ", "[12345.140900][    T1] ", "[5.14][C0] "):
        assert STAMP.sub("", stamp + "    ok 1 case") == "    ok 1 case"
    assert STAMP.sub("", "[drm] ok") == "[drm] ok"
