# SPDX-License-Identifier: GPL-2.0
"""JUnit XML, read back by another library than the one that writes it."""

from __future__ import annotations

import importlib
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from xml.etree import ElementTree

import pytest

import exported
import junit
import kept_runs
from errors import ToolError

pytest.importorskip("junit_xml", reason="python3-junit.xml is not installed")
junitparser = pytest.importorskip("junitparser", reason="python3-junitparser is not installed")


@pytest.fixture(name="text")
def document(tmp_path: Path) -> str:
    where = kept_runs.run(tmp_path, kept_runs.ALL)
    other = kept_runs.kunit(tmp_path, kept_runs.CASES)
    return junit.document(exported.load_all(f"{where} {other}"))


def test_another_reader_counts_the_same(text: str) -> None:
    read = junitparser.JUnitXml.fromstring(text.encode())
    run, kunit = list(read)
    assert (run.tests, run.failures, run.errors, run.skipped) == (8, 1, 4, 1)
    assert (kunit.tests, kunit.failures, kunit.errors, kunit.skipped) == (6, 2, 1, 2)
    assert run.name == kept_runs.RUN and round(run.time, 3) == 12.0
    values = {one.name: one.value for one in run.properties()}
    assert values["kernel"] == "7.2.1-cloud-amd64" and values["seed"] == "7"
    assert values["replay"] == "make run KERNEL=7.2 SEED=7"


def test_each_case_says_what_became_of_it(text: str) -> None:
    cases = {case.get("name"): case for case in ElementTree.fromstring(text).iter("testcase")}
    caught = cases["busted-exts-sweep"]
    assert [child.tag for child in caught] == ["system-out"]
    assert (caught.findtext("system-out") or "").startswith("caught, as it must be: ordering")
    assert caught.get("classname") == "slubtorture.controls"
    missed = cases["busted-exts-late"].find("error")
    assert missed is not None and missed.get("type") == "missed"
    failure = cases["node-offline-online"].find("failure")
    assert failure is not None and failure.get("type") == "lifetime"
    assert "use-after-free in count_partial" in (failure.text or "")
    skipped = cases["exts-leftover"].find("skipped")
    assert skipped is not None and skipped.get("message") == "kernels before 7.0 have none"
    parameter = cases["slab->obj_exts"]
    assert parameter.get("classname") == "slubtorture.kunit.slubtorture-layout.matches"


def test_what_xml_forbids_is_shown(text: str) -> None:
    found = ElementTree.fromstring(text).find(".//failure")
    assert found is not None and found.text is not None
    assert "<&> \\x1b[31m" in found.text and "\\x00 ]]> \\ufffe" in found.text


@pytest.mark.parametrize("code", [*range(0x20), 0x7F, 0x85, 0x9F, 0xD800, 0xDFFF, 0xFDD0, 0xFFFE,
                                  0xFFFF, 0x1FFFE, 0x10FFFF, 0xE9, 0x1F600])
def test_every_odd_character_survives_a_reader(code: int, tmp_path: Path) -> None:
    record = replace(kept_runs.BASE, verdict="fail", evidence=f"a{chr(code)}b")
    [kept] = exported.load(kept_runs.run(tmp_path, [record]))
    found = ElementTree.fromstring(junit.document([kept])).find(".//failure")
    assert found is not None and (found.text or "").startswith(("a\\", f"a{chr(code)}b"))


def test_text_keeps_its_lines(text: str) -> None:
    found = ElementTree.fromstring(text).find(".//failure")
    assert found is not None and (found.text or "").splitlines()[0].startswith("a pointer became 0")
    assert "\n\n" not in (found.text or "")


def run_main(monkeypatch: pytest.MonkeyPatch, *words: str) -> int:
    monkeypatch.setattr(sys, "argv", ["junit.py", *words])
    return junit.main()


def test_command_writes_beside_the_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch,
                                       capsys: pytest.CaptureFixture[str]) -> None:
    where = kept_runs.run(tmp_path, kept_runs.ALL)
    assert run_main(monkeypatch, "--run", str(where)) == 0
    assert "2 passed, 1 failed, 1 skipped, 4 errors" in capsys.readouterr().out
    assert (where / "junit.xml").read_text().startswith("<?xml")
    assert run_main(monkeypatch, "--run", str(where), "--to", "-") == 0
    assert capsys.readouterr().out == (where / "junit.xml").read_text()


def test_a_file_that_cannot_be_written_is_said(tmp_path: Path,
                                               monkeypatch: pytest.MonkeyPatch) -> None:
    where = kept_runs.run(tmp_path, [kept_runs.BASE])
    (tmp_path / "file").write_text("")
    with pytest.raises(ToolError, match="cannot be written"):
        run_main(monkeypatch, "--run", str(where), "--to", str(tmp_path / "file/x"))


def test_a_missing_library_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(name: str) -> Callable[[], None]:
        raise ImportError(name)

    monkeypatch.setattr(importlib, "import_module", refuse)
    with pytest.raises(ToolError) as raised:
        junit.document([])
    assert raised.value.hint == "apt-get install python3-junit.xml"
