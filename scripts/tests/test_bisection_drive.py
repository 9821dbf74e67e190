# SPDX-License-Identifier: GPL-2.0
"""Whole bisections of tiny trees: the right commit, the right refusals, and the
same answer after any end."""

from __future__ import annotations

import json
import os
import random
import shutil
import signal
import time
from pathlib import Path

import bisect_fake
import bisect_tree
import pytest
from bisection.drive import Result
from bisection.outcomes import Answer, Outcome
from bisection.session import Session
from errors import ToolError
from qemu.guest import Stopped

STATES = ["good"] * 9 + ["no-build", "good", "no-boot", "other", "good"] + ["bad"] * 12


@pytest.fixture(autouse=True)
def _git_there() -> None:
    if shutil.which("git") is None:
        pytest.skip("git is not installed")


def made(tmp_path: Path, states: list[str], **asked: object) -> tuple[Session, list[str]]:
    names = bisect_tree.make(tmp_path / "linux", states)
    return bisect_fake.session_for(tmp_path / "out", tmp_path / "linux", names[0], names[-1],
                                   **asked), names


def executed(session: Session) -> list[str]:
    path = session.directory / "executed"
    lines = path.read_text().splitlines() if path.exists() else []
    return [line for line in lines if not line.startswith("closed")]


def done(session: Session, **how: float) -> Result:
    return bisect_fake.bisection(session, hours=how.get("hours", 0),
                                 runs_most=int(how.get("runs_most", 60))).run()


def test_a_bug_that_always_shows(tmp_path: Path) -> None:
    session, names = made(tmp_path, STATES)
    result = done(session)
    assert result.first_bad == names[14] and result.missing == "" and not result.suspects
    assert result.sure is not None and result.sure >= 0.95
    answers = {names.index(step.commit): step.answer for step in session.steps()}
    assert all(answers[at] is {"good": Answer.GOOD, "bad": Answer.BAD}.get(STATES[at], Answer.SKIP)
               for at in answers)
    told = json.loads((session.directory / "result.json").read_text())
    assert told["first_bad"] == names[14] and told["sure"] == result.sure
    assert not (session.directory / "walk.git").exists()
    assert (session.directory / "executed").read_text().splitlines()[-1] == "closed 0"
    assert f"git bisect bad {names[14]}" in (session.directory / "git-bisect.log").read_text()


def test_what_cannot_be_asked_is_passed_over_and_says_why(tmp_path: Path) -> None:
    session, names = made(tmp_path, ["good", "no-build", "no-boot", "other", "bad", "bad"])
    result = done(session)
    assert not result.found and set(result.suspects) == set(names[1:5])
    assert "any of 4" in result.missing
    why = {names.index(step.commit): step.why for step in session.steps()
           if step.answer is Answer.SKIP}
    assert "mm/slub.c:1: error" in why[1] and set(why) == {1, 2, 3}
    assert names[1] in {values["commit"] for values in session.journal.lines()
                        if values["what"] == "built"}
    assert "accounting" in why[3] and "3 other" in why[3] and "3 broken" in why[2]


def test_a_bug_that_shows_now_and_then(tmp_path: Path) -> None:
    session, names = made(tmp_path, ["good"] * 7 + ["flaky"] * 9, error=0.02)
    result = done(session)
    assert result.first_bad == names[7] and result.sure is not None and result.sure >= 0.98
    good = [step for step in session.steps() if step.answer is Answer.GOOD]
    assert all(len(step.ran) >= 15 for step in good)


def test_the_first_failure_of_bad_is_hunted_unless_another_is_named(tmp_path: Path) -> None:
    session, names = made(tmp_path, ["good", "good", "other", "bad"])
    done(session)
    assert session.signature() == bisect_fake.HUNTED
    named, _ = made(tmp_path / "b", ["good", "bad", "good", "bad"], signature="fail exts-aligned")
    with pytest.raises(ToolError, match="BAD fails, but not with 'fail exts-aligned'"):
        done(named)


@pytest.mark.parametrize("states, match", [
    (["bad", "good", "bad"], "GOOD=.* fails, too"),
    (["no-boot", "good", "bad"], "GOOD=.* cannot be asked"),
    (["no-build", "good", "bad"], "(?s)GOOD=.* cannot be asked: .*error"),
    (["other", "good", "bad"], "GOOD=.* cannot be asked: .*accounting"),
    (["good", "good", "good"], "BAD did not show a failure in 60 runs: .* less than"),
    (["good", "good", "no-boot"], "BAD gives no answer in 3 of 3 runs"),
    (["good", "good", "no-build"], "BAD=.* cannot be asked")])
def test_ends_that_make_no_bisection_are_told_before_any_question(
        tmp_path: Path, states: list[str], match: str) -> None:
    session, names = made(tmp_path, states)
    with pytest.raises(ToolError, match=match) as caught:
        done(session)
    assert caught.value.hint and names[1] not in {line.split()[0] for line in executed(session)}


def test_more_runs_of_bad_go_on_from_those_there_are(tmp_path: Path) -> None:
    session, _ = made(tmp_path, ["good", "good"])
    for runs_most in (5, 5, 12):
        with pytest.raises(ToolError, match="BAD did not show"):
            done(session, runs_most=runs_most)
    assert 12 <= len(executed(session)) == len(set(executed(session))) < 20


def test_the_end_of_the_time_says_what_is_known_and_what_is_missing(tmp_path: Path) -> None:
    session, names = made(tmp_path, ["good"] * 7 + ["flaky"] * 9)
    work = bisect_fake.bisection(session, hours=1)
    bench = work.asker.bench
    assert isinstance(bench, bisect_fake.FakeBench)

    def late(count: int) -> None:
        questions = {line.split()[0] for line in executed(session)} - {names[0], names[-1]}
        if len(questions) == 2:
            work.asker.clock.began -= 3600

    bench.on_run = late
    result = work.run()
    assert not result.found and "HOURS" in result.missing and "missing:" in result.missing
    assert result.suspects and names[7] in result.suspects
    assert not any(step.answer is Answer.UNSURE for step in session.steps())
    again = done(session)
    assert again.first_bad == names[7]
    assert len(executed(session)) == len(set(executed(session)))


def test_no_time_at_all(tmp_path: Path) -> None:
    session, names = made(tmp_path, ["good", "bad"])
    work = bisect_fake.bisection(session, hours=1)
    work.asker.clock.began -= 3601
    result = work.run()
    assert not result.found and "0 of 0 runs" in result.missing
    assert done(session).first_bad == names[1]


def test_a_signal_ends_it_with_all_that_is_known(tmp_path: Path) -> None:
    session, names = made(tmp_path, STATES)
    work = bisect_fake.bisection(session)
    assert isinstance(work.asker.bench, bisect_fake.FakeBench)

    def stop(count: int) -> None:
        if count == 9:
            raise Stopped(signal.SIGTERM)

    work.asker.bench.on_run = stop
    with pytest.raises(Stopped):
        work.run()
    recorded = {(ran.commit, ran.number) for ran in session.ran()}
    assert len(recorded) == 8 and session.last("paused")
    assert done(session).first_bad == names[14]
    after = executed(session)[9:]
    assert not {(line.split()[0], int(line.split()[1])) for line in after} & recorded


def test_a_full_disk_is_no_answer_about_a_commit(
        tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    session, names = made(tmp_path, ["good", "no-boot", "bad"])
    monkeypatch.setattr("bisection.step._FULL_BYTES", 1 << 60)
    with pytest.raises(ToolError, match="is full"):
        done(session)
    assert not [ran for ran in session.ran() if ran.outcome is Outcome.BROKEN]
    monkeypatch.undo()
    assert set(done(session).suspects) == {names[1], names[2]}


def test_a_result_that_rests_on_a_doubtful_good_is_confirmed(tmp_path: Path) -> None:
    """The first question is answered wrong by luck, and only bads follow: more
    runs of that commit are asked for, they show the bug, and the walk begins anew."""
    session, names = made(tmp_path, ["good"] + ["flaky"] * 16)
    work = bisect_fake.bisection(session)
    assert isinstance(work.asker.bench, bisect_fake.FakeBench)
    lucky: list[str] = []

    def answered(commit: str) -> str:
        if not lucky and commit not in (names[0], names[-1]):
            lucky.append(commit)
        steps = {step.commit for step in session.steps()}
        return "" if lucky != [commit] else "bad" if commit in steps else "good"

    work.asker.bench.forced = answered
    result = work.run()
    assert result.first_bad == names[1]
    answers = [values["answer"] for values in session.journal.lines()
               if values["what"] == "step" and values["commit"] == lucky[0]]
    assert answers == ["good", "bad"]


def kill_at_random(session: Session, pid: int, rng: random.Random) -> bool:
    """SIGKILL after a few more facts and some milliseconds; whether it was still
    at work then."""
    path = session.directory / "journal.jsonl"
    size, more = (path.stat().st_size if path.exists() else 0), rng.randrange(0, 500)
    while os.waitpid(pid, os.WNOHANG) == (0, 0):
        if (path.stat().st_size if path.exists() else 0) >= size + more:
            time.sleep(rng.uniform(0, 0.02))
            os.kill(pid, signal.SIGKILL)
            return os.WIFSIGNALED(os.waitpid(pid, 0)[1])
        time.sleep(0.001)
    return False


def test_killed_at_twenty_random_moments(tmp_path: Path) -> None:
    states = ["good"] * 9 + ["no-build", "flaky", "no-boot"] + ["flaky"] * 12
    session, names = made(tmp_path, states)
    other, _ = made(tmp_path / "undisturbed", states)
    wanted = done(other)
    rng, kills = random.Random(6), 0
    while kills < 20:
        recorded = {f"{ran.commit} {ran.number}" for ran in session.ran()}
        before = len(executed(session))
        kills += kill_at_random(session, bisect_fake.child(session, 0.004), rng)
        assert not recorded & set(executed(session)[before:])
    result = done(session)
    assert (result.first_bad, set(result.suspects)) == (wanted.first_bad, set(wanted.suspects))
    assert names[10] in {result.first_bad, *result.suspects}
    numbers = [f"{ran.commit} {ran.number}" for ran in session.ran()]
    assert len(numbers) == len(set(numbers))
    assert {(ran.commit, ran.number, ran.outcome) for ran in session.ran()} == {
        (ran.commit, ran.number, ran.outcome) for ran in other.ran()}
