# SPDX-License-Identifier: GPL-2.0
"""`make kunit`: the KUnit suites in a guest; exit status 0 pass, 1 fail, 2 no
result.

The kernel is built in the lab with KUnit, unless KERNEL is a tree that was
built with it. Suites are printed as they end, from the kernel's log; what
KUnit keeps of them in debugfs has the last word. KTAP is read in ktap.py, the
outcome put together in kunit_report.py.
"""

from __future__ import annotations

import argparse
import os
import sys
import time
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TextIO

sys.path[:0] = [str(Path(__file__).resolve().parent.parent)]

import compiler
import ktap
import kunit_report as report
import kunit_tool
import options as opt
import prepared
import records as rec
import setup as stp
from build_module import Build, build_for
from entry import guarded
from errors import ToolError
from kdir import PreparedKernel
from lab.spec import machine_of
from lab.tools import cross_prefix
from qemu import console as con
from qemu import initramfs
from qemu.guest import Stopped
from qemu.store import write_whole
from qemu.transcript import LineReader, logged_of

MODULE = "slubtorture_kunit"
BUILT = Path("kunit") / f"{MODULE}.ko"
# The kernel names a module that is not its own when it loads the first one;
# in which case a splat lies is seen in the log.
MARKERS = con.Markers(f"{MODULE}: begin ", f"{MODULE}: end ", f"{MODULE}: ")
FRAGMENT = "kunit"
NEEDED = ("KUNIT", "KUNIT_DEBUGFS")
# A kernel with KASAN and lockdep boots slowly under emulation.
IDLE_S = 300.0
TOTAL_S = 1800.0
# Silence on the terminal that is worth a word on standard error; each word
# doubles what the next one takes.
QUIET_S = 5.0
QUIETEST_S = 60.0
_LOG = "@ log "


@dataclass
class Follower:
    """Prints suites as they end in the log, and a word when none does for long."""

    out: TextIO
    err: TextIO
    began: float = field(default_factory=time.monotonic)
    parser: ktap.Parser = field(default_factory=ktap.Parser)
    suites: list[ktap.Suite] = field(default_factory=list)
    first_s: float | None = None  # until the first case had a result
    up: bool = False
    said: float = 0.0
    quiet_s: float = QUIET_S

    def __post_init__(self) -> None:
        self.said = self.began

    def line(self, text: str) -> None:
        """Take one line of the verdict channel."""
        if text.startswith("@ step"):
            self.up = True
        logged = logged_of(text[len(_LOG):]) if text.startswith(_LOG) else None
        if logged:
            self._take(self.parser.feed(logged.text, logged.at_s))

    def _take(self, events: list[ktap.Event]) -> None:
        for event in events:
            if isinstance(event, ktap.Case) and self.first_s is None:
                self.first_s = time.monotonic() - self.began
            elif isinstance(event, ktap.Suite):
                self.suites.append(event)
                if event.verdict != ktap.UNFINISHED:
                    print("\n".join(report.suite_lines(event)), file=self.out, flush=True)
                self.said, self.quiet_s = time.monotonic(), QUIET_S

    def where(self) -> str:
        """What the guest is at, for a reader who waits."""
        if self.parser.running:
            return f"{self.parser.running}: {self.parser.done} results so far"
        if self.suites:
            return f"{len(self.suites)} suites have ended, the guest goes on"
        return "the module is being loaded" if self.up else "the guest boots"

    def tick(self) -> None:
        """Called often, also when nothing is said."""
        now = time.monotonic()
        if now - self.said < self.quiet_s:
            return
        self.said, self.quiet_s = now, min(2 * self.quiet_s, QUIETEST_S)
        where = self.where()
        print(f"{now - self.began:7.1f} s  {where}", file=self.err, flush=True)

    def finish(self) -> None:
        self._take(self.parser.finish())


@dataclass(frozen=True)
class Run:
    """One run: what it takes and where it is kept."""

    options: opt.Options
    setup: stp.Setup
    module: Path
    run_dir: Path

    @property
    def replay(self) -> str:
        options = self.options
        words = [f"{name}={value}" for name, value in
                 (("KERNEL", options.kernel), ("ARCH", options.arch), ("PAGE", options.page),
                  ("CONFIG", options.config), ("PATCH", options.patch),
                  ("TOPOLOGY", options.topology), ("SUITE", options.suite)) if value]
        return " ".join(["make kunit", *words, f"CPUS={options.cpus}",
                         f"MEM={options.mem_mib}M", f"ACCEL={self.setup.accel.name}"])


def check_config(config: str, tree: str) -> None:
    """The kernel must have KUnit built in, and its reports in debugfs."""
    found = compiler.settings(config)
    missing = [f"CONFIG_{name}=y" for name in NEEDED if found.get(name) != "y"]
    if missing:
        raise ToolError(f"KERNEL={tree} has no {' and no '.join(missing)}",
                        "set it in that tree's .config and build it again, or name a series: "
                        "its kernel is then built with it")


def the_kernel(options: opt.Options) -> PreparedKernel:
    """The kernel that is asked for, which has KUnit."""
    kernel = prepared.kernel_for(options, FRAGMENT)
    check_config(Path(kernel.config).read_text(), options.kernel or kernel.build)
    return kernel


def build_suites(kernel: PreparedKernel, out: Path) -> Path:
    """slubtorture_kunit.ko, built together with slubtorture.ko."""
    kdir = Path(kernel.build)
    build = Build(kdir, kernel.release, out / "build" / kernel.release, kernel.arch)
    built = build.tree / BUILT
    if not built.exists():
        build.stamp.unlink(missing_ok=True)
    build_for(kdir, kernel.release, out, kernel.arch)
    if not built.exists():
        raise ToolError(f"{BUILT} was not built for {kernel.release}",
                        f"all that Kbuild printed is in {build.log}")
    return built


def write_initrd(options: opt.Options, to: Path | None) -> int:
    """For the kernel's kunit.py: an initrd that loads the suites, no boot."""
    kernel = the_kernel(options)
    module = build_suites(kernel, options.out)
    machine = machine_of(kernel.arch)
    init = initramfs.build_init(opt.cache_dir(os.environ).resolve(), f"{cross_prefix(machine)}g++")
    path = to or kunit_tool.default_initrd(machine.arch)
    write_whole(path, kunit_tool.initrd(machine, init, module))
    config = kunit_tool.qemu_config(machine, Path(kernel.config).read_text())
    print(f"initrd: {rec.shown(path)}\nbuild:  {kernel.build}")
    print(f"run:    {kunit_tool.exec_command(Path(kernel.build), config, path)}")
    return 0


def checked_options(args: argparse.Namespace) -> opt.Options:
    options = opt.checked(opt.raw_values(args, os.environ), Path.cwd() / "out")
    if options.rescue:
        raise ToolError("RESCUE=yes: `make kunit` has no shell", "make run RESCUE=yes has one")
    opt.check_out(options.out)
    opt.check_memory(options, Path("/proc/meminfo").read_text())
    return options


def prepare_run(options: opt.Options) -> Run:
    kernel = the_kernel(options)
    module = build_suites(kernel, options.out)
    setup = stp.make_setup(options, kernel)
    run_dir = rec.new_run_dir(options.out, f"kunit-{kernel.release}", options.seed, time.time())
    return Run(options, setup, module, run_dir)


def splats_of(booted: stp.Booted, live: list[ktap.Suite]) -> list[con.Splat]:
    """The kernel's reports since the module's loading, each with its case."""
    found = con.find_splats("\n".join(booted.console).encode(), MARKERS)
    return [replace(splat, during=report.case_of(splat, live)) for splat in found
            if not splat.in_boot]


def problems_of(booted: stp.Booted, suites: list[ktap.Suite], planned: int | None) -> list[str]:
    """What went wrong outside of all suites."""
    problems = [f"{step.name} failed: {step.problem}" for step in booted.transcript.problems()]
    if booted.transcript.ended is None:
        problems.append(f"the guest did not come to its end: {booted.result.outcome}")
    if planned is not None and planned > len(suites):
        problems.append(f"{planned - len(suites)} of {planned} suites were not reached")
    if not suites:
        problems.append("no suite gave a result")
    return problems


def outcome_of(follower: Follower, booted: stp.Booted,
               nodes_problem: str = "") -> report.Outcome:
    """What the log, debugfs, the console and the guest's end come to."""
    transcript, live = booted.transcript, follower.suites
    if transcript.ended is None:
        # What follows the last line break was cut off in the middle.
        live = report.longer(live, ktap.read(booted.console[:-1])[0])
    outside = [nodes_problem] if nodes_problem else []
    told, told_problems = ktap.read(transcript.report) if transcript.report else ([], [])
    suites, notes = report.merged(live, told, "log_gaps" in transcript.facts)
    splats, planned = splats_of(booted, live), follower.parser.planned
    return report.Outcome(
        tuple(suites), planned, (*outside, *problems_of(booted, suites, planned), *told_problems),
        tuple(notes), tuple(splat for splat in splats if not splat.kind.is_stall),
        tuple(splat for splat in splats if splat.kind.is_stall))


def base_record(run: Run, booted: stp.Booted) -> report.Record:
    facts = booted.transcript.facts
    page = facts.get("page_size", "0")
    return report.Record(
        run_id=run.run_dir.name, kernel_release=run.setup.kernel.release,
        kernel_build=facts.get("build", "-"), architecture=run.setup.machine.arch,
        page_size=int(page) if page.isdigit() else 0, suite="", case="", parameter="",
        verdict="", reason="", seconds=None, lines=(), replay=run.replay)


def keep(run: Run, booted: stp.Booted, outcome: report.Outcome) -> None:
    """All files of a run; the records come last, so that they mean a whole one."""
    config = Path(run.setup.kernel.config)
    rec.save(run.run_dir, {
        "ktap": report.whole_document(outcome), "replay": run.replay + "\n",
        "config": config.read_text() if config.exists() else "",
        "results.jsonl": report.to_json_lines(
            report.records(base_record(run, booted), outcome))})


def tell(run: Run, booted: stp.Booted, follower: Follower, outcome: report.Outcome) -> None:
    """What the log has not shown yet, the kernel's complaints, a summary."""
    shown = {suite.name: suite.said for suite in follower.suites
             if suite.verdict != ktap.UNFINISHED}
    for suite in outcome.suites:
        if shown.get(suite.name) != suite.said:
            print("\n".join(report.suite_lines(suite, outcome.crashed)))
    for line in report.splat_lines(outcome.splats):
        print(line)
    for splat in outcome.stalls:
        stp.say(f"guest: {splat.title}")
    for note in outcome.notes:
        stp.say(f"note: {note}")
    for problem in outcome.problems:
        print(f"problem {problem}")
    if booted.transcript.ended is None:
        stp.say(f"guest: ended as `{booted.result.outcome}`; the console's last lines:")
        for line in con.tail("\n".join(booted.console).encode()):
            stp.say(f"  | {line}")
        if booted.result.detail:
            stp.say(f"  QEMU: {booted.result.detail}")
    page = booted.transcript.facts.get("page_size", "")
    pages = f", {int(page) // 1024} KiB pages" if page.isdigit() else ""
    first = f"{follower.first_s:.1f} s" if follower.first_s is not None else "never"
    print(f"{report.summary(outcome)}\n"
          f"kernel  {run.setup.kernel.release}, {run.setup.machine.arch}{pages}; first result "
          f"after {first}, ended after {booted.result.seconds:.1f} s\n"
          f"replay: {run.replay}\nfiles:  {rec.shown(run.run_dir)}")


def told(run: Run) -> int:
    """Boot the guest of a run, keep and tell what it said; the exit status."""
    stp.say(f"kernel {run.setup.kernel.release}; {run.setup.accel.note}")
    follower = Follower(sys.stdout, sys.stderr)
    reader = LineReader(follower.line)

    def receive(data: bytes) -> None:
        reader.feed(data)
        follower.tick()

    try:
        booted = stp.boot(run.setup, run.run_dir, {"mode": "kunit", "module": MODULE}, run.module,
                          receive, IDLE_S, TOTAL_S)
    except Stopped:
        follower.finish()
        text = ktap.document(follower.suites, follower.parser.planned)
        rec.save(run.run_dir, {"ktap": text, "replay": run.replay + "\n"})
        stp.say(f"what the guest said so far is in {rec.shown(run.run_dir)}")
        raise
    follower.finish()
    outcome = outcome_of(follower, booted, stp.nodes_problem(run.setup, booted.transcript))
    keep(run, booted, outcome)
    tell(run, booted, follower, outcome)
    return outcome.status


def run_once(options: opt.Options) -> int:
    return told(prepare_run(options))


def main() -> int:
    parser = opt.parser("run the KUnit suites in a guest")
    parser.add_argument("--initrd", nargs="?", const="", metavar="FILE",
                        help="boot nothing, write an initrd for the kernel's kunit.py "
                        "(default out/kunit-ARCH.initrd)")
    args = parser.parse_args()
    options = checked_options(args)
    if args.initrd is not None:
        return write_initrd(options, Path(args.initrd).absolute() if args.initrd else None)
    return run_once(options)


if __name__ == "__main__":
    sys.exit(guarded(main))
