# SPDX-License-Identifier: GPL-2.0
"""`make lava`: what a LAVA server takes to do a run: kernel, initrd and a job
definition, in OUT/lava/<kernel>. Nothing is booted or submitted here.

The job is put together in lava_job.py and checked by LAVA's own schemas, see
lava_schema.py.
"""

from __future__ import annotations

import argparse
import hashlib
import os
import shutil
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

sys.path[:0] = [str(Path(__file__).resolve().parent.parent)]

import lava_job
import lava_schema
import options as opt
import prepared
import records as rec
import run
import scenarios
import setup as stp
from entry import guarded
from errors import ToolError
from lava_job import Asked, File
from lab.tools import cross_prefix
from qemu import accel, initramfs, machines
from qemu.machine import Accel, Machine
from qemu.store import write_whole

JOB = "job.yaml"
SCHEMES = ("http://", "https://", "file://")
VISIBILITIES = ("public", "personal")


@dataclass(frozen=True)
class Wishes:
    """What is LAVA's about a job; `url` is "" for this machine's files."""

    url: str
    device: str
    visibility: str


def checked_wishes(values: Mapping[str, str]) -> Wishes:
    url, visibility = values["url"], values["visibility"]
    if url and not url.startswith(SCHEMES):
        raise ToolError(f"URL={url}: not an address that LAVA's worker can fetch from",
                        "where you put the directory: URL=https://files.example.org/slubtorture")
    if visibility not in VISIBILITIES:
        raise ToolError(f"VISIBILITY={visibility}: no such choice", f"{' or '.join(VISIBILITIES)}")
    return Wishes(url.rstrip("/"), values["device"], visibility)


def chosen_accel(asked: str, machine: Machine, release: str) -> Accel:
    """Of LAVA's worker, which nobody can ask from here: emulation does
    everywhere, KVM only where the user says so."""
    if asked != "kvm":
        return accel.emulated(", as LAVA's worker may have no other",
                              accel.host_facts(machine, release))
    if lava_job.architecture(machine) != "amd64":
        raise ToolError("ACCEL=kvm: LAVA's device type uses KVM for amd64 alone", "leave it out")
    return Accel("kvm", accel.KVM, "KVM, as asked")


def machine_for(arch: str) -> Machine:
    """As it is without firmware, which LAVA's worker may not have."""
    machine = machines.find(arch)
    lava_job.architecture(machine)
    if machine.firmware is not None:
        machine = machine.without_firmware("LAVA starts the kernel without firmware")
    return machine


def made_setup(options: opt.Options, ready: prepared.Ready) -> stp.Setup:
    """As for a guest of ours, but that none is booted to find out about KVM."""
    machine = machine_for(ready.kernel.arch)
    cache = opt.cache_dir(os.environ).resolve()
    init = initramfs.build_init(cache, f"{cross_prefix(machine)}g++")
    setup = stp.Setup(options, ready.kernel, machine,
                      chosen_accel(options.accel, machine, ready.kernel.release), init)
    machine.check_memory(setup.topology)
    machine.check_topology(setup.topology)
    stp.check_cpus(options.cpus, setup.settings)
    stp.check_numa(options, setup.settings)
    return setup


def parameters(made: run.Run) -> str:
    """The module's: nobody outside can be asked for anything, but as in guests
    of ours memory may be removed, since no firmware outlives it."""
    return run.module_args(made) + (" remove_memory=1" if made.dimms else "")


def initrd(made: run.Run) -> bytes:
    """Init, the module, and what init is to do: all that it says goes to the
    console, where LAVA listens."""
    entries = initramfs.base_entries(made.setup.init)
    entries.append(initramfs.file("module.ko", made.module.read_bytes()))
    console = made.setup.machine.console_path()
    config = initramfs.guest_config({"channel": console, "console": console,
                                     **run.guest_config(made), "args": parameters(made)})
    return initramfs.pack([*entries, config])


def _file(path: Path, wishes: Wishes) -> File:
    base = wishes.url or f"file://{path.parent.resolve()}"
    return File(path.name, f"{base}/{path.name}", hashlib.sha256(path.read_bytes()).hexdigest())


def asked_of(made: run.Run, wishes: Wishes) -> Asked:
    setup, place = made.setup, made.run_dir
    options = setup.options
    facts = (("kernel", setup.kernel.release), ("seed", str(options.seed)),
             ("module_parameters", parameters(made)), ("replay", run.replay(made)))
    return Asked(
        f"slubtorture {setup.kernel.release} {options.scenario}", wishes.device,
        wishes.visibility, setup.machine, setup.topology, setup.accel, setup.cmdline,
        _file(place / "kernel", wishes), _file(place / "initrd", wishes),
        tuple(one.name for one in made.chosen), run.bounds(made)[1], facts)


def write(made: run.Run, wishes: Wishes) -> str:
    """All three files; the job's text."""
    place = made.run_dir
    place.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(made.setup.kernel.image, place / "kernel")
    write_whole(place / "initrd", initrd(made))
    text = lava_job.text(asked_of(made, wishes), JOB)
    write_whole(place / JOB, text.encode())
    return text


def checked_by_lava(text: str, cache: Path) -> str:
    """What LAVA's schemas say, or why they could not be asked."""
    try:
        validator = lava_schema.obtain(cache)
    except ToolError as error:
        return f"not checked, LAVA's schemas cannot be had: {error}"
    problem = validator.problem(text)
    if problem:
        raise ToolError(f"LAVA {validator.version()} refuses the job: {problem}",
                        "this is an error of slubtorture, or of a name that you gave")
    return f"checked by the schemas of LAVA {validator.version()}"


def main() -> int:
    parser = opt.parser("write a job for a LAVA server")
    for name, default, text in (("url", "", "where the worker fetches kernel and initrd; "
                                 "default: this machine's files"),
                                ("device", "qemu", "LAVA's device type"),
                                ("visibility", "public", "of the job: public or personal")):
        parser.add_argument(f"--{name}", default=default, metavar=name.upper(), help=text)
    args: argparse.Namespace = parser.parse_args()
    wishes = checked_wishes({name: str(getattr(args, name)) for name in
                             ("url", "device", "visibility")})
    options = opt.checked(opt.raw_values(args, os.environ), Path.cwd() / "out")
    chosen = scenarios.select(options.scenario, scenarios.known())
    opt.check_out(options.out)
    ready = prepared.ready(options, boots=False)
    setup = made_setup(options, ready)
    place = options.out / "lava" / f"{ready.kernel.release}-{setup.machine.arch}"
    made = run.Run(setup, chosen, ready.module, place)
    text = write(made, wishes)
    said = checked_by_lava(text, opt.cache_dir(os.environ).resolve())
    print(f"{len(chosen)} scenarios and controls on {setup.kernel.release}, "
          f"{setup.machine.arch}\n{said}\nfiles:  {rec.shown(place)}")
    return 0


if __name__ == "__main__":
    sys.exit(guarded(main))
