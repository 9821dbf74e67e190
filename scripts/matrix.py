# SPDX-License-Identifier: GPL-2.0
"""`make matrix`: every detector asked of every kernel, unmodified and wrong on
purpose, in one table. It may be stopped at any moment; the same command goes
on where it was. Exit status 0 if all is as it should be, 1 for a false alarm,
a broken promise or a silent control, 2 while something could not be asked.

What is asked, and when, stands in matrices/plan.py; what was answered in the
journal, from which alone table and picture are made.
"""

from __future__ import annotations

import fcntl
import hashlib
import os
import re
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

sys.path[:0] = [str(Path(__file__).resolve().parent.parent)]

import busted
import options as opt
import records as rec
from bisection.journal import Journal
from entry import guarded
from errors import ToolError
from lab import spec
from matrices import facts, picture, plan, report, state
from qemu.store import write_whole

SERIES = ("7.2",)  # those with patches, and nothing that is wrong without one
RUNS_MOST = 100


def code() -> str:
    """Names the module's source: answers of two modules belong in no table."""
    digest = hashlib.sha256()
    for place in ("module", "kunit"):
        for path in sorted((opt.ROOT / place).rglob("*")):
            if path.suffix in (".c", ".cc", ".h", ".def") and "tests" not in path.parts:
                digest.update(path.read_bytes())
    return digest.hexdigest()[:12]


@dataclass(frozen=True)
class Asking:
    """How kernels are visited: options of the user, and where all is kept."""

    options: opt.Options
    place: Path

    def environment(self, visit: plan.Visit) -> dict[str, str]:
        kernel = visit.kernel
        base = busted.Asking(replace(self.options, kernel="", out=self.place / "runs"),
                             kernel.series, self.place)
        found = base.environment(kernel.patch, kernel.header)
        if visit.group == plan.NAMED and kernel.header:
            chosen, seconds = ",".join(plan.named_scenarios(kernel.header)), kernel.header.seconds
        else:
            chosen, seconds = (plan.NODE_SCENARIOS, plan.NODE_SECONDS) if (
                visit.group == plan.NODES) else ("", 1)
        return {**found, "SCENARIO": chosen, "SECONDS": str(seconds), "SEED": ""}

    def ask(self, visit: plan.Visit) -> tuple[list[facts.Seen], int]:
        """What one guest told, nothing if it could not be asked; its log stays."""
        log = self.place / "logs" / f"{visit.key.replace('/', '-').replace(' ', '-')}.log"
        log.parent.mkdir(parents=True, exist_ok=True)
        words = [sys.executable, str(opt.ROOT / "scripts" / f"{visit.kind}.py")]
        with log.open("w") as sink:
            status = busted.run_out(words, sink, self.environment(visit))
        found = re.findall(r"(?m)^files:\s+(.+)$", log.read_text(errors="replace"))
        suites = visit.group == plan.SUITES
        results = Path(found[-1] if found else "/nowhere") / (
            "results.jsonl" if suites else "records.jsonl")
        if not results.exists():
            return [], status
        text = results.read_text()
        seen = facts.of_cases(text) if suites else facts.of_records(text)
        if suites and status == 1 and not any(one.fired for one in seen):
            seen.append(facts.Seen("slubtorture-log", "fail", (("no-splat", "unknown"),)))
        return seen, status


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


def begun(journal: Journal, kernels: list[plan.Kernel]) -> state.Matrix:
    """What the journal knows, with a fact for each kernel of the plan."""
    matrix = state.of_facts(journal.lines())
    now = code()
    if matrix.codes and matrix.codes[-1] != now:
        raise ToolError(f"{journal.path} is about another state of this module",
                        "a table is about one: choose another OUT, or remove this one")
    if not matrix.codes:
        journal.add("matrix", code=now)
    for kernel in kernels:
        fact = state.kernel_fact(kernel)
        if not matrix.knows(fact):
            journal.add("kernel", **fact)
    return state.of_facts(journal.lines())


def work(asking: Asking, journal: Journal, visits: list[plan.Visit], done: frozenset[str]) -> int:
    """Visit what is left; how many could not be asked."""
    left = list(plan.remaining(visits, done))
    failed = 0
    for number, visit in enumerate(left, 1):
        began = time.monotonic()
        seen, status = asking.ask(visit)
        took = time.monotonic() - began
        fired = sorted({one.detector for one in seen if one.fired})
        said = ", ".join(fired) if fired else "silent" if seen else f"NO ANSWER, status {status}"
        print(f"slubtorture: {number} of {len(left)}: {visit.kernel.name}, {visit.group}: {said} "
              f"({took:.0f} s)", file=sys.stderr, flush=True)
        if seen:
            journal.add("visit", **state.visit_fact(visit, facts.to_json(seen), took, status))
        failed += not seen
    return failed


def tell(place: Path, journal: Journal, visits: list[plan.Visit]) -> int:
    matrix = state.of_facts(journal.lines())
    remaining = sum(1 for _ in plan.remaining(visits, frozenset(matrix.done)))
    text = report.text(matrix, remaining)
    write_whole(place / "matrix.txt", text.encode())
    print(text)
    why = picture.draw(matrix, place / "matrix.png")
    print(f"picture:  {why or rec.shown(place / 'matrix.png')}")
    print(f"files:    {rec.shown(place)}")
    return report.status(matrix, remaining)


def chosen(options: opt.Options) -> list[plan.Kernel]:
    """KERNEL's series and all of their patches, or those of PATCH."""
    series = spec.words(options.kernel) or list(SERIES)
    known = {name.partition("/")[0] for name in spec.known_patches()}
    for name in series:
        if name not in known:
            raise ToolError(f"KERNEL={name}: no patches were made for this series",
                            f"series with patches: {', '.join(sorted(known))}")
    found = plan.kernels(series)
    if not options.patch or options.patch == busted.ALL:
        return found
    wanted = set()
    for word in spec.words(options.patch):
        names = {kernel.patch for kernel in found if word in (
            kernel.patch, kernel.patch.partition("/")[2]) and kernel.patch}
        if not names:
            raise ToolError(f"PATCH={word}: no such patch of {', '.join(series)}",
                            f"patches: {', '.join(k.patch for k in found if k.patch)}")
        wanted |= names
    return [kernel for kernel in found if not kernel.patch or kernel.patch in wanted]


def main() -> int:
    parser = opt.parser("every detector and every kernel in one table")
    values = opt.raw_values(parser.parse_args(), os.environ)
    options = opt.checked(values, Path.cwd() / "out")
    runs = opt.whole_number("RUNS", os.environ.get("RUNS") or "1", 1, RUNS_MOST)
    opt.check_out(options.out)
    place = options.out / "matrix" / spec.machine_of(options.arch).arch
    kernels = chosen(options)
    visits = plan.visits(kernels, runs)
    journal = Journal(place / "journal.jsonl")
    with locked(place):
        matrix = begun(journal, kernels)
        try:
            work(Asking(options, place), journal, visits, frozenset(matrix.done))
        finally:
            status = tell(place, journal, visits)
    return status


if __name__ == "__main__":
    sys.exit(guarded(main))
