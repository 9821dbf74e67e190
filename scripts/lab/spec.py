# SPDX-License-Identifier: GPL-2.0
"""What lab kernel is wanted: source, machine, page size, fragments, patches;
each checked by name before anything is fetched or built.
"""

from __future__ import annotations

import platform
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from errors import ToolError
from options import ROOT
from qemu import machines
from qemu.machine import GuestError, Machine

CONFIGS = ROOT / "qemu/configs"
PATCHES = ROOT / "qemu/patches"
BASE = "base"


class Fragment(Protocol):
    """Options with a name: a file, or what a machine says of itself."""

    @property
    def name(self) -> str: ...

    @property
    def stem(self) -> str: ...

    def read_text(self) -> str: ...


@dataclass(frozen=True)
class MachineOptions:
    """The options of a machine, or of one of its page sizes, as a fragment."""

    name: str
    text: str

    @property
    def stem(self) -> str:
        return self.name

    def read_text(self) -> str:
        return self.text


@dataclass(frozen=True)
class Spec:
    """A lab kernel before it is built. `source` as the user wrote it, "" for
    the newest series; fragments in the order in which they are applied."""

    source: str
    machine: Machine
    page_kib: int
    fragments: tuple[Fragment, ...]
    patches: tuple[Path, ...]

    @property
    def named(self) -> str:
        """"x86_64-4k-kunit-kasan", for people and for directory names."""
        files = [path for path in self.fragments[1:] if isinstance(path, Path)]
        shared = [path.stem for path in files if path.parent == CONFIGS]
        # of a file of the user's only what make takes in a path
        own = [re.sub(r"[^A-Za-z0-9_.+-]", "_", path.stem) for path in files
               if path.parent != CONFIGS]
        return "-".join((self.machine.arch, f"{self.page_kib}k", *shared, *own))


def words(text: str) -> list[str]:
    """"a, b,c" -> a b c"""
    return [word for word in re.split(r"[\s,]+", text) if word]


def known_fragments() -> list[str]:
    return sorted(path.stem for path in CONFIGS.glob("*.config") if path.stem != BASE)


def known_patches() -> list[str]:
    """"7.2/stride-16-bit" and so on."""
    return sorted(str(path.relative_to(PATCHES).with_suffix(""))
                  for path in PATCHES.glob("*/*.patch"))


def machine_of(arch: str) -> Machine:
    """The machine for ARCH; "" is this computer's own architecture."""
    try:
        return machines.find(arch or platform.machine())
    except GuestError as error:
        raise ToolError(f"ARCH={arch}: {error}", error.hint) from error


def page_of(machine: Machine, text: str) -> int:
    """PAGE in KiB: "64", "64K" or "64KiB"; "" is the machine's default."""
    if not text:
        return machine.pages_kib[0]
    match = re.fullmatch(r"(\d+)\s*(?:[kK](?:i?[bB])?)?", text)
    if not match or int(match[1]) not in machine.pages_kib:
        sizes = ", ".join(str(kib) for kib in machine.pages_kib)
        raise ToolError(f"PAGE={text}: {machine.arch} has no such page size",
                        f"in KiB, one of: {sizes}")
    return int(match[1])


def fragment_of(name: str) -> Path:
    """A fragment by name, or a file of the user's own."""
    ours, own = CONFIGS / f"{name}.config", Path(name).expanduser()
    if re.fullmatch(r"[\w-]+", name) and ours.is_file():
        return ours
    if own.is_file():
        return own.absolute()
    raise ToolError(f"CONFIG={name}: no such fragment, and no such file",
                    f"fragments: {', '.join(known_fragments())}; or a file with CONFIG_X=y lines")


def patch_of(name: str, series: str) -> Path:
    """A patch by name, with or without its series, or a file of the user's."""
    for candidate in (PATCHES / f"{name}.patch", PATCHES / series / f"{name}.patch"):
        if re.fullmatch(r"[\w./-]+", name) and candidate.is_file():
            return candidate
    own = Path(name).expanduser()
    if own.is_file():
        return own.absolute()
    raise ToolError(f"PATCH={name}: no such patch, and no such file",
                    f"patches: {', '.join(known_patches()) or 'none'}; or a file in diff -p1 form")


def machine_fragments(machine: Machine, page_kib: int) -> list[MachineOptions]:
    """The machine's own options; those of a page size only where it has several."""
    if not machine.config:
        raise ToolError(f"there is no kernel configuration for {machine.arch}",
                        f"qemu/machines/{machine.arch}.py must name the options it needs")
    found = [MachineOptions(machine.arch, machine.config)]
    page = dict(machine.page_config).get(page_kib)
    return found + ([MachineOptions(f"{machine.arch}-{page_kib}k", page)] if page else [])


def make_spec(kernel: str, arch: str, page: str, config: str, patch: str) -> Spec:
    """A spec from what the user wrote; ToolError for the first part that is wrong."""
    machine = machine_of(arch)
    page_kib = page_of(machine, page)
    asked = [fragment_of(name) for name in dict.fromkeys(words(config)) if name != BASE]
    fragments: list[Fragment] = [CONFIGS / f"{BASE}.config",
                                 *machine_fragments(machine, page_kib), *asked]
    patches = [patch_of(name, kernel) for name in dict.fromkeys(words(patch))]
    return Spec(kernel, machine, page_kib, tuple(fragments), tuple(patches))
