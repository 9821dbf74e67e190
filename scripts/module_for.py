# SPDX-License-Identifier: GPL-2.0
"""`make module KERNEL=...`: slubtorture.ko for another kernel than the running
one, to be taken to a machine that runs it. Prints where it is.

Which kernel is meant, and that it is fetched or built, is as in `make run`;
without KERNEL, ARCH, PAGE, CONFIG and PATCH it is build_module.py's turn.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping
from pathlib import Path

sys.path[:0] = [str(Path(__file__).resolve().parent.parent)]

import options as opt
import prepared
import records as rec
from entry import guarded
from errors import ToolError
from kdir import PreparedKernel
from setup import say


def check_kdir(environment: Mapping[str, str]) -> None:
    """KDIR names a kernel, too; make sets it to the running one's by itself."""
    kdir = environment.get("KDIR", "")
    if kdir and kdir != f"/lib/modules/{os.uname().release}/build":
        raise ToolError(f"KDIR={kdir} names a kernel, and so does one of KERNEL, ARCH, PAGE, "
                        "CONFIG and PATCH", "leave one out; KERNEL=DIR takes a built tree, too")


def told(kernel: PreparedKernel) -> str:
    """Where the module can be loaded: the kernel compares the whole release."""
    return (f"for {kernel.arch} machines on which `uname -r` says {kernel.release}; there:\n"
            "  sudo insmod slubtorture.ko scenario='exts-*' seconds=10\n"
            "  sudo cat /sys/kernel/debug/slubtorture/ktap")


def main() -> int:
    args = opt.parser("build slubtorture.ko for another kernel than the running one").parse_args()
    options = opt.checked(opt.raw_values(args, os.environ), Path.cwd() / "out")
    check_kdir(os.environ)
    opt.check_out(options.out)
    ready = prepared.ready(options, boots=False)
    say(told(ready.kernel))
    print(rec.shown(ready.module))
    return 0


if __name__ == "__main__":
    sys.exit(guarded(main))
