# SPDX-License-Identifier: GPL-2.0
"""A session on disk, shown and exported: at its end, in its middle, before its
first answer."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest

import exported
import kept_runs
from bisection import kept
from bisection.outcomes import Answer, Outcome, Ran, Step
from bisection.session import Request, Session
from bisections import SIGNATURE, bisected, name
from errors import ToolError
from exported import Status


def session(where: Path, upto: int = 99, skips: tuple[int, ...] = ()) -> Session:
    """As `make bisect` leaves it after `upto` questions; result.json is not
    written yet."""
    view = bisected(9, 6, skips, upto)
    found = Session(where)
    values = {"scenario": "node-*", "cpus": "", "churn": "0"}
    found.create(Request("/src/linux", view.good, view.bad, values, signature=SIGNATURE),
                 list(view.commits))
    found.add("began")
    for step in view.steps:
        for ran in step.ran:
            found.add_ran(ran)
        found.add_step(step)
    return found


def with_result(found: Session, **values: object) -> Session:
    usual = {"first_bad": "", "suspects": [name(5), name(6)], "sure": None, "why": "not ended",
             "missing": "not ended", "clean_runs": 5,
             "measured": {"bad": 10, "runs": 20, "low": 0.27, "high": 0.73, "confidence": 0.95}}
    (found.directory / "result.json").write_text(json.dumps({**usual, **values}))
    return found


def test_all_files_are_written(tmp_path: Path) -> None:
    pytest.importorskip("matplotlib")
    found = with_result(session(tmp_path / "s"), first_bad=name(6), suspects=[], sure=0.96,
                        why="5 clean runs", missing="")
    (found.directory / "git-bisect.log").write_text(f"git bisect bad {name(6)}\n")
    files = [path.name for path in kept.write(found)]
    assert files == ["result.txt", "page.html", "annotated.log"]
    text = (found.directory / "result.txt").read_text()
    assert text.startswith("First bad commit:") and "rests on:     5 clean runs\n" in text
    assert "10 of 20 runs" in text and "scenario:     node-*" in text and "cpus" not in text
    assert "churn" not in text
    assert "# run 1, seed" in (found.directory / "annotated.log").read_text()
    assert (found.directory / "picture.png").stat().st_size > 1000
    assert "<svg" in (found.directory / "page.html").read_text()


def test_before_and_amid_the_questions_nothing_is_a_result(tmp_path: Path) -> None:
    begun = session(tmp_path / "begun", upto=0)
    assert not kept.view_of(begun).ended and kept.view_of(begun).measured is None
    amid = kept.view_of(with_result(session(tmp_path / "amid", upto=1)))
    assert not amid.ended and amid.suspects == () and amid.why == "not ended"


def test_runs_are_shown_before_they_make_an_answer(tmp_path: Path) -> None:
    found = session(tmp_path / "s", upto=0)
    for number in (1, 0):
        found.add_ran(Ran(name(4), number, 1, Outcome.GOOD, "26 pass", seconds=5))
    step = kept.view_of(found).steps[-1]
    assert (step.commit, step.subject) == (name(4), "mm/slub: change number 4")
    assert (step.answer, step.why) == (Answer.UNSURE, "not answered yet")
    assert [ran.number for ran in step.ran] == [0, 1]
    assert len(exported.load(found.directory)) == 2


def test_rate_is_shown_as_soon_as_it_is_known(tmp_path: Path) -> None:
    pytest.importorskip("scipy")
    found = session(tmp_path / "s", upto=0)
    found.add("rate", bad=5, runs=10)
    measured = kept.view_of(found).measured
    assert measured is not None and (measured.bad, measured.runs) == (5, 10)
    assert (round(measured.low, 3), round(measured.high, 3)) == (0.187, 0.813)


def test_skipped_commits_leave_suspects(tmp_path: Path) -> None:
    found = with_result(session(tmp_path / "s", skips=(5,)), sure=0.95, why="5 clean runs",
                        missing="any of 2 commits may be it")
    view = kept.view_of(found)
    assert view.ended and view.suspects == (name(5), name(6))
    assert view.why == "5 clean runs; any of 2 commits may be it"


def test_evidence_is_read_where_the_run_kept_it(tmp_path: Path) -> None:
    found = session(tmp_path / "s", upto=0)
    other = replace(kept_runs.BASE, verdict="fail", evidence="not this")
    where = kept_runs.run(tmp_path / "s", [other, kept_runs.FAILED])
    ran = Ran(name(6), 0, 7, Outcome.BAD, SIGNATURE, files=where.name)
    lines = kept.evidence_of(found.directory, replace(ran, said="node-offline-online: kept"))
    assert lines[0] == "node-offline-online: node-pointer-kept, cause lifetime"
    assert "a pointer became 0" in lines[1] and not any("not this" in line for line in lines)
    assert "not this" in kept.evidence_of(found.directory, ran)[1]  # the first, for want of a name
    assert kept.evidence_of(found.directory, replace(ran, files="runs/none")) == (SIGNATURE,)
    assert kept.evidence_of(found.directory, None) == ()


def test_a_session_is_exported_commit_by_commit(tmp_path: Path) -> None:
    found = with_result(session(tmp_path / "s", skips=(4,)))
    runs = exported.load(found.directory)
    steps = found.steps()
    assert [run.commit for run in runs] == [step.commit for step in steps]
    bad, skipped = runs[0], next(run for run in runs if run.commit == name(4))
    assert bad.results[0].status is Status.FAIL and bad.build_s == steps[0].build_s
    assert [result.status for result in skipped.results] == [Status.SKIP]
    assert len(bad.results) == 1 + len(steps[0].ran)
    assert bad.results[-1].facts["seed"] == steps[0].ran[-1].seed
    assert bad.started is not None and skipped.started is None and skipped.build_s == 40


def test_runs_without_an_answer_are_missing_results(tmp_path: Path) -> None:
    found = session(tmp_path / "s", upto=0)
    for number, outcome in enumerate((Outcome.BROKEN, Outcome.OTHER)):
        found.add_ran(Ran(name(3), number, 1, outcome, "why"))
    found.add_step(Step(name(3), "s", Answer.UNSURE, "the budget is spent"))
    [run] = [run for run in exported.load(found.directory) if run.commit == name(3)]
    assert [result.status for result in run.results] == [Status.ERROR, Status.MISS, Status.FAIL]


def test_what_is_no_session_is_refused(tmp_path: Path) -> None:
    found = session(tmp_path / "s", upto=0)
    (found.directory / "result.json").write_text("{")
    with pytest.raises(ToolError, match="no result of a bisection"):
        kept.view_of(found)
    (tmp_path / "t").mkdir()
    (tmp_path / "t/request.json").write_text("{}")
    with pytest.raises(ToolError, match="holds no bisection"):
        exported.load(tmp_path / "t")
