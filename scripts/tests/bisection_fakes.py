# SPDX-License-Identifier: GPL-2.0
"""A bundle whose one_run boots nothing: what it does instead is given by each
test, as Python that may call send(); and somebody who takes what comes."""

from __future__ import annotations

import json
import os
import time
from dataclasses import dataclass, field
from pathlib import Path

from bisection.bundle import Bundle
from bisection.outcomes import Outcome, Ran
from bisection.spread import Place

_SCRIPTS = Path(__file__).resolve().parents[1]
# A safety net for what should take a second or two; nothing is measured.
LONG_S = 120.0

_PRELUDE = f"""\
#!/usr/bin/env python3
import argparse, io, json, os, pathlib, sys, tarfile, time
sys.path[:0] = [{str(_SCRIPTS)!r}, {str(_SCRIPTS.parent)!r}]
from bisection import lifeline
parser = argparse.ArgumentParser()
parser.add_argument("--stream", action="store_true")
parser.add_argument("--number", type=int)
parser.add_argument("--seed", type=int)
parser.add_argument("--lifeline")
args = parser.parse_args()
number, seed = args.number, args.seed
lifeline.depend_on(args.lifeline)


def send(status=0, **files):
    outcome = {{"number": number, "seed": seed, "status": status, "seconds": 0.5}}
    files = {{"said": str(seed)}} | files
    with tarfile.open(fileobj=sys.stdout.buffer, mode="w|gz") as archive:
        for name, text in [("outcome.json", json.dumps(outcome)), *files.items()]:
            member = tarfile.TarInfo(name)
            member.size = len(text.encode())
            archive.addfile(member, io.BytesIO(text.encode()))
    sys.stdout.flush()


def wait_for(condition):
    until = time.monotonic() + {LONG_S}
    while not condition():
        if time.monotonic() > until:
            sys.exit("waited too long")
        time.sleep(0.02)


def first_time(what):
    try:
        (shared / what).touch(exist_ok=False)
    except FileExistsError:
        return False
    return True
"""

_OPTIONS = {"kernel": "7.2", "scenario": "exts-external", "seconds": 1, "cpus": 2,
            "mem_mib": 1024, "accel": "tcg"}
_KERNEL = {"series": "7.2", "release": "7.2.0-fake", "package_version": "", "arch": "x86_64"}


def fake_bundle(tmp_path: Path, body: str) -> Bundle:
    """`shared` is a directory that all its runs see, wherever they run."""
    place, shared = tmp_path / "bundles" / "7.2.0-fake-0", tmp_path / "shared"
    place.mkdir(parents=True)
    shared.mkdir(exist_ok=True)
    (place / "one_run").write_text(f"{_PRELUDE}shared = pathlib.Path({str(shared)!r})\n{body}")
    (place / "one_run").chmod(0o755)
    (place / "config").write_text("CONFIG_NUMA=y\n")
    (place / "manifest.json").write_text(json.dumps(
        {"kernel": _KERNEL, "options": _OPTIONS, "suites": False, "why_fixed": ""}))
    return Bundle.at(place)


@dataclass
class Taker:
    """Takes runs, at most so many."""

    most: int = 10**9
    ran: list[Ran] = field(default_factory=list)

    def __call__(self, ran: Ran) -> bool:
        self.ran.append(ran)
        return len(self.ran) < self.most

    def seeds(self) -> dict[int, int]:
        return {ran.number: ran.seed for ran in self.ran}


def judge(run_dir: Path, status: int) -> tuple[Outcome, str]:
    return (Outcome.BAD if status == 1 else Outcome.GOOD), (run_dir / "said").read_text()


def place_in(tmp_path: Path, first: int = 0) -> Place:
    return Place(tmp_path, tmp_path / "runs of a commit", "c" * 40, judge, first)


def is_alive(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except (FileNotFoundError, ProcessLookupError):
        return False


def pids_in(shared: Path) -> list[int]:
    """What runs left there as pid-<number>."""
    return [int(path.read_text() or 0) for path in shared.glob("pid-*")]


def wait_until_gone(pids: list[int]) -> list[int]:
    """Those that are still there after a long time."""
    until = time.monotonic() + LONG_S
    while (left := [pid for pid in pids if is_alive(pid)]) and time.monotonic() < until:
        time.sleep(0.05)
    return left


def scripts_path() -> str:
    return os.pathsep.join((str(_SCRIPTS), str(_SCRIPTS.parent), str(Path(__file__).parent)))
