# SPDX-License-Identifier: GPL-2.0
"""`make check` calls this: real guests of one kernel on two hosts of the test's
own, one of which goes while its guest runs; then who asks for them is killed.
Ends with "N passed, N failed, N
skipped".
"""

from __future__ import annotations

import itertools
import os
import signal
import sys
import tempfile
import time
from dataclasses import dataclass, field
from pathlib import Path

_SCRIPTS = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(_SCRIPTS.parent), str(_SCRIPTS)]

import options as opt
import prepared
import records as rec
from bisection import bundle as bdl
from bisection import spread
from bisection.bundle import Bundle
from bisection.outcomes import Outcome, Ran
from entry import guarded
from own_hosts import OwnHost, OwnHosts, own_hosts, wait_until, why_not

RUNS = 5
SCENARIO = "exts-external"


def made(out: Path) -> Bundle:
    values = opt.raw_values(opt.parser("").parse_args([]), {
        "KERNEL": "7.2", "SCENARIO": SCENARIO, "SECONDS": "1", "OUT": str(out)})
    options = opt.checked(values, out)
    return bdl.make(prepared.ready(options), options, out / "bundles", False)


def guests_below(place: Path) -> list[int]:
    """QEMUs here and on the test's own hosts whose files are below a directory."""
    found = []
    for path in Path("/proc").glob("[0-9]*"):
        try:
            if b"qemu-system" in os.fsencode(os.readlink(path / "exe")) and (
                    os.fsencode(place) in (path / "cmdline").read_bytes()):
                found.append(int(path.name))
        except OSError:
            continue
    return found


@dataclass
class Taker:
    """Takes alpha away when a guest runs there and an outcome has come."""

    hosts: OwnHosts
    ran: list[Ran] = field(default_factory=list)

    def __call__(self, ran: Ran) -> bool:
        self.ran.append(ran)
        print(f"run {ran.number}, seed {ran.seed}, {ran.host}: {ran.outcome}, {ran.seconds} s",
              flush=True)
        alpha = self.hosts["alpha"]
        if alpha.process.poll() is None and wait_until(lambda: guests_below(alpha.home)):
            alpha.take_away()
        return True


def judge(run_dir: Path, status: int) -> tuple[Outcome, str]:
    records = rec.from_json_lines((run_dir / "records.jsonl").read_text())
    good = status == 0 and any(record.scenario == SCENARIO and record.verdict == rec.PASS
                               and record.observations > 0 for record in records)
    return (Outcome.GOOD if good else Outcome.OTHER), f"exit status {status}"


def problems(hosts: OwnHosts, taker: Taker, into: Path) -> dict[str, bool]:
    """Each thing that is to be so, and whether it is."""
    beta, left = hosts["beta"], [path.name for path in into.iterdir()]
    return {
        "alpha went in the middle": hosts["alpha"].process.poll() is not None,
        "every run came once, with its seed": sorted(
            (ran.number, ran.seed) for ran in taker.ran) == [(n, 70 + n) for n in range(RUNS)],
        "every guest gave verdicts": all(ran.outcome is Outcome.GOOD for ran in taker.ran),
        "each run's seed is its guest's": all(
            f"SEED={ran.seed} " in (into / f"{ran.number:05d}/replay").read_text()
            for ran in taker.ran),
        "no guest is left": wait_until(lambda: not guests_below(into.parent), 30),
        "nothing is left here but runs": len(left) == RUNS,
        "nothing is left there but the shelf": sorted(
            path.name for path in beta.home.iterdir()) == [".cache", ".ssh"],
    }


def killed(bundle: Bundle, beta: OwnHost, place: Path) -> dict[str, bool]:
    """The same when who asked is killed with -9, while guests run here and there."""
    pid = os.fork()
    if pid == 0:
        try:
            spread.run_many(bundle, itertools.count(1), 1, (":/1", "beta/1"), lambda ran: True,
                            spread.Place(place, place / "more", "-", judge))
        finally:
            os._exit(1)
    both = wait_until(lambda: guests_below(place / "more") and guests_below(beta.home))
    os.kill(pid, signal.SIGKILL)
    os.waitpid(pid, 0)
    began = time.monotonic()
    gone = wait_until(lambda: not guests_below(place), 60)
    print(f"killed with -9: the last guest ended {time.monotonic() - began:.1f} s later")
    return {"guests ran here and there": both, "none is left after kill -9": gone}


def main() -> int:
    lacks = why_not()
    if lacks:
        print(f"skipped: no hosts of the test's own: {lacks}\n0 passed, 0 failed, 1 skipped")
        return 0
    out = Path(sys.argv[1]).absolute() if len(sys.argv) > 1 else Path.cwd() / "out"
    bundle = made(out)
    with tempfile.TemporaryDirectory() as scratch, own_hosts(
            Path(scratch) / "hosts", "alpha", "beta") as hosts:
        os.environ["PARALLEL_SSH"] = hosts.ssh
        taker, into = Taker(hosts), Path(scratch) / "runs"
        spread.run_many(bundle, range(70, 70 + RUNS), 1, ("alpha/1", "beta/1"), taker,
                        spread.Place(Path(scratch), into, "-", judge))
        found = problems(hosts, taker, into) | killed(bundle, hosts["beta"], Path(scratch))
    for what, good in found.items():
        print(f"{'ok' if good else 'FAILED'}: {what}")
    failed = sum(not good for good in found.values())
    print(f"{len(found) - failed} passed, {failed} failed, 0 skipped")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(guarded(main))
