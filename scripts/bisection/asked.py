# SPDX-License-Identifier: GPL-2.0
"""What the user asked of a bisection: flags over environment over defaults,
every value checked, and with it the tree, the compiler, the disk and the hosts,
before anything is built.

What is asked of each run is in options.py.
"""

from __future__ import annotations

import argparse
import hashlib
import os
import secrets
import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import options as opt
import scenarios
import setup as stp
from bisection import statistics
from bisection.bench import spec_of
from bisection.session import Request, Session
from bisection.signature import Signature
from bisection.spread import check_hosts, parsed_hosts
from bisection.tree import Tree, check_dirty, check_kernel, check_range, opened
from errors import ToolError
from lab import config
from lab import obtain as lab
from lab.source import find
from lab.spec import CONFIGS, fragment_of, machine_of, words
from lab.tools import check_programs
from qemu.store import write_whole

JOBS_MOST = 512
HOURS_MOST = 24 * 366.0
RUNS_MOST = 1_000_000
_SESSION_BYTES = 1 << 30  # bundles and records of the runs
# name, default, help; the environment variable has the name in capitals.
_VARIABLES: tuple[tuple[str, str, str], ...] = (
    ("tree", "", "the kernel's git tree; it is only read"),
    ("good", "", "a commit of before the bug"),
    ("bad", "HEAD", "a commit that has it"),
    ("suites", "no", "yes: run the KUnit suites in place of scenarios"),
    ("signature", "", "what is hunted; default: the first failure of BAD"),
    ("error", "5", "percent of such bisections that may end wrong"),
    ("hours", "0", "that it may take, 0: no end; the same command goes on afterwards"),
    ("jobs", "0", "runs at once on this machine, 0: what it has room for"),
    ("hosts", "", "machines that runs are spread over, by ssh; : is this one"),
    ("runs", str(statistics.NEVER), "of BAD without the bug, before it is said not to show"),
    ("dirty", "", "ignore: bisect without the edits that no commit of TREE has"),
)
# Of a run's options those that make it another question.
_OF_A_RUN = ("scenario", "seconds", "seed", "cpus", "mem", "topology", "widen", "racers", "churn",
             "arch", "page", "config", "patch", "accel")


@dataclass(frozen=True)
class Effort:
    """What may be spent on it, which makes it no other question: hours, 0 for no
    end; runs at once, 0 for what there is room for; hosts; runs on BAD that show
    nothing."""

    hours: float
    jobs: int
    hosts: tuple[str, ...]
    runs: int


@dataclass(frozen=True)
class Asked:
    """A bisection, checked."""

    request: Request
    options: opt.Options
    own: dict[str, Path]  # configuration files of the user's, by their name in the request
    effort: Effort
    notes: tuple[str, ...] = ()


def parser(prog: str, description: str) -> argparse.ArgumentParser:
    parsed = opt.parser(description)
    parsed.prog = prog
    for name, default, text in _VARIABLES:
        parsed.add_argument(f"--{name}", metavar=name.upper(),
                            help=f"{text} (default {default})" if default else text)
    return parsed


def raw_values(args: argparse.Namespace, environment: Mapping[str, str]) -> dict[str, str]:
    values = opt.raw_values(args, environment)
    for name, default, _ in _VARIABLES:
        flag: str | None = getattr(args, name)
        values[name] = (flag or environment.get(name.upper(), "") or default).strip()
    return values


def _real(name: str, text: str, least: float, most: float, example: str) -> float:
    try:
        value = float(text)
    except ValueError:
        value = -1.0
    if not least <= value <= most:
        raise ToolError(f"{name}={text}: not a number from {least:g} to {most:g}",
                        f"for example {example}")
    return value


def signature_of(values: Mapping[str, str]) -> str:
    return str(Signature.parsed(values["signature"])) if values["signature"] else ""


def error_of(values: Mapping[str, str]) -> float:
    """As a share."""
    return _real("ERROR", values["error"], 0.001, 49, "ERROR=5") / 100


def effort_of(values: Mapping[str, str]) -> Effort:
    hosts = parsed_hosts(values["hosts"])
    check_hosts(hosts, values.get("arch", ""))
    return Effort(_real("HOURS", values["hours"], 0, HOURS_MOST, "HOURS=8"),
                  opt.whole_number("JOBS", values["jobs"], 0, JOBS_MOST), hosts,
                  opt.whole_number("RUNS", values["runs"], 1, RUNS_MOST))


def run_values(values: Mapping[str, str]) -> tuple[dict[str, str], dict[str, Path]]:
    """The options that make a question, and the user's own configuration files,
    which are named with a digest: edited, they are another question."""
    kept = {name: values[name] for name in _OF_A_RUN if values.get(name)}
    own: dict[str, Path] = {}
    named = []
    for word in words(kept.get("config", "")):
        path = fragment_of(word)
        if path.parent == CONFIGS:
            named.append(word)
            continue
        name = f"{hashlib.sha256(path.read_bytes()).hexdigest()[:8]}-{path.name}"
        own[name] = path
        named.append(f"@{name}")
    if named:
        kept["config"] = ",".join(named)
    return kept, own


def options_of(session: Session, default: Mapping[str, str]) -> opt.Options:
    """The options of a session's runs; its copies of the user's files, not those
    that may have been edited since."""
    values = {**default, **session.request.values, "kernel": "", "rescue": "no",
              "seed": str(session.request.seed)}
    place = session.directory / "config"
    values["config"] = ",".join(str(place / word[1:]) if word.startswith("@") else word
                                for word in words(values.get("config", "")))
    return opt.checked(values, session.directory)


def suites_of(values: Mapping[str, str]) -> bool:
    return opt.yes_or_no("SUITES", values["suites"])


def checked_run(values: Mapping[str, str], default_out: Path) -> opt.Options:
    """The options of the runs that are asked for."""
    options = opt.checked(values, default_out)
    if values["kernel"]:
        raise ToolError(f"KERNEL={values['kernel']}: a bisection builds the commits of TREE",
                        "leave KERNEL out")
    if options.rescue:
        raise ToolError("RESCUE=yes: nobody sits at the runs of a bisection", "leave it out")
    if not suites_of(values):
        scenarios.select(options.scenario, scenarios.known())
    opt.check_tools({"git": "git"})
    statistics.Rate(1, 2).interval()  # SciPy is missed now, not after the first runs
    opt.check_out(options.out)
    opt.check_memory(options, Path("/proc/meminfo").read_text())
    return options


def _check_lab(tree: Tree, options: opt.Options, suites: bool, commits: Mapping[str, str]) -> None:
    """Compilers, programs, fragments and the disk."""
    machine = machine_of(options.arch)
    stp.check_guest(options, machine.arch)
    check_programs(machine)
    for name, commit in commits.items():
        check_kernel(tree, commit, name, machine)
    cache = opt.cache_dir(os.environ).resolve()
    kernel = f"{tree.path}@{commits['BAD']}"
    spec = spec_of(options, suites, kernel)
    config.read(spec.fragments)
    lab.check_room(lab.Wanted(spec, find(kernel, cache), cache))
    free = shutil.disk_usage(options.out).free
    if free < _SESSION_BYTES:
        raise ToolError(f"{options.out} has {free >> 20} MiB free, a bisection keeps up to "
                        f"{_SESSION_BYTES >> 20} MiB there", "OUT=DIR on a larger disk")


def checked(values: Mapping[str, str], default_out: Path) -> Asked:
    """A bisection from raw values; ToolError for the first that is wrong."""
    signature, effort = signature_of(values), effort_of(values)
    error = error_of(values)
    options = checked_run(values, default_out)
    tree = opened(values["tree"])
    if not values["good"]:
        raise ToolError("GOOD is not set", "a commit of before the bug, for example GOOD=v7.1")
    good, bad = tree.commit(values["good"], "GOOD"), tree.commit(values["bad"], "BAD")
    note = check_dirty(tree, values["dirty"])
    check_range(tree, good, bad)
    _check_lab(tree, options, suites_of(values), {"GOOD": good, "BAD": bad})
    kept, own = run_values(values)
    seed = options.seed if values["seed"] else secrets.randbelow(2**31 - 2) + 1
    request = Request(str(tree.path), good, bad, kept, suites_of(values), signature, error, seed)
    return Asked(request, options, own, effort, (note,) if note else ())


def keep_own(session: Session, own: Mapping[str, Path]) -> None:
    """Copies of the user's configuration files, for whatever they edit later."""
    for name, path in own.items():
        write_whole(session.directory / "config" / name, path.read_bytes())


def session_for(asked: Asked) -> Session:
    """The session of this question, made if it is new."""
    session = Session(asked.options.out / "bisect" / asked.request.name)
    keep_own(session, asked.own)
    request = asked.request
    session.create(request, opened(request.tree).range(request.good, request.bad))
    return session
