# SPDX-License-Identifier: GPL-2.0
"""Has herd7 judge litmus tests, as many at a time as there are CPUs, each
under a time limit. herd7 writes no file, so that nothing is left behind.

What the verdicts should be is in litmus.py.
"""

from __future__ import annotations

import subprocess
import threading
import time
from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path

from herd import Herd
from litmus import Expected, Verdict, verdict_of
from lkmm import CONFIG, Model

# Each of ours takes a tenth of a second; a model or a test may be somebody's.
TEST_S = 30.0
_SHOWN = 200


@dataclass(frozen=True)
class Judged:
    """One test: the model's verdict, or why there is none."""

    expected: Expected
    verdict: Verdict | None
    problem: str
    seconds: float

    @property
    def as_recorded(self) -> bool:
        return self.verdict == self.expected.verdict


@dataclass
class _Running:
    """The programs that run now, so that all can be ended at once."""

    ended: bool = False
    programs: set[subprocess.Popen[str]] = field(default_factory=set)
    lock: threading.Lock = field(default_factory=threading.Lock)

    def start(self, command: Sequence[str], cwd: Path) -> subprocess.Popen[str]:
        with self.lock:
            if self.ended:
                raise OSError("stopped")
            program = subprocess.Popen(command, cwd=cwd, stdin=subprocess.DEVNULL, text=True,
                                       errors="replace", stdout=subprocess.PIPE,
                                       stderr=subprocess.STDOUT)
            self.programs.add(program)
            return program

    def gone(self, program: subprocess.Popen[str]) -> None:
        with self.lock:
            self.programs.discard(program)

    def end_all(self) -> None:
        with self.lock:
            self.ended = True
            for program in self.programs:
                program.kill()


def _telling(said: str) -> str:
    """The line in which herd7 says what is wrong, or its last one."""
    lines = [line.strip() for line in said.splitlines() if line.strip()]
    telling = [line for line in lines if "rror" in line or line.startswith("Warning")]
    return (telling or lines or ["it said nothing"])[-1][:_SHOWN]


def _outcome(herd: Herd, model: Model, path: Path, limit_s: float,
             running: _Running) -> tuple[Verdict | None, str]:
    command = [*herd.herd7, "-conf", CONFIG, "-set-libdir", str(herd.library), str(path)]
    program = running.start(command, model.directory)
    try:
        said, _ = program.communicate(timeout=limit_s)
    except subprocess.TimeoutExpired:
        return None, f"herd7 took more than {limit_s:g} s"
    finally:
        if program.poll() is None:
            program.kill()
        program.wait()
        running.gone(program)
    if program.returncode:
        how = f"signal {-program.returncode}" if program.returncode < 0 else (
            f"status {program.returncode}")
        return None, f"herd7 ended with {how}: {_telling(said)}"
    verdict = verdict_of(said, path.stem)
    return verdict, "" if verdict else f"herd7 gave no verdict: {_telling(said)}"


def judge_one(herd: Herd, model: Model, place: Path, expected: Expected, limit_s: float,
              running: _Running) -> Judged:
    started = time.monotonic()
    try:
        verdict, problem = _outcome(herd, model, place / f"{expected.name}.litmus", limit_s,
                                    running)
    except OSError as error:
        verdict, problem = None, f"herd7 cannot be run: {error.strerror or error}"
    return Judged(expected, verdict, problem, time.monotonic() - started)


def judge(herd: Herd, model: Model, place: Path, tests: Sequence[Expected], jobs: int,
          on_done: Callable[[Judged], None], limit_s: float = TEST_S) -> list[Judged]:
    """Every test judged, in the order given; `on_done` is told of each."""
    running = _Running()
    with ThreadPoolExecutor(max(1, jobs)) as pool:
        try:
            waiting: list[Future[Judged]] = [
                pool.submit(judge_one, herd, model, place, one, limit_s, running)
                for one in tests]
            found = []
            for future in waiting:
                found.append(future.result())
                on_done(found[-1])
            return found
        except BaseException:
            running.end_all()
            pool.shutdown(wait=False, cancel_futures=True)
            raise
