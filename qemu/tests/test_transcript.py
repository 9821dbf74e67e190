# SPDX-License-Identifier: GPL-2.0
"""transcript.py against golden channels: whole, cut, garbled and interleaved."""

from __future__ import annotations

from pathlib import Path

import pytest

from qemu.transcript import LineReader, Transcript, parse, parse_fields

GOLDEN = Path(__file__).parent / "golden"


def read(name: str) -> Transcript:
    return parse((GOLDEN / f"{name}.ktap").read_bytes())


def verdicts(transcript: Transcript) -> dict[str, str]:
    return {item.fields["scenario"]: item.fields["verdict"] for item in transcript.all("record")}


def test_clean_run_is_read_whole() -> None:
    got = read("clean")
    assert got.planned == 3
    assert [(r.number, r.ok, r.name) for r in got.results] == [
        (1, True, "exts-external"), (2, True, "busted-exts-external"), (3, True, "handoff-xchg")]
    assert got.results[1].directive == "XFAIL corruption, as it must"
    assert got.fields("run")["release"] == "7.2.13-test"
    assert got.fields("end")["twins"] == "1/1"
    assert [item.text for item in got.all("layout")][0] == "obj_exts=slab+56 (BTF of vmlinux)"
    assert "    ok 1 free-sees-alloc # 100 asked, 0 broken" in got.ktap
    assert got.subtests["handoff-xchg"][0].startswith("ok 1 free-sees-alloc")
    assert got.ended == "ok" and not got.problems() and not got.damaged


def test_fail_keeps_its_evidence() -> None:
    record = read("fail").all("record")[-1].fields
    assert record["verdict"] == "fail"
    assert record["evidence"] == "CPU 1 saw 0 where CPU 0 wrote 0x2a"


@pytest.mark.parametrize("name", ["panic", "hang"])
def test_scenario_cut_short_is_begun_and_has_no_record(name: str) -> None:
    got = read(name)
    assert "handoff-xchg" in got.subtests
    assert set(verdicts(got)) == {"exts-external", "busted-exts-external"}
    assert got.ended is None


def test_truncated_record_is_no_record() -> None:
    got = read("truncated")
    assert "handoff-xchg" not in verdicts(got)
    assert got.damaged[-1].startswith("# record scenario=handoff-xchg")


def test_interleaved_and_garbled_text_loses_only_the_garbage() -> None:
    got = read("interleaved")
    assert verdicts(got) == verdicts(read("clean"))
    assert got.planned == 3
    assert [step.name for step in got.steps].count("watch") == 1
    assert any("garbled" in line for line in got.damaged)


def test_errors_of_init_name_step_and_reason() -> None:
    problems = {step.name: step.problem for step in read("refused").problems()}
    assert problems == {"mount-debugfs": "19 No such device", "insmod": "22 Invalid argument"}


@pytest.mark.parametrize("data", [b"", b"\n\n", b"\xff\xfe\x00", b"@ step\n", b"ok\n", b"ok 1\n"])
def test_nonsense_gives_nothing(data: bytes) -> None:
    got = parse(data)
    assert not got.results and not got.steps and not got.tagged


def test_every_cut_of_a_clean_run_parses_and_never_invents_a_verdict() -> None:
    data = (GOLDEN / "clean.ktap").read_bytes()
    whole = verdicts(parse(data))
    for end in range(0, len(data), 7):
        got = verdicts(parse(data[:end]))
        assert got.items() <= whole.items()


def test_fields_take_quotes_and_skip_free_text() -> None:
    assert parse_fields('a=1 (free) b="two words" c= d.e=x=y') == {
        "a": "1", "b": "two words", "c": "", "d.e": "x=y"}


def test_line_reader_joins_pieces() -> None:
    lines: list[str] = []
    reader = LineReader(lines.append)
    for piece in (b"# rec", b"ord a=1\r", b"\nok 1 x\npart"):
        reader.feed(piece)
    assert lines == ["# record a=1", "ok 1 x"]


def test_log_and_report_of_kunit_are_kept_apart_and_whole() -> None:
    got = parse(b"@ step kmsg ok\n@ log 5.140900     ok 1 a b\n@ log 5.2 \n@ log x\n"
                b"@ report     # Subtest: s\n@ report \n@ step insmod ok\n")
    assert [(line.at_s, line.text) for line in got.log] == [(5.1409, "    ok 1 a b"), (5.2, "")]
    assert got.report == ("    # Subtest: s", "")
    assert [step.name for step in got.steps] == ["kmsg", "insmod"]
    assert got.damaged == ("@ log x",) and not got.ktap
