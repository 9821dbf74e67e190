# SPDX-License-Identifier: GPL-2.0
"""One small file a machine; `find` picks one by architecture.

A machine is data: what to start and with which options. Starting it is for
guest.py.
"""

from __future__ import annotations

from qemu.machine import GuestError, Machine
from qemu.machines import aarch64, ppc64le, riscv64, s390x, x86_64

MACHINES: tuple[Machine, ...] = (x86_64.MACHINE, ppc64le.MACHINE, aarch64.MACHINE, s390x.MACHINE,
                                 riscv64.MACHINE)


def find(arch: str) -> Machine:
    """The machine for a kernel architecture as `uname -m` names it, or an alias."""
    for machine in MACHINES:
        if arch in (machine.arch, *machine.aliases):
            return machine
    known = ", ".join(machine.arch for machine in MACHINES)
    raise GuestError(f"no guest machine for architecture {arch}", f"known: {known}")
