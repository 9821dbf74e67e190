# SPDX-License-Identifier: GPL-2.0
"""Makes `qemu` importable from wherever pytest is started."""

from __future__ import annotations

import sys
from pathlib import Path

sys.path[:0] = [str(Path(__file__).resolve().parents[2])]
