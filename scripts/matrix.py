# SPDX-License-Identifier: GPL-2.0
"""`make matrix`: every detector asked of every kernel, unmodified and wrong on
purpose, in one table. It may be stopped at any moment; the same command goes
on where it was. Exit status 0 if all is as it should be, 1 for a false alarm,
a broken promise or a silent control, 2 while something could not be asked.

Which kernels there are is in matrices/columns.py, what is asked of them, and
when, in plan.py, how in asking.py and pool.py; what was answered is in the
journal, from which alone table and picture are made.
"""

from __future__ import annotations

import fcntl
import hashlib
import os
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

sys.path[:0] = [str(Path(__file__).resolve().parent.parent)]

import options as opt
import records as rec
from bisection.journal import Journal
from entry import guarded
from errors import ToolError
from matrices import columns, costs, facts, picture, plan, report, state
from matrices.asking import Asking
from matrices.columns import Kernel
from matrices.plan import Visit
from matrices.pool import Pool, Takers
from matrices.progress import Progress, plan_text
from qemu.store import write_whole

RUNS, RUNS_MOST = "10", 100
JOBS_MOST, MINUTES_MOST = 64, 100_000
ALL, PROMISES = "all", "promises"  # of ASK
PLACE = "matrix"  # below OUT
JOURNAL = "journal.jsonl"


def code() -> str:
    """Names the module's source: answers of two modules belong in no table."""
    digest = hashlib.sha256()
    for place in ("module", "kunit"):
        for path in sorted((opt.ROOT / place).rglob("*")):
            if path.suffix in (".c", ".cc", ".h", ".def") and "tests" not in path.parts:
                digest.update(path.read_bytes())
    return digest.hexdigest()[:12]


@dataclass(frozen=True)
class Asked:
    """What the user asked for beside the options of every run; `minutes` 0: all
    of it, however long that takes; `only_promises`: what headers promise, and
    what must be silent, once; `whole`: all patches and all detectors."""

    kernels: list[Kernel]
    runs: int
    jobs: int
    minutes: int
    only_promises: bool
    whole: bool
    named_stock: bool = False  # by the user, who is told that one is not to be had


def asked(options: opt.Options) -> Asked:
    """ToolError for the first value that is wrong."""
    environment = os.environ
    runs = opt.whole_number("RUNS", environment.get("RUNS") or RUNS, 1, RUNS_MOST)
    jobs = environment.get("JOBS", "")
    minutes = environment.get("MINUTES", "")
    usual = costs.default_jobs(options, Path("/proc/meminfo").read_text())
    at_once = opt.whole_number("JOBS", jobs, 1, JOBS_MOST) if jobs else usual
    limit = opt.whole_number("MINUTES", minutes, 1, MINUTES_MOST) if minutes else 0
    only = environment.get("ASK", "")
    if only not in ("", ALL, PROMISES):
        raise ToolError(f"ASK={only}: neither {ALL} nor {PROMISES}",
                        f"{PROMISES}: what headers promise, and what must be silent, once")
    wished = columns.wishes(options, environment)
    kernels, warning = columns.chosen(wished)
    if warning:
        print(f"slubtorture: warning: {warning}", file=sys.stderr, flush=True)
    whole = only != PROMISES and not wished.series and wished.patch in ("", ALL)
    return Asked(kernels, runs, at_once, limit, only == PROMISES, whole,
                 wished.stock not in ("", ALL, columns.NONE))


@contextmanager
def locked(place: Path) -> Iterator[None]:
    """One at a time: two would write the same journal."""
    place.mkdir(parents=True, exist_ok=True)
    with (place / "lock").open("w") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise ToolError(f"another make matrix is at work in {place}",
                            "wait for it, or choose another OUT") from error
        yield


def begun(journal: Journal, ask: Asked, visits: list[Visit]) -> state.Matrix:
    """What the journal knows, with a fact for each kernel of the plan."""
    matrix = state.of_facts(journal.lines(), str(journal.path))
    now = code()
    if matrix.codes and matrix.codes[-1] != now:
        raise ToolError(f"{journal.path} is about another state of this module",
                        "a table is about one: choose another OUT, or remove this one")
    if not matrix.codes:
        journal.add("matrix", format=state.FORMAT, code=now)
    for kernel in ask.kernels:
        fact = state.kernel_fact(kernel)
        if not matrix.knows(fact):
            journal.add("kernel", **fact)
    keys = [visit.key for visit in visits]
    if (matrix.asked, matrix.runs, matrix.whole) != (keys, ask.runs, ask.whole):
        journal.add("asked", visits=keys, runs=ask.runs, whole=ask.whole)
    return state.of_facts(journal.lines(), str(journal.path))


@dataclass
class Work:
    """One command's asking: answers go to the journal, words to the user."""

    journal: Journal
    prices: costs.Costs
    progress: Progress
    named_stock: bool = False
    failed: dict[str, str] = field(default_factory=dict)
    pool: Pool | None = None

    def answer(self, visit: Visit, seen: list[facts.Seen], seconds: float, status: int) -> None:
        self.journal.add("visit", **state.visit_fact(visit, facts.to_json(seen), seconds, status))
        self.prices.learn(visit, seconds)
        assert self.pool
        self.progress.answered(self.pool, visit, seen, seconds)

    def made(self, kernel: Kernel, seconds: float) -> None:
        assert self.pool
        alone = self.pool.there[kernel.name].kernel  # only its modules were missing
        if alone:
            self.prices.modules_s.append(seconds)
        self.journal.add("made", kernel=kernel.name, seconds=round(seconds, 1), modules=alone)
        self.progress.made(kernel, seconds)

    def gone(self, kernel: Kernel, why: str) -> None:
        """Of all stock kernels that there are, one that the archive has no more
        is none; of those that the user named it could not be asked."""
        if self.named_stock:
            return self.lose(kernel.name, why)
        self.journal.add("gone", kernel=kernel.name, why=why)
        self.progress.say(f"{kernel.name}: {why}")
        return None

    def lose(self, what: str, why: str) -> None:
        self.failed[what] = why
        self.progress.say(f"{what}: {why}")

    def takers(self) -> Takers:
        return Takers(self.answer, self.made, self.gone, self.lose, self.progress.say)


def share_modules(options: opt.Options, place: Path) -> None:
    """What is built for runs with the same OUT is built for these runs, too."""
    built, link = options.out / "build", place / "runs/build"
    built.mkdir(parents=True, exist_ok=True)
    link.parent.mkdir(parents=True, exist_ok=True)
    if not link.exists():
        link.unlink(missing_ok=True)
        link.symlink_to(os.path.relpath(built, link.parent))


def work(asking: Asking, journal: Journal, ask: Asked, left: list[Visit],
         matrix: state.Matrix, every: list[Visit]) -> dict[str, str]:
    """Visit what is left; what could not be asked, and why."""
    prices = costs.of_matrix(matrix, every, opt.cache_dir(os.environ).resolve())
    mine = Work(journal, prices, Progress(len(left)), ask.named_stock)
    there = costs.there(asking, {visit.kernel.name: visit.kernel for visit in left}.values())
    deadline = time.monotonic() + 60 * ask.minutes if ask.minutes else float("inf")
    mine.pool = Pool(asking, ask.jobs, prices, there, mine.takers(), list(left), deadline)
    if left:
        mine.progress.say(plan_text(mine.pool, len(every) - len(left)))
    if ask.minutes:
        mine.progress.say(f"MINUTES={ask.minutes}: what tells most of that, as far as it fits")
    mine.pool.work()
    return mine.failed


def tell(place: Path, journal: Journal, failed: dict[str, str], minutes: int) -> int:
    matrix = state.of_facts(journal.lines(), str(journal.path))
    text = report.text(matrix, failed, minutes)
    write_whole(place / "matrix.txt", text.encode())
    print(text)
    why = picture.draw(matrix, place / "matrix.png")
    print(f"picture:  {why or rec.shown(place / 'matrix.png')}")
    print(f"files:    {rec.shown(place)}")
    return report.status(matrix, failed, minutes)


def main() -> int:
    parser = opt.parser("every detector and every kernel in one table")
    options = opt.checked(opt.raw_values(parser.parse_args(), os.environ), Path.cwd() / "out")
    opt.check_out(options.out)
    ask = asked(options)
    place = options.out / PLACE
    visits = plan.visits(ask.kernels, ask.runs, ask.only_promises)
    journal = Journal(place / JOURNAL, "a matrix")
    with locked(place):
        matrix = begun(journal, ask, visits)
        share_modules(options, place)
        left = [visit for visit in plan.remaining(visits, frozenset(matrix.done))
                if ask.named_stock or visit.kernel.name not in matrix.gone]
        failed: dict[str, str] = {}
        try:
            failed |= work(Asking(options, place), journal, ask, left, matrix, visits)
        finally:
            status = tell(place, journal, failed, ask.minutes)
    return status


if __name__ == "__main__":
    sys.exit(guarded(main))
