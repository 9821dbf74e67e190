# SPDX-License-Identifier: GPL-2.0
"""The rules of KernelCI's submission format that our data can break, as data:
what a member's value must be, which members must be there, which ids must be
those of something. Facts of kcidb-io's schema 5.3 (kcidb_io/schema/v05_03.py);
members that are never written here have no rule.

For where neither kcidb-io nor the published schema is at hand; it cannot stand
for them.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

MAJOR, MINOR = 5, 3
STATUSES = ("FAIL", "ERROR", "MISS", "PASS", "DONE", "SKIP")
LOG_MOST = 16384  # characters of an excerpt
ORIGIN = re.compile(r"[a-z0-9_]+")
_ID = re.compile(r"[a-z0-9_]+:[^\0]*")
_PATH = re.compile(r"([a-zA-Z0-9_-]+(\.[a-zA-Z0-9_-]+)*)?")
_URL = re.compile(r"https://\S+")

Check = Callable[[Any], bool]


def _text(pattern: re.Pattern[str] | None = None, most: int = 0) -> Check:
    """A string without NUL; of a pattern all of it must match."""
    def holds(value: Any) -> bool:
        return (isinstance(value, str) and "\0" not in value
                and (not most or len(value) <= most)
                and (pattern is None or bool(pattern.fullmatch(value))))
    return holds


def _time(value: Any) -> bool:
    """RFC 3339: a date and a time with the distance from UTC."""
    try:
        return isinstance(value, str) and datetime.fromisoformat(value).tzinfo is not None
    except ValueError:
        return False


def _number(value: Any) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool)


def _environment(value: Any) -> bool:
    return isinstance(value, dict) and set(value) <= {"comment", "misc"} and _text()(
        value.get("comment", "")) and isinstance(value.get("misc", {}), dict)


@dataclass(frozen=True)
class Member:
    """What its value must be, in words and as a check."""

    said: str
    holds: Check
    required: bool = False


_ANY = Member("text without NUL", _text())
_OBJECT = Member("an object", lambda value: isinstance(value, dict))
_WHEN = Member("a time with its distance from UTC", _time)
_SECONDS = Member("a number", _number)
_EXCERPT = Member(f"text of at most {LOG_MOST} characters", _text(most=LOG_MOST))
_STATUS = Member(f"one of {', '.join(STATUSES)}", lambda value: value in STATUSES)
_SELF = Member("ORIGIN:anything", _text(_ID), True)
_ORIGIN = Member("of a-z, 0-9 and _", _text(ORIGIN), True)

LISTS: Mapping[str, Mapping[str, Member]] = {
    "checkouts": {
        "id": _SELF, "origin": _ORIGIN, "comment": _ANY, "misc": _OBJECT, "start_time": _WHEN,
        "tree_name": _ANY, "git_commit_name": _ANY, "git_commit_message": _ANY,
        "git_repository_branch": _ANY,
        "git_repository_url": Member("an https:// URL", _text(_URL)),
        "git_commit_hash": Member("40 hex digits", _text(re.compile("[0-9a-f]{40}"))),
        "patchset_hash": Member("a sha256 or nothing", _text(re.compile("([0-9a-f]{64})?"))),
        "valid": Member("true or false", lambda value: isinstance(value, bool))},
    "builds": {
        "id": _SELF, "origin": _ORIGIN, "comment": _ANY, "misc": _OBJECT, "start_time": _WHEN,
        "duration": _SECONDS, "config_name": _ANY, "command": _ANY, "compiler": _ANY,
        "log_excerpt": _EXCERPT, "status": _STATUS,
        "architecture": Member("of a-z, 0-9 and _", _text(re.compile("[a-z0-9_]*"))),
        "checkout_id": Member("ORIGIN:anything", _text(_ID), True)},
    "tests": {
        "id": _SELF, "origin": _ORIGIN, "comment": _ANY, "misc": _OBJECT, "start_time": _WHEN,
        "duration": _SECONDS, "log_excerpt": _EXCERPT, "status": _STATUS,
        "path": Member("words of letters, digits, _ and - with dots between", _text(_PATH)),
        "environment": Member("an object of comment and misc", _environment),
        "build_id": Member("ORIGIN:anything", _text(_ID), True)}}
# Which list an id leads to.
_PARENTS = {"checkout_id": "checkouts", "build_id": "builds"}


def _member_problems(where: str, item: Mapping[str, Any],
                     members: Mapping[str, Member]) -> list[str]:
    problems = [f"{where}: no {name}" for name, member in members.items()
                if member.required and name not in item]
    for name, value in item.items():
        if name not in members:
            problems.append(f"{where}: {name} is not known")
        elif not members[name].holds(value):
            problems.append(f"{where}: {name} must be {members[name].said}")
    return problems


def _id_problems(where: str, item: Mapping[str, Any], seen: set[str],
                 known: Mapping[str, set[str]]) -> list[str]:
    """An id is of its origin, given once, and leads to something."""
    problems, own = [], str(item.get("id", ""))
    if own.partition(":")[0] != item.get("origin"):
        problems.append(f"{where}: its id {own} is not of its origin {item.get('origin')}")
    if own in seen:
        problems.append(f"{where}: its id {own} was given before")
    seen.add(own)
    for name, parents in _PARENTS.items():
        if name in item and item[name] not in known[parents]:
            problems.append(f"{where}: {name} {item[name]} is none of {parents}")
    return problems


def _version_problems(version: Any) -> list[str]:
    if not isinstance(version, dict) or set(version) - {"major", "minor"}:
        return ["version must be an object of major and minor"]
    minor = version.get("minor", 0)
    good = version.get("major") == MAJOR and isinstance(minor, int) and 0 <= minor <= MINOR
    return [] if good else [f"version must be {MAJOR}.0 to {MAJOR}.{MINOR}"]


def problems(data: Mapping[str, Any]) -> list[str]:
    """All that is wrong, [] if nothing of what is known here is."""
    found = _version_problems(data.get("version"))
    found += [f"{name} is not known" for name in data if name != "version" and name not in LISTS]
    lists = {name: data.get(name, []) for name in LISTS}
    for name, items in lists.items():
        if not isinstance(items, list) or not all(isinstance(item, dict) for item in items):
            found.append(f"{name} must be a list of objects")
            lists[name] = []
    known = {name: {str(item.get("id")) for item in items} for name, items in lists.items()}
    for name, items in lists.items():
        seen: set[str] = set()
        for number, item in enumerate(items):
            where = f"{name}[{number}]"
            found += _member_problems(where, item, LISTS[name])
            found += _id_problems(where, item, seen, known)
    return found
