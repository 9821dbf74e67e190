# SPDX-License-Identifier: GPL-2.0
"""A kernel and the module for it, made ready for booting.

Fetching and preparing is done in kernels.py, building in build_module.py;
this file asks them in one process and says what it waits for.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

import kernels
from build_module import Build, build_module
from errors import ToolError
from kdir import PreparedKernel
from options import ROOT, cache_dir


@dataclass(frozen=True)
class Ready:
    """A kernel that boots, and slubtorture.ko built for it."""

    kernel: PreparedKernel
    module: Path


def ready(name: str, out: Path) -> Ready:
    """The kernel that KERNEL=`name` asks for ("" for the default) and its module."""
    cache = cache_dir(os.environ).resolve()
    try:
        kernel = kernels.prepare(name, cache)
    except OSError as error:
        raise ToolError(f"preparing a kernel failed: {error}",
                        f"is there room in {cache}, and may this user write there?") from error
    build = Build(Path(kernel.build), kernel.release, out / "build" / kernel.release)
    try:
        build.tree.mkdir(parents=True, exist_ok=True)
        return Ready(kernel, build_module(ROOT, build))
    except OSError as error:
        raise ToolError(f"building in {build.tree} failed: {error}",
                        "is there room, and may this user write there?") from error
