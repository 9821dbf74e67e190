# SPDX-License-Identifier: GPL-2.0
"""One small file a topology, found by being here; `find` picks one by name.

A topology is data: nodes and what they have. QEMU's options for it are made in
machine.py, and what a machine cannot have is said there.
"""

from __future__ import annotations

import importlib
import pkgutil

from qemu.machine import GuestError
from qemu.topology import USUAL as USUAL
from qemu.topology import Plan


def _all() -> tuple[Plan, ...]:
    """Every file's TOPOLOGY; the usual one comes first."""
    modules = [importlib.import_module(f"{__name__}.{found.name}")
               for found in pkgutil.iter_modules(__path__)]
    plans: list[Plan] = [module.TOPOLOGY for module in modules]
    return tuple(sorted(plans, key=lambda plan: (plan.name != USUAL.name, plan.name)))


TOPOLOGIES: tuple[Plan, ...] = _all()


def find(name: str) -> Plan:
    """The topology of that name; "" is the usual one."""
    for plan in TOPOLOGIES:
        if plan.name == (name or USUAL.name):
            return plan
    known = ", ".join(plan.name for plan in TOPOLOGIES)
    raise GuestError(f"TOPOLOGY={name}: no topology of that name", f"known: {known}")
