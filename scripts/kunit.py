# SPDX-License-Identifier: GPL-2.0
"""`make kunit KERNEL=DIR`: the KUnit suite in a guest, with a built kernel tree
that has KUnit; exit status 0 pass, 1 fail, 2 no result.

KUnit runs a suite when its module is loaded and keeps the report in debugfs,
from where the guest's init sends it. Here the report is read and counted; a
report that is cut short is never taken for a pass.
"""

from __future__ import annotations

import os
import re
import sys
import time
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path

sys.path[:0] = [str(Path(__file__).resolve().parent.parent)]

import compiler
import kernels
import options as opt
import records as rec
import setup as stp
from build_module import Build, build_for
from entry import guarded
from errors import ToolError
from kdir import PreparedKernel
from qemu import console as con
from run import TOOLS

MODULE = "slubtorture_kunit"
SUITE = "slubtorture"
RESULTS = f"/sys/kernel/debug/kunit/{SUITE}/results"
BUILT = Path("kunit") / f"{MODULE}.ko"
# The kernel names a module that is not its own when it loads the first one.
MARKERS = con.Markers(f"{MODULE}: begin ", f"{MODULE}: end ", f"{MODULE}: ")
NEEDED = ("KUNIT", "KUNIT_DEBUGFS")
# A kernel with KASAN and lockdep boots slowly under emulation.
IDLE_S = 300.0
TOTAL_S = 1200.0

_INDENT = 4
_RESULT = re.compile(r"(not )?ok (\d+)(?: -)?(?: ([^#]*?))?\s*(?:# ?(.*))?$")
_PLAN = re.compile(r"1\.\.(\d+)\b")
_SUBTEST = re.compile(r"# Subtest: (.+)$")
_CUT = "the report is cut short"


@dataclass(frozen=True)
class Case:
    """One result without results of its own below it, or one that failed
    although all of those passed; `path` leads to it from its suite."""

    path: tuple[str, ...]
    ok: bool
    skipped: bool = False

    @property
    def text(self) -> str:
        return ": ".join(self.path)


@dataclass(frozen=True)
class Report:
    """What a KTAP text says; `problems` is what it fails to say."""

    cases: tuple[Case, ...] = ()
    notes: tuple[str, ...] = ()
    problems: tuple[str, ...] = ()

    def count(self, ok: bool, skipped: bool = False) -> int:
        return sum(case.ok == ok and case.skipped == skipped for case in self.cases)


@dataclass
class _Level:
    """Results of one indentation, since its last parent."""

    name: str = ""
    planned: int | None = None
    seen: int = 0
    failed: int = 0


@dataclass
class _Reader:
    """Collects while lines are read one by one."""

    levels: list[_Level] = field(default_factory=lambda: [_Level()])
    cases: list[Case] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)

    def path(self, name: str, depth: int) -> tuple[str, ...]:
        return (*(level.name for level in self.levels[1:depth + 1]), name)

    def close(self) -> _Level:
        """End the innermost level; its plan must have been kept."""
        level = self.levels.pop()
        if level.planned is not None and level.planned != level.seen:
            self.problems.append(f"{level.name or 'the report'}: {level.seen} of "
                                 f"{level.planned} results")
        return level

    def result(self, depth: int, match: re.Match[str]) -> None:
        name, directive = match[3] or "", match[4] or ""
        below: _Level | None = None
        while len(self.levels) > depth + 1:
            below = self.close()
        level, ok = self.levels[depth], not match[1]
        level.seen += 1
        level.failed += not ok
        if int(match[2]) != level.seen:
            self.problems.append(f"{name}: result {match[2]} where {level.seen} was due")
            level.seen = int(match[2])
        if below is None or not below.seen or (not ok and not below.failed):
            skipped = directive.upper().startswith("SKIP")
            self.cases.append(Case(self.path(name, depth), ok, skipped))
        elif ok and below.failed:
            self.problems.append(f"{name}: ok, with {below.failed} failed below it")

    def line(self, line: str) -> None:
        text = line.lstrip(" ")
        depth = (len(line) - len(text)) // _INDENT
        result, plan, subtest = _RESULT.match(text), _PLAN.match(text), _SUBTEST.match(text)
        if (result or plan or subtest) and depth >= len(self.levels):
            self.levels += [_Level() for _ in range(depth + 1 - len(self.levels))]
        if result:
            self.result(depth, result)
        elif plan and depth + 1 == len(self.levels):
            self.levels[depth].planned = int(plan[1])
        elif subtest and depth + 1 == len(self.levels):
            self.levels[depth].name = subtest[1]
        elif text and not text.startswith("KTAP version"):
            self.notes.append(line)


def read(lines: Iterable[str]) -> Report:
    """The report in these lines of KTAP, nested as deep as it is."""
    reader = _Reader()
    for line in lines:
        reader.line(line.rstrip())
    if len(reader.levels) > 1:
        inside = reader.levels[1].name or "a suite"
        reader.problems.append(f"{_CUT} inside {inside}")
    while reader.levels:
        reader.close()
    if not reader.cases:
        reader.problems.append("it holds no result")
    return Report(tuple(reader.cases), tuple(reader.notes), tuple(reader.problems))


def status(report: Report, splats: int) -> int:
    """0 pass, 1 a case or the kernel failed, 2 not all results came."""
    if splats or report.count(ok=False):
        return 1
    return 2 if report.problems else 0


def shown(report: Report) -> list[str]:
    """A line a case, what KUnit says of failed ones, and the problems."""
    lines = []
    for case in report.cases:
        verdict = "skip" if case.skipped else "pass" if case.ok else "fail"
        lines.append(f"{verdict}  {case.text}")
    if report.count(ok=False):
        lines += [f"  | {note.strip()}" for note in report.notes]
    return lines + [f"broken: {problem}" for problem in report.problems]


def check_config(config: str, tree: str) -> None:
    """The kernel must have KUnit built in, and its reports in debugfs."""
    found = compiler.settings(config)
    missing = [f"CONFIG_{name}=y" for name in NEEDED if found.get(name) != "y"]
    if missing:
        raise ToolError(f"KERNEL={tree} has no {' and no '.join(missing)}",
                        "set it in that tree's .config and build it again; stock kernels of "
                        "Debian have no KUnit")


def check_kernel(name: str) -> None:
    """Before anything is fetched or built: only a tree can have KUnit."""
    if not name or not Path(name).is_dir():
        raise ToolError(f"KERNEL={name} is no kernel tree; stock kernels of Debian have no KUnit",
                        "make kunit KERNEL=DIR, a built tree with "
                        + " and ".join(f"CONFIG_{need}=y" for need in NEEDED))


def build_suite(kernel: PreparedKernel, out: Path) -> Path:
    """slubtorture_kunit.ko, built together with slubtorture.ko."""
    kdir = Path(kernel.build)
    build = Build(kdir, kernel.release, out / "build" / kernel.release)
    built = build.tree / BUILT
    if not built.exists():
        build.stamp.unlink(missing_ok=True)
    build_for(kdir, kernel.release, out)
    if not built.exists():
        raise ToolError(f"{BUILT} was not built for {kernel.release}",
                        f"all that Kbuild printed is in {build.log}")
    return built


def checked_options() -> opt.Options:
    parser = opt.parser("run the KUnit suite in a guest")
    options = opt.checked(opt.raw_values(parser.parse_args(), os.environ), Path.cwd() / "out")
    check_kernel(options.kernel)
    opt.check_tools(TOOLS)
    opt.check_out(options.out)
    opt.check_memory(options, Path("/proc/meminfo").read_text())
    return options


def tell(report: Report, booted: stp.Booted, splats: list[con.Splat], run_dir: Path) -> None:
    """Everything a reader needs: cases, the kernel's complaints, a summary."""
    print("\n".join(shown(report)))
    for splat in splats:
        print(f"fail  the kernel: {splat.title}")
        print("\n".join(f"  | {line}" for line in splat.text[:30]))
    for step in booted.transcript.problems():
        stp.say(f"guest: {step.name} failed: {step.problem}")
    if booted.transcript.ended is None:
        stp.say(f"guest: ended as `{booted.result.outcome}`; the console's last lines:")
        for line in con.tail("\n".join(booted.console).encode()):
            stp.say(f"  | {line}")
    print(f"{report.count(ok=True)} passed, {report.count(ok=False)} failed, "
          f"{report.count(ok=True, skipped=True)} skipped, {len(splats)} splats "
          f"in {booted.result.seconds:.0f} s\nfiles:  {rec.shown(run_dir)}")


def main() -> int:
    options = checked_options()
    kernel = kernels.prepare(options.kernel, opt.cache_dir(os.environ).resolve())
    check_config(Path(kernel.config).read_text(), options.kernel)
    module = build_suite(kernel, options.out)
    setup = stp.make_setup(options, kernel)
    run_dir = rec.new_run_dir(options.out, f"kunit-{kernel.release}", options.seed, time.time())
    stp.say(f"kernel {kernel.release}; {setup.accel.note}")
    booted = stp.boot(setup, run_dir, {"mode": "run", "module": MODULE, "follow": RESULTS},
                      module, lambda data: None, IDLE_S, TOTAL_S)
    splats = [splat for splat in con.find_splats("\n".join(booted.console).encode(), MARKERS)
              if not splat.in_boot]
    report = read(booted.transcript.ktap)
    rec.save(run_dir, {"ktap": "\n".join(booted.transcript.ktap) + "\n"})
    tell(report, booted, splats, run_dir)
    return status(report, len(splats))


if __name__ == "__main__":
    sys.exit(guarded(main))
