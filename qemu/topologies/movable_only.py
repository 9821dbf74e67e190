# SPDX-License-Identifier: GPL-2.0
"""As `two`, but the node's memory only ever comes to the movable zone, where no
slab can be: kernels up to 6.16 then keep nothing at all for the node."""

from __future__ import annotations

from dataclasses import replace

from qemu.topology import USUAL

TOPOLOGY = replace(USUAL, name="movable-only", movable_only=True,
                   text="node 1 has no CPU and a DIMM that is only ever movable memory")
