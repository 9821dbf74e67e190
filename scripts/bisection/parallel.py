# SPDX-License-Identifier: GPL-2.0
"""GNU parallel, as this package uses it: its command line, its list of hosts,
its log of jobs. It chooses where the next run goes and starts it there; what
an ended job means is for spread.py.
"""

from __future__ import annotations

import ctypes
import os
import re
import shlex
import signal
import subprocess
import sys
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from bisection import tether
from bisection.bundle import ONE_RUN
from bisection.hosts import Host, ssh_command
from bisection.lifeline import Held

_PR_SET_PDEATHSIG = 1
# Of GNU parallel's list of hosts; it is read again when this is two seconds
# newer than it was.
_NEWER_S = 10
_SHELF = '"${SLUBTORTURE_BUNDLES:-${XDG_CACHE_HOME:-$HOME/.cache}/slubtorture/bundles}"'


@dataclass(frozen=True)
class Job:
    """A job that ended, well or not."""

    number: int
    host: str
    status: int  # 0: an outcome came

    @staticmethod
    def of(line: str) -> Job | None:
        """A line of the log; None for its title, or half a line."""
        words = line.split("\t")
        found = re.search(r"--number (\d+)", line)
        if len(words) < 9 or not found or not words[6].lstrip("-").isdigit():
            return None
        return Job(int(found[1]), words[1], int(words[6]) or int(words[7] != "0"))


@dataclass
class Parallel:
    """One GNU parallel at work, in a directory of its own."""

    place: Path
    hosts: list[Host]
    process: subprocess.Popen[bytes]
    read: int = 0  # of the log, in bytes
    rest: str = field(default="")

    @property
    def slots(self) -> int:
        return sum(host.slots for host in self.hosts)

    @property
    def wants(self) -> int:
        """How many runs that have not ended it must have been given, so that it
        never waits for one: as many as run, as it counts a host's slots by
        taking jobs for all of them off its queue, and a few more."""
        return self.slots + max((host.slots for host in self.hosts), default=0) + 2

    def give(self, number: int, seed: int) -> None:
        assert self.process.stdin
        self.process.stdin.write(f"{number}\t{seed}\n".encode())
        self.process.stdin.flush()

    def no_more(self) -> None:
        assert self.process.stdin
        self.process.stdin.close()

    def ended(self) -> list[Job]:
        """Jobs that have ended since this was asked last."""
        try:
            with open(self.place / "joblog", "rb") as log:
                log.seek(self.read)
                data = log.read()
        except FileNotFoundError:
            return []
        self.read += len(data)
        *lines, self.rest = (self.rest + data.decode(errors="replace")).split("\n")
        return [job for line in lines if (job := Job.of(line)) is not None]

    def drop(self, host: Host) -> None:
        """Start nothing more on a host."""
        self.hosts.remove(host)
        write_hosts(self.place / "hosts", self.hosts)

    def said(self) -> str:
        """The last thing that GNU parallel complained about."""
        lines = (self.place / "stderr").read_text(errors="replace").split("\n")
        told = [line.strip() for line in lines if line.strip()]
        return told[-1] if told else ""

    def stop(self, lifeline: Held) -> None:
        """End it and all runs. No new ones first; then each run is told by its
        lifeline; what does not listen is killed."""
        if self.process.poll() is None:
            self.process.terminate()
        lifeline.cut()
        for harder in (self.process.terminate, self.process.kill):
            try:
                self.process.wait(10)
                break
            except subprocess.TimeoutExpired:
                harder()
        self.process.wait()
        if self.process.stdin and not self.process.stdin.closed:
            self.process.stdin.close()


def write_hosts(path: Path, hosts: Sequence[Host]) -> None:
    """One line a host: how many at once, and where."""
    newer = path.stat().st_mtime + _NEWER_S if path.exists() else 0.0
    temporary = path.with_suffix(".new")
    temporary.write_text("".join(f"{host.slots}/{host.name}\n" for host in hosts))
    if newer:
        os.utime(temporary, (newer, newer))
    temporary.rename(path)


def command(place: Path, bundle: str, limit_s: float) -> list[str]:
    """The same words run the bundle here and elsewhere; what differs is said by
    the environment, which ssh does not carry along."""
    one = (f'"${{SLUBTORTURE_PYTHON:-python3}}" {_SHELF}/{shlex.quote(bundle)}/{ONE_RUN} '
           '--stream --number {1} --seed {2} --lifeline "${SLUBTORTURE_LIFELINE:--}"')
    ssh = shlex.join([sys.executable, tether.__file__])
    return ["parallel", "--plain", "--will-cite", "--no-notice", "--ssh", ssh,
            "--sshloginfile", str(place / "hosts"), "--joblog", str(place / "joblog"),
            "--results", f"{place}/results/{{1}}/", "--tmpdir", str(place / "tmp"),
            "--colsep", "\t", "--timeout", str(int(limit_s)), one]


@dataclass(frozen=True)
class Work:
    """The directory in which runs are while they last, and what is in it."""

    place: Path

    @property
    def lifeline(self) -> Path:
        return self.place / "lifeline"

    @property
    def shelf(self) -> Path:
        return self.place / "shelf"

    def round(self, number: int) -> Path:
        """Of one GNU parallel."""
        return self.place / str(number)


def environment(work: Work, place: Path) -> dict[str, str]:
    """What decides how GNU parallel and the runs behave, and nothing else of
    the user's settings of it."""
    kept = {name: value for name, value in os.environ.items()
            if not name.startswith("PARALLEL") and name not in ("MAKEFLAGS", "MFLAGS")}
    return kept | {"PARALLEL_HOME": str(place / "home"), "PARALLEL_SHELL": "/bin/sh",
                   "SHELL": "/bin/sh", "TMPDIR": str(place / "tmp"),
                   "SLUBTORTURE_BUNDLES": str(work.shelf),
                   "SLUBTORTURE_PYTHON": sys.executable, "SLUBTORTURE_SSH": ssh_command(),
                   "SLUBTORTURE_LIFELINE": str(work.lifeline)}


def _end_with_parent() -> None:
    """It then starts nothing more; what runs ends by its lifeline."""
    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGTERM)


def start(work: Work, number: int, hosts: Iterable[Host], bundle: str,
          limit_s: float) -> Parallel:
    """GNU parallel, waiting for runs."""
    place = work.round(number)
    for name in ("results", "tmp", "home"):
        (place / name).mkdir(parents=True)
    used = list(hosts)
    write_hosts(place / "hosts", used)
    with open(place / "stderr", "wb") as errors:
        process = subprocess.Popen(
            command(place, bundle, limit_s), stdin=subprocess.PIPE, stdout=subprocess.DEVNULL,
            stderr=errors, env=environment(work, place), start_new_session=True,
            preexec_fn=_end_with_parent)
    return Parallel(place, used, process)
