# SPDX-License-Identifier: GPL-2.0
"""For the kernel's kunit.py --qemu_config: a POWER9 guest with 4 KiB pages. It imports this
file as one of its own package, hence the relative import."""

import sys
from pathlib import Path

from ..qemu_config import QemuArchParams

sys.path[:0] = [str(Path(__file__).resolve().parents[2] / "scripts")]

import kunit_tool

QEMU_ARCH = QemuArchParams(**kunit_tool.fields("ppc64le", 4))
