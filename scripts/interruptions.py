# SPDX-License-Identifier: GPL-2.0
"""Ends `make run` in the middle of a node's unplug, by each signal that a user
or a system sends, and by killing its guest; and looks at what is left on the
host: no process, no file outside of the run's directory, an exit status that
says it.

What a module that is removed in mid-run leaves in its guest is for cycles.py.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
SCENARIO = "node-churn"
BEGINS = f"{SCENARIO} "  # and no control, whose name ends with it, too
POLL_S = 0.05
GONE_S = 20.0


@dataclass(frozen=True)
class Ending:
    """How a run is ended; `guest`: its QEMU is, not the run. `status` is what the
    run must exit with; a killed one cannot clear up its initrd."""

    name: str
    number: signal.Signals
    status: int
    guest: bool = False
    leaves: tuple[str, ...] = ()


ENDINGS = (
    Ending("SIGINT", signal.SIGINT, 130), Ending("SIGTERM", signal.SIGTERM, 143),
    Ending("SIGHUP", signal.SIGHUP, 129),
    Ending("SIGKILL", signal.SIGKILL, -signal.SIGKILL, leaves=("initrd",)),
    Ending("SIGKILL of its QEMU", signal.SIGKILL, 2, guest=True),
)
# What a run may keep, whole or not.
KEPT = {"plan.json", "channel", "console", "replay", "qemu.log", "ktap", "config", "report.txt",
        "records.jsonl"}


def processes(word: str) -> list[int]:
    """Processes of whose command line `word` is a part; never this one."""
    found = []
    for entry in Path("/proc").iterdir():
        if not entry.name.isdigit() or int(entry.name) == os.getpid():
            continue
        try:
            command = (entry / "cmdline").read_bytes().decode(errors="replace")
        except OSError:
            continue
        if word in command:
            found.append(int(entry.name))
    return found


def wait_for(what: Callable[[], bool], seconds: float) -> bool:
    until = time.monotonic() + seconds
    while not what():
        if time.monotonic() > until:
            return False
        time.sleep(POLL_S)
    return True


def left_behind(ending: Ending, out: Path, scratch: Path) -> list[str]:
    """What should not be there any more when a run has ended."""
    word = str(out)
    wait_for(lambda: not processes(word), GONE_S)
    found = [f"process {number} still runs" for number in processes(word)]
    found += [f"{path} was left" for path in scratch.iterdir()]
    for directory in (path for path in out.iterdir() if path.is_dir() and not path.is_symlink()
                      and path.name != "build"):
        found += [f"{path} was left" for path in directory.iterdir()
                  if path.name not in {*KEPT, *ending.leaves}]
    return found


def _end(ending: Ending, run: subprocess.Popen[str], out: Path) -> str:
    """Sends the signal; says why it could not."""
    target = run.pid
    if ending.guest:
        guests = [number for number in processes(str(out))
                  if "qemu-system" in os.readlink(f"/proc/{number}/exe")]
        if len(guests) != 1:
            return f"{len(guests)} guests run instead of one"
        target = guests[0]
    os.kill(target, ending.number)
    return ""


def ended_in_between(ending: Ending, command: list[str], begins: str, out: Path, delay_s: float,
                     seconds: float) -> list[str]:
    """Starts a run, ends it `delay_s` after it has said that the scenario begins,
    and says what is not as it should be."""
    with tempfile.TemporaryDirectory() as scratch, subprocess.Popen(
            [*command, "--out", str(out)], cwd=ROOT, text=True, stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL, stderr=subprocess.PIPE,
            env={**os.environ, "TMPDIR": scratch}) as run:
        try:
            said = []
            assert run.stderr is not None
            for line in run.stderr:  # ends with the run, whatever that came to
                said.append(line)
                if f" {begins}" in line and "begins" in line:
                    break
            else:
                return [f"{ending.name}: it never came to {begins.strip()}: {''.join(said[-3:])}"]
            time.sleep(delay_s)
            problem = _end(ending, run, out)
            if problem:
                run.kill()
            run.stderr.read()
            status = run.wait(seconds)
        finally:
            if run.poll() is None:
                run.kill()
        found = [problem] if problem else []
        if status != ending.status:
            found.append(f"exit status {status} instead of {ending.status}")
        return [f"{ending.name}: {text}" for text in (
            *found, *left_behind(ending, out, Path(scratch)))]


def ask(ending: Ending, series: str, out: Path, seconds: float) -> list[str]:
    """One real guest, ended while its node goes and comes without a pause."""
    directory = out / ending.name.replace(" ", "-")
    directory.mkdir(parents=True, exist_ok=True)
    built = out / "build"  # the module, once for all of them
    built.mkdir(exist_ok=True)
    if not (directory / "build").exists():
        (directory / "build").symlink_to(built.resolve())
    return ended_in_between(
        ending, [sys.executable, "scripts/run.py", "--kernel", series, "--scenario", SCENARIO,
                 "--churn", "100000", "--racers", "none"], BEGINS, directory, 1.5, seconds)
