# SPDX-License-Identifier: GPL-2.0
"""A kernel that is ready to boot and to build for, as kernels.py hands it out,
and the module built for it.

Fetching and preparing is done in kernels.py, building in build_module.py;
this file only asks them and names what came back.
"""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

from errors import ToolError
from options import ROOT

SCRIPTS = ROOT / "scripts"


@dataclass(frozen=True)
class Kernel:
    """`image` boots, `build` is the KDIR that modules are built against."""

    series: str
    release: str
    image: Path
    build: Path
    config: Path
    package_version: str
    arch: str = "x86_64"

    @staticmethod
    def from_json(text: str) -> Kernel:
        values = json.loads(text)
        return Kernel(str(values.get("series") or ""), values["release"], Path(values["image"]),
                      Path(values["build"]), Path(values["config"]),
                      str(values.get("package_version") or ""))


def _asked(script: str, *arguments: str) -> str:
    """Standard output of a script; it has said itself why it failed."""
    done = subprocess.run([sys.executable, str(SCRIPTS / script), *arguments],
                          stdout=subprocess.PIPE, text=True, check=False)
    if done.returncode:
        raise SystemExit(2)
    return done.stdout


def prepare(name: str) -> tuple[Kernel, str]:
    """The kernel for a series or tree ("" for the default), and its JSON."""
    text = _asked("kernels.py", "prepare", *([name] if name else []))
    return Kernel.from_json(text), text


def build(kernel_json: str, out: Path) -> Path:
    """slubtorture.ko for a prepared kernel; nothing is rebuilt without need."""
    said = _asked("build_module.py", "--kernel", kernel_json, "--out", str(out)).strip()
    module = Path(said.splitlines()[-1]) if said else Path()
    if module.suffix != ".ko" or not module.exists():
        raise ToolError("the build ended without slubtorture.ko", "see what it printed above")
    return module
