# SPDX-License-Identifier: GPL-2.0
"""What is known of a bisection survives crashes, full disks and cut lines."""

from __future__ import annotations

import errno
import fcntl
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from bisection.journal import Journal
from bisection.outcomes import Answer, Commit, Outcome, Ran, Step
from bisection.session import Request, Session, sessions
from errors import ToolError

ASKED = Request("/linux", "a" * 40, "b" * 40, {"scenario": "exts-*"}, seed=7)
RANGE = [Commit("c" * 40, "one", ("a" * 40,)), Commit("b" * 40, "two", ("c" * 40,))]


def made(tmp_path: Path) -> Session:
    session = Session(tmp_path / "bisect" / ASKED.name)
    session.create(ASKED, RANGE)
    return session


def test_a_line_that_was_cut_is_taken_away_and_no_other(tmp_path: Path) -> None:
    journal = Journal(tmp_path / "j")
    journal.add("note", text="one")
    journal.add("note", text="two")
    whole = journal.path.read_bytes()
    for cut in range(1, len(whole)):
        journal.path.write_bytes(whole[:cut])
        before = list(Journal(journal.path).lines())
        assert len(before) == whole[:cut].count(b"\n")
        Journal(journal.path).add("note", text="three")
        after = [values["text"] for values in Journal(journal.path).lines()]
        assert after == [values["text"] for values in before] + ["three"]


def test_a_full_disk_leaves_no_half_fact(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    journal = Journal(tmp_path / "j")
    journal.add("note", text="one")
    whole, write = journal.path.read_bytes(), Journal._write

    def full(self: Journal, line: bytes) -> None:
        write(self, line[:5])
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(Journal, "_write", full)
    with pytest.raises(ToolError, match="No space left"):
        journal.add("note", text="two")
    assert journal.path.read_bytes() == whole
    monkeypatch.setattr(Journal, "_write", write)
    journal.add("note", text="three")
    assert [values["text"] for values in journal.lines()] == ["one", "three"]


@pytest.mark.parametrize("line", ["{}", "[]", "x", '{"text": 1}'])
def test_a_line_that_is_no_fact_is_named(tmp_path: Path, line: str) -> None:
    (tmp_path / "j").write_text(f'{{"what": "note"}}\n{line}\n')
    with pytest.raises(ToolError, match="line 2"):
        list(Journal(tmp_path / "j").lines())


def test_the_same_question_is_the_same_session() -> None:
    assert replace(ASKED, seed=8).name == ASKED.name
    other: list[dict[str, Any]] = [
        {"good": "c" * 40}, {"bad": "c" * 40}, {"tree": "/x"}, {"suites": True}, {"error": 0.1},
        {"signature": "panic"}, {"values": {"scenario": "exts-*", "seed": "8"}}]
    assert len({replace(ASKED, **values).name for values in other} | {ASKED.name}) == 8
    assert Request.from_json(ASKED.to_json()) == ASKED


def test_runs_and_steps_are_found_again(tmp_path: Path) -> None:
    session = made(tmp_path)
    runs = [Ran("c" * 40, number, 5, Outcome.GOOD, "pass", files=f"runs/{number}")
            for number in (1, 0)]
    for ran in (*runs, Ran("b" * 40, 0, 6, Outcome.BAD, "fail")):
        session.add_ran(ran)
    session.add_step(Step("c" * 40, "one", Answer.SKIP, "why", 1.5))
    session.add_step(Step("c" * 40, "one", Answer.GOOD, "2 runs", 2.5))
    again = Session(session.directory)
    assert again.ran("c" * 40) == (runs[1], runs[0]) and len(again.ran()) == 3
    assert again.steps() == [Step("c" * 40, "one", Answer.GOOD, "2 runs", 2.5,
                                  (runs[1], runs[0]))]
    assert again.request == ASKED and again.commits() == RANGE
    assert [one.directory for one in sessions(tmp_path)] == [session.directory]


def test_a_run_has_the_seed_that_it_had(tmp_path: Path) -> None:
    session = made(tmp_path)
    seeds = {session.seed_of(commit * 40, number) for commit in "abc" for number in range(20)}
    assert len(seeds) == 60 and all(1 <= seed < 2**31 for seed in seeds)
    assert session.seed_of("a" * 40, 3) == Session(session.directory).seed_of("a" * 40, 3)


def test_what_is_hunted_is_what_was_proposed_unless_asked_for(tmp_path: Path) -> None:
    session = made(tmp_path)
    assert session.signature() == ""
    session.add("signature", text="panic", proposed=True, why="run 0")
    assert session.signature() == "panic"


def test_time_away_from_the_work_does_not_count(tmp_path: Path) -> None:
    session = made(tmp_path)
    for what, when in (("began", 10.0), ("note", 15.0), ("paused", 20.0), ("began", 1000.0),
                       ("note", 1030.0), ("began", 5000.0), ("note", 5001.0)):
        session.journal.add(what, when=when)
    assert session.worked_s() == 10 + 30 + 1


def test_a_session_has_one_worker(tmp_path: Path) -> None:
    session = made(tmp_path)
    with open(session.directory / ".lock", "ab") as other:
        fcntl.flock(other, fcntl.LOCK_EX)
        with pytest.raises(ToolError, match="another process"), session.held():
            pass
    with session.held():
        session.add("note", text="x")


def test_a_directory_that_is_no_session_is_told(tmp_path: Path) -> None:
    with pytest.raises(ToolError, match="holds no bisection"):
        Session(tmp_path).request
