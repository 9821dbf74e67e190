# SPDX-License-Identifier: GPL-2.0
"""Kept runs in the words that other people's formats share."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest

import exported
import kept_runs
from errors import ToolError
from exported import Status

KTAP = """\
KTAP version 1
1..2
    KTAP version 1
    # Subtest: slubtorture-layout
    1..1
    ok 1 layout_is_learned
ok 1 slubtorture-layout
    KTAP version 1
    # Subtest: slubtorture-late
    1..2
    ok 1 first
"""
CONSOLE = """\
[    1.0] slubtorture_kunit: begin x
[    1.1] BUG: KASAN: slab-out-of-bounds in slab_read+0x1/0x2 [slubtorture_kunit]
[    1.2] Call Trace:
[    1.3] ==================================================================
"""


def test_verdicts_become_statuses_as_the_exit_status_has_them(tmp_path: Path) -> None:
    [kept] = exported.load(kept_runs.run(tmp_path, kept_runs.ALL))
    assert [result.status for result in kept.results] == [
        Status.PASS, Status.FAIL, Status.SKIP, Status.ERROR, Status.MISS, Status.PASS,
        Status.ERROR, Status.ERROR]
    said = [result.said for result in kept.results]
    assert said[1] == "node-pointer-kept, cause lifetime"
    assert said[5] == "caught, as it must be: ordering"
    assert "missed: it passed, and should fail with cause ordering" in said[6]
    assert "failed with cause corruption" in said[7]
    assert kept.results[5].path == ("controls", "busted-exts-sweep")


def test_evidence_of_a_failure_has_all_that_is_known(tmp_path: Path) -> None:
    [kept] = exported.load(kept_runs.run(tmp_path, [kept_runs.FAILED]))
    text = kept.results[0].text
    assert "a pointer became 0" in text and "use-after-free in count_partial" in text
    assert "also broken: slab-owns-object, cause corruption" in text and "seen 0.9 s" in text
    assert text.endswith("alone: make run KERNEL=7.2 SCENARIO='exts-sweep' SEED=7")
    assert kept.facts["replay"] == "make run KERNEL=7.2 SEED=7"
    assert kept.started is not None and len(kept.config_sha256) == 64


def test_cases_of_kunit(tmp_path: Path) -> None:
    [kept] = exported.load(kept_runs.kunit(tmp_path, kept_runs.CASES))
    assert [result.status for result in kept.results] == [
        Status.PASS, Status.FAIL, Status.SKIP, Status.SKIP, Status.FAIL, Status.ERROR]
    assert kept.results[1].path == ("kunit", "slubtorture-layout", "matches", "slab->obj_exts")
    assert "8 is not 16" in kept.results[1].text and not kept.results[0].text
    assert kept.results[3].said == "failed, as is expected of it: not yet"


def test_what_is_no_cases_is_not_lost(tmp_path: Path) -> None:
    """All cases passed, but a suite did not end and the kernel complained."""
    where = kept_runs.kunit(tmp_path, [kept_runs.CASE], ktap=KTAP, console=CONSOLE)
    [kept] = exported.load(where)
    found = {result.path[1:]: result for result in kept.results[1:]}
    assert found[("slubtorture-late", "whole")].status is Status.ERROR
    assert found[("kernel", "report-1")].status is Status.FAIL
    assert "slab-out-of-bounds" in found[("kernel", "report-1")].said


def refused(directory: Path) -> str:
    with pytest.raises(ToolError) as raised:
        exported.load(directory)
    return f"{raised.value} ({raised.value.hint})"


def test_what_is_no_run_is_refused(tmp_path: Path) -> None:
    assert "no such directory" in refused(tmp_path / "none")
    assert "no run is kept there" in refused(tmp_path)
    (tmp_path / "plan.json").write_text("{}")
    assert "came to no end" in refused(tmp_path)
    (tmp_path / "records.jsonl").write_text("")
    assert "has no records" in refused(tmp_path)
    (tmp_path / "records.jsonl").write_text('{"run_id": "x"\n')
    assert "line 1, is no JSON" in refused(tmp_path)
    (tmp_path / "records.jsonl").write_text("[]\n")
    assert "is no record" in refused(tmp_path)


def test_records_of_another_version_are_refused(tmp_path: Path) -> None:
    where = kept_runs.run(tmp_path, [kept_runs.BASE])
    values = json.loads((where / "records.jsonl").read_text())
    del values["seed"]
    (where / "records.jsonl").write_text(json.dumps(values | {"colour": "red"}) + "\n")
    said = refused(where)
    assert "of another version: no seed, unknown colour" in said and "`replay`" in said


def test_records_before_a_member_came_are_read(tmp_path: Path) -> None:
    """Members with a default are those that came later."""
    where = kept_runs.run(tmp_path, [kept_runs.BASE])
    values = json.loads((where / "records.jsonl").read_text())
    for name in ("told", "others", "breach_ms"):
        del values[name]
    (where / "records.jsonl").write_text(json.dumps(values) + "\n")
    assert exported.load(where)[0].results[0].status is Status.PASS


def test_directories_with_blanks_and_several(tmp_path: Path) -> None:
    odd = tmp_path / "a run"
    odd.mkdir()
    assert exported.directories(str(odd)) == [odd]
    assert exported.directories("a b") == [Path("a"), Path("b")]
    assert exported.directories("") == [Path("out/latest")]
    assert exported.target("", [odd], "junit.xml") == odd / "junit.xml"
    with pytest.raises(ToolError, match="names 2 directories"):
        exported.target("", [odd, odd], "junit.xml")


def test_commit_of_a_git_tree_is_known_where_it_was_named_whole(tmp_path: Path) -> None:
    commit = "0123456789abcdef" * 2 + "01234567"
    for number, (kernel, known) in enumerate(((f"/src/linux@{commit}", commit), ("7.2", ""),
                                              ("/src/linux@v7.1", ""))):
        record = replace(kept_runs.BASE, run_id=str(number), replay=f"make run KERNEL={kernel} C=1")
        assert exported.load(kept_runs.run(tmp_path, [record]))[0].commit == known
