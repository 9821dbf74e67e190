# SPDX-License-Identifier: GPL-2.0
"""How a kernel is made ready and how a guest is asked: which script with which
variables, where its words go, and what it answered. When that is done is for
pool.py.
"""

from __future__ import annotations

import re
import sys
from dataclasses import dataclass, replace
from pathlib import Path

import busted
import options as opt
from matrices import facts, plan
from matrices.columns import Kernel
from matrices.plan import Visit

# A kernel and its modules below OUT.
MAKER = "module_for"
_SAID = re.compile(r"(?m)^slubtorture: (.+)$")
_FILES = re.compile(r"(?m)^files:\s+(.+)$")
_PROGRESS = re.compile(r"building|built|guest:|waiting|ready|kernel ")


@dataclass(frozen=True)
class Asking:
    """Options of the user, and where all is kept; `scripts` is where this
    project's are."""

    options: opt.Options
    place: Path
    scripts: Path = opt.ROOT / "scripts"

    def of_kernel(self, kernel: Kernel) -> dict[str, str]:
        """Variables that name a kernel."""
        own = replace(self.options, kernel="", out=self.place / "runs", arch=kernel.arch,
                      page=kernel.page, config=" ".join([self.options.config, *kernel.config]))
        found = busted.Asking(own, kernel.series, self.place).environment(
            kernel.patch, kernel.header)
        if kernel.stock:  # ARCH alone asks for a lab kernel
            foreign = kernel.arch and ":" not in kernel.series
            found |= {"CONFIG": "", "PATCH": "",
                      "KERNEL": f"stock:{kernel.series}" if foreign else kernel.series}
        return {**found, "SCENARIO": "", "SUITE": "", "SEED": "", "KDIR": ""}

    def of_visit(self, visit: Visit) -> dict[str, str]:
        """All variables for one guest."""
        header = visit.kernel.header
        suite, scenario, seconds = "", "", 1
        if visit.group == plan.NAMED and header:
            scenario, seconds = ",".join(plan.named_scenarios(header)), header.seconds
        elif visit.group == plan.SUITE and header:
            named = plan.named_suites(header)
            suite = named[0] if len(named) == 1 else ""
        elif visit.group == plan.SUITES and not visit.has_twins:
            suite = plan.NO_TWINS
        elif visit.group == plan.NODES:
            scenario, seconds = plan.NODE_SCENARIOS, plan.NODE_SECONDS
        return {**self.of_kernel(visit.kernel), "SCENARIO": scenario, "SECONDS": str(seconds),
                "SUITE": suite}

    def words(self, script: str) -> list[str]:
        return [sys.executable, str(self.scripts / f"{script}.py")]

    def log(self, name: str) -> Path:
        """A new file: what an earlier asking may still write goes to its own."""
        path = self.place / "logs" / f"{re.sub(r'[^A-Za-z0-9_.+@-]+', '-', name)[:200]}.log"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.unlink(missing_ok=True)
        return path

    def answers(self, visit: Visit, log: Path, status: int) -> list[facts.Seen]:
        """What one guest told, nothing if it gave no verdict at all."""
        found = _FILES.findall(log.read_text(errors="replace"))
        suites = visit.kind == busted.SUITES
        results = Path(found[-1] if found else "/nowhere") / (
            "results.jsonl" if suites else "records.jsonl")
        if not results.exists():
            return []
        seen = facts.of_cases(results.read_text()) if suites else facts.of_records(
            results.read_text())
        if all(one.verdict == "skip" for one in seen):
            return []
        fired = any(one.fired or one.control_failed for one in seen)
        if status and not fired:  # the kernel complained, or the answers were cut short
            verdict, broken = ("fail", (("no-splat", "unknown"),)) if status == 1 else (
                "broken", ())
            seen.append(facts.Seen(facts.LOG, verdict, broken))
        return seen


def complaint(log: Path) -> str:
    """Why a script gave no answer, in one line of its own."""
    text = log.read_text(errors="replace") if log.exists() else ""
    said = [found[1] for found in _SAID.finditer(text) if not _PROGRESS.match(found[1])]
    return said[-1] if said else "it said nothing"
