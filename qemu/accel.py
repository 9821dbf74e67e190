# SPDX-License-Identifier: GPL-2.0
"""Chooses how guests are run: KVM only where a guest has proved to boot with
it, otherwise emulation with one host thread a virtual CPU.

A /dev/kvm that opens proves nothing: on some machines stock kernels hang or
die under it. So the very kernel is booted, bare, under a short watchdog, and
the answer remembered for this host, CPU, QEMU and kernel.
"""

from __future__ import annotations

import hashlib
import json
import os
import platform
import re
import subprocess
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from qemu.machine import Accel, GuestError, Machine
from qemu.store import locked, write_whole

KVM = ("-accel", "kvm")
# Hosts that show stores in program order, as x86 and s390x guests expect it.
_ORDERED_HOSTS = ("x86_64", "s390x")
PROBE_IDLE_S = 8.0
PROBE_TOTAL_S = 30.0


@dataclass(frozen=True)
class HostFacts:
    """All that a remembered answer depends on, and which machine is asked
    about: KVM is only ever tried for one of the host's own architecture."""

    host_kernel: str
    cpu: str
    qemu: str
    guest_release: str
    machine: Machine
    host_arch: str = platform.machine()

    def key(self) -> str:
        text = "\0".join((self.host_kernel, self.cpu, self.qemu, self.guest_release))
        return hashlib.sha256(text.encode()).hexdigest()[:16]


def _cpu_name(cpuinfo: str) -> str:
    for line in cpuinfo.splitlines():
        if line.startswith("model name"):
            return line.partition(":")[2].strip()
    return platform.machine()


def host_facts(machine: Machine, guest_release: str) -> HostFacts:
    """Facts of this host for one machine and kernel."""
    try:
        version = subprocess.run([machine.qemu, "--version"], capture_output=True, text=True,
                                 check=False).stdout.partition("\n")[0]
    except FileNotFoundError:
        version = "none"
    uname = platform.uname()
    cpu = _cpu_name(Path("/proc/cpuinfo").read_text(errors="replace"))
    return HostFacts(f"{uname.release} {uname.version}", cpu, version, guest_release, machine)


def _major(version: str) -> int | None:
    found = re.search(r"(\d+)\.\d+", version)
    return int(found[1]) if found else None


def wrong_features(facts: HostFacts) -> tuple[str, ...]:
    """CPU features that this QEMU emulates wrongly for this guest's kernel.

    QEMU 7.2 leaves garbage in the flags register after a cmpxchg16b without a
    lock prefix. Kernels before 7.0 use one on each CPU's free list: 6.12.95
    died of a double fault or a debug trap in 5 of 6 boots, and in 0 of 6
    without the feature (measured with 7.2.22). Guests of other architectures
    have no such instruction.
    """
    qemu, kernel = _major(facts.qemu), _major(facts.guest_release)
    if qemu is None or kernel is None or facts.machine.arch != "x86_64":
        return ()
    return ("cx16",) if qemu < 8 and kernel < 7 else ()


def emulation(facts: HostFacts) -> tuple[str, ...]:
    """QEMU's options for emulating this guest here.

    One host thread a virtual CPU, as races need: what QEMU 7.2 itself chooses
    for all our machines on an x86-64 host (asked of each through QMP). Where
    the guest's CPUs show stores in order and the host's do not, it takes one
    thread for all of them, and warns of strange errors when told otherwise.
    """
    safe = facts.host_arch in _ORDERED_HOSTS or not facts.machine.stores_in_order
    return ("-accel", f"tcg,thread={'multi' if safe else 'single'}")


def emulated(note: str, facts: HostFacts) -> Accel:
    """Emulation, for the reason that `note` gives."""
    without, options = wrong_features(facts), emulation(facts)
    told = f"emulation ({' '.join(options)}){note}"
    if without:
        told += f"; without {', '.join(without)}, which this QEMU emulates wrongly"
    return Accel("tcg", options, told, without)


def foreign_problem(facts: HostFacts) -> str:
    """Why KVM is out of the question for this guest, or ""."""
    if facts.machine.arch == facts.host_arch:
        return ""
    return f"the guest is {facts.machine.arch}, this computer is {facts.host_arch}"


def kvm_problem(device: Path = Path("/dev/kvm")) -> str:
    """Why KVM cannot even be tried, or "" if it can."""
    if not device.exists():
        return f"there is no {device}"
    if not os.access(device, os.R_OK | os.W_OK):
        return f"{device} may not be opened by this user (adduser USER kvm, and a new login)"
    return ""


def _remembered(path: Path) -> str | None:
    """The stored problem ("" for none), or None when nothing is stored."""
    try:
        stored = json.loads(path.read_text())
        return str(stored["problem"])
    except (OSError, ValueError, KeyError, TypeError):
        return None


def _prove(facts: HostFacts, cache: Path, probe: Callable[[Accel], str]) -> str:
    path = cache / "accel" / f"{facts.key()}.json"
    with locked(cache / "accel" / ".lock"):
        problem = _remembered(path)
        if problem is None:
            problem = probe(Accel("kvm", KVM))
            stored = {"problem": problem, "guest": facts.guest_release, "qemu": facts.qemu}
            write_whole(path, json.dumps(stored).encode())
    return problem


def choose(asked: str, facts: HostFacts, cache: Path, probe: Callable[[Accel], str],
           unusable: Callable[[], str] = kvm_problem) -> Accel:
    """The accelerator to use for `asked` = auto, kvm or tcg.

    `probe` boots a bare guest with the accelerator it is given and returns
    what went wrong, or "". Raises GuestError when kvm was insisted on.
    """
    if asked == "tcg":
        return emulated(", as asked", facts)
    problem = foreign_problem(facts) or unusable() or _prove(facts, cache, probe)
    if not problem:
        return Accel("kvm", KVM, f"KVM: {facts.guest_release} has proved to boot with it here")
    if asked == "kvm":
        raise GuestError(f"KVM cannot be used: {problem}", "use ACCEL=tcg or ACCEL=auto")
    return emulated(f", not KVM: {problem}", facts)
