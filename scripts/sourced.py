# SPDX-License-Identifier: GPL-2.0
"""What a module is built with, for a stock kernel whose headers package is gone
from the archive and whose source is not: a tree made of the source of the same
version, the exports of the image, and a configuration that is shown to fit.

That it fits is judged by what the kernel says of itself: its vermagic, and the
layout of every struct that our module's headers declare. Debian's own patches
are not applied; where one changed a struct, that check refuses the tree.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

import elf
import exports
import layouts
import runtime as rt
from archive import Archive
from debversion import sort_key
from errors import GONE, ToolError
from kdir import unpack
from lab.tools import kbuild_environment
from series import Package, StockKernel

ROOT = Path(__file__).resolve().parent.parent
# Of a source of 1.5 GB what `make modules_prepare` reads, and then what is read
# when a module is built.
_TAKEN = ("*/Kconfig*", "*/include/*", "*/arch/x86/*", "*/scripts/*", "*/tools/*", "*/kernel/*",
          "*/Makefile*", "*/Kbuild*")
_LEFT_OUT = ("*/tools/testing/*", "*/tools/perf/*", "*/drivers/*.h")
_KEPT = {"arch", "include", "scripts", "tools"}
_STRUCTS_LEAST = 300
_HINT = "use another KERNEL; `make kernels` lists those with packages of headers"


def say(text: str) -> None:
    print(f"slubtorture: {text}", file=sys.stderr, flush=True)


def _run(command: Sequence[str | Path], what: str) -> None:
    done = subprocess.run([str(word) for word in command], stdin=subprocess.DEVNULL,
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False,
                          env=kbuild_environment())
    if done.returncode:
        raise ToolError(f"{what} failed:\n    " + "\n    ".join(done.stdout.splitlines()[-8:]),
                        _HINT)


def _has_config(kernel: StockKernel) -> Package | None:
    """The package with a kernel's configuration, if it can be had: until 6.18
    the image's own."""
    if kernel.headers:
        return kernel.headers
    return kernel.image if kernel.image.name.startswith("linux-image-") else None


def config_packages(kernel: StockKernel, offered: Sequence[StockKernel]) -> list[Package]:
    """Where a configuration is looked for that is in no package of the kernel's
    own: in those of the nearest kernels before and after it."""
    at = sort_key(kernel.version)
    near = sorted((other for other in offered if other.flavour == kernel.flavour
                   and _has_config(other)), key=lambda other: sort_key(other.version))
    before = [other for other in near if sort_key(other.version) < at][-1:]
    after = [other for other in near if sort_key(other.version) > at][:1]
    return [package for other in before + after if (package := _has_config(other))]


def _config_in(root: Path) -> str:
    found = [*root.glob("boot/config-*"), *root.glob("usr/src/*/.config")]
    return found[0].read_text() if found else ""


def _configs(archive: Archive, kernel: StockKernel, offered: Sequence[StockKernel],
             root: Path) -> Iterator[tuple[str, str]]:
    """Configurations that may fit, the best one first, each with its origin."""
    own = _config_in(root)
    if own:
        yield kernel.image.pinned, own
        return
    for package in config_packages(kernel, offered):
        scratch = root / "config"
        shutil.rmtree(scratch, ignore_errors=True)
        for deb in archive.download([package], scratch):
            unpack(deb, scratch / "in", "./boot/config-*" if "-image-" in package.name
                   else "./usr/src/*/.config")
        yield package.pinned, _config_in(scratch / "in")
        shutil.rmtree(scratch)


def _prepare(tree: Path, release: str, config: str, pahole: Path) -> None:
    """Configure the tree and build what modules are built with. Rust is left
    out: it takes a toolchain, and no struct of C depends on it."""
    (tree / ".config").write_text(config)
    _run(["make", "-s", "-C", tree, f"-j{os.cpu_count() or 1}", "ARCH=x86", "RUSTC=false",
          "BINDGEN=false", f"PAHOLE={pahole}", f"KERNELRELEASE={release}", "olddefconfig",
          "modules_prepare"], f"preparing the source of {release}")


def _trim(tree: Path) -> None:
    """Leave what is read when a module is built."""
    for path in tree.iterdir():
        if path.is_dir() and path.name not in _KEPT:
            shutil.rmtree(path)
    for path in tree.glob("arch/x86/*"):
        if path.is_dir() and path.name not in ("include", "tools"):
            shutil.rmtree(path)
    for path in tree.glob("tools/*"):
        if path.is_dir() and path.name != "objtool":
            shutil.rmtree(path)


def fill(archive: Archive, kernel: StockKernel, root: Path) -> Path:
    """The tree of a kernel's own version below `root`, not configured yet, where
    a headers package would have put its own."""
    if subprocess.run([str(ROOT / "scripts/deps.sh"), "kernel"], check=False,
                      stdin=subprocess.DEVNULL).returncode:
        raise ToolError(f"{kernel.release} has no headers package any more, and packages to make "
                        "them from its source are missing", "they are named above")
    scratch = root / "source"
    tarball = Archive(archive.state.with_name("apt-sources"), sources=True).download_source(
        "linux", kernel.version, scratch)
    tree = root / "usr/src" / f"linux-headers-{kernel.release}"
    tree.mkdir(parents=True)
    say(f"unpacking what modules need of {tarball.name}")
    _run(["tar", "-x", "-f", tarball, "-C", tree, "--strip-components=1", "--wildcards",
          *(f"--exclude={pattern}" for pattern in _LEFT_OUT), *_TAKEN], f"unpacking {tarball.name}")
    shutil.rmtree(scratch)
    return tree


def headers_of_module(module: Path = ROOT / "module") -> list[str]:
    """Kernel headers that our module includes, as they stand there."""
    text = "".join(path.read_text() for path in sorted(module.rglob("*.[ch]"))
                   if "tests" not in path.parts)
    return sorted(set(re.findall(r"^\s*#\s*include\s*(<(?:linux|asm)/[^>]+>)", text, re.MULTILINE)))


def _probe(tree: Path, scratch: Path, pahole: Path) -> tuple[bytes, bytes]:
    """A module of nothing but those headers, and BTF of all that they declare."""
    shutil.rmtree(scratch, ignore_errors=True)
    scratch.mkdir(parents=True)
    lines = [f"#if __has_include({name})\n#include {name}\n#endif" for name in headers_of_module()]
    (scratch / "fit.c").write_text("\n".join(
        [*lines, 'MODULE_DESCRIPTION("types that modules use");', 'MODULE_LICENSE("GPL");', ""]))
    (scratch / "Kbuild").write_text(
        "obj-m := fit.o\nCFLAGS_fit.o := -g -fno-eliminate-unused-debug-types\n")
    _run(["make", "-C", tree, f"M={scratch}", f"PAHOLE={pahole}", "modules"],
         "building a module of headers alone")
    made = scratch / "fit.btf"
    _run([pahole, "-J", f"--btf_encode_detached={made}", scratch / "fit.o"], "pahole")
    return (scratch / "fit.ko").read_bytes(), made.read_bytes()


def misfit(module: bytes, made: bytes, image: bytes) -> str:
    """Why a tree does not fit the kernel in `image`, or "": vermagic of a module
    built with it, and the structs of its headers as BTF."""
    magic = re.search(rb"vermagic=([^\0]+)", module)
    if not magic or magic[1] + b"\0" not in image:
        return f"its modules say {magic[1].decode() if magic else 'nothing'}, which it does not"
    own = elf.named(elf.sections(image), ".BTF")
    if own is None:
        return "it has no BTF to compare structs with"
    compared = layouts.compare(made, own.data)
    if compared.count < _STRUCTS_LEAST:
        return f"only {compared.count} of its structs could be compared"
    if compared.differ:
        return (f"{len(compared.differ)} of {compared.count} structs are other than its own: "
                + ", ".join(compared.differ[:6]))
    say(f"{compared.count} structs are as in the kernel")
    return ""


def make_tree(archive: Archive, kernel: StockKernel, offered: Sequence[StockKernel], root: Path,
              runtime: rt.Runtime, image: bytes) -> None:
    """Fill `root`, in which the image was unpacked, with the tree that a headers
    package would have brought."""
    tree = fill(archive, kernel, root)
    (tree / "Module.symvers").write_text(exports.symvers(image))
    (tree / "vmlinux").write_bytes(image)
    pahole = tree / "scripts/pahole"
    runtime.wrap(runtime.root / "usr/bin/pahole", pahole)
    # Debian's headers have the same line.
    makefile = tree / "Makefile"
    makefile.write_text(f"-include {tree}/.kernelvariables\n{makefile.read_text()}")
    why = "no configuration can be had"
    for origin, config in _configs(archive, kernel, offered, root):
        say(f"preparing its source with the configuration of {origin} (1 to 3 min)")
        _prepare(tree, kernel.release, config, pahole)
        why = misfit(*_probe(tree, root / "fit", pahole), image)
        shutil.rmtree(root / "fit")
        if not why:
            break
        say(f"that does not fit {kernel.release}: {why}")
    if why:
        raise ToolError(f"modules for {kernel.release} cannot be built from its source: {why}",
                        _HINT, GONE)
    _trim(tree)
