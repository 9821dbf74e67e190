# SPDX-License-Identifier: GPL-2.0
"""A litmus test as klitmus7's kernel module, built as slubtorture's own is: by
the same compiler against the same tree; and what that module prints.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import tempfile
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from build_module import Build, make_modules
from errors import ToolError
from herd import Herd
from kdir import PreparedKernel
from lab.telling import telling_lines
from shown import State, state_of

# The one module of a directory that klitmus7 made of one test.
MODULE = "litmus000"
FILE = "/proc/litmus"
_TIME = re.compile(r"Time \S+ (\d+\.\d+)$")
_LIMIT_S = 60.0


@dataclass(frozen=True)
class Trials:
    """One run of the module: its histogram, and the seconds it took by its own
    clock, which counts from making the threads to counting the states."""

    states: tuple[State, ...]
    seconds: float

    @property
    def count(self) -> int:
        return sum(state.count for state in self.states)

    def having(self, **values: str) -> int:
        """Trials that ended with these values."""
        return sum(state.count for state in self.states
                   if all(state.values.get(name) == value for name, value in values.items()))

    @property
    def per_s(self) -> float:
        return self.count / self.seconds


def trials_of(lines: Iterable[str]) -> list[Trials]:
    """Every whole run in what the module printed, one after the other."""
    found: list[Trials] = []
    states: list[State] = []
    for line in lines:
        state, time = state_of(line), _TIME.match(line.strip())
        if line.startswith("Test "):
            states = []
        elif state:
            states.append(state)
        elif time and states and float(time[1]) > 0:
            found.append(Trials(tuple(states), float(time[1])))
            states = []
    return found


def _generate(herd: Herd, test: Path, into: Path) -> None:
    command = [*herd.klitmus7, "-set-libdir", str(herd.litmus_library), "-o", str(into), str(test)]
    try:
        done = subprocess.run(command, capture_output=True, text=True, check=False,
                              timeout=_LIMIT_S, stdin=subprocess.DEVNULL)
    except (OSError, subprocess.TimeoutExpired) as error:
        raise ToolError(f"klitmus7 does not run: {error}", "remove herd from the cache, or from "
                        "PATH, so that it is fetched anew") from error
    if done.returncode or not (into / f"{MODULE}.c").exists():
        said = (done.stderr or done.stdout).strip().splitlines() or ["it said nothing"]
        raise ToolError(f"klitmus7 makes no module of {test.name}: {said[-1]}",
                        "herd7 reads it? make models TEST=" + test.stem)


def build(herd: Herd, test: Path, kernel: PreparedKernel, scratch: Path, into: Path) -> Path:
    """The module for one kernel, made under `scratch`, of which nothing stays,
    and kept at `into`."""
    scratch.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=scratch, prefix="klitmus-") as name:
        tree = Path(name)
        _generate(herd, test, tree)
        variables = Build(Path(kernel.build), kernel.release, tree, kernel.arch).variables
        status, said = make_modules(Path(kernel.build), tree, variables, os.cpu_count() or 1)
        made = tree / f"{MODULE}.ko"
        if status or not made.exists():
            shown = "\n  ".join(telling_lines(said))
            raise ToolError(f"klitmus7's module does not build for {kernel.release}:\n  {shown}",
                            "a newer herdtools7 may know this kernel")
        shutil.copyfile(made, into)
    return into
