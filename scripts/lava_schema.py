# SPDX-License-Identifier: GPL-2.0
"""LAVA's own validation of job definitions: lava_common.schemas, from Debian's
package lava-common, which needs no server. Debian 13 has no such package, so
it is the installed one or the archive's, unpacked privately beside the library
that it takes; nothing is installed or started.

It runs in a process of its own: what it imports stays out of ours.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

from archive import Archive
from debversion import sort_key
from errors import ToolError
from kdir import unpack
from qemu.store import locked
from series import Package

PACKAGE, LIBRARY = "lava-common", "python3-voluptuous"
MODULES = "usr/lib/python3/dist-packages"
_ANSWER_S = 60.0
# Strict: a member that it does not know is an error, which the server passes.
# `expected` of a monitor is newer than Debian 12's LAVA, whose server ignores it.
_PROGRAM = """\
import sys, yaml
from lava_common.schemas import validate
from lava_common.schemas.test import monitor
from lava_common.version import __version__
from voluptuous import Invalid

def known(value):
    if isinstance(value, list):
        return [known(one) for one in value]
    if isinstance(value, dict):
        return {name: known(one) for name, one in value.items()
                if name != "expected" or "'expected'" in str(monitor.schema())
                or "pattern" not in value}
    return value

try:
    validate(known(yaml.safe_load(sys.stdin)), strict=True)
except yaml.YAMLError as error:
    print("no YAML: " + " ".join(str(error).split()))
except Invalid as error:
    print("/".join(str(part) for part in error.path) + ": " + error.msg)
except (TypeError, AttributeError) as error:
    print(f"no job at all: {error}")
else:
    print("valid " + __version__)
"""


@dataclass(frozen=True)
class Validator:
    """LAVA's schemas, below `modules`; "" where Python finds them by itself."""

    modules: str = ""

    def _ask(self, text: str) -> subprocess.CompletedProcess[str]:
        environment = {**os.environ, "PYTHONDONTWRITEBYTECODE": "1"}
        if self.modules:
            environment["PYTHONPATH"] = self.modules
        return subprocess.run([sys.executable, "-c", _PROGRAM], input=text, capture_output=True,
                              text=True, check=False, env=environment, timeout=_ANSWER_S)

    def problem(self, text: str) -> str:
        """What LAVA refuses a job definition for, "" if nothing."""
        done = self._ask(text)
        if done.returncode:
            last = (done.stderr.strip().splitlines() or ["no message"])[-1]
            raise ToolError(f"LAVA's validation did not run: {last}",
                            f"is python3-yaml installed, and {LIBRARY}?")
        said = done.stdout.strip()
        return "" if said.startswith("valid ") else said

    def version(self) -> str:
        """Of LAVA, "" if it does not run here."""
        job = """\
{job_name: x, device_type: qemu, visibility: public, timeouts: {job: {minutes: 1}}, actions: []}
"""
        try:
            said = self._ask(job).stdout
        except (OSError, subprocess.TimeoutExpired):
            return ""
        return said.split()[1] if said.startswith("valid ") else ""


def _place(cache: Path) -> Path:
    return cache / "lava"


def here(cache: Path) -> Validator | None:
    """The installed one, or one that was fetched before; no network is asked."""
    roots = [path for path in _place(cache).glob("[0-9]*") if path.is_dir()]
    roots.sort(key=lambda path: sort_key(path.name), reverse=True)
    found = (Validator(), *(Validator(str(root / MODULES)) for root in roots))
    return next((one for one in found if one.version()), None)


def wanted(offered: list[Package]) -> list[Package]:
    """Versions of the package, the newest first: a newer one may want a newer
    Python than there is here."""
    found = [package for package in offered if package.name == PACKAGE]
    return sorted(found, key=lambda package: sort_key(package.version), reverse=True)


def _fetched(archive: Archive, package: Package, library: Package, place: Path) -> Validator | None:
    """One version, unpacked and tried; it stays only where it runs."""
    part = place / ".part"
    shutil.rmtree(part, ignore_errors=True)
    try:
        for deb in archive.download([package, library], part / "debs"):
            unpack(deb, part / "root")
        if not Validator(str(part / "root" / MODULES)).version():
            return None
        root = place / package.version
        shutil.rmtree(root, ignore_errors=True)
        (part / "root").rename(root)
        return Validator(str(root / MODULES))
    finally:
        shutil.rmtree(part, ignore_errors=True)


def obtain(cache: Path) -> Validator:
    """Installed, fetched before, or the archive's; ToolError if it cannot be had."""
    found = here(cache)
    if found:
        return found
    archive, place = Archive(cache / "apt"), _place(cache)
    with locked(place / ".lock"):
        archive.refresh()
        offered = wanted(archive.show([PACKAGE]))
        libraries = [one for one in archive.show([LIBRARY], every_version=False)
                     if one.name == LIBRARY]
        if not offered or not libraries:
            missing = LIBRARY if offered else PACKAGE
            raise ToolError(f"the archive offers no {missing}",
                            "is bookworm, forky or sid reachable on this machine's mirror?")
        for package in offered:
            found = _fetched(archive, package, libraries[0], place)
            if found:
                return found
    raise ToolError(f"no {PACKAGE} of {len(offered)} runs here", "install python3-yaml")
