# SPDX-License-Identifier: GPL-2.0
"""Thousands of bisections with a fixed seed: as many right as was promised,
and the naive ones far fewer."""

from __future__ import annotations

import random
from pathlib import Path

import pytest

from bisection import simulate as sim
from bisection import statistics as st
from bisection.outcomes import LOCAL, Outcome, Ran
from bisection.session import Request, Session
from bisection.statistics import Rate
from errors import ToolError

GOLDEN = Path(__file__).parent / "golden"
BAD, GOOD = Outcome.BAD, Outcome.GOOD


def most_wrong(times: int, error: float) -> int:
    """What no more than 1 in 1000 such batches exceed if the error is `error`:
    the binomial's mean and three and a bit deviations."""
    return int(times * error + 3.1 * (times * error * (1 - error)) ** 0.5)


@pytest.mark.parametrize("commits, rate, times", [
    (24, 1.0, 500), (24, 0.5, 1000), (24, 0.2, 2000), (24, 0.05, 500), (200, 0.2, 500),
    (4000, 0.2, 500), (4000, 0.05, 150)])
def test_the_right_commit_as_often_as_promised(commits: int, rate: float, times: int) -> None:
    row = sim.many(commits, f"{rate}", sim.Flaky(sim.coin(rate)), st.ERROR, times, 11)
    wrong = times - row.right.bad
    assert wrong <= most_wrong(times, st.ERROR) and row.right.point >= 0.95
    if rate <= 0.5:
        assert row.naively_right.point < 0.4 < row.right.point - 0.5


def test_nineteen_of_twenty_and_more() -> None:
    """As the whole is asked to be: batches of twenty, at 1 run in 5."""
    row = sim.many(24, "1/5", sim.Flaky(sim.coin(0.2)), st.ERROR, 2000, 3)
    right = [one.right for one in row.ours]
    batches = [sum(right[at:at + 20]) for at in range(0, 2000, 20)]
    assert sum(batch >= 19 for batch in batches) >= 95 and min(batches) >= 17
    naive = [one.right for one in row.naive]
    assert max(sum(naive[at:at + 20]) for at in range(0, 2000, 20)) <= 10


def test_a_result_is_as_sure_as_it_says() -> None:
    """Of the doubtful results more are wrong, and no more than they say."""
    row = sim.many(24, "1/5", sim.Flaky(sim.coin(0.2)), 0.2, 3000, 5)
    told = [(one.confidence, one.right) for one in row.ours]
    for least, most in ((0.0, 0.93), (0.93, 0.97), (0.97, 1.01)):
        group = [one for one in told if least <= one[0] < most]
        said = sum(sure for sure, _ in group) / len(group)
        right = sum(one for _, one in group) / len(group)
        assert len(group) > 100 and abs(right - said) < 0.05


def test_a_background_is_told_from_the_bug() -> None:
    rng, flaky = random.Random(9), sim.Flaky(sim.coin(0.5), sim.coin(0.02))
    found = [sim.bisected(24, rng.randrange(1, 25), flaky, st.ERROR, rng, 200).right
             for _ in range(300)]
    assert sum(found) >= 285
    believed = [sim.bisected(24, rng.randrange(1, 25), flaky, st.ERROR, rng).right
                for _ in range(300)]
    assert sum(believed) < 270  # one sight is not enough here


def test_same_seed_same_row_and_another_seed_another() -> None:
    flaky = sim.Flaky(sim.coin(0.2))
    first, again, other = (sim.many(24, "1/5", flaky, 0.05, 20, seed) for seed in (1, 1, 2))
    assert first == again and first != other


def journal(path: Path, commit: str, outcomes: str) -> Path:
    kinds = {"b": BAD, "g": GOOD, "o": Outcome.OTHER, "x": Outcome.BROKEN}
    lines = [Ran(commit, at, at, kinds[one], "", LOCAL, 1.0, "").to_json()
             for at, one in enumerate(outcomes)]
    path.write_text((path.read_text() if path.exists() else "") + "\n".join(lines) + "\n")
    return path


def test_recorded_runs_are_read_from_a_journal(tmp_path: Path) -> None:
    path = journal(tmp_path / "journal", "aaaa", "gbgo")
    path.write_text('{"step": 1}\nno line\n' + path.read_text())
    journal(path, "bbbb", "gb").write_text(path.read_text() + '{"commit": "aa')
    assert sim.recorded(path) == [GOOD, BAD, GOOD, Outcome.OTHER]
    assert sim.recorded(path, "bb") == [GOOD, BAD]
    with pytest.raises(ToolError, match="no run of cc"):
        sim.recorded(path, "cc")
    directory = tmp_path / "session"
    Session(directory).create(Request("t", "g", "b", {}), [])
    Session(directory).add_ran(Ran("cccc", 0, 1, BAD, "seen"))
    Session(directory).add("rate", bad=1, runs=1)
    assert sim.recorded(directory) == [BAD]
    with pytest.raises(ToolError, match="cannot be read"):
        sim.recorded(tmp_path / "none")


def test_recorded_outcomes_keep_their_rate_and_their_neighbours() -> None:
    record = [BAD, BAD, BAD, GOOD, GOOD, GOOD, GOOD, GOOD, GOOD] * 4
    stream = sim.replayed(record)(random.Random(1))
    drawn = [next(stream) for _ in range(20_000)]
    assert drawn.count(BAD) / len(drawn) == pytest.approx(1 / 3, abs=0.02)
    assert sim.after(drawn, BAD).point > 1.5 * sim.after(drawn, GOOD).point
    assert sim.after(record[:9], BAD) == Rate(2, 3)


def test_bisections_with_recorded_outcomes(tmp_path: Path) -> None:
    rng = random.Random(4)
    text = "".join("b" if rng.random() < 0.2 else "g" for _ in range(60))
    record = sim.recorded(journal(tmp_path / "journal", "aaaa", text + "x"))
    row = sim.many(24, "recorded", sim.Flaky(sim.replayed(record)), st.ERROR, 400, 2)
    assert row.right.bad >= 0.95 * 400 and row.naively_right.bad < 160


def test_bisections_with_outcomes_of_a_real_race() -> None:
    """24 runs of 7.2 with vector-before-stride, SCENARIO=exts-late WIDEN=none
    SECONDS=1 SEED=1000 to 1023, as outcome_of() read them: twenty bisections at a
    time, of which nineteen must be right."""
    record = sim.recorded(GOLDEN / "vector-before-stride.jsonl")
    assert (record.count(BAD), record.count(GOOD)) == (12, 12)
    row = sim.many(24, "real", sim.Flaky(sim.replayed(record)), st.ERROR, 1000, 7)
    right, naive = ([one.right for one in results] for results in (row.ours, row.naive))
    batches = [sum(right[at:at + 20]) for at in range(0, 1000, 20)]
    assert min(batches) >= 19
    assert max(sum(naive[at:at + 20]) for at in range(0, 1000, 20)) < 15


def test_a_row_has_80_columns() -> None:
    row = sim.many(4000, "1/20", sim.Flaky(sim.coin(0.05)), 0.05, 10, 1)
    for line in (*sim.HEADER.splitlines(), sim.line_of(row)):
        assert len(line) <= 80
    assert sim.line_of(row).startswith("4000     1/20")
