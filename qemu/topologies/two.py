# SPDX-License-Identifier: GPL-2.0
"""Two nodes, the usual guest: node 0 has all CPUs and the memory of the boot,
node 1 has one DIMM, which can go wholly because nothing else needs it."""

from __future__ import annotations

from qemu.topology import USUAL

TOPOLOGY = USUAL
