# SPDX-License-Identifier: GPL-2.0
"""`make kernel`: builds the lab kernel that KERNEL, ARCH, PAGE, CONFIG and
PATCH describe, or says where it is; with REMOVE= it removes one instead.

    kernel.py                 says where the kernel is, and how to use it
    kernel.py --json          the same as one JSON object
    kernel.py --list          what is in the cache, with sizes
    kernel.py --remove NAME   a name of that list, a glob, `work` or `all`
"""

from __future__ import annotations

import argparse
import fnmatch
import os
import shlex
import sys
import time
from pathlib import Path

sys.path[:0] = [str(Path(__file__).resolve().parent.parent)]

from entry import guarded
from errors import ToolError
from kdir import PreparedKernel
from lab import store
from lab.obtain import obtain
from lab.source import WorkTree, say
from lab.spec import BASE, make_spec
from options import CPUS_MOST, cache_dir, whole_number
from prepared import for_cpus
from qemu.store import locked

_VARIABLES = ("kernel", "arch", "page", "config", "patch")
WORK, ALL = "work", "all"


def listing(cache: Path) -> str:
    """Finished kernels and work trees, a line or two each."""
    lines = []
    for root, stored in store.all_stored(cache):
        day = time.strftime("%Y-%m-%d %H:%M", time.localtime(stored.when))
        lines += [f"{root.name}  {store.disk_mib(root)} MiB, {day}, built in {stored.built_s:.0f} s",
                  f"    {stored.kernel.release}: {stored.made_of}"]
    place = cache / "lab/source"
    for tree in sorted(place.iterdir()) if place.is_dir() else []:
        if tree.is_dir():
            lines.append(f"{WORK}/{tree.name}  {store.disk_mib(tree)} MiB, source and build "
                         "directories for faster builds")
    return "\n".join(lines) or "no lab kernel has been built yet: make kernel KERNEL=7.2"


def _remove_work(cache: Path, names: list[str]) -> None:
    for name in names:
        work = WorkTree(cache / "lab/source" / name)
        with locked(work.lock, lambda: say(f"waiting for a build in {WORK}/{work.root.name}")):
            work.remove()


def remove(cache: Path, name: str) -> str:
    """Remove kernels by name or glob, one work tree, all of them, or everything."""
    kernels = store.names(cache)
    place = cache / "lab/source"
    trees = [tree.name for tree in place.iterdir() if tree.is_dir()] if place.is_dir() else []
    gone_kernels = fnmatch.filter(kernels, "*" if name == ALL else name)
    tree = name.removeprefix(f"{WORK}/")
    gone_trees = trees if name in (ALL, WORK) else [tree] if tree in trees and tree != name else []
    if name not in (ALL, WORK) and not gone_kernels and not gone_trees:
        raise ToolError(f"REMOVE={name}: no such kernel in the cache",
                        f"a name that `make kernels` shows, a glob such as '*kasan*', or {WORK}, or {ALL}")
    for gone in gone_kernels:
        store.discard(store.kernels_dir(cache) / gone)
    _remove_work(cache, gone_trees)
    return f"removed {len(gone_kernels)} kernels and {len(gone_trees)} work trees"


def shown(kernel: PreparedKernel, asked: dict[str, str]) -> str:
    """For people: what it is, where it is, what can be done with it."""
    if not any(asked.get(name) for name in ("page", "config", "patch")):
        asked = {**asked, "config": BASE}  # else a series is a stock kernel's
    words = " ".join(f"{name.upper()}={shlex.quote(value)}" for name, value in asked.items()
                     if value)
    return (f"kernel  {kernel.release}, {kernel.arch}, from {kernel.package_version}\n"
            f"image   {kernel.image}\nKDIR    {kernel.build}\n"
            f"use     make run {words}")


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description="build a lab kernel, or say where it is")
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    parser.add_argument("--list", action="store_true", help="what is in the cache")
    parser.add_argument("--remove", default=os.environ.get("REMOVE", ""), metavar="NAME",
                        help=f"a name that --list shows, or {WORK}, or {ALL}")
    for name in _VARIABLES:
        parser.add_argument(f"--{name}", default=os.environ.get(name.upper(), ""))
    return parser


def main() -> int:
    args = _parser().parse_args()
    cache = cache_dir(os.environ).resolve()
    if args.list:
        print(listing(cache))
    elif args.remove:
        try:
            print(remove(cache, args.remove))
        except OSError as error:
            raise ToolError(f"REMOVE={args.remove}: {error}", "does it belong to another user? "
                            "what is left is not used any more; remove it as its owner") from error
    else:
        asked = {name: getattr(args, name).strip() for name in _VARIABLES}
        cpus = whole_number("CPUS", os.environ.get("CPUS") or "2", 2, CPUS_MOST)
        config = f"{asked['config']},{for_cpus(cpus)}"
        kernel = obtain(make_spec(**{**asked, "config": config}), cache)
        many = {"cpus": str(cpus)} if for_cpus(cpus) else {}
        print(kernel.to_json() if args.json else shown(kernel, {**asked, **many}))
    return 0


if __name__ == "__main__":
    sys.exit(guarded(main))
