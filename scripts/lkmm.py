# SPDX-License-Identifier: GPL-2.0
"""The Linux kernel memory model that belongs to a kernel: tools/memory-model of
its source, kept in the cache, since that directory is all that is needed.

What it says of a test is for judgement.py.
"""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from pathlib import Path

from debversion import sort_key
from errors import ToolError
from lab.source import SERIES, Source, find, from_series, say
from qemu.store import locked

PART = "tools/memory-model"
CONFIG = "linux-kernel.cfg"


@dataclass(frozen=True)
class Model:
    """A directory that herd7 is run in, and what people may call it."""

    directory: Path
    name: str


def in_tree(directory: Path) -> Model | None:
    """The model of a kernel's source, or of that behind a build directory."""
    for root in (directory, directory / "source"):
        if (root / PART / CONFIG).exists():
            return Model((root / PART).resolve(), str(root))
    return None


def _kept(place: Path, identity: str) -> Model | None:
    path = place / identity / PART
    return Model(path, identity) if (path / CONFIG).exists() else None


def extracted(source: Source, place: Path) -> Model:
    """The model of a source, taken out of it once."""
    found = _kept(place, source.identity)
    if found:
        return found
    with locked(place / ".lock"):
        found = _kept(place, source.identity)
        if found:
            return found
        say(f"taking {PART} out of {source.identity} (10 to 20 s, once)")
        part = place / ".part"
        shutil.rmtree(part, ignore_errors=True)
        part.mkdir()
        try:
            source.part(PART, part)
            if not (part / PART / CONFIG).exists():
                raise ToolError(f"{source.identity} has no {PART}/{CONFIG}",
                                "the model came with Linux 4.17: name a newer source")
            shutil.rmtree(place / source.identity, ignore_errors=True)
            part.rename(place / source.identity)
        finally:
            shutil.rmtree(part, ignore_errors=True)
    return Model(place / source.identity / PART, source.identity)


def newest_kept(place: Path, series: str = "*") -> Model | None:
    """The newest that was taken from the archive before."""
    names = [path.name for path in place.glob(f"debian-linux-source-{series}_*")]
    names.sort(key=lambda name: sort_key(name.rpartition("_")[2]))
    found = [model for model in (_kept(place, name) for name in names) if model]
    return found[-1] if found else None


def _of_series(series: str, cache: Path, named: bool) -> Model:
    """A series' own. Where that cannot be had, one that was taken before, with
    a warning: of the same series, or of any if nobody has `named` this one."""
    place = cache / "lkmm"
    try:
        return extracted(from_series(series, cache), place)
    except ToolError as error:
        kept = newest_kept(place, series) if series else None
        kept = kept or (None if named else newest_kept(place))
        if kept is None:
            raise ToolError(f"the memory model of Linux {series or '(newest)'} cannot be had: {error}",
                            f"{error.hint}; or KERNEL=DIR, a kernel's source tree") from error
        say(f"warning: {error}; using the memory model of {kept.name}, which is here")
        return kept


def obtain(kernel: str, series: str, cache: Path) -> Model:
    """The model of what KERNEL names: a tree, a tarball, a commit, or for a
    stock kernel the archive's source of its series."""
    place = Path(kernel or "/nowhere").expanduser()
    if place.is_dir():
        return in_tree(place) or _of_series(series, cache, False)
    if kernel and not SERIES.fullmatch(kernel):
        return extracted(find(kernel, cache), cache / "lkmm")
    return _of_series(kernel or series, cache, bool(kernel))
