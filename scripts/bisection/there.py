# SPDX-License-Identifier: GPL-2.0
"""What is run on another host before runs are sent there: is everything here
that they take, how much can it do, is the bundle here? Its text goes over ssh
to that host's python3, whichever that is, so it imports the standard library
alone and is written for old versions, too.

All that is ever left on a host is in one directory, which `shelf` names: the
last KEPT bundles, and what is remembered about KVM there.
"""

from __future__ import annotations

import errno
import hashlib
import json
import os
import shutil
import sys
import tarfile
from typing import Any, BinaryIO, Dict, List

LEAST_PYTHON = (3, 11)  # of scripts/
KEPT = 6
RUNS = "runs"  # where runs are while they last
_BUNDLE = "manifest.json"


def shelf() -> str:
    """The directory of bundles of this user on this computer."""
    named = os.environ.get("SLUBTORTURE_BUNDLES", "")
    base = os.environ.get("XDG_CACHE_HOME", "")
    base = base if base.startswith("/") else os.path.expanduser("~/.cache")
    return named or os.path.join(base, "slubtorture", "bundles")


def for_people(path: str) -> str:
    home = os.path.expanduser("~")
    return "~" + path[len(home):] if path.startswith(home + "/") else path


def digest_of(place: str) -> str:
    """Of names, contents and modes of all files below a directory; Python's
    caches, which come and go, left out."""
    digest = hashlib.sha256()
    for parent, names, files in os.walk(place):
        names[:] = sorted(name for name in names if name != "__pycache__")
        for name in sorted(files):
            path = os.path.join(parent, name)
            with open(path, "rb") as file:
                data = file.read()
            runs = "x" if os.stat(path).st_mode & 0o100 else "-"
            title = "%s %s %d\n" % (os.path.relpath(path, place), runs, len(data))
            digest.update(title.encode() + data)
    return digest.hexdigest()[:16]


def _is_alive(pid: str) -> bool:
    try:
        os.kill(int(pid), 0)
    except (OSError, ValueError) as error:
        return isinstance(error, OSError) and error.errno == errno.EPERM
    return True


def bundles_in(place: str) -> List[str]:
    """Their paths, what was used last first."""
    found = [os.path.join(place, name) for name in os.listdir(place)
             if os.path.exists(os.path.join(place, name, _BUNDLE))]
    return sorted(found, key=lambda path: os.stat(path).st_mtime, reverse=True)


def sweep(place: str) -> None:
    """Take away what runs left that were killed, and all but the last bundles."""
    runs = os.path.join(place, RUNS)
    for name in os.listdir(runs) if os.path.isdir(runs) else []:
        if not _is_alive(name.rpartition(".")[2]):
            shutil.rmtree(os.path.join(runs, name), ignore_errors=True)
    for name in os.listdir(place):
        if name.startswith(".part.") and not _is_alive(name.rpartition(".")[2]):
            shutil.rmtree(os.path.join(place, name), ignore_errors=True)
    for path in bundles_in(place)[KEPT:]:
        shutil.rmtree(path, ignore_errors=True)


def missing(asked: Dict[str, Any]) -> List[str]:
    """What a run takes and this host has not, for people."""
    lacks = []
    if sys.version_info[:2] < LEAST_PYTHON:
        lacks.append("python3 from %d.%d on (it has %d.%d)"
                     % (LEAST_PYTHON + tuple(sys.version_info[:2])))
    for program, package in asked["programs"]:
        if shutil.which(program) is None:
            lacks.append("%s (Debian's package %s)" % (program, package))
    return lacks


def available_mib() -> int:
    """0 where the kernel does not tell."""
    try:
        with open("/proc/meminfo") as file:
            for line in file:
                if line.startswith("MemAvailable:"):
                    return int(line.split()[1]) // 1024
    except OSError:
        pass
    return 0


def receive(stream: BinaryIO, place: str, name: str) -> str:
    """Unpack the bundle that comes in; what is wrong with it, or ""."""
    part = os.path.join(place, ".part.%d" % os.getpid())
    shutil.rmtree(part, ignore_errors=True)
    try:
        with tarfile.open(fileobj=stream, mode="r|") as archive:
            for member in archive:
                path = os.path.normpath(os.path.join(part, member.name))
                content = archive.extractfile(member) if member.isfile() else None
                if content is None or not path.startswith(part + "/"):
                    return "%s does not belong in a bundle" % member.name
                os.makedirs(os.path.dirname(path), exist_ok=True)
                with open(path, "wb") as file:
                    shutil.copyfileobj(content, file)
                os.chmod(path, 0o755 if member.mode & 0o100 else 0o644)
        if not name.endswith("-" + digest_of(part)):
            return "the bundle came in damaged"
        try:
            os.rename(part, os.path.join(place, name))
        except OSError:
            if not os.path.exists(os.path.join(place, name, _BUNDLE)):
                raise
    except (OSError, tarfile.TarError) as error:
        return "the bundle cannot be kept in %s: %s" % (place, error)
    finally:
        shutil.rmtree(part, ignore_errors=True)
    return ""


def _say(facts: Dict[str, Any]) -> None:
    print(json.dumps(facts), flush=True)


def main() -> None:
    """Answer one line of JSON with one line; take the bundle in if it is
    wanted, and answer with one more. `forget` takes everything away."""
    stream = sys.stdin.buffer
    asked = json.loads(stream.readline())
    place, name = shelf(), asked.get("bundle", "")
    if asked.get("forget"):
        shutil.rmtree(place, ignore_errors=True)
        _say({"problem": "%s is still there" % place if os.path.exists(place) else ""})
        return
    try:
        os.makedirs(os.path.join(place, RUNS), exist_ok=True)
        sweep(place)
    except OSError as error:
        _say({"missing": ["a place for bundles: %s" % error]})
        return
    there = os.path.join(place, name)
    wanted = bool(name) and not os.path.exists(os.path.join(there, _BUNDLE))
    lacks = missing(asked)
    _say({"missing": lacks, "wanted": wanted, "cores": len(os.sched_getaffinity(0)),
          "mem_mib": available_mib(), "shelf": for_people(place), "bundles": len(bundles_in(place))})
    if wanted and not lacks:
        _say({"problem": receive(stream, place, name)})
    elif name and not wanted:
        os.utime(there)


if __name__ == "__main__":
    main()
