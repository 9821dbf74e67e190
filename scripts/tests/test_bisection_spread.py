# SPDX-License-Identifier: GPL-2.0
"""Runs spread over this machine by GNU parallel: each comes once, several at
once, and all end when they must. The runs are fakes; GNU parallel is not."""

from __future__ import annotations

import itertools
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from bisection import spread
from bisection.bundle import Bundle
from bisection.outcomes import Outcome
from bisection_fakes import (LONG_S, Taker, fake_bundle, pids_in, place_in, scripts_path,
                             wait_until_gone)

from errors import ToolError

pytestmark = pytest.mark.skipif(shutil.which("parallel") is None,
                                reason="GNU parallel is not installed (make deps FOR=check)")
HANGS = "(shared / f'pid-{number}').write_text(str(os.getpid())); time.sleep(3600)\n"


def run(bundle: Bundle, tmp_path: Path, seeds: Iterator[int] | list[int], taker: Taker,
        jobs: int = 2, first: int = 0) -> None:
    spread.run_many(bundle, seeds, jobs, (), taker, place_in(tmp_path, first))


def test_each_run_comes_once_with_its_seed_and_files(tmp_path: Path) -> None:
    bundle, taker = fake_bundle(tmp_path, "send(status=seed % 2, channel='x')\n"), Taker()
    run(bundle, tmp_path, [11, 12, 13, 14, 15, 16, 17], taker)
    assert sorted(taker.seeds().items()) == list(enumerate(range(11, 18)))
    assert len(taker.ran) == 7 and {ran.host for ran in taker.ran} == {":"}
    for ran in taker.ran:
        assert ran.outcome == (Outcome.BAD if ran.seed % 2 else Outcome.GOOD)
        assert (tmp_path / ran.files / "channel").read_text() == "x" and ran.said == str(ran.seed)
        assert ran.commit == "c" * 40 and ran.seconds == 0.5


def test_nothing_of_the_work_is_left(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    home = tmp_path / "home"
    home.mkdir()
    monkeypatch.setenv("HOME", str(home))
    monkeypatch.setenv("PARALLEL", "--dry-run")  # the user's settings are not for this
    taker = Taker()
    run(fake_bundle(tmp_path, "send()\n"), tmp_path, [1, 2], taker)
    assert len(taker.ran) == 2 and list(home.iterdir()) == []
    assert sorted(path.name for path in (tmp_path / "runs of a commit").iterdir()) == [
        "00000", "00001"]


def test_runs_overlap(tmp_path: Path) -> None:
    """Each waits for another, which one after the other cannot do."""
    body = ("(shared / str(number)).touch()\n"
            "wait_for(lambda: (shared / str(number ^ 1)).exists())\nsend()\n")
    taker = Taker()
    run(fake_bundle(tmp_path, body), tmp_path, [1, 2, 3, 4], taker)
    assert len(taker.ran) == 4 and {ran.outcome for ran in taker.ran} == {Outcome.GOOD}


def test_enough_is_enough(tmp_path: Path) -> None:
    """Seeds without end, one outcome, and runs that would never end."""
    bundle, taker = fake_bundle(tmp_path, f"if number == 0:\n    wait_for(lambda: len(list("
                                f"shared.glob('pid-*'))) == 2)\n    send(1)\nelse:\n    {HANGS}"
                                ), Taker(1)
    run(bundle, tmp_path, itertools.count(100), taker, jobs=3)
    assert taker.seeds() == {0: 100}
    pids = pids_in(tmp_path / "shared")
    # one more may have begun in the place of the first before that was looked at
    assert len(pids) in (2, 3) and wait_until_gone(pids) == []


def test_runs_that_do_not_listen_are_killed(tmp_path: Path) -> None:
    body = ("import signal\n"
            f"for one in (signal.SIGTERM, signal.SIGHUP):\n    signal.signal(one, signal.SIG_IGN)\n"
            f"if number == 0:\n    wait_for(lambda: (shared / 'pid-1').exists())\n    send()\n"
            f"else:\n    {HANGS}")
    bundle, taker = fake_bundle(tmp_path, body), Taker(1)
    run(bundle, tmp_path, [1, 2], taker)
    assert wait_until_gone(pids_in(tmp_path / "shared")) == [] and len(taker.ran) == 1


def test_a_run_without_outcome_is_asked_again(tmp_path: Path) -> None:
    body = ("if number in (1, 3) and first_time(f'tried-{number}'):\n"
            "    os.kill(os.getpid(), 9) if number == 1 else sys.exit(75)\nsend()\n")
    taker = Taker()
    run(fake_bundle(tmp_path, body), tmp_path, [5, 6, 7, 8, 9, 10], taker, jobs=1)
    assert sorted(taker.seeds().items()) == list(enumerate(range(5, 11)))
    assert len(taker.ran) == 6 and {ran.outcome for ran in taker.ran} == {Outcome.GOOD}


def test_an_outcome_that_is_damaged_is_none(tmp_path: Path) -> None:
    body = ("if number == 1 and first_time('tried'):\n"
            "    os.write(1, b'half an archive')\n    sys.exit(0)\nsend()\n")
    taker = Taker()
    run(fake_bundle(tmp_path, body), tmp_path, [5, 6, 7], taker, jobs=1)
    assert taker.seeds() == {0: 5, 1: 6, 2: 7}
    assert {ran.outcome for ran in taker.ran} == {Outcome.GOOD}


def test_a_run_that_never_has_an_outcome_is_broken(tmp_path: Path) -> None:
    body = "if number == 1:\n    sys.exit('slubtorture: no such luck')\nsend()\n"
    taker = Taker()
    run(fake_bundle(tmp_path, body), tmp_path, list(range(40, 60)), taker, jobs=1)
    assert len(taker.ran) == 20 and [
        (ran.number, ran.said, ran.files) for ran in taker.ran if ran.outcome == Outcome.BROKEN
    ] == [(1, "no outcome in 3 attempts; :: no such luck", "")]


def test_a_machine_that_can_run_nothing_is_said(tmp_path: Path) -> None:
    taker = Taker()
    with pytest.raises(ToolError, match="no machine is left that runs this; :: no QEMU here"):
        run(fake_bundle(tmp_path, "sys.exit('slubtorture: no QEMU here')\n"), tmp_path,
            itertools.count(1), taker)
    assert taker.ran == []


def test_numbers_go_on_where_they_were(tmp_path: Path) -> None:
    taker = Taker()
    run(fake_bundle(tmp_path, "send()\n"), tmp_path, [7, 8], taker, first=5)
    assert taker.seeds() == {5: 7, 6: 8}


def test_what_takes_them_may_fail(tmp_path: Path) -> None:
    def full(_: object) -> bool:
        raise OSError("no space")

    body = f"if number == 0:\n    wait_for(lambda: (shared / 'pid-1').exists())\n    send()\nelse:\n    {HANGS}"
    with pytest.raises(OSError, match="no space"):
        spread.run_many(fake_bundle(tmp_path, body), [1, 2], 2, (), full, place_in(tmp_path))
    assert wait_until_gone(pids_in(tmp_path / "shared")) == []


_CALLER = """\
import itertools, pathlib, sys
from bisection import spread
from bisection.bundle import Bundle
from bisection_fakes import Taker, place_in
from entry import guarded
tmp_path = pathlib.Path(sys.argv[1])
bundle = Bundle.at(next((tmp_path / "bundles").iterdir()))
sys.exit(guarded(lambda: spread.run_many(
    bundle, itertools.count(1), 2, sys.argv[2:], Taker(), place_in(tmp_path)) or 0))
"""


def caller(tmp_path: Path, *hosts: str) -> subprocess.Popen[bytes]:
    """A process that has runs made; waits until two are under way."""
    process = subprocess.Popen([sys.executable, "-c", _CALLER, str(tmp_path), *hosts],
                               env=dict(os.environ, PYTHONPATH=scripts_path()))
    until = time.monotonic() + LONG_S
    while len([pid for pid in pids_in(tmp_path / "shared") if pid]) < 2:
        assert process.poll() is None and time.monotonic() < until
        time.sleep(0.05)
    return process


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGKILL])
def test_all_end_with_the_process_that_asked(tmp_path: Path, number: signal.Signals) -> None:
    fake_bundle(tmp_path, HANGS)
    process = caller(tmp_path)
    began = len(pids_in(tmp_path / "shared"))
    process.send_signal(number)
    assert process.wait(LONG_S) != 0
    assert wait_until_gone(pids_in(tmp_path / "shared")) == [] and began == 2
