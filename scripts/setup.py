# SPDX-License-Identifier: GPL-2.0
"""One guest for one kernel: the kernel and module made ready, the accelerator
chosen, the guest booted and its transcript read.

Shared by run.py, bench.py and cycles.py, which differ in what they ask the
guest to do and in what they make of the answer.
"""

from __future__ import annotations

import os
import platform
import re
import sys
import tempfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

import compiler
import firmware
from errors import ToolError
from guest_tools import check_machine
from kdir import PreparedKernel
from lab.tools import cross_prefix
from options import DIMM_MIB, Options, cache_dir
from qemu import accel, guest, initramfs, machines, topologies
from qemu.console import Markers, Pulse, Splat, find_splats, kernel_lines, last_begun
from qemu.machine import Accel, Machine
from qemu.store import write_whole
from qemu.topology import Topology, difference
from qemu.transcript import LineReader, Transcript, parse

MODULE = "slubtorture"
KTAP = f"/sys/kernel/debug/{MODULE}/ktap"
MARKERS = Markers(f"{MODULE}: begin ", f"{MODULE}: end ", f"{MODULE}: ")
# Silence that is taken for a hang: a busy host can take this long to boot.
IDLE_S = 120.0
BUSYBOX = ("/bin/busybox", "/usr/bin/busybox")
_LOADERS = (b"/ld-linux", b"/ld64.so")  # named by every program that is not static


def page_kib_of(config: Mapping[str, str]) -> int:
    """The page size of a kernel's configuration; kernels before 6.9 have the
    architecture's own name for it."""
    for symbol in config:
        found = re.fullmatch(r"PAGE_SIZE_(\d+)KB|(?:PPC|ARM64)_(\d+)K_PAGES", symbol)
        if found and config[symbol] == "y":
            return int(found[1] or found[2])
    return 4


@dataclass(frozen=True)
class Setup:
    """A kernel with its module, and how guests are run with them."""

    options: Options
    kernel: PreparedKernel
    machine: Machine
    accel: Accel
    init: bytes

    @property
    def settings(self) -> Mapping[str, str]:
        """The kernel's configuration."""
        return compiler.settings(Path(self.kernel.config).read_text())

    @property
    def cmdline(self) -> str:
        """KASAN reports once and never again, unless it is told otherwise. KUnit
        lets suites of modules be chosen since 6.6; before, all of them run."""
        words = ["kasan_multi_shot"] if self.settings.get("KASAN") == "y" else []
        words += [f"kunit.filter_glob={self.options.suite}"] if self.options.suite else []
        return " ".join(words)

    @property
    def topology(self) -> Topology:
        page_kib = page_kib_of(self.settings)
        return Topology(self.options.cpus, self.options.mem_mib,
                        self.machine.dimm_for(page_kib, DIMM_MIB),
                        topologies.find(self.options.topology))


@dataclass(frozen=True)
class Booted:
    """What came out of one guest."""

    transcript: Transcript
    result: guest.GuestResult
    splats: tuple[Splat, ...]
    last_begun: str
    console: tuple[str, ...]


def _bare_boot_problem(parts_of_setup: tuple[Options, PreparedKernel, Machine, bytes],
                       with_accel: Accel) -> str:
    """Why a bare boot with `with_accel` failed, or "" if it came through."""
    options, kernel, machine, init = parts_of_setup
    with tempfile.TemporaryDirectory(dir=cache_dir(os.environ)) as scratch:
        setup = Setup(options, kernel, machine, with_accel, init)
        booted = boot(setup, Path(scratch), {"mode": "bare"}, None, lambda data: None,
                      idle_s=accel.PROBE_IDLE_S, total_s=accel.PROBE_TOTAL_S)
    if booted.transcript.ended == "ok":
        return ""
    said = booted.result.detail.splitlines()
    return f"a guest tried with it ended with: {said[0] if said else booted.result.outcome}"


def check_cpus(cpus: int, config: Mapping[str, str]) -> None:
    """A kernel leaves CPUs that it was not built for asleep, without a word."""
    most = config.get("NR_CPUS", "")
    if most.isdigit() and int(most) < cpus:
        raise ToolError(f"CPUS={cpus}: this kernel is built for {most} CPUs",
                        f"CPUS={most}, or a kernel with a larger CONFIG_NR_CPUS")


def check_numa(options: Options, config: Mapping[str, str]) -> None:
    """Nodes are asked for by name only where the kernel knows any."""
    if options.topology and config.get("NUMA") != "y":
        raise ToolError(f"TOPOLOGY={options.topology}: this kernel has no CONFIG_NUMA",
                        "leave TOPOLOGY out, or name a kernel that has it")


def check_guest(options: Options, arch: str) -> Machine:
    """The machine for guests of `arch`, if it can run here and as asked; cheap,
    so that it can be called before anything is fetched or built."""
    machine = machines.find(arch)
    check_machine(machine)
    asked = Topology(options.cpus, options.mem_mib, DIMM_MIB, topologies.find(options.topology))
    machine.check_memory(asked)
    machine.check_topology(asked)
    if options.rescue and machine.arch != platform.machine():
        raise ToolError(f"RESCUE=yes: there is no shell here for a {machine.arch} guest",
                        f"it takes a guest of this computer's architecture, {platform.machine()}; "
                        "leave RESCUE out")
    if options.rescue:
        static_shell("RESCUE=yes")
    return machine


def guest_parts(options: Options, kernel: PreparedKernel) -> tuple[Machine, bytes]:
    """The machine as this kernel can be started on it, and the guest's init."""
    cache = cache_dir(os.environ).resolve()
    config = compiler.settings(Path(kernel.config).read_text())
    check_cpus(options.cpus, config)
    check_numa(options, config)
    machine = firmware.fitted(check_guest(options, kernel.arch), config, cache)
    machine.check_topology(Topology(options.cpus, options.mem_mib, DIMM_MIB,
                                    topologies.find(options.topology)))
    return machine, initramfs.build_init(cache, f"{cross_prefix(machine)}g++")


def on_this_computer(options: Options, kernel: PreparedKernel, machine: Machine,
                     init: bytes) -> Setup:
    """Choose the accelerator; may boot a short probe. Nothing is compiled or
    fetched, so that it can be done where only QEMU is."""
    parts = (options, kernel, machine, init)
    chosen = accel.choose(options.accel, accel.host_facts(machine, kernel.release),
                          cache_dir(os.environ).resolve(),
                          lambda tried: _bare_boot_problem(parts, tried))
    return Setup(options, kernel, machine, chosen, init)


def make_setup(options: Options, kernel: PreparedKernel) -> Setup:
    """Choose machine and accelerator for a kernel."""
    return on_this_computer(options, kernel, *guest_parts(options, kernel))


def nodes_problem(setup: Setup, transcript: Transcript) -> str:
    """What of the guest's nodes is not as it was asked for, or "". A kernel
    without nodes has none to compare, nor has a guest that never came so far."""
    config = compiler.settings(Path(setup.kernel.config).read_text())
    wanted = setup.machine.nodes_of(setup.topology)
    if not wanted or config.get("NUMA") != "y" or "nodes" not in transcript.facts:
        return ""
    found = difference(wanted, setup.topology.plan.distances, transcript.facts)
    return f"the guest is not the one that was asked for: {found}" if found else ""


def static_shell(asked: str) -> bytes:
    """A static busybox of this computer, for the guest; `asked` says why."""
    for name in BUSYBOX:
        path = Path(name)
        if not path.exists():
            continue
        data = path.read_bytes()
        if not any(loader in data[:8192] for loader in _LOADERS):
            return data
    raise ToolError(f"{asked} needs a static busybox", "apt-get install busybox-static")


def _write_initrd(setup: Setup, run_dir: Path, config: dict[str, str | int],
                  module: Path | None, other: Path | None = None,
                  programs: Mapping[str, Path] | None = None) -> Path:
    asked = "RESCUE=yes" if config.get("rescue") == 1 else (
        "WORKLOAD" if config.get("workload") else "")
    shell = static_shell(asked) if asked else None
    entries = initramfs.base_entries(setup.init, shell)
    if module is not None:
        entries.append(initramfs.file("module.ko", module.read_bytes()))
    if other is not None:
        entries.append(initramfs.file("other.ko", other.read_bytes()))
    for name, program in (programs or {}).items():
        entries.append(initramfs.program(name, program.read_bytes()))
    places: dict[str, str | int] = {"channel": setup.machine.channel,
                                    "console": setup.machine.console_path()}
    own = [initramfs.guest_config(places | config)]
    path = run_dir / "initrd"
    write_whole(path, initramfs.pack(entries) + initramfs.pack(own))
    return path


def boot(setup: Setup, run_dir: Path, config: dict[str, str | int], module: Path | None,
         on_bytes: Callable[[bytes], None], idle_s: float = IDLE_S,
         total_s: float = 3600.0, other: Path | None = None, monitor_fd: int = -1,
         programs: Mapping[str, Path] | None = None) -> Booted:
    """Boot a guest that does what `config` says; returns when it has ended.
    `other` is a second module, which takes turns with `module`; `monitor_fd` is
    QEMU's end of a pair of sockets, by which it can be asked for things;
    `programs` lie in its root by their names."""
    rescue = config.get("rescue") == 1
    spec = guest.GuestSpec(
        setup.machine, setup.topology, setup.accel, Path(setup.kernel.image),
        _write_initrd(setup, run_dir, config, module, other, programs), run_dir, idle_s, total_s,
        append=setup.cmdline, interactive=rescue, monitor_fd=monitor_fd,
        is_dying=Pulse(MARKERS).is_dying)
    try:
        result = guest.run(spec, on_bytes)
    finally:
        spec.initrd.unlink(missing_ok=True)
    console = spec.console.read_bytes()
    return Booted(parse(spec.channel.read_bytes()), result, tuple(find_splats(console, MARKERS)),
                  last_begun(console, MARKERS), tuple(kernel_lines(console)))


def on_lines(take: Callable[[str], None], tick: Callable[[], None]) -> Callable[[bytes], None]:
    """A receiver for `boot` that hands on whole lines and ticks in between."""
    reader = LineReader(take)

    def receive(data: bytes) -> None:
        if data:
            reader.feed(data)
        tick()

    return receive


def say(text: str) -> None:
    """Progress of the host's part; results go to standard output alone."""
    print(text, file=sys.stderr, flush=True)
