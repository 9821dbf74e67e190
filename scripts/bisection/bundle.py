# SPDX-License-Identifier: GPL-2.0
"""All that a run of one kernel takes, in a directory that can be sent to
another machine: kernel, module, the guest's init, the kernel's configuration,
what is asked, and the project's Python.

    kernel config module.ko init [firmware] manifest.json one_run
    scripts/ qemu/ module/        Python, and the tables of names

Its name is the kernel's release and a digest of all its files, so that a host
gets it once. Running it is for running.py, sending it for hosts.py.
"""

from __future__ import annotations

import io
import json
import os
import re
import shutil
import tarfile
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import prepared
import setup as stp
from bisection.there import digest_of
from errors import ToolError
from guest_tools import qemu_of
from kdir import PreparedKernel
from options import ROOT, Options
from qemu import machines
from qemu.machine import Accel, Machine

MANIFEST = "manifest.json"
ONE_RUN = "one_run"
FIRMWARE = "firmware"
# Tables of names that the Python reads besides itself.
_TABLES = ("module/core/scenarios.def", "module/abi/racers.def")
_NOT_NEEDED = ("tests", "__pycache__", "benches")


def programs_for(machine: Machine) -> tuple[tuple[str, str], ...]:
    """What a host must have besides python3, and Debian's packages: GNU parallel
    has perl look after the runs there."""
    return (machine.qemu, machine.package), ("perl", "perl-base")


@dataclass(frozen=True)
class Bundle:
    """A bundle at `path`; `told` is its manifest."""

    path: Path
    told: Mapping[str, Any]

    @staticmethod
    def at(path: Path) -> Bundle:
        try:
            told = json.loads((path / MANIFEST).read_text())
            if isinstance(told, dict) and {"kernel", "options", "suites"} <= set(told):
                return Bundle(path.absolute(), told)
        except (OSError, ValueError):
            pass
        raise ToolError(f"{path} is no bundle of a kernel", "it must have been made whole")

    @property
    def name(self) -> str:
        return self.path.name

    @property
    def suites(self) -> bool:
        """Whether KUnit suites are run, not scenarios."""
        return bool(self.told["suites"])

    @property
    def module(self) -> Path:
        return self.path / "module.ko"

    @property
    def init(self) -> bytes:
        return (self.path / "init").read_bytes()

    @property
    def kernel(self) -> PreparedKernel:
        return PreparedKernel(**self.told["kernel"], image=str(self.path / "kernel"), build="",
                              vmlinux="", config=str(self.path / "config"))

    def options(self, seed: int, out: Path) -> Options:
        """What is asked of a run."""
        return Options(**self.told["options"], seed=seed, out=out, rescue=False)

    @property
    def machine(self) -> Machine:
        """As the kernel can be started on it, wherever this is now."""
        machine = machines.find(self.told["kernel"]["arch"])
        if (self.path / FIRMWARE).exists():
            return machine.with_firmware(str(self.path / FIRMWARE))
        if machine.firmware is not None:
            return machine.without_firmware(self.told["why_fixed"])
        return machine

    @property
    def programs(self) -> tuple[tuple[str, str], ...]:
        """What a host must have besides python3, and Debian's packages."""
        return programs_for(self.machine)

    def setup(self, seed: int, out: Path) -> stp.Setup:
        """The guest, as this computer can run it."""
        machine = self.machine
        qemu = qemu_of(machine)
        if qemu.problem:
            raise ToolError(f"guests cannot run here: {qemu.problem}", qemu.remedy)
        return stp.on_this_computer(self.options(seed, out), self.kernel, machine, self.init)

    @property
    def outline(self) -> stp.Setup:
        """The guest, but for how it is run: for sizes and bounds."""
        return stp.Setup(self.options(1, self.path), self.kernel, self.machine,
                         Accel("none", ()), b"")

    def tar(self) -> bytes:
        """All of it, as it is sent."""
        packed = io.BytesIO()
        with tarfile.open(fileobj=packed, mode="w") as archive:
            for path in sorted(self.path.rglob("*")):
                if path.is_file() and "__pycache__" not in path.parts:
                    archive.add(path, str(path.relative_to(self.path)))
        return packed.getvalue()


def _python() -> list[Path]:
    """The project's Python, relative to the clone."""
    found = [path.relative_to(ROOT) for part in ("scripts", "qemu")
             for path in (ROOT / part).rglob("*.py")]
    return sorted(path for path in found if not set(path.parts) & set(_NOT_NEEDED))


def manifest(ready: prepared.Ready, options: Options, machine: Machine,
             suites: bool) -> dict[str, object]:
    kernel = ready.kernel
    asked = asdict(replace(options, kernel=options.kernel or kernel.series))
    for name in ("seed", "out", "rescue"):
        del asked[name]
    return {"suites": suites, "options": asked, "why_fixed": machine.why_fixed,
            "kernel": {"series": kernel.series, "release": kernel.release,
                       "package_version": kernel.package_version, "arch": kernel.arch}}


def _copy(source: Path, to: Path) -> None:
    """A copy with an ordinary mode, so that the same files give the same name."""
    to.parent.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(source, to)
    to.chmod(0o755 if source.name == ONE_RUN else 0o644)


def _fill(place: Path, ready: prepared.Ready, machine: Machine, init: bytes,
          told: Mapping[str, object]) -> None:
    _copy(Path(ready.kernel.image), place / "kernel")
    _copy(Path(ready.kernel.config), place / "config")
    _copy(ready.module, place / "module.ko")
    if machine.firmware is not None:
        _copy(Path(machine.firmware.path), place / FIRMWARE)
    for name in (*_python(), *map(Path, _TABLES)):
        _copy(ROOT / name, place / name)
    _copy(Path(__file__).parent / ONE_RUN, place / ONE_RUN)
    for made, data in (("init", init), (MANIFEST, json.dumps(told, indent=1).encode())):
        (place / made).write_bytes(data)
        (place / made).chmod(0o644)


def make(ready: prepared.Ready, options: Options, into: Path, suites: bool) -> Bundle:
    """The bundle of a kernel, below `into`; the same as before if it is there.
    `ready.module` has the suites where `suites` are run."""
    machine, init = stp.guest_parts(options, ready.kernel)
    part = into / f".part.{os.getpid()}"
    shutil.rmtree(part, ignore_errors=True)
    try:
        _fill(part, ready, machine, init, manifest(ready, options, machine, suites))
        release = re.sub(r"[^A-Za-z0-9._+]", "-", ready.kernel.release)
        place = into / f"{release}-{digest_of(str(part))}"
        if not (place / MANIFEST).exists():
            part.rename(place)
    except OSError as error:
        raise ToolError(f"the kernel's files cannot be put together in {into}: {error}",
                        "is there room?") from error
    finally:
        shutil.rmtree(part, ignore_errors=True)
    return Bundle.at(place)
