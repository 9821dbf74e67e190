# SPDX-License-Identifier: GPL-2.0
"""The compilers and programs that a kernel build takes: there, new enough, or
an error that names the package, before anything is fetched or built.
"""

from __future__ import annotations

import os
import platform
import re
import shutil
import subprocess
from pathlib import Path

from errors import SourceError, ToolError
from qemu.machine import Machine

# Program and Debian package; the C++ compiler builds module and init.
PROGRAMS = {"make": "make", "flex": "flex", "bison": "bison", "bc": "bc", "ccache": "ccache",
            "pahole": "dwarves", "patch": "patch", "xz": "xz-utils", "gcc": "gcc", "g++": "g++",
            "perl": "perl"}


def cross_prefix(machine: Machine) -> str:
    """Of the compiler: none where the guest's architecture is this computer's."""
    return "" if machine.arch == platform.machine() else machine.cross


# Of an outer make, or of this project's commands: Kbuild takes some for its own,
# and an empty ARCH for an architecture.
_OTHERS = ("MAKEFLAGS", "MFLAGS", "MAKELEVEL", "MAKEOVERRIDES", "KERNEL", "SECONDS", "OUT", "KDIR",
           "ARCH", "CROSS_COMPILE", "CONFIG", "PAGE", "PATCH")


def kbuild_environment() -> dict[str, str]:
    """What a kernel's make may know of this process's environment."""
    return {**{name: value for name, value in os.environ.items() if name not in _OTHERS},
            "LC_ALL": "C"}


def make_variables(machine: Machine) -> list[str]:
    """What every make for this machine's kernel must be told."""
    return [f"ARCH={machine.kernel_arch}", f"CROSS_COMPILE={cross_prefix(machine)}"]


def package_of(program: str, cross: str) -> str:
    """Debian's package of a cross compiler: gcc-powerpc64le-linux-gnu."""
    return f"{program}-{cross.rstrip('-').replace('_', '-')}"


def check_programs(machine: Machine) -> None:
    """ToolError with the packages to install, unless all programs are there."""
    wanted = dict(PROGRAMS)
    cross = cross_prefix(machine)
    if cross:
        wanted |= {cross + name: package_of(name, cross) for name in ("gcc", "g++")}
    missing = [name for name in wanted if shutil.which(name) is None]
    if missing:
        packages = " ".join(sorted({wanted[name] for name in missing}))
        raise ToolError(f"a {machine.arch} kernel cannot be built: missing {', '.join(missing)}",
                        f"apt-get install {packages}")


def compiler_text(machine: Machine) -> str:
    """What the compiler and pahole say they are; a part of a kernel's key."""
    said = []
    for program in (f"{cross_prefix(machine)}gcc", "pahole"):
        done = subprocess.run([program, "--version"], capture_output=True, text=True, check=False)
        said.append(done.stdout.partition("\n")[0].strip())
    return "; ".join(said)


def _numbers(version: str) -> tuple[int, ...]:
    return tuple(int(part) for part in re.findall(r"\d+", version)[:3])


def check_compiler(machine: Machine, tree: Path) -> None:
    """The kernel says itself which compiler is too old for it."""
    script = tree / "scripts/min-tool-version.sh"
    if not script.exists():
        return
    gcc = f"{cross_prefix(machine)}gcc"
    least = subprocess.run(["sh", str(script), "gcc"], capture_output=True, text=True, check=False,
                           env={**os.environ, "SRCARCH": machine.source_arch}).stdout.strip()
    here = subprocess.run([gcc, "-dumpfullversion"], capture_output=True, text=True,
                          check=False).stdout.strip()
    if least and _numbers(here) < _numbers(least):
        raise SourceError(f"{gcc} {here} is too old for this kernel, which needs {least}",
                          "use a newer Debian, or an older KERNEL")
