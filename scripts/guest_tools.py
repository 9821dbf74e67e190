# SPDX-License-Identifier: GPL-2.0
"""The programs that a machine's guests take, QEMU and a C++ compiler: which
are here, in which version, and what to install.

What a kernel's own build takes is checked in lab/tools.py.
"""

from __future__ import annotations

import re
import shutil
import subprocess
from dataclasses import dataclass

from errors import ToolError
from lab.tools import cross_prefix, package_of
from qemu.machine import Machine

# The first that has all of C++20 that init and module use (constinit).
LEAST_GXX = (10, 0)


@dataclass(frozen=True)
class Program:
    """One program; `version` is "" when it is not here."""

    name: str
    package: str
    version: str
    least: tuple[int, int]

    @property
    def problem(self) -> str:
        """Why it cannot be used, or ""."""
        if not self.version:
            return f"there is no {self.name}"
        if numbers(self.version) < self.least:
            wanted = ".".join(map(str, self.least))
            return f"{self.name} {self.version} is too old, {wanted} is the oldest that will do"
        return ""

    @property
    def remedy(self) -> str:
        return (f"apt-get install {self.package}" if not self.version else
                f"use a newer Debian, or put a newer {self.name} first in PATH")


def numbers(version: str) -> tuple[int, int]:
    """"7.2.22" -> (7, 2)"""
    found = re.match(r"(\d+)(?:\.(\d+))?", version)
    return (int(found[1]), int(found[2] or 0)) if found else (0, 0)


def _version(program: str, pattern: str, *arguments: str) -> str:
    if not shutil.which(program):
        return ""
    done = subprocess.run([program, *arguments], capture_output=True, text=True, check=False)
    found = re.search(pattern, done.stdout)
    return found[1] if found else "?"


def qemu_of(machine: Machine) -> Program:
    return Program(machine.qemu, machine.package,
                   _version(machine.qemu, r"version (\d+(?:\.\d+)+)", "--version"),
                   machine.qemu_least)


def compiler_of(machine: Machine) -> Program:
    cross = cross_prefix(machine)
    return Program(f"{cross}g++", package_of("g++", cross) if cross else "g++",
                   _version(f"{cross}g++", r"(\d+(?:\.\d+)*)", "-dumpfullversion"), LEAST_GXX)


def check_machine(machine: Machine) -> None:
    """ToolError for what is missing or too old for this machine's guests."""
    bad = [program for program in (qemu_of(machine), compiler_of(machine)) if program.problem]
    if bad:
        raise ToolError(f"{machine.arch} guests cannot run here: "
                        + "; ".join(program.problem for program in bad),
                        "; ".join(dict.fromkeys(program.remedy for program in bad)))
