# SPDX-License-Identifier: GPL-2.0
"""What the benchmark of barriers makes of its samples: intervals of known
samples, a variant that is slower and one that is not, cells that are missing."""

from __future__ import annotations

import math
import random
from dataclasses import replace
from pathlib import Path

import pytest
from benches import cost, cost_picture
from benches.intervals import Ratio, chance_of, paired, ratio_of
from qemu.transcript import Transcript, parse


def noisy(ns: float, count: int, seed: int, noise: float = 0.02) -> list[float]:
    pick = random.Random(seed)
    return [ns * (1 + noise * pick.gauss(0, 1)) for _ in range(count)]


def cell(factors: dict[str, float], seed: int = 1, guests: int = 8) -> cost.Cell:
    """Every guest has its own place for each variant's code: 1 % more or less."""
    found = []
    for guest in range(guests):
        base = seed * 10000 + guest * 100
        found.append({name: noisy(500 * factors.get(name, 1.0) * noisy(1.0, 1, base + i, 0.01)[0],
                                  6, base + 50 + i)
                      for i, name in enumerate(cost.VARIANTS)})
    return cost.Cell("external", "local", found)


def test_interval_of_known_samples() -> None:
    """Logarithms -1, 0, 1: mean 0, deviation 1, t = 4.303 with 2 degrees."""
    ratio = ratio_of([math.exp(-1), 1.0, math.exp(1)])
    half = 4.303 / math.sqrt(3)
    assert ratio.mean == pytest.approx(1.0)
    assert ratio.low == pytest.approx(math.exp(-half))
    assert ratio.high == pytest.approx(math.exp(half))


def test_interval_of_equal_samples_is_a_point() -> None:
    assert ratio_of([1.0] * 8) == Ratio(1.0, 1.0, 1.0, 8)


def test_ratio_and_inverse_tell_the_same() -> None:
    samples = noisy(1.1, 8, 3)
    ratio, inverse = ratio_of(samples), ratio_of([1 / sample for sample in samples])
    assert ratio.low == pytest.approx(1 / inverse.high)


def test_many_guests_have_a_bound() -> None:
    assert ratio_of(noisy(1.0, 60, 1)).count == 60


def test_intervals_contain_the_truth_as_often_as_they_say() -> None:
    missed = sum(ratio_of(noisy(1.0, 8, seed)).differs for seed in range(400))
    assert 5 <= missed <= 40  # 20 expected


def test_place_of_code_is_no_difference_however_steady_a_guest_is() -> None:
    """Within each guest 4 % and no noise at all, but another sign in each."""
    guests = [{name: [100.0] * 6 for name in cost.VARIANTS} | {"wmb-rmb": [100.0 + shift] * 6}
              for shift in (4, -4, 3, -3, 4, -4, 2, -2)]
    assert cost.Cell("external", "local", guests).ratio("wmb-rmb").word == "same"


def test_sample_of_a_guest_is_its_median_ratio() -> None:
    assert paired([2.0, 9.0, 4.0], [1.0, 1.0, 2.0]) == 2.0


@pytest.mark.parametrize("factor, word", [(1.1, "slower"), (0.9, "faster"), (1.0, "same")])
def test_words(factor: float, word: str) -> None:
    assert cell({"wmb-rmb": factor}).ratio("wmb-rmb").word == word


def test_findings_name_cell_and_size() -> None:
    rows = cost.finding_rows([cell({"release-acquire": 1.5}), cell({})])
    assert rows[0] == "  wmb + rmb: no difference seen in 2 of 2"
    assert rows[1] == "  release + acquire: no difference seen in 1 of 2"
    assert "slower in local external: +" in rows[2] and len(rows) == 3


def test_chance() -> None:
    assert chance_of(0, 12) == pytest.approx(1.0)
    assert chance_of(1, 1) == pytest.approx(0.05)
    assert chance_of(2, 2) == pytest.approx(0.0025)


def all_cells(factors: dict[str, float]) -> list[cost.Cell]:
    return [replace(cell(factors, seed), path=path) for seed, path in
            enumerate(cost.PATHS * 4, start=1)]


def test_checks_pass_on_an_even_measurement() -> None:
    checks = cost.checks_of(all_cells({"twice": 2.0}))
    assert checks.good and checks.caught == 12 and checks.paths == 3
    assert "12 of 12" in "\n".join(checks.rows())


def test_uneven_measurement_is_refused() -> None:
    checks = cost.checks_of(all_cells({"twice": 2.0, "same": 1.1}))
    assert checks.missed == 12 and checks.uneven == 3 and not checks.good
    assert "NOT reached" in "\n".join(checks.rows())


def test_one_path_may_miss_by_chance_two_may_not() -> None:
    even = cost.Checks(12, 0, 3, 0, 0.01, 12)
    assert replace(even, uneven=1).good and not replace(even, uneven=2).good


@pytest.mark.parametrize("factor", [1.0, 1.2, 4.0])
def test_control_that_is_not_twice_is_refused(factor: float) -> None:
    checks = cost.checks_of(all_cells({"twice": factor}))
    assert not checks.good and checks.caught == 0


def line(round_number: int, placement: str, path: str, ps: int = 500000, more: str = "") -> str:
    values = " ".join(f"{name}={ps * (2 if name == 'twice' else 1) + round_number}"
                      for name in cost.VARIANTS)
    return f"# bench cost round={round_number} placement={placement} path={path}{more} {values}\n"


def transcripts(text: str, guests: int = cost.LEAST_GUESTS) -> list[Transcript]:
    return [parse(text.encode())] * guests


def test_cells_are_read_in_the_order_of_the_table() -> None:
    text = "".join(line(i, placement, path) for i in range(12)
                   for placement in ("in-object", "external") for path in ("look-up", "local"))
    cells = cost.cells_of(transcripts(text))
    assert [(each.path, each.placement) for each in cells] == [
        ("local", "external"), ("local", "in-object"), ("look-up", "external"),
        ("look-up", "in-object")]
    assert cells[0].guests[0]["plain"][3] == 500.003


def test_cut_rounds_and_thin_cells_are_left_out() -> None:
    text = "".join(line(i, "external", "local") for i in range(12))
    text += line(12, "external", "local").replace("twice=", "t=")
    text += line(13, "external", "local").replace("plain=500013", "plain=0")
    text += "".join(line(i, "late", "local") for i in range(cost.LEAST_ROUNDS - 1))
    cells = cost.cells_of(transcripts(text))
    assert [len(each.guests[0]["plain"]) for each in cells] == [12]
    assert not cost.cells_of(transcripts(text, cost.LEAST_GUESTS - 1))


def test_table_fits_80_columns_and_says_what_was_measured() -> None:
    text = "".join(line(i, placement, path, more=" fresh=260") for i in range(12)
                   for placement in cost.PLACEMENTS for path in cost.PATHS)
    outcome = cost.outcome_of(cost.cells_of(transcripts(text)), [], "x86_64", True)
    shown = "\n".join(outcome.rows)
    assert outcome.good
    assert max(len(row) for row in outcome.rows) <= 80
    for part in ("1.000 (1.000-1.000)", "not patched", "Emulated CPUs", "late: vectors appear",
                 "none: only"):
        assert part in shown, part


def test_nothing_measured_is_no_success_and_says_why() -> None:
    text = '# bench cost round=0 placement=* skip="no memory cgroup"\n'
    found = transcripts(text)
    outcome = cost.outcome_of(cost.cells_of(found), cost.skips_of(found[0]), "x86_64", True)
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
