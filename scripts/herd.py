# SPDX-License-Identifier: GPL-2.0
"""herd7 and klitmus7: the machine's own if they are new enough, else Debian's,
unpacked privately with the C library that they want. Nothing is installed.

What they are asked is for judgement.py and klitmus.py.
"""

from __future__ import annotations

import re
import shutil
import subprocess
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from archive import Archive
from debversion import sort_key
from errors import ToolError
from qemu.store import locked
from runtime import Runtime, library_packages, unpack

# The first that reads the model of Linux 6.14 and later (variant lkmmv2).
LEAST = "7.58"
PACKAGE = "herdtools7"
PROGRAMS = ("herd7", "klitmus7")
# A program of a newer Debian may start and not answer; it has nothing to do.
_ANSWER_S = 20.0


@dataclass(frozen=True)
class Herd:
    """The two programs as commands, and herd7's library of models."""

    version: str
    herd7: tuple[str, ...]
    klitmus7: tuple[str, ...]
    library: Path
    litmus_library: Path

    @property
    def described(self) -> str:
        return f"herd7 {self.version}"


def version_of(said: str) -> str:
    """"7.58, Rev: exported" -> "7.58", "" for anything else."""
    match = re.match(r"(\d+\.\d+[\w.+]*)", said)
    return match[1] if match else ""


def new_enough(version: str) -> bool:
    return bool(version) and sort_key(version) >= sort_key(LEAST)


def _said(command: tuple[str, ...]) -> str:
    """What a program prints, "" if it does not run."""
    try:
        done = subprocess.run(command, capture_output=True, text=True, check=False,
                              timeout=_ANSWER_S)
    except (OSError, subprocess.TimeoutExpired):
        return ""
    return done.stdout.strip() if done.returncode == 0 else ""


def installed(which: Callable[[str], str | None] = shutil.which) -> Herd | None:
    """Those in PATH, if both are there and new enough."""
    herd7, klitmus7 = (which(name) for name in PROGRAMS)
    if not herd7 or not klitmus7:
        return None
    version = version_of(_said((herd7, "-version")))
    library, litmus = _said((herd7, "-libdir")), _said((klitmus7, "-libdir"))
    if not new_enough(version) or not Path(library or "/nowhere").is_dir():
        return None
    return Herd(version, (herd7,), (klitmus7,), Path(library), Path(litmus))


def unpacked(root: Path) -> Herd | None:
    """What lies under `root`, if it is there and runs."""
    runtime = Runtime(root)
    programs = [runtime.words(root / "usr/bin" / name) for name in PROGRAMS]
    share = root / "usr/share/herdtools7"
    version = version_of(_said((*programs[0], "-version")))
    if not new_enough(version) or not (share / "herd").is_dir():
        return None
    return Herd(version, programs[0], programs[1], share / "herd", share / "litmus")


def cached(cache: Path) -> Herd | None:
    """The newest of those that were fetched before."""
    roots = [path for path in (cache / "herd").glob("[0-9]*") if path.is_dir()]
    for root in sorted(roots, key=lambda path: sort_key(path.name), reverse=True):
        found = unpacked(root)
        if found:
            return found
    return None


def _keep_two_programs(root: Path) -> None:
    """The package has fifty more, most of its 250 MB."""
    for path in (root / "usr/bin").iterdir():
        if path.name not in PROGRAMS:
            path.unlink()
    for name in ("doc", "locale", "man"):
        shutil.rmtree(root / "usr/share" / name, ignore_errors=True)


def _fetch(archive: Archive, place: Path) -> Herd:
    """Unpack beside its place and rename: what is there is whole."""
    archive.refresh()
    packages = library_packages(archive, (PACKAGE, "libc6"))
    versions = {package.name: package.version for package in packages}
    if sort_key(versions.get(PACKAGE, "0")) < sort_key(LEAST):
        missed = ", ".join(archive.missed())
        raise ToolError(f"the archive offers no {PACKAGE} from {LEAST} on" +
                        (f"; not used of it: {missed}" if missed else ""),
                        "is forky or sid reachable on this machine's mirror?")
    part = place / ".part"
    shutil.rmtree(part, ignore_errors=True)
    try:
        unpack(archive, packages, part)
        _keep_two_programs(part)
        if unpacked(part) is None:
            raise ToolError(f"{PACKAGE} {versions[PACKAGE]} was unpacked and does not run",
                            f"install a {PACKAGE} from {LEAST} on, so that herd7 is in PATH")
        root = place / versions[PACKAGE]
        shutil.rmtree(root, ignore_errors=True)
        part.rename(root)
    finally:
        shutil.rmtree(part, ignore_errors=True)
    found = unpacked(root)
    assert found is not None, "it ran a moment ago"
    return found


def obtain(cache: Path, which: Callable[[str], str | None] = shutil.which) -> Herd:
    """The machine's own, one fetched before (no network is asked), or Debian's."""
    found = installed(which) or cached(cache)
    if found:
        return found
    with locked(cache / "herd/.lock"):
        found = cached(cache)
        if found:
            return found
        try:
            return _fetch(Archive(cache / "apt"), cache / "herd")
        except ToolError as error:
            raise ToolError(f"herd7 is not here and cannot be fetched: {error}",
                            f"{error.hint}; or install a {PACKAGE} from {LEAST} on, so that herd7 "
                            "and klitmus7 are in PATH") from error
