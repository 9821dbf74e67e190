# SPDX-License-Identifier: GPL-2.0
"""judgement.py: a herd7 that answers, crashes, hangs, talks nonsense or is not
there; that all programs end when the caller is stopped; and where a herd7 was
fetched before, ours judged twice by it, with a record that is wrong on purpose."""

from __future__ import annotations

import dataclasses
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

import herd as hrd
import judgement
import litmus
import lkmm
from herd import Herd
from litmus import Expected, Kernels, Verdict
from lkmm import Model
from options import ROOT, cache_dir

SAID = """Test {name} Allowed
States 2
Positive: 0 Negative: 2
Observation {name} Never 0 2
"""
GOOD = Verdict("Never", False, 2, 0, 2)


def fake_herd(tmp_path: Path, script: str) -> Herd:
    program = tmp_path / "herd7"
    program.write_text('#!/bin/sh\nfor path; do :; done\nname=$(basename "$path" .litmus)\n'
                       + script)
    program.chmod(0o755)
    return Herd("7.58", (str(program),), ("false",), tmp_path, tmp_path)


def expected(name: str, verdict: Verdict = GOOD) -> Expected:
    return Expected(name, verdict, (), Kernels("any"))


def says(text: str) -> str:
    return f"cat <<EOF\n{text.format(name='$name')}EOF\n"


def judged(tmp_path: Path, script: str, names: tuple[str, ...] = ("a", "b"),
           limit_s: float = 10.0) -> list[judgement.Judged]:
    told: list[judgement.Judged] = []
    found = judgement.judge(fake_herd(tmp_path, script), Model(tmp_path, "m"), tmp_path,
                            [expected(name) for name in names], 2, told.append, limit_s)
    assert told == found
    return found


def test_each_test_is_judged_in_order(tmp_path: Path) -> None:
    found = judged(tmp_path, says(SAID), tuple("abcdefgh"))
    assert [one.expected.name for one in found] == list("abcdefgh")
    assert all(one.verdict == GOOD and one.as_recorded and not one.problem for one in found)


def test_another_verdict_is_not_as_recorded(tmp_path: Path) -> None:
    (one, _) = judged(tmp_path, says(SAID.replace("Never 0 2", "Sometimes 1 1")))
    assert one.verdict == Verdict("Sometimes", False, 2, 1, 1) and not one.as_recorded


@pytest.mark.parametrize(("script", "told"), [
    ("echo 'Fatal error: exception Not_found' >&2; exit 2\n",
     "ended with status 2: Fatal error: exception Not_found"),
    ("kill -SEGV $$\n", "ended with signal 11: it said nothing"),
    ("echo 'Warning: File \"b.litmus\": unexpected (User error)'\n",
     "gave no verdict: Warning: File"),
    (says("Test {name}\nStates 2\n"), "gave no verdict"), ("exec sleep 60\n", "took more than 5 s")])
def test_one_that_breaks_is_named_and_the_others_stay(tmp_path: Path, script: str,
                                                      told: str) -> None:
    good, bad = judged(tmp_path, f'if [ "$name" = b ]; then\n{script}exit\nfi\n{says(SAID)}',
                       limit_s=5.0 if "sleep" in script else 60.0)
    assert good.verdict == GOOD
    assert bad.verdict is None and told in bad.problem and not bad.as_recorded


def test_without_the_program_each_test_is_broken(tmp_path: Path) -> None:
    nowhere = Herd("7.58", (str(tmp_path / "gone"),), ("false",), tmp_path, tmp_path)
    found = judgement.judge(nowhere, Model(tmp_path, "m"), tmp_path, [expected("a")], 1,
                            lambda one: None)
    assert "cannot be run: No such file" in found[0].problem


def test_what_is_stopped_leaves_no_program(tmp_path: Path) -> None:
    herd = fake_herd(tmp_path, f"echo $$ >>{tmp_path}/pids\nexec sleep 300\n")
    code = f"""
import sys
sys.path[:0] = [{str(ROOT)!r}, {str(ROOT / 'scripts')!r}]
from pathlib import Path
from entry import guarded
from judgement import judge
from test_judgement import expected
from herd import Herd
from lkmm import Model
here = Path({str(tmp_path)!r})
herd = Herd("7.58", {herd.herd7!r}, ("false",), here, here)
guarded(lambda: judge(herd, Model(here, "m"), here, [expected(str(i)) for i in range(9)], 2,
                      lambda one: None) and 0)
"""
    environment = dict(os.environ, PYTHONPATH=str(Path(__file__).parent))
    with subprocess.Popen([sys.executable, "-c", code], env=environment, text=True,
                          stderr=subprocess.PIPE) as program:
        pids = tmp_path / "pids"
        deadline = time.monotonic() + 60
        while time.monotonic() < deadline and (
                not pids.exists() or len(pids.read_text().split()) < 2):
            time.sleep(0.05)
        program.send_signal(signal.SIGTERM)
        _, said = program.communicate(timeout=60)
    assert "stopped by SIGTERM" in said
    started = [int(pid) for pid in pids.read_text().split()]
    assert len(started) == 2, "nothing new is started after the signal"
    for pid in started:
        assert not Path(f"/proc/{pid}").exists()
    assert sorted(path.name for path in tmp_path.iterdir()) == ["herd7", "pids"]


CACHE = cache_dir(os.environ)
KEPT = lkmm.newest_kept(CACHE / "lkmm")
HERD = hrd.installed() or hrd.cached(CACHE)


@pytest.mark.skipif(KEPT is None or HERD is None, reason="make models fetches herd7 and model")
def test_by_the_real_one_all_is_as_recorded_twice_and_a_wrong_record_is_seen() -> None:
    assert KEPT is not None and HERD is not None
    recorded = litmus.load(litmus.TESTS)
    lie = dataclasses.replace(recorded[0], verdict=Verdict("Never", False, 1, 0, 1))
    first, again = (judgement.judge(HERD, KEPT, litmus.TESTS, tests, os.cpu_count() or 1,
                                    lambda one: None, 120.0)
                    for tests in (recorded, [lie, *recorded[1:]]))
    assert [one.expected.name for one in first if not one.as_recorded] == []
    assert [one.expected.name for one in again if not one.as_recorded] == [lie.name]
    assert [one.verdict for one in first] == [one.verdict for one in again]
