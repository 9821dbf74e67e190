# SPDX-License-Identifier: GPL-2.0
"""Runs that are ended in mid-run, with programs that stand for a run and its
guest: one that clears up passes, each that does not is found."""

from __future__ import annotations

import os
import signal
import sys
from dataclasses import replace
from pathlib import Path

import interruptions
import pytest
from interruptions import ENDINGS, Ending, ended_in_between

# A run as this module sees one: it starts a guest, says so, and ends both.
PROGRAM = """
import os, pathlib, signal, subprocess, sys, tempfile, time
out = pathlib.Path(sys.argv[sys.argv.index("--out") + 1]) / "run-1"
bad = sys.argv[1]
out.mkdir()
(out / "plan.json").touch()
(out / "initrd").touch()
guest = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)", str(out)],
                         start_new_session=True, stderr=subprocess.DEVNULL)
if bad == "scratch":
    tempfile.mkstemp()
def end(number, frame):
    if bad != "process":
        guest.kill()
        guest.wait()
    if bad != "initrd":
        (out / "initrd").unlink()
    sys.exit(0 if bad == "status" else 128 + number)
for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
    signal.signal(number, end)
print("    1.0 s  busted-node-churn begins", file=sys.stderr, flush=True)
print("    2.0 s  node-churn             " + ("skip" if bad == "never" else "begins"),
      file=sys.stderr, flush=True)
if bad != "never":
    time.sleep(60)
"""
TERM = next(ending for ending in ENDINGS if ending.name == "SIGTERM")


def end(ending: Ending, bad: str, place: Path, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    monkeypatch.setattr(interruptions, "GONE_S", 1.0)
    program = place / "program.py"
    program.write_text(PROGRAM)
    out = place / "out"
    out.mkdir()
    try:
        return ended_in_between(ending, [sys.executable, str(program), bad], "node-churn ", out,
                                0.1, 30)
    finally:
        for number in interruptions.processes(str(out)):
            os.kill(number, signal.SIGKILL)


@pytest.mark.parametrize("name", ["SIGINT", "SIGTERM", "SIGHUP"])
def test_a_run_that_clears_up_passes(name: str, tmp_path: Path,
                                     monkeypatch: pytest.MonkeyPatch) -> None:
    ending = next(one for one in ENDINGS if one.name == name)
    assert end(ending, "nothing", tmp_path, monkeypatch) == []


@pytest.mark.parametrize("bad, told", [
    ("process", "still runs"), ("initrd", "initrd was left"), ("scratch", "was left"),
    ("status", "exit status 0 instead of 143"), ("never", "it never came to node-churn")])
def test_what_is_left_is_found(bad: str, told: str, tmp_path: Path,
                               monkeypatch: pytest.MonkeyPatch) -> None:
    assert any(told in problem for problem in end(TERM, bad, tmp_path, monkeypatch))


def test_a_killed_run_leaves_its_guest_to_the_kernel_alone(
        tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The guest here does not die with its parent: that must be seen."""
    killed = next(one for one in ENDINGS if one.name == "SIGKILL")
    found = end(killed, "nothing", tmp_path, monkeypatch)
    assert len(found) == 1 and "still runs" in found[0]


def test_without_a_guest_none_is_killed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    guest = replace(TERM, guest=True, status=143)
    assert any("0 guests run" in problem for problem in end(guest, "never-a-guest", tmp_path,
                                                            monkeypatch))
