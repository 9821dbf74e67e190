# SPDX-License-Identifier: GPL-2.0
"""A LAVA job for one run of the module in a guest that has no shell: LAVA's
`qemu` device type boots our kernel and initrd, and test monitors read verdicts
from the one line that LAVA listens to, the kernel's console.

Pure: from values to a document. The initrd is made in lava.py, what LAVA itself
holds of a job is asked in lava_schema.py.
"""

from __future__ import annotations

import importlib
import math
import re
import shlex
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from errors import ToolError
from qemu.machine import Accel, GuestError, Machine
from qemu.topology import Topology

# LAVA's words for architectures whose `-nographic` console is ours, too.
ARCHITECTURES = {"x86_64": "amd64", "aarch64": "arm64", "riscv64": "riscv64", "ppc64le": "ppc64",
                 "s390x": "s390x"}
# Of these the device type sets CPU and machine by itself unless it is told.
_OWN_CPU = ("arm64", "riscv64")
_OWN_MACHINE = ("arm64", "riscv64", "ppc64")

START = r"@ step mount-devtmpfs"  # init's first words
# How it ends, left for the next monitor to read.
END = r"(?=@ end (?:ok|errors)|Kernel panic - not syncing)"
# One result a record of the module's; a report of the kernel's is a failure of
# its own name (SLUB's has no colon: "BUG kmalloc-64 (Tainted: G): ..."). What is
# captured is what `fixupdict` goes by: of a control that failed with the cause
# that it must, with another one, or not at all. All of a line up to the cause
# must be there: LAVA looks at what has arrived so far.
PATTERN = (
    r"(?=(?:# record scenario=)?"
    r"(?P<test_case_id>\b(?:BUG|WARNING|UBSAN):? [\w-]+|(?<=scenario=)[\w-]+)[^\w-])"
    r"(?:# record scenario=\S+ verdict=)?"
    r"(?P<result>fail expected=fail:(?=(?P<cause>\w+) cause=(?P=cause) )"
    r"|(?:pass|fail) expected=fail(?=:\w+ cause=\w+ )"
    r"|(?:pass|fail|skip|broken)(?= expected=\S+ cause=\w+ )"
    r"|BUG|WARNING|UBSAN)")
RESULTS = {"fail expected=fail:": "pass", "fail expected=fail": "fail",
           "pass expected=fail": "fail", "broken": "unknown", "BUG": "fail", "WARNING": "fail",
           "UBSAN": "fail"}
GUEST_PATTERN = r"(?P<test_case_id>end|Kernel panic) (?:- )?(?P<result>ok|errors|not syncing)"
GUEST_RESULTS = {"ok": "pass", "errors": "fail", "not syncing": "fail"}
GUEST_END = r"\n"

BOOT_MINUTES = 10
# Fewer than usual: lines of the kernel's may fall into lines of init's. A
# warning is still shown.
LOGLEVEL = "loglevel=5"
_DEVICE = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,199}")
_HEAD = """\
# A run of slubtorture as a LAVA job, for the device type qemu.
# {where}
# Submit: lavacli jobs submit {name}
"""


@dataclass(frozen=True)
class File:
    """What LAVA's worker downloads; `name` is its name there, too."""

    name: str
    url: str
    sha256: str


@dataclass(frozen=True)
class Asked:
    """All that a job is made of; `expected` are scenarios and controls."""

    name: str
    device: str
    visibility: str
    machine: Machine
    topology: Topology
    accel: Accel
    cmdline: str
    kernel: File
    initrd: File
    expected: tuple[str, ...]
    test_s: float
    facts: tuple[tuple[str, str], ...]


def case_id(name: str) -> str:
    """A test case's name as LAVA's monitors make it."""
    return re.sub(r"\W+", "_", name.lower())


def architecture(machine: Machine) -> str:
    if machine.arch not in ARCHITECTURES:
        raise GuestError(f"ARCH={machine.arch}: LAVA's qemu device type is not known to boot it",
                         f"one of {', '.join(ARCHITECTURES)}")
    return ARCHITECTURES[machine.arch]


def _pairs(words: Sequence[str]) -> list[str]:
    """"-smp", "2" -> "-smp 2": one option a line in the job."""
    lines: list[str] = []
    for word in words:
        if word.startswith("-") or not lines:
            lines.append(word)
        else:
            lines[-1] += f" {shlex.quote(word)}"
    return lines


def context(asked: Asked) -> dict[str, Any]:
    """What the device type's template is told."""
    machine, arch = asked.machine, architecture(asked.machine)
    words = machine.numa_options(asked.topology)
    at = words.index("-m")
    memory = words.pop(at + 1)
    words.pop(at)
    found: dict[str, Any] = {"arch": arch, "memory": memory}
    cpu = machine.cpu_options(asked.accel)
    options = dict(zip(cpu[::2], cpu[1::2], strict=True))
    if arch in _OWN_MACHINE:
        found["machine"] = options.pop("-machine")
    if arch in _OWN_CPU:
        found["cpu"] = options.pop("-cpu")
    if asked.accel.name == "kvm":
        options = {name: options[name] for name in options if name == "-machine"}
    else:
        found["no_kvm"] = True
    own = [word for pair in options.items() for word in pair]
    return {**found, "extra_options": _pairs([*own, *words, "-no-reboot"])}


def command_line(asked: Asked) -> str:
    """Of the kernel: the last level that is named holds."""
    words = (asked.machine.command_line(asked.accel), *asked.topology.plan.cmdline, asked.cmdline,
             LOGLEVEL)
    return " ".join(word for word in words if word)


def _image(file: File, argument: str) -> dict[str, str]:
    return {"url": file.url, "sha256sum": file.sha256, "image_arg": argument}


def _minutes(seconds: float) -> dict[str, int]:
    return {"minutes": max(1, math.ceil(seconds / 60))}


def monitors(asked: Asked) -> list[dict[str, Any]]:
    return [{"name": "slubtorture", "start": START, "end": END, "pattern": PATTERN,
             "fixupdict": RESULTS, "expected": [case_id(name) for name in asked.expected]},
            {"name": "guest", "start": END, "end": GUEST_END, "pattern": GUEST_PATTERN,
             "fixupdict": GUEST_RESULTS}]


def job(asked: Asked) -> dict[str, Any]:
    """The definition as LAVA takes it."""
    if not _DEVICE.fullmatch(asked.device):
        raise ToolError(f"DEVICE={asked.device}: no name of a LAVA device type",
                        "the one of your server's QEMU: DEVICE=qemu")
    test, boot = _minutes(asked.test_s), {"minutes": BOOT_MINUTES}
    whole = {"minutes": test["minutes"] + 2 * BOOT_MINUTES}
    kernel = f'-kernel {{kernel}} -append "{command_line(asked)}"'
    return {
        "job_name": asked.name[:200], "device_type": asked.device,
        "visibility": asked.visibility, "priority": "medium",
        "timeouts": {"job": whole, "action": boot, "connection": boot},
        "context": context(asked), "metadata": dict(asked.facts),
        "actions": [
            {"deploy": {"to": "tmpfs", "type": "monitor", "timeout": boot,
                        "images": {"kernel": _image(asked.kernel, kernel),
                                   "initrd": _image(asked.initrd, "-initrd {initrd}")}}},
            {"boot": {"method": "qemu", "media": "tmpfs", "timeout": boot}},
            {"test": {"timeout": test, "monitors": monitors(asked)}}]}


def text(asked: Asked, name: str) -> str:
    """The file, with a word on how it is used."""
    try:
        yaml = importlib.import_module("yaml")
    except ImportError as error:
        raise ToolError("LAVA's jobs are YAML, and python3-yaml is not installed",
                        "apt-get install python3-yaml") from error

    class Plain(yaml.SafeDumper):  # type: ignore[misc,name-defined]
        """Without references to what was written before."""

        def ignore_aliases(self, data: object) -> bool:
            return True

    where = f"Its worker fetches {asked.kernel.url} and {asked.initrd.url.rpartition('/')[2]}."
    body: str = yaml.dump(job(asked), Dumper=Plain, sort_keys=False, width=10_000)
    return _HEAD.format(where=where, name=name) + body
