# SPDX-License-Identifier: GPL-2.0
"""Real kernels for step.py: built in the lab, from the user's tree as it is at
a commit, with one configuration that is carried across all of them; run by
spread.py, here or on other machines.

An option of this project's fragments that a commit does not have makes that
commit one that cannot be asked; one of the user's own file is left out there.
"""

from __future__ import annotations

import os
import shutil
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import groupby
from pathlib import Path

import kunit
import options as opt
import prepared
from bisection import bundle, spread
from bisection.outcomes import Ran
from bisection.session import Session
from bisection.step import Built, Judging, check_room
from build_module import build_for
from errors import SourceError, ToolError
from kdir import PreparedKernel
from lab import obtain as lab
from lab import store
from lab.source import find
from lab.spec import CONFIGS, Fragment, Spec, make_spec

_LENIENT = "# may be lost: the user's own; a commit may not have it"


@dataclass(frozen=True)
class Own:
    """A configuration of the user's: what a commit does not know is left out."""

    path: Path

    @property
    def name(self) -> str:
        return self.path.name

    @property
    def stem(self) -> str:
        return self.path.stem

    def read_text(self) -> str:
        lines = (line for line in self.path.read_text().splitlines() if line.strip())
        return "\n".join([_LENIENT, *lines, ""])


def spec_of(options: opt.Options, suites: bool, kernel: str) -> Spec:
    """The kernel of a commit: KERNEL=DIR@COMMIT with this session's options."""
    parts = (kunit.FRAGMENT if suites else "", options.config, prepared.for_cpus(options.cpus))
    spec = make_spec(kernel, options.arch, options.page, ",".join(parts), options.patch)
    fragments: list[Fragment] = [
        Own(part) if isinstance(part, Path) and part.parent != CONFIGS else part
        for part in spec.fragments]
    return replace(spec, fragments=tuple(fragments))


@dataclass
class LabBench:
    """Of one session; `options` are those of its runs."""

    session: Session
    options: opt.Options
    hosts: Sequence[str]
    asked_jobs: int  # 0: what the machine allows

    @property
    def jobs(self) -> int:
        return self.asked_jobs or len(os.sched_getaffinity(0))

    @property
    def cache(self) -> Path:
        return opt.cache_dir(os.environ).resolve()

    def _bundles(self, commit: str) -> Path:
        return self.session.directory / "bundles" / commit[:16]

    def build(self, commit: str) -> Built:
        place = self._bundles(commit)
        if (place / "whole").exists():
            return Built(commit, 0.0, place)
        began = time.monotonic()
        shutil.rmtree(place, ignore_errors=True)
        kernel = f"{self.session.request.tree}@{commit}"
        spec = spec_of(self.options, self.session.request.suites, kernel)
        kept = lab.Wanted(spec, find(kernel, self.cache), self.cache).root
        was_there = kept.exists()
        made = lab.obtain(spec, self.cache)
        options = replace(self.options, kernel=kernel, out=self.session.directory)
        ready = prepared.Ready(made, self._module(made))
        place.mkdir(parents=True)
        bundle.make(ready, options, place, self.session.request.suites)
        (place / "whole").touch()
        shutil.rmtree(self.session.directory / "build", ignore_errors=True)
        if not was_there:  # the next one is built from the work tree all the same
            store.discard(kept)
        return Built(commit, time.monotonic() - began, place)

    def _module(self, kernel: PreparedKernel) -> Path:
        """The module; that it does not build for a kernel, or is not what it
        should be there, is that kernel's."""
        try:
            if self.session.request.suites:
                return kunit.build_suites(kernel, self.session.directory)
            return build_for(Path(kernel.build), kernel.release, self.session.directory,
                             kernel.arch, suites=False)
        except SourceError:
            raise
        except ToolError as error:
            check_room(self.session.directory)
            raise SourceError(str(error), error.hint) from error

    def run(self, built: Built, wanted: Sequence[tuple[int, int]], judge: Judging,
            take: Callable[[Ran], bool]) -> None:
        found = bundle.Bundle.at(next(path for path in built.place.iterdir() if path.is_dir()))
        more = True

        def taken(ran: Ran) -> bool:
            nonlocal more
            more = take(ran)
            return more

        into = self.session.runs_of(built.commit)
        for first, seeds in stretches(wanted):
            place = spread.Place(self.session.directory, into, built.commit, judge, first)
            spread.run_many(found, seeds, self.asked_jobs, self.hosts, taken, place)
            if not more:
                return

    def close(self) -> None:
        for name in ("bundles", "build"):
            shutil.rmtree(self.session.directory / name, ignore_errors=True)


def stretches(wanted: Sequence[tuple[int, int]]) -> Iterator[tuple[int, list[int]]]:
    """Numbers without gaps as (first number, seeds): where a killed bisection
    had several runs at once, later ones may be there already."""
    for _, group in groupby(enumerate(wanted), lambda pair: pair[1][0] - pair[0]):
        items = [item for _, item in group]
        yield items[0][0], [seed for _, seed in items]
