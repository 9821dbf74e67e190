# SPDX-License-Identifier: GPL-2.0
"""What the benchmark of barriers makes of its samples: intervals of known
samples, a variant that is slower and one that is not, cells that are missing."""

from __future__ import annotations

import random
from pathlib import Path

import pytest
from benches import cost, cost_picture
from benches.intervals import Ratio, chance_of, paired, quantile, ratio_of
from qemu.transcript import Transcript, parse


def noisy(ns: float, count: int, seed: int, noise: float = 0.02) -> list[float]:
    pick = random.Random(seed)
    return [ns * (1 + noise * pick.gauss(0, 1)) for _ in range(count)]


def cell(factors: dict[str, float], seed: int = 1, count: int = 40) -> cost.Cell:
    ns = {name: noisy(500 * factors.get(name, 1.0), count, seed * 100 + i)
          for i, name in enumerate(cost.VARIANTS)}
    return cost.Cell("external", "local", ns, 0)


def test_quantiles_of_known_values() -> None:
    assert quantile([1.0, 2.0, 3.0], 0.5) == 2.0
    assert quantile([1.0, 2.0], 0.25) == 1.25
    assert quantile([7.0], 0.975) == 7.0


def test_interval_of_equal_samples_is_a_point() -> None:
    assert ratio_of([1.0] * 20) == Ratio(1.0, 1.0, 1.0, 20)
    assert not ratio_of([1.0] * 20).differs


def test_interval_of_known_samples() -> None:
    """For the median of 1..n the order statistics of a sign test bound the
    bootstrap's: of 99 samples, the 40th and the 60th."""
    ratio = ratio_of([float(i) for i in range(1, 100)])
    assert ratio.median == 50.0
    assert 38 <= ratio.low <= 42 and 58 <= ratio.high <= 62


def test_same_samples_same_interval() -> None:
    samples = noisy(1.0, 30, 5)
    assert ratio_of(samples) == ratio_of(samples)


def test_intervals_contain_the_truth_as_often_as_they_say() -> None:
    missed = sum(ratio_of(noisy(1.0, 40, seed)).differs for seed in range(200))
    assert missed <= 24  # 10 expected; more than 24 in one of 10^5 cases


def test_pairs_without_a_base_do_not_count() -> None:
    assert paired([2.0, 9.0, 4.0], [1.0, 0.0, 2.0]).count == 2


@pytest.mark.parametrize("factor, word", [(1.1, "slower"), (0.9, "faster"), (1.0, "same")])
def test_words(factor: float, word: str) -> None:
    assert cell({"wmb-rmb": factor}).ratio("wmb-rmb").word == word


def test_difference_that_a_copy_makes_as_well_is_none() -> None:
    assert cell({"copy": 1.1, "wmb-rmb": 1.1}).word("wmb-rmb") == "same"
    assert cell({"copy": 0.9, "wmb-rmb": 1.1}).word("wmb-rmb") == "same"
    assert cell({"copy": 1.02, "wmb-rmb": 1.1}).word("wmb-rmb") == "slower"
    assert cell({"copy": 1.02, "wmb-rmb": 0.9}).word("wmb-rmb") == "faster"


def test_findings_name_cell_and_size() -> None:
    rows = cost.finding_rows([cell({"release-acquire": 1.5}), cell({})])
    assert rows[0] == "  wmb + rmb: no difference beyond a copy's in 2 of 2"
    assert rows[1] == "  release + acquire: no difference beyond a copy's in 1 of 2"
    assert "slower in local external: +" in rows[2] and len(rows) == 3


def test_chance() -> None:
    assert chance_of(0, 12) == pytest.approx(1.0)
    assert chance_of(1, 1) == pytest.approx(0.05)
    assert chance_of(2, 2) == pytest.approx(0.0025)


def test_checks_pass_on_an_even_measurement() -> None:
    checks = cost.checks_of([cell({"twice": 2.0}, seed) for seed in range(1, 13)])
    assert checks.good and checks.caught == 12
    assert "12 of 12" in "\n".join(checks.rows())


def test_uneven_measurement_is_refused() -> None:
    checks = cost.checks_of([cell({"twice": 2.0, "same": 1.05}, seed) for seed in range(1, 13)])
    assert checks.missed == 12 and not checks.good
    assert "NOT reached" in "\n".join(checks.rows())


@pytest.mark.parametrize("factor", [1.0, 1.2, 4.0])
def test_control_that_is_not_twice_is_refused(factor: float) -> None:
    checks = cost.checks_of([cell({"twice": factor}, seed) for seed in range(1, 13)])
    assert not checks.good and checks.caught == 0


def line(round_number: int, placement: str, path: str, ps: int = 500000, more: str = "") -> str:
    values = " ".join(f"{name}={ps * (2 if name == 'twice' else 1) + round_number}"
                      for name in cost.VARIANTS)
    return f"# bench cost round={round_number} placement={placement} path={path}{more} {values}\n"


def transcript(text: str) -> Transcript:
    return parse(text.encode())


def test_cells_are_read_in_the_order_of_the_table() -> None:
    text = "".join(line(i, placement, path) for i in range(12)
                   for placement in ("in-object", "external") for path in ("look-up", "local"))
    cells = cost.cells_of(transcript(text))
    assert [(each.path, each.placement) for each in cells] == [
        ("local", "external"), ("local", "in-object"), ("look-up", "external"),
        ("look-up", "in-object")]
    assert cells[0].ns["plain"][3] == 500.003


def test_cut_rounds_and_thin_cells_are_left_out() -> None:
    text = "".join(line(i, "external", "local") for i in range(12))
    text += line(12, "external", "local").replace("twice=", "t=")
    text += line(13, "external", "local").replace("plain=500013", "plain=0")
    text += "".join(line(i, "late", "local") for i in range(cost.LEAST_ROUNDS - 1))
    cells = cost.cells_of(transcript(text))
    assert [len(each.ns["plain"]) for each in cells] == [12]


def test_table_fits_80_columns_and_says_what_was_measured() -> None:
    text = "".join(line(i, placement, path, more=" fresh=260") for i in range(12)
                   for placement in cost.PLACEMENTS for path in cost.PATHS)
    outcome = cost.outcome_of(cost.cells_of(transcript(text)), [], "x86_64", True)
    shown = "\n".join(outcome.rows)
    assert outcome.good
    assert max(len(row) for row in outcome.rows) <= 80
    for part in ("1.000 (1.000-1.000)", "not patched", "Emulated CPUs", "late: vectors appear", "none: only"):
        assert part in shown, part


def test_nothing_measured_is_no_success_and_says_why() -> None:
    text = '# bench cost round=0 placement=* skip="no memory cgroup"\n'
    found = transcript(text)
    outcome = cost.outcome_of(cost.cells_of(found), cost.skips_of(found), "x86_64", True)
    assert not outcome.good and "  *: no memory cgroup" in outcome.rows


def test_picture_is_drawn_or_its_absence_told(tmp_path: Path,
                                              monkeypatch: pytest.MonkeyPatch) -> None:
    bars = [cost_picture.Bar("local, late", {"wmb-rmb": Ratio(1.0, 0.9, 1.1, 9)})]
    monkeypatch.setitem(__import__("sys").modules, "matplotlib.figure", None)
    assert "python3-matplotlib" in cost_picture.draw(bars, tmp_path / "cost.png")
    assert not (tmp_path / "cost.png").exists()
    monkeypatch.delitem(__import__("sys").modules, "matplotlib.figure")
    pytest.importorskip("matplotlib")
    assert "cost.png" in cost_picture.draw(bars, tmp_path / "cost.png")
    assert (tmp_path / "cost.png").stat().st_size > 1000
