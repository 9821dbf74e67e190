# SPDX-License-Identifier: GPL-2.0
"""`make kcidb RUN=DIR ORIGIN=NAME`: runs that were kept as JSON that KernelCI's
database takes: checkouts, builds and tests, with ids of the origin.

Nothing is sent: how, and under which origin, is agreed with KernelCI. What is
written is checked first: by kcidb-io where it is installed, by the published
schema where KCIDB_SCHEMA names it, else by kcidb_rules.py; which is said.
"""

from __future__ import annotations

import argparse
import importlib
import json
import re
import sys
from pathlib import Path
from typing import Any

sys.path[:0] = [str(Path(__file__).resolve().parent.parent)]

import exported
import kcidb_rules as rules
import records as rec
from entry import guarded
from errors import ToolError
from exported import Kept, Result, Status
from qemu.store import write_whole

NAME = "kcidb.json"
ROOT = "slubtorture"
_STATUS = {Status.PASS: "PASS", Status.FAIL: "FAIL", Status.SKIP: "SKIP", Status.ERROR: "ERROR",
           Status.MISS: "MISS"}
_CHECKOUT = re.compile(r"(https://[^\s@]+)@([0-9a-f]{40})(?:#(\S+))?")
_CUT = "\n[...]\n"
_SCHEMA_PACKAGE = "python3-jsonschema"


def checked_origin(text: str) -> str:
    if not rules.ORIGIN.fullmatch(text):
        said = f"ORIGIN={text}: only a-z, 0-9 and _" if text else "ORIGIN is not set"
        raise ToolError(said, "the name under which your system reports to KernelCI, as agreed "
                        "with its people: ORIGIN=mylab")
    return text


def checked_checkout(text: str) -> dict[str, str]:
    """Members of a checkout from URL@COMMIT#BRANCH; {} for ""."""
    match = _CHECKOUT.fullmatch(text)
    if not match:
        if text:
            raise ToolError(f"CHECKOUT={text}: not a repository and a commit",
                            "CHECKOUT=https://SERVER/linux.git@COMMIT#BRANCH, the commit whole, "
                            "the branch if you like")
        return {}
    found = {"git_repository_url": match[1], "git_commit_hash": match[2]}
    return found | ({"git_repository_branch": match[3]} if match[3] else {})


def plain(text: str) -> str:
    return text.replace("\0", "\\x00").encode(errors="backslashreplace").decode()


def excerpt(text: str) -> str:
    """Begin and end of what is too long: why, and how it ended."""
    text = plain(text)
    if len(text) <= rules.LOG_MOST:
        return text
    half = (rules.LOG_MOST - len(_CUT)) // 2
    return text[:half] + _CUT + text[-half:]


def path_of(result: Result) -> str:
    words = (re.sub(r"[^a-zA-Z0-9_-]+", "_", word).strip("_") for word in result.path)
    return ".".join([ROOT, *(word or "_" for word in words)])


def _some(**members: object) -> dict[str, Any]:
    """Without what is not known."""
    return {name: value for name, value in members.items() if value not in ("", None, {}, "-")}


def _start(kept: Kept) -> str:
    return kept.started.isoformat() if kept.started else ""


def checkout_of(origin: str, kept: Kept, given: dict[str, str]) -> dict[str, Any]:
    git = {"git_commit_hash": kept.commit} | given if kept.commit else given
    if kept.commit and given:
        git["git_commit_hash"] = kept.commit  # of a bisection each commit is another
    known = git.get("git_commit_hash") or kept.release
    return {"id": f"{origin}:{plain(known)}", "origin": origin, "valid": True,
            **_some(comment=plain(kept.subject or kept.release)), **git}


def build_of(origin: str, kept: Kept, checkout: dict[str, Any]) -> dict[str, Any]:
    """One a kernel: the same release with another configuration is another."""
    key = "-".join(part for part in (kept.commit or kept.release, kept.architecture,
                                     kept.config_sha256[:16]) if part)
    return {"id": f"{origin}:{plain(key)}", "origin": origin, "checkout_id": checkout["id"],
            **_some(comment=plain(kept.build), architecture=kept.architecture,
                    duration=kept.build_s,
                    status="PASS" if kept.release and _ran(kept) else "",
                    misc=_some(config_sha256=kept.config_sha256,
                               release=_release(kept)))}


def _release(kept: Kept) -> str:
    """A bisection's commit has no release, only its own short name."""
    return "" if kept.commit and kept.commit.startswith(kept.release) else kept.release


def _ran(kept: Kept) -> bool:
    """Whether the kernel was there to be booted. Of a bisection's commit that
    was skipped without a run that is not known."""
    return any(result.path != exported.ANSWER for result in kept.results)


def test_of(origin: str, kept: Kept, build: dict[str, Any], number: int,
            result: Result) -> dict[str, Any]:
    names = "/".join(result.path)
    misc: dict[str, str | int | bool] = {"run": kept.name, **kept.facts, **result.facts}
    return {"id": f"{origin}:{plain(kept.name)}/{number}/{plain(names)}", "origin": origin,
            "build_id": build["id"], "path": path_of(result), "status": _STATUS[result.status],
            **_some(comment=plain(result.said), log_excerpt=excerpt(result.text),
                    duration=result.seconds, start_time=_start(kept),
                    environment=_some(comment="QEMU guest", misc=dict(kept.guest))),
            "misc": {name: plain(value) if isinstance(value, str) else value
                     for name, value in misc.items()}}


def document(origin: str, found: list[Kept], checkout: dict[str, str]) -> dict[str, Any]:
    """The whole submission; runs of one kernel share their checkout and build."""
    checkouts: dict[str, dict[str, Any]] = {}
    builds: dict[str, dict[str, Any]] = {}
    tests = []
    for kept in found:
        source = checkout_of(origin, kept, checkout)
        checkouts.setdefault(source["id"], source)
        build = build_of(origin, kept, source)
        builds.setdefault(build["id"], build)
        tests += [test_of(origin, kept, build, number, result)
                  for number, result in enumerate(kept.results, 1)]
    return {"version": {"major": rules.MAJOR, "minor": rules.MINOR},
            "checkouts": list(checkouts.values()), "builds": list(builds.values()),
            "tests": tests}


def _by_library(data: dict[str, Any]) -> tuple[str, str] | None:
    """What checked it and what it said, or None without kcidb-io."""
    try:
        schema = importlib.import_module("kcidb_io").schema.LATEST
    except (ImportError, AttributeError):
        return None
    by = f"kcidb-io, schema {schema.major}.{schema.minor}"
    try:
        schema.validate(data)
    except Exception as error:  # jsonschema's, which may not be importable here
        return by, str(getattr(error, "message", error))
    return by, ""


def _by_schema(data: dict[str, Any], path: Path) -> tuple[str, str]:
    try:
        schema = json.loads(path.read_text())
    except (OSError, ValueError) as error:
        raise ToolError(f"KCIDB_SCHEMA={path} cannot be read: {error}",
                        "the JSON schema as kcidb-io's README says how to export it") from error
    try:
        jsonschema = importlib.import_module("jsonschema")
    except ImportError as error:
        raise ToolError("KCIDB_SCHEMA is read by jsonschema, which is not installed",
                        f"apt-get install {_SCHEMA_PACKAGE}") from error
    checker = jsonschema.Draft7Validator(schema, format_checker=jsonschema.FormatChecker())
    problem = next(iter(checker.iter_errors(data)), None)
    where = "/".join(str(part) for part in problem.absolute_path) if problem else ""
    return f"the schema {path}", f"{where}: {problem.message}" if problem else ""


def check(data: dict[str, Any], schema: str) -> str:
    """What checked it; ToolError if it found something. References between the
    objects are in no schema, so our rules hold in any case."""
    found = _by_schema(data, Path(schema).expanduser()) if schema else _by_library(data)
    by, problem = found or ("", "")
    ours = rules.problems(data)
    if problem or ours:
        raise ToolError(f"what would be written is not right: {problem or ours[0]}",
                        "this is an error of slubtorture: report it with the run's directory")
    own = f"own rules of schema {rules.MAJOR}.{rules.MINOR}"
    return f"{by} and {own}" if by else f"{own} (neither kcidb-io nor KCIDB_SCHEMA is there)"


def main() -> int:
    parser = argparse.ArgumentParser(description="write JSON for KernelCI's database")
    parser.add_argument("--run", default="", help="directories; default: out/latest")
    parser.add_argument("--origin", default="", help="your system's name with KernelCI")
    parser.add_argument("--checkout", default="", help="URL@COMMIT#BRANCH of the kernel")
    parser.add_argument("--schema", default="", help="the published schema, exported as JSON")
    parser.add_argument("--to", default="", help=f"file, - for standard output; default: {NAME} "
                        "in the run's directory")
    args = parser.parse_args()
    origin, checkout = checked_origin(args.origin), checked_checkout(args.checkout)
    data = document(origin, exported.load_all(args.run), checkout)
    by = check(data, args.schema)
    text = json.dumps(data, indent=1) + "\n"
    if args.to == "-":
        print(text, end="")
        return 0
    path = exported.target(args.to, exported.directories(args.run), NAME)
    try:
        write_whole(path, text.encode())
    except OSError as error:
        raise ToolError(f"TO={path} cannot be written: {error.strerror}",
                        "name a file in a directory that can: TO=FILE") from error
    counts = ", ".join(f"{len(data[part])} {part[:-1] if len(data[part]) == 1 else part}"
                       for part in ("checkouts", "builds", "tests"))
    print(f"{counts}\nchecked by {by}\nfile: {rec.shown(path)}")
    return 0


if __name__ == "__main__":
    sys.exit(guarded(main))
