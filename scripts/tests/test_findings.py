# SPDX-License-Identifier: GPL-2.0
"""A failure is known only where a finding explains all of it: series, scenario,
invariant, cause, evidence, what else broke and what the kernel said."""

from __future__ import annotations

import re

import pytest

import findings
import scenarios
from expectations import EXPECTATIONS, verdict_problems
from series import series_key

FREED = {"kernel_release": "5.10.0-46-cloud-amd64", "scenario": "node-partial",
         "verdict": "fail", "invariant": "node-pointer-kept", "cause": "lifetime",
         "evidence": "cache fsverity_info node 1: 0000000006427208 became 0000000000000000 "
                     "when its last normal memory went offline", "others": (), "splat": ()}
HELD = FREED | {"scenario": "node-window-alloc", "invariant": "node-kept-in-use",
                "evidence": "a reader held in slab_out_of_memory had looked up 0000000048abc211 "
                            "for node 1; when it went on, the cache had 0000000000000000: what "
                            "it uses next has been freed"}
ZONELIST = FREED | {"kernel_release": "7.2.13", "scenario": "node-churn", "invariant": "no-splat",
                    "cause": "unknown",
                    "evidence": "BUG: KASAN: null-ptr-deref in zone_statistics+0x50/0xc6",
                    "splat": ("BUG: KASAN: null-ptr-deref in zone_statistics+0x50/0xc6",)}


@pytest.mark.parametrize("record, name", [
    (FREED, "node-structs-freed"), (HELD, "node-structs-freed"),
    (FREED | {"scenario": "node-churn"}, "node-structs-freed"),
    (FREED | {"splat": ("BUG: KASAN: use-after-free in count_partial",)}, "node-structs-freed"),
    (ZONELIST, "zonelist-rewritten")])
def test_what_is_known_is_named(record: dict[str, object], name: str) -> None:
    found = findings.known(record)
    assert found is not None and found.name == name


@pytest.mark.parametrize("other", [
    {"kernel_release": "5.12.0-1-amd64"}, {"kernel_release": "7.2.13+deb14-cloud-amd64"},
    {"kernel_release": "-"}, {"verdict": "broken"}, {"verdict": "pass"},
    {"scenario": "exts-sweep"}, {"invariant": "node-barn-kept"}, {"cause": "corruption"},
    {"evidence": "cache fsverity_info node 1: 0000000006427208 became 00000000deadbeef when"},
    {"others": ("node-counts-match-lists:accounting",)},
    {"splat": ("WARNING: CPU: 1 PID: 77 at mm/slub.c:1234",)}])
def test_anything_else_is_news(other: dict[str, object]) -> None:
    assert findings.known(FREED) is not None
    assert findings.known(FREED | other) is None


def test_the_series_can_be_given() -> None:
    lab = FREED | {"kernel_release": "5.10.262"}
    assert findings.known(lab, "5.10") is not None
    assert findings.known(lab, "5.12") is None


def test_findings_are_whole() -> None:
    names = [row.name for row in scenarios.known()]
    for finding in findings.FINDINGS:
        assert re.fullmatch(r"[0-9a-f]{12}", finding.commit), finding.name
        assert finding.signs and finding.what
        if finding.since and finding.until:
            assert series_key(finding.since) < series_key(finding.until)
        for sign in finding.signs:
            re.compile(sign.evidence)
            for glob in sign.scenarios:
                assert any(sign_matches(name, glob) for name in names), glob


def sign_matches(name: str, glob: str) -> bool:
    return findings.Sign((glob,), "", "", "").fits(name, "", "")


def test_5_10_must_fail_and_later_ones_must_not() -> None:
    assert set(findings.certain("5.10")) == {"node-offline-online", "node-partial"}
    for expected in EXPECTATIONS:
        assert bool(expected.fails) == (expected.series == "5.10") == (expected.status == 1)


def test_a_kernel_with_a_finding_that_passes_is_a_problem() -> None:
    at = {expected.series: expected for expected in EXPECTATIONS}
    silent = FREED | {"verdict": "pass", "observations": 12, "invariant": "-", "cause": "none"}
    assert verdict_problems([FREED], at["5.10"]) == []
    assert len(verdict_problems([silent], at["5.10"])) == 1
    assert len(verdict_problems([FREED], at["7.2"])) == 1
