# SPDX-License-Identifier: GPL-2.0
"""Obtains kernels: a stock series from the archive, a built tree as it is, or
the running distribution's; prints what it prepared as one JSON object.

    kernels.py prepare [KERNEL]     kernels.py list

What a package is, how it is fetched and how a tree is made usable is in
series.py, archive.py and kdir.py.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import re
import shutil
import sys
import time
from pathlib import Path

sys.path[:0] = [str(Path(__file__).resolve().parent.parent)]

import compiler
import kdir
import runtime
import series as ser
import sourced
import vmlinux
from archive import Archive, SourceGone
from check_module import release_of
from entry import guarded
from errors import ToolError
from kdir import PreparedKernel
from lab.tools import cross_prefix
from options import cache_dir
from qemu import machines
from qemu.machine import Machine
from qemu.store import locked, write_whole
from remembered import Memory

# Of this computer, whose stock kernels are meant if no other machine's are.
HOST = platform.machine()
_NAMES = re.compile(r"linux-(headers|image|binary|kbuild)-\d")


def say(text: str) -> None:
    print(f"slubtorture: {text}", file=sys.stderr, flush=True)


def offered(archive: Archive) -> list[ser.StockKernel]:
    """Every stock kernel that the archive has; the tools of one are those that
    run on this computer."""
    packages = _packages(archive)
    if archive.tools != archive:
        tools = [one for one in _packages(archive.tools) if _is_tools(one)]
        packages = [one for one in packages if not _is_tools(one)] + tools
    return ser.stock_kernels(packages)


def _is_tools(package: ser.Package) -> bool:
    return package.name.startswith("linux-kbuild-")


def _packages(archive: Archive) -> list[ser.Package]:
    archive.refresh()
    return archive.show(name for name in archive.names("linux-")
                        if _NAMES.match(name) and not name.endswith(("-unsigned", "-dbg")))


def choose(archive: Archive, name: str) -> tuple[list[ser.StockKernel], list[ser.StockKernel]]:
    """Kernels of a series, best first, and all that are offered; suites that
    were out of reach are named, and asked for again next time, if none has it."""
    kernels = offered(archive)
    try:
        return ser.choices(kernels, name), kernels
    except ToolError as error:
        missed = archive.missed()
        if not missed:
            raise
        archive.forget()
        raise ToolError(str(error), f"{error.hint}\n  suites that could not be used: "
                        + ", ".join(missed)) from error


def _compiler_text(arch: str) -> str:
    return compiler.host_facts(f"{cross_prefix(machines.find(arch))}gcc")["CC_VERSION_TEXT"]


def _stamped(root: Path) -> PreparedKernel | None:
    try:
        text = (root / kdir.STAMP).read_text()
        arch = str(json.loads(text).get("arch", "x86_64"))
    except (OSError, ValueError, AttributeError):
        return None
    return kdir.from_stamp(text, _compiler_text(arch))


def _fetch(archive: Archive, kernel: ser.StockKernel, root: Path) -> None:
    """Download and unpack into an empty `root`."""
    started = time.monotonic()
    shutil.rmtree(root, ignore_errors=True)
    debs = archive.download([one for one in kernel.packages if not _is_tools(one)],
                            root / "debs")
    if kernel.kbuild:
        debs += archive.tools.download([kernel.kbuild], root / "tools")
    for deb in debs:
        is_image = deb.name.startswith(f"{kernel.image.name}_")
        # beside a bare one's image its configuration may lie
        kdir.unpack(deb, root, ("./boot*" if kernel.bare else "*/vmlinuz*") if is_image else "")
    for place in ("debs", "tools"):
        shutil.rmtree(root / place, ignore_errors=True)
    say(f"fetched and unpacked in {time.monotonic() - started:.0f} s")


def _make_headers(archive: Archive, kernel: ser.StockKernel, all_offered: list[ser.StockKernel],
                  root: Path, cache: Path) -> None:
    """What a headers package would have brought, of a kernel that has none."""
    image = vmlinux.extract(kdir.image_in(root).read_bytes())
    sourced.make_tree(archive, kernel, all_offered, root, runtime.fetch(archive.tools, cache), image)


def _place(kernel: ser.StockKernel, cache: Path) -> Path:
    return cache / "kernels" / f"{kernel.release}_{kernel.version.replace(':', '%')}"


def prepare_stock(archive: Archive, kernel: ser.StockKernel, cache: Path,
                  all_offered: list[ser.StockKernel] | None = None) -> PreparedKernel:
    """A stock kernel from the cache, or fetched and prepared there."""
    root = _place(kernel, cache)
    with locked(root.with_name(f".{root.name}.lock")):
        ready = _stamped(root)
        if ready:
            return ready
        say(f"preparing {kernel.release} ({kernel.version}): about "
            + ("3 minutes" if kernel.bare else "half a minute"))
        started = time.monotonic()
        _fetch(archive, kernel, root)
        if kernel.bare:
            _make_headers(archive, kernel, all_offered or [kernel], root, cache)
        ready = kdir.make_usable(root, kernel.series, kernel.release, kernel.version,
                                 lambda: runtime.fetch(archive.tools, cache), kernel.arch)
        write_whole(root / kdir.STAMP,
                    kdir.stamp_text(ready, _compiler_text(kernel.arch)).encode())
        say(f"{kernel.release} is ready, after {time.monotonic() - started:.0f} s")
        return ready


def _root_of(kernel: PreparedKernel, cache: Path) -> Path:
    return cache / "kernels" / Path(kernel.build).relative_to(cache / "kernels").parts[0]


def _remembered(name: str, cache: Path, arch: str) -> Memory[PreparedKernel]:
    other = "" if arch == HOST else f"{arch}-"
    return Memory(cache / "series" / f"{other}{name or 'newest'}.json",
                  lambda kept: _stamped(Path(kept["root"])),
                  lambda kernel: {"root": str(_root_of(kernel, cache))})


def at_hand(name: str, cache: Path, arch: str = HOST) -> PreparedKernel | None:
    """What stock() would return, if that takes neither network nor time."""
    known, fresh = _remembered(name, cache, arch).recall()
    return known if fresh else None


def _archive(cache: Path, arch: str) -> Archive:
    """Where stock kernels of a machine come from."""
    if arch not in ser.ARCHITECTURES:
        raise ToolError(f"no stock kernels are taken for {arch}",
                        f"for {', '.join(ser.ARCHITECTURES)} they are; leave the word before the "
                        "series out for a lab kernel: KERNEL=7.2")
    debian = ser.ARCHITECTURES[arch]
    return Archive(cache / ("apt" if arch == HOST else f"apt-{debian}"), architecture=debian)


def offered_names(cache: Path, arch: str = HOST) -> list[str]:
    """What KERNEL= can name of stock kernels for a machine, newest first."""
    return ser.series_offered(offered(_archive(cache, arch)))


def stock(name: str, cache: Path, arch: str = HOST) -> PreparedKernel:
    """The newest kernel of a series ("" for the newest series): without the
    network when it was resolved lately, or when the archive is out of reach."""
    def look_up() -> PreparedKernel:
        archive = _archive(cache, arch)
        found, kernels = choose(archive, name)
        for kernel in found if found[0].bare else ():
            try:
                return prepare_stock(archive, kernel, cache, kernels)
            except SourceGone as error:
                shutil.rmtree(_place(kernel, cache))
                if kernel is found[-1]:
                    raise
                say(f"{error}; trying an older one of {kernel.name}")
        return prepare_stock(archive, found[0], cache)

    memory = _remembered(name, cache, arch)
    return memory.find(look_up, lambda error, known: say(
        f"warning: {error}; using {known.release}, which is prepared"))


def _arch_of(tree: Path) -> Machine:
    """The machine whose kernel a tree's .config is for."""
    match = re.search(r"^# Linux/(\w+) ", (tree / ".config").read_text(), re.MULTILINE)
    named = match[1] if match else "no architecture"
    for machine in machines.MACHINES:
        if named in (machine.source_arch, machine.kernel_arch):
            return machine
    raise ToolError(f"{tree}/.config is for {named}, for which there is no guest machine",
                    "make machines lists those there are")


def built_tree(path: Path) -> PreparedKernel:
    """A kernel tree that the user has built, used as it is."""
    tree = path.resolve()
    if not (tree / ".config").exists():
        raise ToolError(f"{path} is not a kernel tree that is built: it has no .config",
                        "build it, or name a series such as KERNEL=7.2")
    machine = _arch_of(tree)
    needed = ("vmlinux", machine.image, "Module.symvers")
    missing = [name for name in needed if not (tree / name).exists()]
    if missing:
        raise ToolError(f"{path} is not a kernel tree that is built: it has no "
                        + ", ".join(missing),
                        f"build it (make -j {machine.image_target} modules), or name a series "
                        "such as KERNEL=7.2")
    release = release_of(tree)
    match = re.match(r"\d+\.\d+", release)
    return PreparedKernel(match[0] if match else "", release, "", str(tree / machine.image),
                          str(tree), str(tree / "vmlinux"), str(tree / ".config"), machine.arch)


def distribution(cache: Path) -> PreparedKernel:
    """The running distribution's newest installed kernel with its headers."""
    for build in sorted(Path("/lib/modules").glob("*/build"), reverse=True):
        release = build.parent.name
        image = Path(f"/boot/vmlinuz-{release}")
        if not image.exists() or not (build / "Module.symvers").exists():
            continue
        placed = cache / "kernels" / release / "vmlinux"
        if not placed.exists():
            write_whole(placed, vmlinux.extract(image.read_bytes()))
        match = re.match(r"\d+\.\d+", release)
        return PreparedKernel(match[0] if match else "", release, "", str(image),
                              str(build.resolve()), str(placed), str(build / ".config"))
    raise ToolError("no stock kernel can be obtained, and this machine has none with headers",
                    "apt-get install linux-image-amd64 linux-headers-amd64, or set KERNEL to "
                    "a built kernel tree")


def prepare(name: str, cache: Path, arch: str = HOST) -> PreparedKernel:
    """The kernel that KERNEL=`name` asks for; `arch` is of stock ones."""
    if name and ser.parse_name(name):
        return stock(name, cache, arch)
    if name:
        if Path(name).is_dir():
            return built_tree(Path(name))
        raise ToolError(f"KERNEL={name} is neither a series nor a directory",
                        "a series such as 7.2 or rt:7.2, or the path of a built kernel tree; "
                        "scripts/kernels.py list shows the series there are")
    try:
        return stock("", cache)
    except ToolError as error:
        say(f"warning: {error}; trying the running distribution's kernel")
        return distribution(cache)


def listing(cache: Path) -> str:
    kernels = offered(Archive(cache / "apt"))
    newest = [ser.choose(kernels, name) for name in ser.series_offered(kernels)]
    return "\n".join(f"{k.name:7} {k.release} ({k.version})" + (
        ", to be made from its source" if k.bare else "") for k in newest)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description="obtain and prepare kernels")
    commands = parser.add_subparsers(dest="command", required=True)
    one = commands.add_parser("prepare", help="print a prepared kernel as JSON")
    one.add_argument("kernel", nargs="?", default="",
                     help="a series such as 7.2 or rt:7.2, or a built tree; default: the newest")
    commands.add_parser("list", help="print the newest kernel of every series there is")
    return parser


def main() -> int:
    args = _parser().parse_args()
    cache = cache_dir(os.environ).resolve()
    try:
        print(listing(cache) if args.command == "list" else prepare(args.kernel, cache).to_json())
    except OSError as error:
        raise ToolError(f"preparing a kernel failed: {error}",
                        f"is there room in {cache}, and may this user write there?") from error
    return 0


if __name__ == "__main__":
    raise SystemExit(guarded(main))
