# SPDX-License-Identifier: GPL-2.0
"""make publication: which guests it asks, what it makes of their answers, and
the report that it keeps."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import options as opt
import publish
import pytest
from guests import BASE
from lab import spec
from publish import EARLY, RELEASE, Asked
from records import BROKEN, FAIL, PASS, SKIP, Record

ALL = "node-publication-met-*"
PLAIN = "node-publication"
OPTIONS = opt.checked(opt.raw_values(opt.parser("").parse_args(["--kernel", "7.2"]), {}), Path("out"))


def record(scenario: str, verdict: str, patch: str = "") -> Record:
    replay = f"make run KERNEL=7.2 CONFIG=kunit{f' PATCH={patch}' if patch else ''}"
    return replace(BASE, scenario=scenario, verdict=verdict, observations=3, replay=replay)


def test_each_reader_has_a_guest_of_its_own() -> None:
    asked = publish.plan("7.2", ALL, spec.known_patches())
    assert asked[0] == Asked("", PLAIN) and asked[-1] == Asked(RELEASE, PLAIN)
    assert [one.scenario for one in asked if one.patch == EARLY] == [PLAIN, *publish.readers()]
    assert len(publish.readers()) == 6
    few = publish.plan("7.2", "node-publication-met-slabs", spec.known_patches())
    assert len(few) == 4 and few[2].scenario == "node-publication-met-slabs"
    assert not any(one.patch == RELEASE for one in publish.plan("5.10", ALL, spec.known_patches()))


def test_a_kernel_that_keeps_structures_gets_a_node_without_memory() -> None:
    late = publish.options_of(OPTIONS, Asked(EARLY, PLAIN))
    assert (late.topology, late.patch, late.config) == ("no-memory-at-boot", EARLY, "kunit")
    assert publish.options_of(replace(OPTIONS, kernel="5.10", config="kasan"),
                              Asked("", PLAIN)).topology == ""


@pytest.mark.parametrize("patch, verdict, status", [
    ("", PASS, 0), ("", SKIP, 0), ("", FAIL, 1), ("", BROKEN, 2), (EARLY, FAIL, 0),
    (EARLY, PASS, 2), (EARLY, SKIP, 2), (RELEASE, FAIL, 1), (RELEASE, PASS, 0)])
def test_status(patch: str, verdict: str, status: int) -> None:
    one = Asked(patch, PLAIN)
    assert publish.status([(one, record(PLAIN, verdict, patch))]) == status
    assert publish.status([(one, None)]) == 2


def test_a_reader_that_a_kernel_has_not_may_skip_and_none_may_pass() -> None:
    one = Asked(EARLY, "node-publication-met-validate")
    assert publish.status([(one, record(one.scenario, SKIP, EARLY))]) == 0
    assert publish.status([(one, record(one.scenario, PASS, EARLY))]) == 2


def test_all_is_kept_in_one_report(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    options = replace(OPTIONS, out=tmp_path)

    def ask(asked: opt.Options) -> list[Record]:
        found = record(asked.scenario, FAIL if asked.patch == EARLY else PASS, asked.patch)
        return [replace(found, scenario="busted-" + found.scenario, expected="fail:ordering"), found]

    asked = publish.plan("7.2", "node-publication-met-slabs", spec.known_patches())
    directory = publish.keep(options, publish.ask_all(options, asked, ask))
    text = (directory / "publication.txt").read_text()
    assert "PATCH=node-published-early" in text and "node-publication-met-slabs: fail" in text
    assert len((directory / "records.jsonl").read_text().splitlines()) == 4
    assert (tmp_path / "latest").resolve() == directory
    assert "4 of 4: node-publication on node-published-with-release" in capsys.readouterr().err
