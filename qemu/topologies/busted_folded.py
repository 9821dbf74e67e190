# SPDX-License-Identifier: GPL-2.0
"""A control: the kernel is told to know no nodes, so all memory and CPUs are one
node's. A run on it must be broken, whatever its scenarios say."""

from __future__ import annotations

from dataclasses import replace

from qemu.topology import USUAL

TOPOLOGY = replace(USUAL, name="busted-folded", cmdline=("numa=off",),
                   text="control: as two, but the kernel folds the nodes; never passes")
