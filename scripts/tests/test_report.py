# SPDX-License-Identifier: GPL-2.0
"""records.py and report.py: what is kept can be read again, nothing is written
over, and the table fits 80 columns whatever it holds."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from errors import ToolError
from guests import BASE, CHOSEN, by_name, channel, ending, judged
from judge import judge
from records import (Record, from_json_lines, new_run_dir, point_latest, save, to_json_lines)
from report import control_result, found, seconds_text, table

RUNS = [("clean", "clean"), ("fail", "clean"), ("panic", "panic"), ("silent-control", "clean"),
        ("refused", "refused")]


@pytest.mark.parametrize("name, console", RUNS)
def test_table_fits_80_columns(name: str, console: str) -> None:
    for line in table(judged(name, console)).splitlines():
        assert len(line) <= 80 or line.startswith("  |"), line
        assert line == line.rstrip()


def test_long_reason_is_wrapped_under_its_column() -> None:
    record = replace(BASE, scenario="node-offline-online", verdict="skip", reason="word " * 30)
    rows = table([record]).splitlines()
    assert all(len(row) <= 80 for row in rows)
    assert sum("word" in row for row in rows) > 3


def test_table_of_a_clean_run() -> None:
    text = table(judged("clean"))
    assert "handoff-xchg" in text and "77 overlaps" in text
    assert f"{'busted-exts-external':<33} caught, corruption" in text
    assert "exts=slab->obj_exts at +56" in text
    assert text.endswith("2 pass, 0 fail, 0 skip, 0 broken; controls 1 of 1 caught")


def test_long_names_have_a_line_of_their_own() -> None:
    plain = replace(BASE, scenario="handoff-xchgrelease-xchgacquire", verdict="pass",
                    observations=1_000_000, overlaps=1000, note="34 of 34 cells")
    control = replace(BASE, scenario="busted-handoff-xchgrelease-xchgacquire", verdict="fail",
                      cause="ordering", expected="fail:ordering")
    rows = table([plain, control]).splitlines()
    assert all(len(row) <= 80 for row in rows)
    assert plain.scenario in rows and control.scenario in rows
    assert rows[rows.index(plain.scenario) + 1].split()[:2] == ["pass", "1,000,000"]
    assert rows[rows.index(control.scenario) + 1].strip() == "caught, ordering"


def test_fail_shows_evidence_and_how_to_ask_alone() -> None:
    text = table(judged("fail"))
    assert "evidence: CPU 1 saw 0 where CPU 0 wrote 0x2a" in text
    assert "  alone: make run SEED=42" in text


def test_a_breach_says_when_it_was_seen() -> None:
    assert "after the module was loaded" not in table(judged("fail"))
    record = replace(BASE, verdict="fail", cause="truncation", evidence="0",
                     breach_ms=312)
    assert "  seen 0.3 s after the module was loaded" in table([record])
    assert from_json_lines(to_json_lines([record])) == [record]


def test_long_names_of_controls_fit() -> None:
    record = replace(BASE, scenario="busted-exts-sweep-a-very-long-name", expected="fail:ordering",
                     verdict="skip", reason="word " * 30)
    assert all(len(row) <= 80 for row in table([record]).splitlines())


def test_panic_shows_the_splat() -> None:
    assert "  | RIP: 0010:kmem_cache_free+0x4f/0x300" in table(judged("panic", "panic"))


def test_missed_control_says_what_it_wanted() -> None:
    record = judged("silent-control")[1]
    assert control_result(record) == "MISSED: passed, should fail with cause corruption"


def test_skip_shows_its_reason() -> None:
    assert found(replace(BASE, verdict="skip", reason="no BTF")) == "no BTF"


@pytest.mark.parametrize("ms, text", [(0, "0.0 s"), (1234, "1.2 s"), (1_000_000, "1000 s")])
def test_seconds(ms: int, text: str) -> None:
    assert seconds_text(ms) == text


def test_records_survive_their_file() -> None:
    records = judged("panic", "panic")
    assert from_json_lines(to_json_lines(records)) == records


@pytest.mark.parametrize("text", ["{", "{}", '{"scenario": 1}', "[]", "1"])
def test_damaged_record_is_named_by_line(text: str) -> None:
    with pytest.raises(ToolError, match="line 1"):
        from_json_lines(text)


def test_run_directories_are_never_shared(tmp_path: Path) -> None:
    dirs = [new_run_dir(tmp_path, "7.2", 1, 0.0) for _ in range(3)]
    assert len(set(dirs)) == 3


def test_latest_follows_and_respects_what_is_no_link(tmp_path: Path) -> None:
    first, second = tmp_path / "a", tmp_path / "b"
    first.mkdir()
    second.mkdir()
    point_latest(tmp_path, first)
    point_latest(tmp_path, second)
    assert (tmp_path / "latest").resolve() == second
    other = tmp_path / "own"
    (other / "latest").mkdir(parents=True)
    point_latest(other, first)
    assert (other / "latest").is_dir() and not (other / "latest").is_symlink()


def test_saved_files_leave_nothing_half_done(tmp_path: Path) -> None:
    save(tmp_path, {"ktap": "KTAP version 1\n"})
    assert [path.name for path in tmp_path.iterdir()] == ["ktap"]


def test_record_has_no_mutable_parts() -> None:
    assert hash(BASE) and isinstance(BASE, Record)


def test_the_same_long_reason_is_said_once() -> None:
    text = table(judged("refused", "refused"))
    assert text.count("not reached") == 1 and text.count("as above") == 2


def test_what_a_scenario_told_is_printed_as_it_is() -> None:
    told = ("kept, bytes        structure", "cache-1                  64")
    record = replace(BASE, scenario="node-price", verdict="pass", observations=1, told=told)
    rows = table([record, replace(record, scenario="other", told=())]).splitlines()
    at = rows.index("node-price")
    assert rows[at + 1:at + 3] == [f"  {line}" for line in told] and "other" not in rows
    assert from_json_lines(to_json_lines([record])) == [record]


def test_tables_are_read_of_a_subtest() -> None:
    transcript = replace(channel("clean"), subtests={
        "exts-external": ("# | a  b", "ok 1 x", "# |c", "# | 1  2")})
    records = judge(BASE, CHOSEN, transcript, ending("clean"))
    assert by_name(records)["exts-external"].told == ("a  b", "1  2")
    assert by_name(records)["handoff-xchg"].told == ()
