# SPDX-License-Identifier: GPL-2.0
"""Imitated kernels for bisections of tiny trees (bisect_tree.py): building and
running one takes no time, what it does stands in its mm/slub.c:

    good, bad, other    passes, or fails in this or that way
    flaky               fails in one run of five, by its seed
    no-build, no-boot   gives no kernel, or no answer
"""

from __future__ import annotations

import os
import random
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import guests
import records as rec
from bisection.drive import Bisection
from bisection.outcomes import LOCAL, Ran
from bisection.session import Request, Session
from bisection.step import Asker, Built, Clock, Judge, Judging
from bisection.tree import Tree, Walk, opened
from errors import SourceError

HUNTED = "fail exts-late/exts-own-slot ordering"
RATE = 0.2


def write_run(files: Path, state: str) -> int:
    """A run's directory, as `make run` leaves it; its exit status."""
    files.mkdir(parents=True)
    if state == "no-boot":
        (files / "console").write_text("Booting the kernel.\n")
        (files / "records.jsonl").write_text(rec.to_json_lines(
            [replace(guests.BASE, scenario="exts-late", reason="not reached: the guest hung")]))
        return 2
    fails = {"bad": ("exts-own-slot", "ordering"), "other": ("inspect-balanced", "accounting")}
    invariant, cause = fails.get(state, ("-", "none"))
    record = replace(guests.BASE, scenario="exts-late", observations=3, duration_ms=5,
                     verdict=rec.FAIL if state in fails else rec.PASS, invariant=invariant,
                     cause=cause, evidence="seen" if state in fails else "-")
    (files / "records.jsonl").write_text(rec.to_json_lines([record]))
    return 1 if state in fails else 0


@dataclass
class FakeBench:
    """Runs one after the other; notes what it did in `log`."""

    session: Session
    tree: Tree
    log: Path
    run_s: float = 0.0
    jobs: int = 2
    built: list[str] = field(default_factory=list)
    on_run: Callable[[int], None] = lambda count: None
    count: int = 0
    forced: Callable[[str], str] = lambda commit: ""  # a state in place of the commit's own

    def state(self, commit: str) -> str:
        return self.tree.git("show", f"{commit}:mm/slub.c").splitlines()[0]

    def build(self, commit: str) -> Built:
        self.built.append(commit)
        if self.state(commit) == "no-build":
            raise SourceError("the kernel's build failed for x:\n  mm/slub.c:1: error: it is so",
                              "a log")
        return Built(commit, 0.5, self.session.directory)

    def run(self, built: Built, wanted: Sequence[tuple[int, int]], judge: Judging,
            take: Callable[[Ran], bool]) -> None:
        for number, seed in wanted:
            self._note(f"{built.commit} {number}")
            time.sleep(self.run_s)
            files = self.session.files_of(built.commit, number)
            state = self.forced(built.commit) or self.state(built.commit)
            if state == "flaky":
                state = "bad" if random.Random(seed).random() < RATE else "good"
            outcome, said = judge(files, write_run(files, state))
            self.count += 1
            self.on_run(self.count)
            if not take(Ran(built.commit, number, seed, outcome, said, LOCAL, 0.01,
                            str(files.relative_to(self.session.directory)))):
                return

    def _note(self, line: str) -> None:
        with self.log.open("a") as file:
            file.write(line + "\n")

    def close(self) -> None:
        self._note("closed 0")


def session_for(out: Path, tree: Path, good: str, bad: str, **asked: object) -> Session:
    request = Request(str(tree), good, bad, {"scenario": "exts-late"}, seed=1)
    request = replace(request, **asked)
    session = Session(out / "bisect" / request.name)
    session.create(request, opened(str(tree)).range(good, bad))
    return session


def bisection(session: Session, hours: float = 0, runs_most: int = 60, run_s: float = 0.0,
              say: Callable[[str], None] = lambda text: None) -> Bisection:
    """As the door puts it together, but for the bench."""
    tree = opened(session.request.tree)
    bench = FakeBench(session, tree, session.directory / "executed", run_s)
    asker = Asker(session, bench, Judge(session, say), Clock(3600 * hours), say)
    return Bisection(session, asker, Walk(tree, session.directory / "walk.git"), runs_most, say)


def child(session: Session, run_s: float) -> int:
    """A process of its own at work on the session, to be killed."""
    pid = os.fork()
    if pid == 0:
        status = 1
        try:
            with session.held():
                bisection(session, run_s=run_s).run()
            status = 0
        finally:
            os._exit(status)
    return pid
