# SPDX-License-Identifier: GPL-2.0
"""What the user asked of a run: flags over environment over defaults, every
value checked before anything is fetched, built or booted.

Which kernel a name stands for is resolved in kernels.py, scenario names in
scenarios.py.
"""

from __future__ import annotations

import argparse
import os
import platform
import re
import secrets
import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import racers
from errors import ToolError
from qemu import topologies
from qemu.topology import Topology

ROOT = Path(__file__).resolve().parent.parent
DIMM_MIB = 512
QEMU_OVERHEAD_MIB = 128
MEM_LEAST_MIB = 512
SECONDS_MOST = 86400
CPUS_MOST = 64
CHURN_MOST = 1_000_000
SEED_MOST = 2**32 - 1
COLUMNS = 80  # of tables
ACCELS = ("auto", "kvm", "tcg")
_MEM = re.compile(r"(\d+)\s*([MmGg]?)(?:i?[Bb])?$")

# All but these, which are asked for by name. audit-exact switches tracepoints of
# kfree() and others, and under emulation (QEMU 7.2, thread=multi) code that is
# patched while another CPU runs it now and then takes the guest down with
# "Oops: int3" in kfree(): in one of five runs on a busy host. Of nodes, the two
# that are done in less than a second; node-price measures, and judges
# little; node-window-* lead readers of a kernel that frees node structures into
# freed memory, which may end the guest.
DEFAULT_SCENARIOS = "exts-*,handoff-*,node-offline-online,node-partial,charge-*,inspect"


@dataclass(frozen=True)
class Options:
    """A run, checked. Memory in MiB; `kernel` is "" for the default. Any of
    arch, page, config and patch asks for a lab kernel; lab/spec.py checks them."""

    kernel: str
    scenario: str
    seconds: int
    seed: int
    cpus: int
    mem_mib: int
    accel: str
    out: Path
    rescue: bool
    arch: str = ""
    page: str = ""
    config: str = ""
    patch: str = ""
    widen: str = ""
    topology: str = ""
    racers: str = ""
    churn: int = 0
    suite: str = ""

    @property
    def lab(self) -> bool:
        """Whether a kernel must be built for this."""
        return bool(self.page or self.config or self.patch
                    or self.arch not in ("", platform.machine()))


# name, default, help; the environment variable has the name in capitals.
_VARIABLES: tuple[tuple[str, str, str], ...] = (
    ("kernel", "", "a Debian series such as 7.2, or a built kernel tree; of a lab kernel also a "
     "tarball, or DIR@COMMIT of a git tree"),
    ("arch", "", "of a lab kernel, as `make machines` lists them; default: this computer's"),
    ("page", "", "KiB, page size of a lab kernel; default: the machine's usual one"),
    ("config", "", "fragments of a lab kernel, separated by commas"),
    ("patch", "", "patches of a lab kernel, separated by commas"),
    ("scenario", DEFAULT_SCENARIOS, "names or globs, separated by commas"),
    ("widen", "", "what holds racing threads up: kernel functions, reader, interrupts, by names "
     "or globs, or none; default: all"),
    ("racers", "", "what runs beside node-churn, by names or globs, or none; default: all"),
    ("churn", "0", "whole-node cycles of node-churn; default: what its time allows"),
    ("suite", "", "of make kunit: the one suite to run, or a glob; default: all"),
    ("seconds", "4", "that the timed scenarios share"),
    ("seed", "", "default: random, and printed"),
    ("cpus", "", "of the guest; default: the topology's, mostly 2"),
    ("topology", "", "nodes of the guest, as `make topologies` lists them; default: two"),
    ("mem", "1G", "of the guest's node 0"),
    ("accel", "auto", "auto, kvm or tcg"),
    ("out", "", "where runs are kept; default: ./out"),
    ("rescue", "no", "yes: a shell in the guest after the run"),
)


def parser(description: str) -> argparse.ArgumentParser:
    parsed = argparse.ArgumentParser(description=description)
    for name, default, text in _VARIABLES:
        parsed.add_argument(f"--{name}", metavar=name.upper(),
                            help=f"{text} (default {default})" if default else text)
    return parsed


def raw_values(args: argparse.Namespace, environment: Mapping[str, str]) -> dict[str, str]:
    """Flag, else environment variable, else default; an empty one counts as absent.
    Not every shell knows ~ in `make run KERNEL=~/linux`."""
    values: dict[str, str] = {}
    for name, default, _ in _VARIABLES:
        flag: str | None = getattr(args, name)
        values[name] = (flag or environment.get(name.upper(), "") or default).strip()
        if name in ("kernel", "out"):
            values[name] = os.path.expanduser(values[name])
    return values


def whole_number(name: str, text: str, least: int, most: int) -> int:
    """A decimal number in a range; the error names variable, value and range."""
    if not text.isascii() or not text.isdigit() or not least <= int(text) <= most:
        raise ToolError(f"{name}={text}: not a whole number from {least} to {most}",
                        f"for example {name}={least}")
    return int(text)


def memory_mib(text: str) -> int:
    """"1G", "1024M" or "1024" in MiB."""
    match = _MEM.match(text)
    if not match:
        raise ToolError(f"MEM={text}: not an amount of memory", "for example MEM=1G or MEM=768M")
    mib = int(match[1]) * (1024 if match[2] in ("G", "g") else 1)
    if mib < MEM_LEAST_MIB:
        raise ToolError(f"MEM={text}: a stock kernel needs at least {MEM_LEAST_MIB}M here",
                        "for example MEM=1G")
    return mib


def yes_or_no(name: str, text: str) -> bool:
    if text.lower() in ("yes", "1", "y", "true"):
        return True
    if text.lower() in ("no", "0", "n", "false"):
        return False
    raise ToolError(f"{name}={text}: neither yes nor no", f"use {name}=yes or leave it out")


def checked(values: Mapping[str, str], default_out: Path) -> Options:
    """Options from raw values; ToolError for the first one that is wrong."""
    if values["accel"] not in ACCELS:
        raise ToolError(f"ACCEL={values['accel']}: no such choice", f"use {', '.join(ACCELS)}")
    seed = values["seed"]
    plan = topologies.find(values.get("topology", ""))
    return Options(
        kernel=values["kernel"],
        scenario=values["scenario"],
        seconds=whole_number("SECONDS", values["seconds"], 1, SECONDS_MOST),
        seed=whole_number("SEED", seed, 1, SEED_MOST) if seed else secrets.randbelow(10**6) + 1,
        cpus=whole_number("CPUS", values["cpus"] or str(plan.cpus), 2, CPUS_MOST),
        mem_mib=memory_mib(values["mem"]),
        accel=values["accel"],
        out=Path(values["out"] or default_out).absolute(),
        rescue=yes_or_no("RESCUE", values["rescue"]),
        arch=values.get("arch", ""), page=values.get("page", ""),
        config=values.get("config", ""), patch=values.get("patch", ""),
        widen=widen_names(values.get("widen", "")),
        topology=plan.name if plan is not topologies.USUAL else "",
        racers=racers.checked(values.get("racers", ""), racers.known()),
        churn=whole_number("CHURN", values.get("churn", "0"), 0, CHURN_MOST),
        suite=suite_glob(values.get("suite", "")),
    )


def widen_names(text: str) -> str:
    """Names and globs as the module's parameter takes them; which are known is
    for the module to say, because it may be any function of its kernel."""
    names = [name.strip() for name in text.split(",")] if text else []
    for name in names:
        if not re.fullmatch(r"[A-Za-z0-9_.*?]{1,63}", name):
            raise ToolError(f"WIDEN={text}: '{name}' is no name of a function and no glob",
                            "for example WIDEN='alloc_slab_obj_exts,interrupts' or WIDEN=none")
    return ",".join(names)


def suite_glob(text: str) -> str:
    """One name or glob, as KUnit takes it on the kernel's command line."""
    if text and not re.fullmatch(r"[\[\]A-Za-z0-9_*?!-]{1,63}", text):
        raise ToolError(f"SUITE={text}: no name of one KUnit suite and no glob",
                        "for example SUITE=slubtorture-nodes")
    return text


def available_mib(meminfo: str) -> int | None:
    found = re.search(r"^MemAvailable:\s+(\d+) kB", meminfo, re.M)
    return int(found[1]) // 1024 if found else None


def check_memory(options: Options, meminfo: str) -> None:
    """The guest's memory must exist on the host, or QEMU is killed in mid-run."""
    plan = topologies.find(options.topology)
    guest = Topology(options.cpus, options.mem_mib, DIMM_MIB, plan).total_mib
    need = guest + QEMU_OVERHEAD_MIB
    have = available_mib(meminfo)
    if have is not None and have < need:
        raise ToolError(f"MEM={options.mem_mib}M: the guest needs {need} MiB with all its "
                        f"nodes, this machine has {have} MiB available", "free some, or lower MEM")


def check_out(out: Path) -> None:
    """OUT must be a directory that can be written, or be creatable."""
    try:
        out.mkdir(parents=True, exist_ok=True)
        probe = out / f".writable-{os.getpid()}"
        probe.touch()
        probe.unlink()
    except FileExistsError as error:
        raise ToolError(f"OUT={out} is no directory", "name one: OUT=DIR") from error
    except OSError as error:
        raise ToolError(f"OUT={out} cannot be written: {error.strerror}",
                        "name a directory that can: OUT=DIR") from error


def check_tools(programs: Mapping[str, str]) -> None:
    """`programs` maps each program to the Debian package that has it."""
    missing = [name for name in programs if shutil.which(name) is None]
    if missing:
        packages = " ".join(sorted({programs[name] for name in missing}))
        raise ToolError(f"missing: {', '.join(missing)}", f"apt-get install {packages}")


def cache_dir(environment: Mapping[str, str]) -> Path:
    """Where downloads and builds are kept between runs."""
    base = environment.get("XDG_CACHE_HOME", "")
    return (Path(base) if base.startswith("/") else Path.home() / ".cache") / "slubtorture"


def replay_line(options: Options, accel: str, scenario: str | None = None) -> str:
    """The command that asks the same again; flags in the order of `make help`."""
    chosen = scenario or options.scenario
    words = ["make run"]
    if options.kernel:
        words.append(f"KERNEL={options.kernel}")
    words += [f"{name}={value}" for name, value in
              (("ARCH", options.arch), ("PAGE", options.page), ("CONFIG", options.config),
               ("PATCH", options.patch)) if value]
    if chosen != DEFAULT_SCENARIOS:
        words.append(f"SCENARIO='{chosen}'")
    if options.topology:
        words.append(f"TOPOLOGY={options.topology}")
    if options.widen:
        words.append(f"WIDEN='{options.widen}'")
    if options.racers:
        words.append(f"RACERS='{options.racers}'")
    if options.churn:
        words.append(f"CHURN={options.churn}")
    words += [f"SECONDS={options.seconds}", f"SEED={options.seed}",
              f"CPUS={options.cpus}", f"MEM={options.mem_mib}M", f"ACCEL={accel}"]
    return " ".join(words)
