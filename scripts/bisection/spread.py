# SPDX-License-Identifier: GPL-2.0
"""Many runs of one bundle, several at once, on this machine or on others: each
with its seed, each outcome handed over as it comes, until somebody has seen
enough.

    hosts     which machines there are, and what they have
    parallel  GNU parallel, which starts runs where there is room
    running   one run, there
    lifeline  how runs end when nobody waits for them any more

A run is asked again elsewhere when no outcome came of it; a host of which none
came twice in a row is not used any more. What is handed over is never asked
again.
"""

from __future__ import annotations

import gzip
import io
import json
import os
import shutil
import tarfile
import time
import zlib
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import kunit
import run
import scenarios
import setup as stp
from bisection import hosts as hst
from bisection.bundle import Bundle
from bisection.hosts import Host, parsed_hosts
from bisection.lifeline import Held
from bisection.outcomes import Outcome, Ran
from bisection.parallel import Job, Parallel, Work, start
from bisection.running import OUTCOME
from errors import ToolError

__all__ = ["Place", "check_hosts", "parsed_hosts", "run_many"]

WORK = ".at-work"
ATTEMPTS = 3  # of one run
FAILURES = 2  # in a row, of a host
POLL_S = 0.05
# Beyond what a run may take itself: the way there and back, a busy host.
SLACK_S = 600.0


@dataclass(frozen=True)
class Place:
    """Where runs are kept and how they are judged: run `number` is in
    into/<number>, in five digits; `judge` gets that directory and the exit
    status that `make run` would have had. `first` is the first run's number."""

    session: Path
    into: Path
    commit: str
    judge: Callable[[Path, int], tuple[Outcome, str]]
    first: int = 0

    def of(self, number: int) -> Path:
        return self.into / f"{number:05d}"


def check_hosts(hosts: Sequence[str], arch: str = "") -> None:
    """Said before hours are spent: hosts that cannot be used for guests of an
    architecture; ToolError if that is all of them, or something is missing here."""
    for problem in hst.check(hosts, arch):
        stp.say(f"not used: {problem}")


def limit_s(bundle: Bundle) -> float:
    """No run takes longer, wherever it runs."""
    if bundle.suites:
        return kunit.TOTAL_S + SLACK_S
    chosen = scenarios.select(bundle.options(1, bundle.path).scenario, scenarios.known())
    return run.bounds(run.Run(bundle.outline, chosen, bundle.module, bundle.path))[1] + SLACK_S


@dataclass
class Queue:
    """Runs that are still to be given out, those whose outcome never came first."""

    seeds: Iterator[tuple[int, int]]
    again: deque[tuple[int, int]] = field(default_factory=deque)

    def next(self) -> tuple[int, int] | None:
        if self.again:
            return self.again.popleft()
        for item in self.seeds:
            return item
        return None


def unpacked(data: bytes, into: Path, number: int, seed: int) -> tuple[int, float]:
    """Keep a run that came in, whole or not at all: exit status and seconds.
    ValueError if it is not that run. Only plain files are taken, by their names."""
    part = into.with_name(f".{into.name}")
    shutil.rmtree(part, ignore_errors=True)
    part.mkdir(parents=True)
    try:
        with tarfile.open(fileobj=io.BytesIO(gzip.decompress(data)), mode="r:") as archive:
            for member in archive:
                content = archive.extractfile(member) if member.isfile() else None
                if content is None or "/" in member.name or member.name.startswith("."):
                    raise ValueError(f"{member.name} does not belong in a run")
                (part / member.name).write_bytes(content.read())
        told = json.loads((part / OUTCOME).read_text())
        if (told["number"], told["seed"]) != (number, seed):
            raise ValueError(f"it is of run {told['number']}, seed {told['seed']}")
        shutil.rmtree(into, ignore_errors=True)
        part.rename(into)
        return int(told["status"]), float(told["seconds"])
    except (tarfile.TarError, gzip.BadGzipFile, zlib.error, EOFError, KeyError, TypeError,
            FileNotFoundError) as error:
        raise ValueError(f"it came in damaged: {error}") from error
    finally:
        shutil.rmtree(part, ignore_errors=True)


@dataclass
class Spread:
    """Runs under way."""

    bundle: Bundle
    place: Place
    take: Callable[[Ran], bool]
    work: Work
    hosts: list[Host]
    queue: Queue
    given: dict[int, int] = field(default_factory=dict)  # number -> seed, not ended
    failed: dict[int, int] = field(default_factory=dict)  # number -> attempts without outcome
    in_a_row: dict[str, int] = field(default_factory=dict)  # host -> failures
    why: str = ""
    rounds: int = 0

    def run(self, line: Held) -> None:
        """Until all are done, or enough is seen."""
        while True:
            self.rounds += 1
            engine = start(self.work, self.rounds, self.hosts, self.bundle.name,
                           limit_s(self.bundle))
            try:
                if not self._follow(engine) or not self.queue.again:
                    return
            finally:
                if engine.process.poll() is None:
                    engine.stop(line)

    def _follow(self, engine: Parallel) -> bool:
        """One GNU parallel to its end; whether more is wanted. Runs that failed
        when everything had been given out are left in the queue."""
        open_ = True
        while True:
            while open_ and len(self.given) < engine.wants:
                if not (open_ := self._give(engine)):
                    engine.no_more()
            gone = engine.process.poll() is not None
            for job in engine.ended():
                if not self._take(engine, job):
                    return False
            if gone and self.given:
                raise ToolError(f"GNU parallel ended too soon: {engine.said() or 'silently'}",
                                f"it was given {engine.place / 'hosts'}")
            if gone:
                return True
            time.sleep(POLL_S)

    def _give(self, engine: Parallel) -> bool:
        item = self.queue.next()
        if item is None:
            return False
        self.given[item[0]] = item[1]
        try:
            engine.give(*item)
        except BrokenPipeError:
            return False  # it has ended; why is found out there
        return True

    def _take(self, engine: Parallel, job: Job) -> bool:
        """An ended job; False when nothing more is wanted."""
        seed = self.given.pop(job.number, None)
        if seed is None:
            return True
        results = engine.place / "results" / str(job.number)
        why = "" if job.status == 0 else self._complaint(results, job)
        try:
            if not why:
                status, seconds = unpacked((results / "stdout").read_bytes(),
                                           self.place.of(job.number), job.number, seed)
        except (OSError, ValueError) as error:
            why = f"its outcome cannot be used: {error}"
        shutil.rmtree(results, ignore_errors=True)
        if why:
            return self._lost(engine, job, seed, why)
        self.in_a_row[job.host] = 0
        outcome, said = self.place.judge(self.place.of(job.number), status)
        return self._hand_over(job, seed, outcome, said, seconds)

    def _hand_over(self, job: Job, seed: int, outcome: Outcome, said: str,
                   seconds: float = 0.0) -> bool:
        where = self.place.of(job.number)
        files = os.path.relpath(where, self.place.session) if where.exists() else ""
        return self.take(Ran(self.place.commit, job.number, seed, outcome, said, job.host,
                             seconds, files))

    @staticmethod
    def _complaint(results: Path, job: Job) -> str:
        try:
            lines = (results / "stderr").read_text(errors="replace").split("\n")
        except OSError:
            lines = []
        told = [line.strip().removeprefix("slubtorture: ") for line in lines if line.strip()]
        return told[-1] if told else f"exit status {job.status}"

    def _lost(self, engine: Parallel, job: Job, seed: int, why: str) -> bool:
        """No outcome: the run is tried again, the host perhaps no more. What is
        started on a host that is given up is not held against the runs."""
        self.why = f"{job.host}: {why}"
        host = next((host for host in engine.hosts if host.name == job.host), None)
        if host is None:
            self.queue.again.append((job.number, seed))
            return True
        self.in_a_row[job.host] = self.in_a_row.get(job.host, 0) + 1
        self.failed[job.number] = self.failed.get(job.number, 0) + 1
        if self.in_a_row[job.host] >= FAILURES:
            self._drop(engine, host)
        if self.failed[job.number] >= ATTEMPTS:
            return self._hand_over(job, seed, Outcome.BROKEN,
                                   f"no outcome in {ATTEMPTS} attempts; {self.why}")
        self.queue.again.append((job.number, seed))
        return True

    def _drop(self, engine: Parallel, host: Host) -> None:
        engine.drop(host)
        self.hosts.remove(host)
        if not self.hosts:
            raise ToolError(f"no machine is left that runs this; {self.why}",
                            "what came in before is kept; mend it and go on")
        stp.say(f"{host.name} is not used any more, {FAILURES} runs in a row had no outcome "
                f"there: {self.why}")


def _numbered(seeds: Iterable[int], first: int) -> Iterator[tuple[int, int]]:
    yield from ((number, seed) for number, seed in enumerate(seeds, first))


def run_many(bundle: Bundle, seeds: Iterable[int], jobs: int, hosts: Sequence[str],
             take: Callable[[Ran], bool], place: Place) -> None:
    """Run the bundle with each seed; `take` gets each run as it ends, in any
    order, and says whether more are wanted: if not, the others are ended
    wherever they run. `jobs` is how many at once on this machine, 0 for what
    its cores and memory allow; `hosts` as in HOSTS=, none for this machine
    alone. Seeds may have no end. ToolError when no machine is left."""
    hst.check_programs(hosts)
    usable, problems = hst.usable(hosts, bundle, jobs)
    for problem in problems:
        stp.say(f"not used: {problem}")
    work, line = begun(place.into / WORK, bundle)
    try:
        Spread(bundle, place, take, work, usable, Queue(_numbered(seeds, place.first))).run(line)
    finally:
        line.cut()
        shutil.rmtree(work.place, ignore_errors=True)


def begun(at: Path, bundle: Bundle) -> tuple[Work, Held]:
    """The directory for the time being, with the bundle and the lifeline."""
    work = Work(at)
    try:
        shutil.rmtree(work.place, ignore_errors=True)
        work.shelf.mkdir(parents=True)
        (work.shelf / bundle.name).symlink_to(bundle.path)
        return work, Held(str(work.lifeline))
    except OSError as error:
        raise ToolError(f"runs cannot be made in {work.place}: {error.strerror}",
                        "it takes room, symbolic links and FIFOs there: OUT=DIR names another place"
                        ) from error
