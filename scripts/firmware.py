# SPDX-License-Identifier: GPL-2.0
"""The firmware that a machine's DIMM takes: the installed one if it is new
enough, else the archive's, unpacked privately as other tools of a newer Debian
are; nothing is installed.

Where there is none, the machine is used without it, with its second node
fixed. What firmware is for is said by the machine.
"""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Callable, Mapping
from pathlib import Path

from archive import Archive
from debversion import sort_key
from errors import ToolError
from kdir import unpack
from qemu.machine import Firmware, Machine
from qemu.store import locked
from series import Package


def upstream(version: str) -> str:
    """"2025.02-8+deb13u1" -> "2025.02"."""
    return version.partition(":")[2].partition("-")[0] or version.partition("-")[0]


def will_do(version: str, firmware: Firmware) -> bool:
    return bool(version) and sort_key(upstream(version)) >= sort_key(firmware.least)


def installed_version(package: str) -> str:
    """Of a Debian package, "" if it is not installed."""
    if not shutil.which("dpkg-query"):
        return ""
    done = subprocess.run(["dpkg-query", "-W", "-f", "${db:Status-Abbrev} ${Version}", package],
                          capture_output=True, text=True, check=False)
    status, _, version = done.stdout.strip().partition("  ")
    return version if status.endswith("i") else ""


def oldest_that_will_do(offered: list[Package], firmware: Firmware) -> Package | None:
    """The one nearest to what guests were tried with."""
    good = [package for package in offered
            if package.name == firmware.package and will_do(package.version, firmware)]
    good.sort(key=lambda package: sort_key(package.version))
    return good[0] if good else None


def _place(firmware: Firmware, cache: Path) -> Path:
    return cache / "firmware" / firmware.package


def cached(firmware: Firmware, cache: Path) -> Path | None:
    """The file, if it was fetched before."""
    return next(iter(sorted(_place(firmware, cache).glob(f"*{firmware.path}"))), None)


def fetch(firmware: Firmware, cache: Path) -> Path:
    """The file, from the cache or from the archive; ToolError if neither has it."""
    place, archive = _place(firmware, cache), Archive(cache / "apt")
    with locked(cache / "firmware" / ".lock"):
        found = cached(firmware, cache)
        if found:
            return found
        archive.refresh()
        package = oldest_that_will_do(archive.show([firmware.package]), firmware)
        if package is None:
            raise ToolError(f"the archive offers no {firmware.package} from {firmware.least} on",
                            "is trixie or newer reachable on this machine's mirror?")
        part = place / ".part"
        shutil.rmtree(part, ignore_errors=True)
        unpack(archive.download([package], part / "debs")[0], part / "root")
        (part / "root").rename(place / package.version)
        shutil.rmtree(part)
        return place / package.version / firmware.path.lstrip("/")


def missing_config(firmware: Firmware, config: Mapping[str, str]) -> list[str]:
    return [f"CONFIG_{name}" for name in firmware.config if config.get(name) != "y"]


def fitted(machine: Machine, config: Mapping[str, str], cache: Path,
           get: Callable[[Firmware, Path], Path] = fetch,
           version_of: Callable[[str], str] = installed_version) -> Machine:
    """The machine as a kernel with this configuration can be started on it."""
    firmware = machine.firmware
    if firmware is None:
        return machine
    missing = missing_config(firmware, config)
    if missing:
        return machine.without_firmware(f"the kernel has no {', '.join(missing)}")
    if will_do(version_of(firmware.package), firmware) and Path(firmware.path).exists():
        return machine
    try:
        return machine.with_firmware(str(get(firmware, cache)))
    except ToolError as error:
        return machine.without_firmware(
            f"there is no {firmware.package} from {firmware.least} on here: {error}")
