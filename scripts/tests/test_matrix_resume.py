# SPDX-License-Identifier: GPL-2.0
"""A matrix that is killed at random moments ends with the same table as one that
is not, asks nothing again that is in its journal, and leaves no process."""

from __future__ import annotations

import json
import os
import random
import re
import shutil
import signal
import subprocess
import sys
import time
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

import pytest

import matrix
from bisection.journal import Journal
from matrices import costs, pool
from matrices.columns import Kernel

HERE = Path(__file__).resolve().parent
ENDINGS = (signal.SIGKILL, signal.SIGTERM, signal.SIGINT)
KILLS = 20
ALL = 19  # guests of the imitated matrix
LONGEST_S = 300.0


@dataclass(frozen=True)
class Imitated:
    """A matrix of the imitation's, in a directory of its own."""

    place: Path

    @property
    def journal(self) -> Path:
        return self.place / "out/matrix/journal.jsonl"

    def start(self, **values: str) -> subprocess.Popen[str]:
        scripts = self.place / "scripts"
        scripts.mkdir(parents=True, exist_ok=True)
        for name in ("run", "kunit", "module_for"):
            shutil.copy(HERE / "matrix_fake_guest.py", scripts / f"{name}.py")
        kept = {name: value for name, value in os.environ.items()
                if name in ("PATH", "HOME", "LANG", "XDG_CACHE_HOME")}
        own = {"FAKE_SCRIPTS": str(scripts), "FAKE_ASKED": str(self.place / "asked"),
               "OUT": str(self.place / "out"), "KERNEL": "7.2", "STOCK": "none", "RUNS": "2",
               "JOBS": "2", "PATCH": "stride-16-bit,uncharge-lost,harmless", **values}
        return subprocess.Popen([sys.executable, str(HERE / "matrix_fake.py")], env=kept | own,
                                stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)

    def run(self, **values: str) -> tuple[int, str, str]:
        process = self.start(**values)
        said, complained = process.communicate(timeout=LONGEST_S)
        return process.returncode, said, complained

    def recorded(self) -> list[str]:
        """Visits in the journal, whole lines only."""
        data = self.journal.read_text() if self.journal.exists() else ""
        whole = data[:data.rfind("\n") + 1].splitlines()
        return [fact["key"] for fact in map(json.loads, whole) if fact["what"] == "visit"]

    def table(self) -> list[str]:
        """Without what depends on the clock."""
        return (self.journal.parent / "matrix.txt").read_text().splitlines()[1:]

    def processes(self) -> list[int]:
        """Alive, and started for this one."""
        found = []
        for path in Path("/proc").glob("[0-9]*"):
            try:
                words = (path / "cmdline").read_bytes()
            except OSError:
                continue
            if os.fsencode(str(self.place)) in words:
                found.append(int(path.name))
        return found

    def wait_for_all(self) -> None:
        until = time.monotonic() + LONGEST_S
        while self.processes():
            assert time.monotonic() < until, "a process was left"
            time.sleep(0.02)


def test_killed_at_random_it_ends_with_the_same_table(tmp_path: Path) -> None:
    whole, cut = Imitated(tmp_path / "whole"), Imitated(tmp_path / "cut")
    status, said, complained = whole.run()
    assert status == 0, said + complained
    dice = random.Random(7)
    kills = 0
    for number in range(KILLS // 2):
        process = cut.start()
        time.sleep(dice.uniform(0.2, 1.1))
        ending = ENDINGS[number % len(ENDINGS)]
        was_running = process.poll() is None
        process.send_signal(ending)
        process.communicate(timeout=LONGEST_S)
        kills += was_running
        cut.wait_for_all()
        if not was_running:
            break
    assert kills >= 3
    status, said, complained = cut.run()
    assert status == 0, said + complained
    assert cut.table() == whole.table()
    assert sorted(cut.recorded()) == sorted(whole.recorded())
    assert max(Counter(cut.recorded()).values()) == 1


def begins(place: Imitated) -> list[str]:
    lines = (place.place / "asked").read_text().splitlines()
    return [line.partition(" begin ")[2] for line in lines if " begin " in line]


@pytest.mark.parametrize("ending", [signal.SIGTERM, signal.SIGKILL])
def test_what_is_recorded_is_not_asked_again(ending: signal.Signals, tmp_path: Path) -> None:
    """How often guests were asked in all: once more than recorded, at most,
    for each kill and each of two jobs; and none once all is recorded."""
    cut = Imitated(tmp_path)
    dice = random.Random(int(ending))
    endings = []
    for _ in range(KILLS // 4):
        process = cut.start(RUNS="5")
        target = len(cut.recorded()) + dice.randint(1, 3)
        until = time.monotonic() + LONGEST_S
        while len(cut.recorded()) < target and process.poll() is None:
            assert time.monotonic() < until
            time.sleep(0.01)
        process.send_signal(ending)
        said, complained = process.communicate(timeout=LONGEST_S)
        cut.wait_for_all()
        endings.append((len(cut.recorded()), process.returncode, said, complained))
    status, said, complained = cut.run(RUNS="5")
    assert status == 0, said + complained
    keys = cut.recorded()
    assert max(Counter(keys).values()) == 1
    early = [end[1:] for end in endings if end[0] < len(keys)]
    assert len(early) >= 2, [(count, code, told) for count, code, _, told in endings]
    for status, said, complained in early if ending == signal.SIGTERM else ():
        assert status == 128 + ending, said + complained
        assert "stopped by SIGTERM" in complained and "still to come" in said
    asked = [line for line in begins(cut) if not line.startswith("module_for")]
    assert len(keys) <= len(asked) <= len(keys) + 2 * len(endings)
    before = len(begins(cut))
    assert cut.run(RUNS="5")[0] == 0 and len(begins(cut)) == before


def test_builds_are_never_two_at_once_and_guests_start_before_the_last(tmp_path: Path) -> None:
    place = Imitated(tmp_path)
    assert place.run(JOBS="3")[0] == 0
    lines = (tmp_path / "asked").read_text().splitlines()
    made = [index for index, line in enumerate(lines) if "begin module_for" in line]
    guests = [index for index, line in enumerate(lines) if "begin run" in line
              or "begin kunit" in line]
    assert len(made) == 4 and guests[0] < made[-1]
    logs = list((tmp_path / "out/matrix/logs").glob("*"))
    assert len(logs) == len(guests) + len(made)


def test_what_gives_no_answer_is_tried_twice_and_then_said(tmp_path: Path) -> None:
    place = Imitated(tmp_path)
    status, said, complained = place.run(FAKE_BROKEN="kunit 7.2/harmless")
    assert status == 2
    assert re.search(r"NOT ASKED: 7.2/harmless@\w+\s+suites\s+1:\s+exit\s+status\s+2:\s+the\s+"
                     r"imitation\s+is\s+broken", said), said
    assert "asked again later: the imitation is broken" in complained
    tried = [line for line in begins(place) if line.startswith("kunit 7.2/harmless")]
    assert len(tried) == 2
    status, said, _ = place.run()
    assert status == 0 and "NOT ASKED" not in said


def test_a_kernel_that_cannot_be_made_costs_only_itself(tmp_path: Path) -> None:
    place = Imitated(tmp_path)
    status, said, _ = place.run(FAKE_BROKEN="module_for 7.2/stride-16-bit")
    assert status == 2
    assert "NOT ASKED: 7.2/stride-16-bit: it cannot be made: the imitation is broken" in said
    recorded = place.recorded()
    assert recorded and not any("stride-16-bit" in key for key in recorded)
    assert place.run()[0] == 0


def test_a_kernel_that_is_not_to_be_had_is_no_failure_and_not_asked_again(tmp_path: Path) -> None:
    place = Imitated(tmp_path)
    status, said, complained = place.run(FAKE_GONE="module_for 7.2/stride-16-bit")
    assert status == 0, said + complained
    assert "not to be had: 7.2/stride-16-bit: the imitation is gone" in said
    assert "still to come" not in said and "7.2/stride-16-bit" in said.partition("kernel")[2]
    before = len(begins(place))
    assert place.run()[0] == 0 and len(begins(place)) == before


def test_what_there_is_no_time_for_is_left_out_and_no_failure(tmp_path: Path) -> None:
    place = Imitated(tmp_path)
    status, said, complained = place.run(MINUTES="5", FAKE_READY="yes", FAKE_SLOW="nodes")
    assert status == 0, said + complained
    assert "left out, as MINUTES=5 are over: 4 guests, 4 nodes" in said
    assert len(place.recorded()) == 15 and not any(" nodes " in key for key in place.recorded())
    status, said, complained = place.run(MINUTES="1", FAKE_SLOW="modules")
    assert status == 0 and "left out, as MINUTES=1" in said and len(place.recorded()) == 15
    assert place.run()[0] == 0 and len(place.recorded()) == ALL


@pytest.mark.parametrize("wrong, said", [
    ("mute", "exts-in-object on 7.2/stride-16-bit: promise broken"),
    ("loud", "exts-in-object on 7.2/harmless: false alarm"),
    ("twin", "busted-exts-in-object on 7.2: not caught")])
def test_what_is_wrong_with_the_tool_is_its_exit_status(wrong: str, said: str,
                                                       tmp_path: Path) -> None:
    status, told, complained = Imitated(tmp_path).run(FAKE_WRONG=wrong, RUNS="1")
    assert status == 1, complained
    assert said in " ".join(told.split())


def test_who_does_not_end_is_killed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pool, "PATIENCE_S", 0.3)
    deaf = "import signal, time; signal.signal(15, signal.SIG_IGN); print(1, flush=True); "
    with pool.unstopped() as mask:
        child = pool.start([sys.executable, "-c", deaf + "time.sleep(600)"], dict(os.environ),
                           tmp_path / "log", mask)
    until = time.monotonic() + LONGEST_S
    while not (tmp_path / "log").read_text():
        assert time.monotonic() < until
        time.sleep(0.01)
    pool.end([child])
    assert child.process.returncode == -signal.SIGKILL


@pytest.mark.parametrize("values, said", [
    ({"RUNS": "0"}, "RUNS=0: not a whole number"),
    ({"JOBS": "0"}, "JOBS=0: not a whole number"),
    ({"JOBS": "two"}, "JOBS=two: not a whole number"),
    ({"MINUTES": "0"}, "MINUTES=0: not a whole number"),
    ({"ASK": "nothing"}, "ASK=nothing: neither all nor promises"),
    ({"MINUTES": "-3"}, "MINUTES=-3: not a whole number"),
    ({"KERNEL": "4.19"}, "KERNEL=4.19: no patches were made"),
    ({"PATCH": "nosuch"}, "PATCH=nosuch: no such patch"),
    ({"MACHINES": "vax"}, "vax"),
    ({"CONFIGS": "nosuch"}, "CONFIG=nosuch: no such fragment"),
    ({"OUT": "/proc/nowhere"}, "OUT=/proc/nowhere"),
])
def test_wrong_use_is_said_before_anything_is_asked(values: dict[str, str], said: str,
                                                   tmp_path: Path) -> None:
    place = Imitated(tmp_path)
    status, _, complained = place.run(**values)
    assert status == 2 and f"slubtorture: {said}" in complained or said in complained
    assert status == 2 and not (tmp_path / "asked").exists()
    assert "Traceback" not in complained


@pytest.mark.parametrize("line, said", [
    ('{"what": "matrix", "format": 2, "code": "another"}', "another state of this module"),
    ('{"what": "matrix", "format": 99, "code": "x"}', "written by newer code"),
    ('{"what": "matrix", "code": "x"}', "written by older code"),
    ('{"what": "kernel", "name": "7.2"}', "line 1, is not of a matrix"),
    ("nonsense", "line 1, is no line of a matrix's journal"),
])
def test_a_journal_that_is_none_of_ours_is_refused(line: str, said: str, tmp_path: Path) -> None:
    place = Imitated(tmp_path)
    place.journal.parent.mkdir(parents=True)
    place.journal.write_text(line + "\n")
    status, _, complained = place.run()
    assert status == 2 and said in complained and "Traceback" not in complained
    assert place.journal.read_text() == line + "\n"


def test_a_torn_line_is_taken_away_and_asked_again(tmp_path: Path) -> None:
    place = Imitated(tmp_path)
    assert place.run()[0] == 0
    keys, table = place.recorded(), place.table()
    data = place.journal.read_bytes()
    place.journal.write_bytes(data[:-20])  # in the middle of the last visit
    assert place.run()[0] == 0
    assert sorted(place.recorded()) == sorted(keys) and place.table() == table


def test_two_at_a_time_are_refused(tmp_path: Path) -> None:
    place = Imitated(tmp_path)
    first = place.start()
    until = time.monotonic() + LONGEST_S
    while not place.recorded():
        assert time.monotonic() < until and first.poll() is None
        time.sleep(0.01)
    status, _, complained = place.run()
    assert status == 2 and "another make matrix is at work" in complained
    said, complained = first.communicate(timeout=LONGEST_S)
    assert first.returncode == 0, said + complained


def test_a_stock_kernel_that_the_user_named_is_missed(tmp_path: Path) -> None:
    class Silent:
        def say(self, text: str) -> None:
            pass

    for named in (False, True):
        journal = Journal(tmp_path / f"journal-{named}", "a matrix")
        work = matrix.Work(journal, costs.Costs(), Silent(), named)  # type: ignore[arg-type]
        work.gone(Kernel("7.0", stock=True), "404")
        assert work.failed == ({"7.0 stock": "404"} if named else {})
        assert [fact["what"] for fact in journal.lines()] == ([] if named else ["gone"])
