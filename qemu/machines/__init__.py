# SPDX-License-Identifier: GPL-2.0
"""One small file a machine, found by being here; `find` picks one by
architecture.

A machine is data: what to start and with which options. Starting it is for
guest.py.
"""

from __future__ import annotations

import importlib
import pkgutil

from qemu.machine import GuestError, Machine

FIRST = "x86_64"


def _all() -> tuple[Machine, ...]:
    """Every file's MACHINE; the one that most users run comes first."""
    modules = [importlib.import_module(f"{__name__}.{found.name}")
               for found in pkgutil.iter_modules(__path__)]
    machines: list[Machine] = [module.MACHINE for module in modules]
    return tuple(sorted(machines, key=lambda machine: (machine.arch != FIRST, machine.arch)))


MACHINES: tuple[Machine, ...] = _all()


def find(arch: str) -> Machine:
    """The machine for a kernel architecture as `uname -m` names it, or an alias."""
    for machine in MACHINES:
        if arch in (machine.arch, *machine.aliases):
            return machine
    known = ", ".join(machine.arch for machine in MACHINES)
    raise GuestError(f"no guest machine for architecture {arch}", f"known: {known}")
