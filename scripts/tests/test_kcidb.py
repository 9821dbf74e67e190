# SPDX-License-Identifier: GPL-2.0
"""JSON for KernelCI's database: what is written keeps every rule, and each rule
notices what breaks it."""

from __future__ import annotations

import copy
import importlib
import json
import sys
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

import exported
import kcidb
import kcidb_rules as rules
import kept_runs
from bisection.session import Request, Session
from bisections import SIGNATURE, bisected, name
from errors import ToolError

COMMIT = "0123456789abcdef0123456789abcdef01234567"
CHECKOUT = f"https://git.example.org/linux.git@{COMMIT}#master"
Data = dict[str, Any]


@pytest.fixture(name="data")
def document(tmp_path: Path) -> Data:
    where = kept_runs.run(tmp_path, kept_runs.ALL)
    other = kept_runs.kunit(tmp_path, kept_runs.CASES)
    return kcidb.document("mylab", exported.load_all(f"{where} {other}"), {})


def test_what_is_written_keeps_the_rules(data: Data) -> None:
    assert rules.problems(data) == []
    assert json.loads(json.dumps(data)) == data
    assert [test["status"] for test in data["tests"][:8]] == [
        "PASS", "FAIL", "SKIP", "ERROR", "MISS", "PASS", "ERROR", "ERROR"]
    failed = data["tests"][1]
    assert failed["path"] == "slubtorture.scenarios.node-offline-online"
    assert failed["comment"] == "node-pointer-kept, cause lifetime"
    assert "use-after-free in count_partial\n\\x00" in failed["log_excerpt"]
    assert failed["misc"]["cause"] == "lifetime" and failed["misc"]["seed"] == 7
    assert failed["environment"]["misc"]["cpus"] == "0-1" and failed["duration"] == 1.5
    assert data["tests"][9]["path"] == (
        "slubtorture.kunit.slubtorture-layout.matches.slab-_obj_exts")


def test_runs_of_one_kernel_share_their_build(tmp_path: Path) -> None:
    one = exported.load(kept_runs.run(tmp_path, [kept_runs.BASE]))
    (tmp_path / "again").mkdir()
    two = exported.load(kept_runs.run(tmp_path / "again", [kept_runs.SKIPPED]))
    data = kcidb.document("mylab", [*one, *two], {})
    assert [len(data[part]) for part in ("checkouts", "builds", "tests")] == [1, 1, 2]


def test_facts_of_the_checkout_are_the_users_or_none(tmp_path: Path) -> None:
    found = exported.load(kept_runs.run(tmp_path, [kept_runs.BASE]))
    [checkout] = kcidb.document("mylab", found, {})["checkouts"]
    assert not any(member.startswith("git") for member in checkout)
    [checkout] = kcidb.document("mylab", found, kcidb.checked_checkout(CHECKOUT))["checkouts"]
    assert checkout["git_commit_hash"] == COMMIT and checkout["id"] == f"mylab:{COMMIT}"
    assert checkout["git_repository_url"] == "https://git.example.org/linux.git"
    assert checkout["git_repository_branch"] == "master"


def test_a_bisection_is_a_checkout_a_commit(tmp_path: Path) -> None:
    view = bisected(9, 6, skips=(4,))
    session = Session(tmp_path / "s")
    session.create(Request("/src", view.good, view.bad, {}, signature=SIGNATURE),
                   list(view.commits))
    session.add("began")
    for step in view.steps:
        for ran in step.ran:
            session.add_ran(ran)
        session.add_step(step)
    data = kcidb.document("mylab", exported.load(session.directory),
                          kcidb.checked_checkout(CHECKOUT))
    assert rules.problems(data) == []
    assert [one["git_commit_hash"] for one in data["checkouts"]] == [
        step.commit for step in view.steps]
    builds = {build["checkout_id"]: build for build in data["builds"]}
    assert "status" not in builds[f"mylab:{name(4)}"]
    assert builds[f"mylab:{name(8)}"]["status"] == "PASS"
    assert "misc" not in builds[f"mylab:{name(8)}"]


def test_what_is_too_long_keeps_begin_and_end() -> None:
    text = kcidb.excerpt("begin" + "x" * 20000 + "end\0")
    assert len(text) <= rules.LOG_MOST and "\0" not in text
    assert text.startswith("begin") and text.endswith("end\\x00") and "[...]" in text


def changed(part: str, member: str, value: object) -> Callable[[Data], None]:
    def change(data: Data) -> None:
        data[part][0][member] = value
    return change


def without(part: str, member: str) -> Callable[[Data], None]:
    def change(data: Data) -> None:
        del data[part][0][member]
    return change


def put(member: str, value: object) -> Callable[[Data], None]:
    def change(data: Data) -> None:
        data[member] = value
    return change


BROKEN: dict[str, tuple[Callable[[Data], object], str]] = {
    "no version": (lambda data: data.pop("version"), "version must be an object"),
    "another major": (put("version", {"major": 4, "minor": 0}), "version must be 5.0 to 5.3"),
    "a later minor": (put("version", {"major": 5, "minor": 4}), "version must be 5.0 to 5.3"),
    "an unknown list": (put("results", []), "results is not known"),
    "no list": (put("tests", {}), "tests must be a list of objects"),
    "no objects": (put("tests", ["x"]), "tests must be a list of objects"),
    "an unknown member": (changed("tests", "colour", "red"), "colour is not known"),
    "null": (changed("tests", "comment", None), "comment must be text"),
    "NUL": (changed("builds", "comment", "a\0b"), "comment must be text"),
    "a status of ours": (changed("tests", "status", "broken"), "status must be one of"),
    "a status of builds": (changed("builds", "status", "pass"), "status must be one of"),
    "a path with blanks": (changed("tests", "path", "a.b c"), "path must be words"),
    "a path that ends early": (changed("tests", "path", "a."), "path must be words"),
    "a long excerpt": (changed("tests", "log_excerpt", "x" * 16385), "at most 16384"),
    "a time without zone": (changed("tests", "start_time", "2026-01-01T12:00:00"),
                            "a time with its distance"),
    "no time": (changed("builds", "start_time", "yesterday"), "a time with its distance"),
    "a duration as text": (changed("tests", "duration", "1.5"), "duration must be a number"),
    "a duration as truth": (changed("tests", "duration", True), "duration must be a number"),
    "an odd architecture": (changed("builds", "architecture", "x86-64"), "architecture must be"),
    "a short hash": (changed("checkouts", "git_commit_hash", "0123abc"), "40 hex digits"),
    "git's own protocol": (changed("checkouts", "git_repository_url", "git://x/y"), "https:// URL"),
    "a patchset's hash": (changed("checkouts", "patchset_hash", "0"), "a sha256"),
    "valid as text": (changed("checkouts", "valid", "yes"), "true or false"),
    "an odd environment": (changed("tests", "environment", {"cpus": 2}), "environment must be"),
    "misc as text": (changed("tests", "misc", "x"), "misc must be an object"),
    "an origin in capitals": (changed("tests", "origin", "MyLab"), "origin must be of a-z"),
    "no origin": (without("tests", "origin"), "no origin"),
    "no id": (without("builds", "id"), "no id"),
    "no build": (without("tests", "build_id"), "no build_id"),
    "no checkout": (without("builds", "checkout_id"), "no checkout_id"),
    "an id without origin": (changed("tests", "id", "x"), "id must be ORIGIN:anything"),
    "another's id": (changed("tests", "id", "other:1"), "is not of its origin"),
    "an id twice": (lambda data: data["tests"].append(data["tests"][0]), "was given before"),
    "a build that is not there": (changed("tests", "build_id", "mylab:none"), "none of builds"),
    "a checkout that is not there": (changed("builds", "checkout_id", "mylab:none"),
                                     "none of checkouts"),
}


@pytest.mark.parametrize("case", list(BROKEN))
def test_each_rule_notices_what_breaks_it(case: str, data: Data) -> None:
    change, said = BROKEN[case]
    wrong = copy.deepcopy(data)
    change(wrong)
    assert any(said in problem for problem in rules.problems(wrong)), rules.problems(wrong)


@pytest.mark.parametrize("text, said", [
    ("", "ORIGIN is not set"), ("My Lab", "only a-z"), ("mylab:", "only a-z")])
def test_the_origin_is_the_users_to_say(text: str, said: str) -> None:
    with pytest.raises(ToolError, match=said):
        kcidb.checked_origin(text)


@pytest.mark.parametrize("text", ["https://x/y", f"git://x/y@{COMMIT}", "https://x/y@v7.2"])
def test_a_checkout_is_a_repository_and_a_commit(text: str) -> None:
    with pytest.raises(ToolError, match="not a repository and a commit"):
        kcidb.checked_checkout(text)


# ---- checking by what others publish

SCHEMA = {"type": "object", "required": ["version"], "properties": {"tests": {
    "type": "array", "items": {"$ref": "#/$defs/test"}}}, "$defs": {"test": {
        "type": "object", "properties": {"status": {"enum": ["PASS"]}}}}}


def test_a_schema_that_is_named_is_used(data: Data, tmp_path: Path) -> None:
    pytest.importorskip("jsonschema", reason="python3-jsonschema is not installed")
    path = tmp_path / "schema.json"
    path.write_text(json.dumps(SCHEMA))
    with pytest.raises(ToolError, match="tests/1/status: 'FAIL' is not one of"):
        kcidb.check(data, str(path))
    path.write_text(json.dumps({"type": "object"}))
    assert kcidb.check(data, str(path)).startswith(f"the schema {path} and own rules")
    path.write_text("{")
    with pytest.raises(ToolError, match="cannot be read"):
        kcidb.check(data, str(path))


def stand_in(monkeypatch: pytest.MonkeyPatch, validate: Callable[[Data], None]) -> None:
    """kcidb-io as it is imported."""
    latest = SimpleNamespace(major=5, minor=3, validate=validate)
    module = SimpleNamespace(schema=SimpleNamespace(LATEST=latest))
    real = importlib.import_module
    monkeypatch.setattr(importlib, "import_module",
                        lambda name: module if name == "kcidb_io" else real(name))


def test_the_library_is_used_where_it_is(data: Data, monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[Data] = []
    stand_in(monkeypatch, seen.append)
    assert kcidb.check(data, "") == "kcidb-io, schema 5.3 and own rules of schema 5.3"
    assert seen == [data]

    def refuse(data: Data) -> None:
        raise ValueError(f"{len(data['tests'])} tests are too many")

    stand_in(monkeypatch, refuse)
    with pytest.raises(ToolError, match="14 tests are too many"):
        kcidb.check(data, "")


def test_own_rules_hold_beside_any_other(data: Data, monkeypatch: pytest.MonkeyPatch) -> None:
    stand_in(monkeypatch, lambda data: None)
    data["tests"][0]["build_id"] = "mylab:none"
    with pytest.raises(ToolError, match="none of builds"):
        kcidb.check(data, "")


def test_command_says_what_checked_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch,
                                      capsys: pytest.CaptureFixture[str]) -> None:
    where = kept_runs.run(tmp_path, kept_runs.ALL)
    monkeypatch.setattr(sys, "argv", ["kcidb.py", "--run", str(where), "--origin", "mylab"])
    assert kcidb.main() == 0
    said = capsys.readouterr().out
    assert "1 checkout, 1 build, 8 tests\nchecked by " in said
    assert rules.problems(json.loads((where / "kcidb.json").read_text())) == []
