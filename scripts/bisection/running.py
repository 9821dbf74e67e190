# SPDX-License-Identifier: GPL-2.0
"""Runs a bundle once, on whichever computer it lies; started by its one_run.

With --into it is `make run` (or `make kunit`) of a kernel that is ready: same
files, same output, same exit status. With --stream the directory leaves as a
tar archive on standard output, with OUTCOME in it, and nothing stays here; the
exit status then says whether there is an outcome, not which.
"""

from __future__ import annotations

import argparse
import contextlib
import gzip
import json
import os
import shutil
import sys
import tarfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import IO, cast

import kunit
import options as opt
import run
from bisection import lifeline, there
from bisection.bundle import Bundle
from entry import guarded
from errors import ToolError
from qemu.guest import Stopped, stop_signals
from qemu.machine import GuestError
from qemu.store import write_whole

OUTCOME = "outcome.json"  # of --stream: number, seed, status, seconds
SAID = "said"  # what a run that is streamed printed


def run_bundle(bundle: Bundle, seed: int, run_dir: Path) -> int:
    """One guest, kept in `run_dir`, which must be there."""
    setup = bundle.setup(seed, run_dir.parent)
    opt.check_memory(setup.options, Path("/proc/meminfo").read_text())
    if bundle.suites:
        return kunit.told(kunit.Run(setup.options, setup, bundle.module, run_dir))
    return run.told(run.begun(setup, bundle.module, run_dir))


@contextlib.contextmanager
def _printing_to(path: Path) -> Iterator[None]:
    """Standard output and error in a file, also those of children."""
    sys.stdout.flush()
    kept = [os.dup(number) for number in (1, 2)]
    with open(path, "ab") as file:
        for number in (1, 2):
            os.dup2(file.fileno(), number)
    try:
        yield
    finally:
        sys.stdout.flush()
        for number, descriptor in zip((1, 2), kept):
            os.dup2(descriptor, number)
            os.close(descriptor)


@contextlib.contextmanager
def _scratch() -> Iterator[Path]:
    """A directory that is gone afterwards; the process id in its name lets a
    later run take away what a killed one left."""
    place = Path(there.shelf()) / there.RUNS / f"run.{time.time_ns()}.{os.getpid()}"
    place.mkdir(parents=True)
    try:
        yield place
    finally:
        shutil.rmtree(place, ignore_errors=True)


def _send(run_dir: Path) -> None:
    with gzip.GzipFile(fileobj=sys.stdout.buffer, mode="wb", compresslevel=1) as packed, \
            tarfile.open(fileobj=cast(IO[bytes], packed), mode="w|") as archive:
        for path in sorted(run_dir.iterdir()):
            if path.is_file():
                archive.add(path, path.name)
    sys.stdout.buffer.flush()


def _streamed(bundle: Bundle, number: int, seed: int) -> int:
    with _scratch() as scratch:
        run_dir = scratch / f"{number:05d}"
        run_dir.mkdir()
        began = time.monotonic()
        with _printing_to(run_dir / SAID):
            status = run_bundle(bundle, seed, run_dir)
        outcome = {"number": number, "seed": seed, "status": status,
                   "seconds": round(time.monotonic() - began, 1)}
        write_whole(run_dir / OUTCOME, json.dumps(outcome).encode())
        _send(run_dir)
    return 0


def stream(bundle: Bundle, number: int, seed: int) -> int:
    """Trouble with this computer, and an end from outside, are no outcome: one
    line of why, and another host is asked."""
    try:
        with stop_signals():
            return _streamed(bundle, number, seed)
    except Stopped as stopped:
        why = f"ended by {stopped}"
    except (ToolError, GuestError) as error:
        why = f"{error}; {error.hint}" if error.hint else str(error)
    except OSError as error:
        why = str(error)
    with contextlib.suppress(OSError):
        print(f"slubtorture: {' '.join(why.split())}", file=sys.stderr, flush=True)
    return lifeline.LOST_STATUS


def keep_to_the_shelf() -> None:
    """On another's computer nothing is kept but in the directory of bundles."""
    if "SLUBTORTURE_BUNDLES" not in os.environ:
        os.environ["SLUBTORTURE_BUNDLES"] = there.shelf()
        os.environ["XDG_CACHE_HOME"] = str(Path(there.shelf()) / "cache")
        opt.cache_dir(os.environ).mkdir(parents=True, exist_ok=True)


def into(bundle: Bundle, seed: int, place: Path) -> int:
    """By hand: into a new directory."""
    try:
        place.mkdir(parents=True)
    except OSError as error:
        raise ToolError(f"--into {place}: {error.strerror}", "name a new directory") from error
    return run_bundle(bundle, seed, place.absolute())


def main(place: str, arguments: list[str]) -> int:
    parser = argparse.ArgumentParser(prog="one_run", description="run this kernel once")
    parser.add_argument("--seed", type=int, required=True)
    parser.add_argument("--number", type=int, default=0, help="of the run, with --stream")
    where = parser.add_mutually_exclusive_group(required=True)
    where.add_argument("--into", type=Path, help="a new directory for the run's files")
    where.add_argument("--stream", action="store_true", help="as a tar archive on stdout")
    parser.add_argument("--lifeline", help="a FIFO; the run ends with its writer. - is stdin")
    args = parser.parse_args(arguments)
    if args.lifeline:
        lifeline.depend_on(args.lifeline)
    if args.stream:
        keep_to_the_shelf()
        return stream(Bundle.at(Path(place)), args.number, args.seed)
    return guarded(lambda: into(Bundle.at(Path(place)), args.seed, args.into))
