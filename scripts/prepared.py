# SPDX-License-Identifier: GPL-2.0
"""A kernel and the module for it, made ready for booting.

Fetching and preparing is done in kernels.py, building in build_module.py;
this file asks them in one process and says what it waits for.
"""

from __future__ import annotations

import os
import platform
from dataclasses import dataclass
from pathlib import Path

import kernels
import build_module
from build_module import build_for
from errors import ToolError
from kdir import PreparedKernel
from lab import obtain as lab
from lab.obtain import obtain
from lab.spec import Spec, machine_of, make_spec
from options import Options, cache_dir
from series import says_stock
from setup import check_guest


@dataclass(frozen=True)
class Ready:
    """A kernel that boots, and slubtorture.ko built for it."""

    kernel: PreparedKernel
    module: Path


def _is_source(kernel: str) -> bool:
    """Whether KERNEL names a source that must be built: a tarball, or a git
    tree, unless somebody has built a kernel in it. No name is none: the clone
    that this runs in is a git tree, too."""
    if not kernel:
        return False
    path = Path(kernel).expanduser()
    if path.is_dir():
        return (path / ".git").exists() and not (path / "vmlinux").exists()
    return path.is_file() or Path(kernel.rpartition("@")[0] or "/nowhere").expanduser().is_dir()


def for_cpus(cpus: int) -> str:
    """The fragment that so many CPUs take: tinyconfig's kernels know two."""
    return "many-cpus" if cpus > 2 else ""


def _spec(options: Options, fragments: str = "") -> Spec:
    return make_spec(options.kernel, options.arch, options.page,
                     f"{fragments},{options.config},{for_cpus(options.cpus)}", options.patch)


def kernel_for(options: Options, fragments: str = "", boots: bool = True) -> PreparedKernel:
    """The kernel that the options ask for: stock, or built in the lab, which
    `fragments` asks for too, unless KERNEL is a tree that was built. That its
    guests can run here, if it `boots`, is known before anything is fetched or
    built."""

    def check(arch: str) -> None:
        if boots:
            check_guest(options, arch)

    cache = cache_dir(os.environ).resolve()
    built = bool(options.kernel) and Path(options.kernel).is_dir() and not _is_source(
        options.kernel)
    if built and (options.config or options.patch or options.page):
        raise ToolError(f"KERNEL={options.kernel} is a tree that is built already: CONFIG, PATCH "
                        "and PAGE cannot change it", "leave them out, or name a source")
    stock = _stock_arch(options, fragments) if says_stock(options.kernel) else ""
    if not built and not stock and (options.lab or fragments or _is_source(options.kernel)):
        spec = _spec(options, fragments)
        check(spec.machine.arch)
        return obtain(spec, cache)
    if not built:
        check(stock or platform.machine())
    try:
        kernel = kernels.prepare(options.kernel, cache, stock or platform.machine())
        check(kernel.arch)
        return kernel
    except OSError as error:
        raise ToolError(f"preparing a kernel failed: {error}",
                        f"is there room in {cache}, and may this user write there?") from error


def _stock_arch(options: Options, fragments: str) -> str:
    """The machine of Debian's own kernel, which nothing can be built into."""
    if options.config or options.patch or options.page or fragments:
        raise ToolError(f"KERNEL={options.kernel} is a stock kernel: CONFIG, PATCH and PAGE cannot "
                        "change it, and it has no KUnit", "for a lab kernel leave out the word "
                        f"before the series: KERNEL={options.kernel.partition(':')[2]}")
    return machine_of(options.arch).arch


def ready(options: Options, boots: bool = True) -> Ready:
    """The kernel that the options ask for, and its module."""
    kernel = kernel_for(options, boots=boots)
    return Ready(kernel, build_for(Path(kernel.build), kernel.release, options.out, kernel.arch))


@dataclass(frozen=True)
class AtHand:
    """What is there of a kernel and of the modules for it, without any work."""

    kernel: bool
    modules: bool


def at_hand(options: Options) -> AtHand:
    """For a series, stock or of the lab; nothing is fetched or built."""
    cache = cache_dir(os.environ).resolve()
    named = says_stock(options.kernel)
    kernel = (lab.at_hand(_spec(options), cache) if options.lab and not named
              else kernels.at_hand(options.kernel, cache, machine_of(options.arch).arch))
    return AtHand(kernel is not None, kernel is not None and build_module.is_built(
        Path(kernel.build), kernel.release, options.out, kernel.arch))
