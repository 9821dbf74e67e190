# SPDX-License-Identifier: GPL-2.0
"""The machines that runs are spread over: HOSTS= read, each asked what it has
and can do, and given the bundle. What is asked of them there is in there.py.

":" is this machine, as GNU parallel spells it.
"""

from __future__ import annotations

import json
import os
import platform
import re
import shutil
import subprocess
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, TypeVar

from bisection import there
from bisection.bundle import Bundle, programs_for
from bisection.outcomes import LOCAL
from bisection.tether import ssh_words
from errors import ToolError
from options import QEMU_OVERHEAD_MIB
from qemu import machines

SLOTS_MOST = 512
# For logging in and looking; a bundle's way there comes on top.
ASK_S = 120.0
SEND_S = 1800.0
T = TypeVar("T")
_HOST = re.compile(r"(?:[A-Za-z0-9_][A-Za-z0-9_.-]*@)?[A-Za-z0-9_][A-Za-z0-9_.-]*")
_EXAMPLE = "for example HOSTS='alice@build1 alice@build2/4 :/2'; : is this machine"


@dataclass(frozen=True)
class Host:
    """One machine; `slots` is how many guests it runs at once, 0: to be found out."""

    name: str
    slots: int = 0

    @property
    def local(self) -> bool:
        return self.name == LOCAL


def parsed(text: str) -> Host:
    """`name` or `name/slots`; ToolError for anything else."""
    name, slash, count = text.partition("/")
    if name != LOCAL and not _HOST.fullmatch(name):
        raise ToolError(f"HOSTS: '{text}' is no host", _EXAMPLE)
    if slash and not (count.isascii() and count.isdigit() and 1 <= int(count) <= SLOTS_MOST):
        raise ToolError(f"HOSTS: '{text}': after / comes how many guests run there at once",
                        _EXAMPLE)
    return Host(name, int(count) if slash else 0)


def parsed_all(hosts: Sequence[str]) -> list[Host]:
    found = [parsed(text) for text in hosts] or [Host(LOCAL)]
    names = [host.name for host in found]
    twice = next((name for name in names if names.count(name) > 1), None)
    if twice:
        raise ToolError(f"HOSTS names {twice} twice", _EXAMPLE)
    return found


def parsed_hosts(text: str) -> tuple[str, ...]:
    """HOSTS= of a command line, checked."""
    words = tuple(text.replace(",", " ").split())
    if words:
        parsed_all(words)
    return words


def check_programs(hosts: Sequence[str]) -> None:
    """ToolError for what this machine must have to run anything."""
    needed = {"parallel": "parallel"}
    if any(not host.local for host in parsed_all(hosts)):
        needed["ssh"] = "openssh-client"
    lacks = [package for program, package in needed.items() if shutil.which(program) is None]
    if lacks:
        raise ToolError(f"runs cannot be spread: {' and '.join(lacks)} missing",
                        f"apt-get install {' '.join(lacks)}")


def guests_at_once(cores: int, mem_mib: int, bundle: Bundle) -> int:
    """How many guests a machine can run: by its memory, of which a quarter is
    left alone, and one for each core. A guest's second CPU is idle while it
    boots, and a scenario's racers are woken together, so that two guests of
    two CPUs share two cores well; one that finds fewer overlaps is only slower
    to see a bug."""
    need = bundle.outline.topology.total_mib + QEMU_OVERHEAD_MIB
    by_memory = mem_mib * 3 // 4 // need if mem_mib else cores
    return max(1, min(cores, by_memory, SLOTS_MOST))


def ssh_command() -> str:
    """The user's, by the variable that GNU parallel has for it."""
    return os.environ.get("PARALLEL_SSH", "").strip() or "ssh"


def _session(host: str, asked: Mapping[str, object]) -> tuple[list[str], bytes]:
    """The ssh command, and what is sent first: there.py, then what is asked.
    Quoted so that any login shell takes it."""
    script = (Path(there.__file__)).read_bytes()
    code = f"import sys; exec(compile(sys.stdin.buffer.read({len(script)}), 'there', 'exec'))"
    words = [*ssh_words(ssh_command()), host, f'python3 -c "{code}"']
    return words, script + json.dumps(asked).encode() + b"\n"


def _answer(line: bytes) -> dict[str, Any] | None:
    try:
        told = json.loads(line)
    except ValueError:
        return None
    return told if isinstance(told, dict) else None


def talk(host: str, asked: Mapping[str, object], bundle: Bundle | None) -> dict[str, Any]:
    """One ssh session; ToolError if the host cannot be had."""
    words, first = _session(host, asked)
    with subprocess.Popen(words, stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                          stderr=subprocess.PIPE, start_new_session=True) as process:
        try:
            said, problem = _exchange(process, first, bundle)
        except (OSError, subprocess.TimeoutExpired) as error:
            process.kill()
            raise ToolError(f"{host}: {error}", "can you log in there?") from error
        finally:
            if process.poll() is None:
                process.kill()
    told = [answer for line in said if (answer := _answer(line)) is not None]
    if not told:
        why = "it has no python3" if process.returncode == 127 else (
            problem or f"its session ended with {process.returncode}")
        raise ToolError(f"{host}: {why}", f"try: {ssh_command()} {host} python3 --version")
    return {key: value for answer in told for key, value in answer.items()}


def _exchange(process: subprocess.Popen[bytes], first: bytes,
              bundle: Bundle | None) -> tuple[list[bytes], str]:
    """Ask; send the bundle if it is wanted. All lines, and the last complaint."""
    assert process.stdin and process.stdout and process.stderr
    pool = ThreadPoolExecutor(1)
    try:
        process.stdin.write(first)
        process.stdin.flush()
        reader = pool.submit(process.stdout.readline)
        said = [reader.result(ASK_S)]
        told = _answer(said[0]) or {}
        more = bundle.tar() if bundle and told.get("wanted") and not told.get("missing") else b""
        out, err = process.communicate(more, SEND_S)
    except BrokenPipeError:
        out, err = process.communicate(timeout=ASK_S)
        said = []
    except TimeoutError as error:
        process.kill()
        raise OSError(f"no answer within {ASK_S:.0f} s") from error
    finally:
        pool.shutdown(wait=False)
    complaint = err.decode(errors="replace").strip().splitlines()
    return said + out.splitlines(), complaint[-1] if complaint else ""


def prepared_there(host: Host, bundle: Bundle) -> Host:
    """The host with its slots and with the bundle; ToolError says what it lacks."""
    told = talk(host.name, {"bundle": bundle.name, "programs": bundle.programs}, bundle)
    if told.get("missing"):
        raise ToolError(f"{host.name}: missing there: {'; '.join(told['missing'])}",
                        "install it there, or leave that host out")
    if told.get("problem"):
        raise ToolError(f"{host.name}: {told['problem']}", "is there room?")
    slots = guests_at_once(int(told["cores"]), int(told["mem_mib"]), bundle)
    return replace(host, slots=host.slots or slots)


def prepared_here(host: Host, bundle: Bundle, jobs: int) -> Host:
    slots = guests_at_once(len(os.sched_getaffinity(0)), there.available_mib(), bundle)
    return replace(host, slots=host.slots or jobs or slots)


def each(hosts: Sequence[Host], ask: Callable[[Host], T]) -> list[T | ToolError]:
    """What `ask` says of all hosts, asked at once."""
    def one(host: Host) -> T | ToolError:
        try:
            return ask(host)
        except ToolError as error:
            return error

    with ThreadPoolExecutor(min(16, len(hosts))) as pool:
        return list(pool.map(one, hosts))


def usable(hosts: Sequence[str], bundle: Bundle, jobs: int) -> tuple[list[Host], list[str]]:
    """Those that can run the bundle, and what was wrong with the others."""
    found = each(parsed_all(hosts), lambda host: prepared_here(host, bundle, jobs)
                 if host.local else prepared_there(host, bundle))
    problems = [str(error) for error in found if isinstance(error, ToolError)]
    good = [host for host in found if isinstance(host, Host)]
    if not good:
        raise ToolError(f"no machine can run this: {'; '.join(problems)}", _EXAMPLE)
    return good, problems


def facts(host: Host, arch: str) -> dict[str, Any]:
    """What a host has for guests of an architecture; ToolError for what it lacks."""
    programs = programs_for(machines.find(arch or platform.machine()))
    told = talk(host.name, {"programs": programs}, None)
    if told.get("missing"):
        raise ToolError(f"{host.name}: missing there: {'; '.join(told['missing'])}", "")
    return told


def check(hosts: Sequence[str], arch: str = "") -> list[str]:
    """What is wrong with single hosts; ToolError when none can be used."""
    check_programs(hosts)
    asked = [host for host in parsed_all(hosts) if not host.local]
    found = each(asked, lambda host: facts(host, arch)) if asked else []
    problems = [str(error) for error in found if isinstance(error, ToolError)]
    if problems and len(problems) == len(parsed_all(hosts)):
        raise ToolError(f"no machine can run this: {'; '.join(problems)}", _EXAMPLE)
    return problems


def told(hosts: Sequence[str], arch: str) -> tuple[list[str], bool]:
    """Lines for each host, and whether all can be used."""
    asked = [host for host in parsed_all(hosts) if not host.local]
    lines, good = [], True
    for host, found in zip(asked, each(asked, lambda host: facts(host, arch)) if asked else []):
        if isinstance(found, ToolError):
            lines.append(f"not usable  {found}")
            good = False
        else:
            lines += [f"usable      {host.name}: {found['cores']} cores, {found['mem_mib']} MiB free",
                      f"            {found['bundles']} kernels are kept in {found['shelf']}"]
    return lines, good


def forget(hosts: Sequence[str]) -> list[str]:
    """Take away on other hosts all that was left there; what went wrong."""
    problems = []
    for host in parsed_all(hosts):
        if host.local:
            continue
        try:
            problem = talk(host.name, {"forget": True}, None).get("problem")
            problems += [f"{host.name}: {problem}"] if problem else []
        except ToolError as error:
            problems.append(str(error))
    return problems
