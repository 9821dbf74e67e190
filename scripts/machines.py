# SPDX-License-Identifier: GPL-2.0
"""`make machines`: which guest machines can run here, how, and what is missing;
exit status 0 whatever the answer is.

A machine is one file in qemu/machines; it is listed by being there.
"""

from __future__ import annotations

import os
import platform
import sys
import textwrap
from dataclasses import dataclass
from pathlib import Path

sys.path[:0] = [str(Path(__file__).resolve().parent.parent)]

import firmware
from entry import guarded
from guest_tools import Program, compiler_of, qemu_of
from options import cache_dir
from qemu import accel, machines
from qemu.machine import Machine, Nodes

WIDTH = 79
_COLUMNS = "{:<9}{:<11}{:<9}{:<10}{:<10}"
_LAST = len(_COLUMNS.format("", "", "", "", ""))


@dataclass(frozen=True)
class Row:
    """One machine as it is here."""

    machine: Machine
    qemu: Program
    compiler: Program
    runs: str
    node: str

    @property
    def bad(self) -> list[Program]:
        return [program for program in (self.qemu, self.compiler) if program.problem]


def runs(machine: Machine, host: str, kvm_problem: str) -> str:
    """How guests of this machine are run; KVM is believed once one booted."""
    return "KVM?" if machine.arch == host and not kvm_problem else "emulated"


def node_text(machine: Machine, version: str, cached: bool) -> str:
    """Whether node 1 can go, and why not; `version` is the installed firmware's."""
    if machine.nodes is not Nodes.DIMM:
        return f"no: {machine.why_fixed}"
    wanted = machine.firmware
    if wanted is None:
        return "yes"
    if firmware.will_do(version, wanted):
        return f"yes, by {wanted.package} {firmware.upstream(version)}"
    here = f"; {firmware.upstream(version)} is installed" if version else ""
    how = "in the cache" if cached else "fetched when used"
    return f"yes, by {wanted.package} from {wanted.least} on, {how}{here}"


def row(machine: Machine, host: str, kvm_problem: str, cache: Path) -> Row:
    wanted = machine.firmware
    version = firmware.installed_version(wanted.package) if wanted else ""
    cached = wanted is not None and firmware.cached(wanted, cache) is not None
    return Row(machine, qemu_of(machine), compiler_of(machine), runs(machine, host, kvm_problem),
               node_text(machine, version, cached))


def lines_of(row: Row) -> list[str]:
    """The table's lines for a machine; the last column goes on below itself."""
    pages = " ".join(str(kib) for kib in row.machine.pages_kib)
    first = _COLUMNS.format(row.machine.arch, pages, row.qemu.version or "none",
                            row.compiler.version or "none",
                            "no" if row.bad else row.runs)
    return textwrap.wrap(first + row.node, WIDTH, subsequent_indent=" " * _LAST,
                         drop_whitespace=True, break_long_words=False,
                         fix_sentence_endings=False, replace_whitespace=False)


def table(rows: list[Row], host: str, kvm_problem: str) -> str:
    lines = [_COLUMNS.format("machine", "pages, KiB", "QEMU", "compiler", "runs")
             + "node 1 can go"]
    for one in rows:
        lines += lines_of(one)
    lines.append("")
    for one in rows:
        lines += [f"{one.machine.arch}: {bad.problem}: {bad.remedy}" for bad in one.bad]
    if any(one.bad for one in rows):
        lines.append("")
    lines.append(f"{host} guests run with KVM if one has proved to boot with it"
                 if not kvm_problem else
                 f"{host} guests are emulated: {kvm_problem}")
    return "\n".join(lines)


def main() -> int:
    host, problem = platform.machine(), accel.kvm_problem()
    cache = cache_dir(os.environ)
    print(table([row(machine, host, problem, cache) for machine in machines.MACHINES], host,
                problem))
    return 0


if __name__ == "__main__":
    sys.exit(guarded(main))
