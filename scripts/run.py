# SPDX-License-Identifier: GPL-2.0
"""`make run`: a kernel, its module and a guest, every chosen scenario, and a
table of verdicts.

Options are checked in options.py, verdicts judged in judge.py, shown in
report.py; this file puts the steps in order.
"""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

sys.path[:0] = [str(Path(__file__).resolve().parent.parent)]

import judge
import options as opt
import outside
import prepared
import records as rec
import report
import scenarios
import setup as stp
import timeline
from entry import guarded
from errors import ToolError
from progress import Progress
from qemu import console as con
from qemu import qmp
from qemu.guest import Stopped
from qemu.machine import Nodes
from qemu.topology import GuestDimm

TOOLS = {"qemu-system-x86_64": "qemu-system-x86", "g++": "g++", "make": "make"}
# An untimed scenario takes seconds under emulation; the timed ones share what
# they are given: three times that, and a hang's silence, is generous.
UNTIMED_S = 60
BOOT_S = 300
CYCLE_S = 30  # a whole-node cycle with all racers on a busy host; it tells how far it is


@dataclass(frozen=True)
class Run:
    """One run: what was chosen and where it is kept."""

    setup: stp.Setup
    chosen: list[scenarios.Scenario]
    module: Path
    run_dir: Path

    @property
    def dimms(self) -> tuple[GuestDimm, ...]:
        """DIMMs that can go and come here."""
        return tuple(dimm for node in self.setup.machine.nodes_of(self.setup.topology)
                     for dimm in node.dimms)


def checked(values: Mapping[str, str]) -> opt.Options:
    """Options of any command that boots guests, with what this host must have."""
    options = opt.checked(values, Path.cwd() / "out")
    scenarios.select(options.scenario, scenarios.known())
    opt.check_tools(TOOLS)
    opt.check_out(options.out)
    opt.check_memory(options, Path("/proc/meminfo").read_text())
    return options


def checked_options(description: str) -> opt.Options:
    return checked(opt.raw_values(opt.parser(description).parse_args(), os.environ))


def module_args(run: Run, answered: bool = False) -> str:
    """The module's parameters; answered: somebody reads its report while it runs
    and does what it asks for."""
    options = run.setup.options
    globs = ",".join(glob.strip() for glob in options.scenario.split(",") if glob.strip())
    widen = f" widen={options.widen}" if options.widen else ""
    racers = f" racers={options.racers}" if options.racers else ""
    churn = f" churn_cycles={options.churn}" if options.churn else ""
    topology = run.setup.topology
    driver = not topology.plan.has_virtio_mem or run.setup.settings.get("VIRTIO_MEM") == "y"
    nodes = outside.module_args(run.dimms if answered else (), topology.plan.movable_only,
                                topology.plan.goes, "" if driver else "CONFIG_VIRTIO_MEM=y")
    return (f"scenario={globs} seconds={options.seconds} seed={options.seed}"
            f"{widen}{racers}{churn} {nodes}").strip()


def guest_config(run: Run, answered: bool = False) -> dict[str, str | int]:
    return {"mode": "run", "module": stp.MODULE, "follow": stp.KTAP,
            "args": module_args(run, answered), "rescue": int(run.setup.options.rescue)}


def bounds(run: Run) -> tuple[float, float]:
    """Seconds of silence taken for a hang, and seconds for the whole guest."""
    seconds = run.setup.options.seconds
    cycles = CYCLE_S * run.setup.options.churn
    return (stp.IDLE_S + 3 * seconds,
            BOOT_S + UNTIMED_S * len(run.chosen) + 3 * seconds + cycles)


def watch(run: Run) -> stp.Booted:
    """Boot the guest with progress on standard error."""
    progress = Progress(sys.stderr, len(run.chosen))
    idle_s, total_s = bounds(run)
    shows = not run.setup.options.rescue  # the terminal is the guest's console then
    with qmp.opened() as (ours, theirs):
        attendant = outside.Attendant(qmp.Monitor(ours), run.dimms)

        def line(text: str) -> None:
            attendant.line(text)
            if shows:
                progress.line(text)

        def tick() -> None:
            attendant.tick()
            if shows:
                progress.tick()

        try:
            return stp.boot(run.setup, run.run_dir, guest_config(run, True), run.module,
                            stp.on_lines(line, tick), idle_s, total_s,
                            monitor_fd=theirs.fileno())
        finally:
            progress.close()
            for problem in attendant.problems():
                stp.say(problem)


def base_record(run: Run, booted: stp.Booted) -> rec.Record:
    """What all records of a run have in common; not a verdict yet."""
    options, facts = run.setup.options, booted.transcript.facts
    asked = booted.transcript.fields("run")
    return rec.Record(
        run_id=run.run_dir.name, kernel_release=run.setup.kernel.release,
        kernel_build=facts.get("build") or run.setup.kernel.package_version or "-",
        architecture=run.setup.machine.arch, page_size=int(asked.get("page_size") or 0),
        cpus=asked.get("cpus", facts.get("cpus", "-")),
        nodes=asked.get("nodes", facts.get("nodes", "-")), scenario="-", seed=options.seed,
        seconds=options.seconds, duration_ms=0, observations=0, overlaps=0,
        verdict=rec.BROKEN, expected=rec.PASS, cause="none", invariant="-", evidence="-",
        reason="-", note="-", splat=(),
        layout=tuple(item.text for item in booted.transcript.all("layout")), replay="-")


def judged(run: Run, booted: stp.Booted) -> list[rec.Record]:
    ending = judge.Ending(booted.result.outcome, booted.splats, booted.last_begun, booted.console,
                          stp.nodes_problem(run.setup, booted.transcript))
    found = judge.judge(base_record(run, booted), run.chosen, booted.transcript, ending)
    return [rec.with_replay(record, replay(run, record)) for record in found]


def replay(run: Run, record: rec.Record | None = None) -> str:
    names = {scenario.name for scenario in run.chosen}
    alone = record.scenario if record and record.scenario in names else None
    if alone and alone.startswith(scenarios.CONTROL):
        alone = alone[len(scenarios.CONTROL):]
    options = run.setup.options
    named = replace(options, kernel=options.kernel or run.setup.kernel.series)
    return opt.replay_line(named, run.setup.accel.name, alone)


def plan_text(run: Run) -> str:
    options = run.setup.options
    return rec.to_json({
        "kernel": run.setup.kernel.release, "series": run.setup.kernel.series,
        "package_version": run.setup.kernel.package_version,
        "scenarios": [scenario.name for scenario in run.chosen],
        "seconds": options.seconds, "seed": options.seed, "cpus": options.cpus,
        "mem_mib": options.mem_mib, "topology": run.setup.topology.plan.name,
        "node1_mib": (0 if run.setup.machine.nodes is Nodes.NONE
                      else run.setup.topology.dimm_mib),
        "accel": run.setup.accel.name, "accel_why": run.setup.accel.note,
        "module_parameters": module_args(run, True)})


def report_text(booted: stp.Booted, found: list[rec.Record]) -> str:
    """The table, and what is too long for a terminal."""
    lines = timeline.text(booted.transcript.subtests)
    return "\n".join([report.table(found), *(["", lines] if lines else []), ""])


def keep(run: Run, booted: stp.Booted, found: list[rec.Record]) -> None:
    """All files of a run; the records come last, so that they mean a whole one."""
    config = Path(run.setup.kernel.config)
    ktap = "\n".join(booted.transcript.ktap) + "\n"
    rec.save(run.run_dir, {
        "ktap": ktap, "replay": replay(run) + "\n",
        "config": config.read_text() if config.exists() else "",
        "report.txt": report_text(booted, found),
        "records.jsonl": rec.to_json_lines(found)})
    rec.point_latest(run.setup.options.out, run.run_dir)


def warn_about_guest(booted: stp.Booted, image: str) -> None:
    """What is worth knowing when verdicts are missing."""
    transcript = booted.transcript
    if not any(booted.console):
        stp.say(f"guest: its kernel never said a word: is {image} whole? If it lies in the cache, "
                "remove it, and it is obtained again")
    for step in transcript.problems():
        stp.say(f"guest: {step.name} failed: {step.problem}")
    if transcript.facts.get("memory_controller") == "no":
        stp.say("guest: this kernel has no memory controller; accounting cannot be asked about")
    if transcript.ended is None:
        stp.say(f"guest: ended as `{booted.result.outcome}`; the console's last lines:")
        for line in con.tail("\n".join(booted.console).encode()):
            stp.say(f"  | {line}")
        if booted.result.detail:
            stp.say(f"  QEMU: {booted.result.detail}")


def begun(setup: stp.Setup, module: Path, run_dir: Path) -> Run:
    """A run of what is ready, kept in a directory that is there."""
    chosen = scenarios.select(setup.options.scenario, scenarios.known())
    run = Run(setup, chosen, module, run_dir)
    rec.save(run_dir, {"plan.json": plan_text(run)})
    return run


def prepare_run(options: opt.Options) -> Run:
    scenarios.select(options.scenario, scenarios.known())
    ready = prepared.ready(options)
    setup = stp.make_setup(options, ready.kernel)
    return begun(setup, ready.module, rec.new_run_dir(options.out, ready.kernel.release,
                                                      options.seed, time.time()))


def announce(run: Run) -> None:
    options = run.setup.options
    stp.say(f"kernel {run.setup.kernel.release}, seed {options.seed}, "
            f"{run.setup.machine.described(run.setup.topology)}")
    stp.say(run.setup.accel.note)


def booted_and_kept(run: Run) -> list[rec.Record]:
    """Boot the guest, judge what it said and keep it all."""
    announce(run)
    try:
        booted = watch(run)
    except Stopped:
        rec.save(run.run_dir, {"replay": replay(run) + "\n"})
        stp.say(f"what the guest said so far is in {run.run_dir}")
        raise
    found = judged(run, booted)
    keep(run, booted, found)
    warn_about_guest(booted, run.setup.kernel.image)
    return found


def kept_run(options: opt.Options) -> tuple[Run, list[rec.Record]]:
    """The same, with all that comes before it."""
    run = prepare_run(options)
    return run, booted_and_kept(run)


def told(run: Run) -> int:
    """The run, its table, and its exit status."""
    found = booted_and_kept(run)
    print(report.table(found))
    print(f"replay: {replay(run)}\nfiles:  {rec.shown(run.run_dir)}")
    return rec.exit_status(found)


def run_once(options: opt.Options) -> int:
    return told(prepare_run(options))


def main() -> int:
    options = checked_options("run every scenario in a guest and print the verdicts")
    if options.rescue and not sys.stdin.isatty():
        raise ToolError("RESCUE=yes needs a terminal", "run it from one, or leave RESCUE out")
    return run_once(options)


if __name__ == "__main__":
    sys.exit(guarded(main))
