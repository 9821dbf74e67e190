# SPDX-License-Identifier: GPL-2.0
"""What a user can get wrong is said before anything is built; whatever happens
to a step, `git bisect run` takes nothing but an answer for one."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import bisect_fake
import bisect_tree
import pytest
from bisection import asked as ask
from bisection import by_hand, door
from bisection.outcomes import Answer
from bisection.session import Session
from bisection.step import Asker, Clock, Judge
from bisection.tree import opened
from errors import ToolError
from options import ROOT
from qemu.guest import Stopped
from qemu.machine import GuestError

SEEN = ["--seen", "10/10", "--signature", bisect_fake.HUNTED, "--scenario", "exts-late"]


@pytest.fixture(autouse=True)
def _alone(monkeypatch: pytest.MonkeyPatch) -> None:
    """None of this machine's options, programs and disks."""
    if shutil.which("git") is None:
        pytest.skip("git is not installed")
    for name in [name for name, _, _ in ask._VARIABLES] + ["kernel", "scenario", "out", "config"]:
        monkeypatch.delenv(name.upper(), raising=False)
    monkeypatch.setattr(ask, "check_hosts", lambda *what: None)
    monkeypatch.setattr(ask, "_check_lab", lambda *what: None)


def values(tmp_path: Path, **given: str) -> dict[str, str]:
    usual = {"tree": str(tmp_path / "linux"), "good": "main~2", "bad": "main",
             "out": str(tmp_path / "out")}
    words = [word for name, value in {**usual, **given}.items() for word in (f"--{name}", value)]
    return ask.raw_values(ask.parser("x", "").parse_args(words), {})


@pytest.mark.parametrize("given, match", [
    ({"tree": "/nowhere"}, "TREE=/nowhere: there is no such directory"),
    ({"good": ""}, "GOOD is not set"), ({"good": "v9"}, "GOOD=v9: .* no such commit"),
    ({"bad": "v9"}, "BAD=v9: .* no such commit"), ({"good": "main"}, "the same commit"),
    ({"good": "main", "bad": "main~2"}, "wrong way round"),
    ({"error": "0"}, "ERROR=0"), ({"error": "x"}, "ERROR=x"), ({"hours": "-1"}, "HOURS=-1"),
    ({"hours": "nan"}, "HOURS=nan"), ({"jobs": "many"}, "JOBS=many"), ({"runs": "0"}, "RUNS=0"),
    ({"suites": "some"}, "SUITES=some"), ({"signature": "strange"}, "SIGNATURE=strange"),
    ({"dirty": "x"}, "DIRTY=x"), ({"scenario": "exts-lat"}, "exts-lat"),
    ({"hosts": "a b b"}, "HOSTS names b twice"), ({"kernel": "7.2"}, "KERNEL=7.2: a bisection"),
    ({"rescue": "yes"}, "RESCUE=yes"), ({"config": "nothing"}, "CONFIG=nothing: no such fragment"),
    ({"topology": "three"}, "three"), ({"seconds": "0"}, "SECONDS=0")])
def test_what_is_wrong_is_said_with_a_way_out(
        tmp_path: Path, given: dict[str, str], match: str) -> None:
    bisect_tree.make(tmp_path / "linux", ["good", "good", "bad"])
    with pytest.raises((ToolError, GuestError), match=match) as caught:
        ask.checked(values(tmp_path, **given), tmp_path)
    assert getattr(caught.value, "hint")
    assert not list((tmp_path / "out").glob("bisect/*"))


def test_the_same_question_is_the_same_session_whatever_it_may_cost(tmp_path: Path) -> None:
    bisect_tree.make(tmp_path / "linux", ["good", "good", "bad"])
    (tmp_path / "own.config").write_text("CONFIG_X=y\n")
    own = str(tmp_path / "own.config")

    def name(**given: str) -> str:
        return ask.checked(values(tmp_path, config=own, **given), tmp_path).request.name

    first = name()
    assert name() == first == name(hours="3", jobs="1", hosts=":", runs="9", dirty="ignore")
    assert len({first, name(seed="5"), name(error="1"), name(signature="panic"),
                name(scenario="exts-late"), name(good="main~1")}) == 6
    (tmp_path / "own.config").write_text("CONFIG_X=n\n")
    assert name() != first


def test_a_session_has_the_configuration_as_it_was(tmp_path: Path) -> None:
    bisect_tree.make(tmp_path / "linux", ["good", "good", "bad"])
    (tmp_path / "own.config").write_text("CONFIG_X=y\n")
    asked = ask.checked(values(tmp_path, config=f"kasan,{tmp_path}/own.config", seconds="7"),
                        tmp_path)
    session = ask.session_for(asked)
    (tmp_path / "own.config").write_text("edited\n")
    unset = ask.raw_values(ask.parser("", "").parse_args([]), {})
    options = ask.options_of(Session(session.directory), unset)
    fragment, kept = options.config.split(",")
    assert fragment == "kasan" and Path(kept).read_text() == "CONFIG_X=y\n"
    assert options.seconds == 7 and len(session.commits()) == 3


def fake_asker(session: Session, effort: ask.Effort, say: Callable[[str], None]) -> Asker:
    tree = opened(session.request.tree)
    return Asker(session, bisect_fake.FakeBench(session, tree, session.directory / "executed"),
                 Judge(session, say), Clock(3600 * effort.hours), say)


def stepped(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, *words: str) -> int:
    monkeypatch.setattr(by_hand, "asker_of", fake_asker)
    monkeypatch.chdir(tmp_path / "linux")
    return by_hand.step_main([*SEEN, "--out", str(tmp_path / "out"), *words])


@pytest.mark.parametrize("state, status", [
    ("good", 0), ("bad", 1), ("no-build", 125), ("no-boot", 125), ("other", 125)])
def test_a_step_has_the_status_that_git_takes(
        tmp_path: Path, monkeypatch: pytest.MonkeyPatch, state: str, status: int) -> None:
    bisect_tree.make(tmp_path / "linux", ["good", state])
    assert stepped(tmp_path, monkeypatch) == status
    assert stepped(tmp_path, monkeypatch) == status  # from what was recorded


@pytest.mark.parametrize("words", [
    ["--nothing"], ["--help"], ["--seen", "x"], ["--seen", "0/9"], ["--signature", "strange"],
    ["--tree", "/nowhere"], ["--error", "x"], ["--jobs", "x"], ["--scenario", "exts-lat"],
    ["--hours", "0.0000000001"]])
def test_what_is_wrong_with_a_step_stops_the_walk(
        tmp_path: Path, monkeypatch: pytest.MonkeyPatch, words: list[str]) -> None:
    bisect_tree.make(tmp_path / "linux", ["good", "bad"])
    assert stepped(tmp_path, monkeypatch, *words) >= 128


@pytest.mark.parametrize("trouble", [
    ToolError("the disk is full"), OSError(28, "No space left"), Stopped(15), KeyboardInterrupt(),
    MemoryError(), RuntimeError("a bug of this program"), SystemExit(0), SystemExit(1)])
def test_trouble_amid_a_step_stops_the_walk(
        tmp_path: Path, monkeypatch: pytest.MonkeyPatch, trouble: BaseException) -> None:
    bisect_tree.make(tmp_path / "linux", ["good", "bad"])

    def fail(*what: object) -> None:
        raise trouble

    monkeypatch.setattr(bisect_fake.FakeBench, "run", fail)
    assert stepped(tmp_path, monkeypatch) >= 128


def test_no_step_without_a_word_of_what_and_how_often(
        tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    bisect_tree.make(tmp_path / "linux", ["good", "bad"])
    monkeypatch.chdir(tmp_path / "linux")
    assert by_hand.step_main(["--signature", "panic"]) == 128
    assert by_hand.step_main(["--seen", "3/3"]) == 128


STEP = """\
import sys
sys.path[:0] = {paths!r}
from test_bisection_door import fake_asker
from bisection import asked, by_hand
by_hand.asker_of = fake_asker
asked._check_lab = asked.check_hosts = lambda *what: None
sys.exit(by_hand.step_main(sys.argv[1:]))
"""


def test_git_bisect_run_of_the_users_own(tmp_path: Path) -> None:
    states = ["good"] * 6 + ["no-build", "no-boot", "other", "good"] + ["bad"] * 9
    names = bisect_tree.make(tmp_path / "linux", states)
    (tmp_path / "step.py").write_text(STEP.format(paths=[
        str(ROOT / "scripts/tests"), str(ROOT / "scripts"), str(ROOT)]))
    tree = tmp_path / "linux"
    bisect_tree.git(tree, "bisect", "start", names[-1], names[0])
    said = bisect_tree.git(tree, "bisect", "run", sys.executable, str(tmp_path / "step.py"), *SEEN,
                           "--out", str(tmp_path / "out"))
    assert f"{names[10]} is the first bad commit" in said
    assert bisect_tree.git(tree, "status", "--porcelain") == ""
    sessions = list((tmp_path / "out/bisect").iterdir())
    assert len(sessions) == 1
    answers = {step.answer for step in Session(sessions[0]).steps()}
    assert {Answer.GOOD, Answer.BAD} <= answers


def door_status(*words: str, **environment: str) -> tuple[int, str]:
    done = subprocess.run([sys.executable, str(ROOT / "scripts/bisect"), *words], text=True,
                          capture_output=True, check=False, env={**os.environ, **environment})
    return done.returncode, done.stdout + done.stderr


def test_the_door_names_its_commands() -> None:
    status, said = door_status("help")
    assert status == 0 and all(f"\n  {name}" in said for name in door.COMMANDS)
    assert door_status("nothing")[0] == 2
    status, said = door_status("run", "--tree", "/nowhere")
    assert status == 2 and "no such directory" in said
    assert door_status("step", "--nothing")[0] == 128
    for name in door.COMMANDS:
        assert door_status(name, "--help")[0] == (128 if name == "step" else 0)


def test_a_clone_that_is_not_whole_is_no_answer(tmp_path: Path) -> None:
    shutil.copy(ROOT / "scripts/bisect", tmp_path / "bisect")
    done = subprocess.run([sys.executable, str(tmp_path / "bisect"), "step"], capture_output=True,
                          text=True, check=False)
    assert done.returncode >= 128 and "bisection" in done.stderr
