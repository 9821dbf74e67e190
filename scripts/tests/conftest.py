# SPDX-License-Identifier: GPL-2.0
"""Makes scripts/ and qemu/ importable from wherever pytest is started."""

from __future__ import annotations

import sys
from pathlib import Path

_ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(_ROOT), str(_ROOT / "scripts")]
