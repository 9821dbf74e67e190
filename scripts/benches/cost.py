# SPDX-License-Identifier: GPL-2.0
"""What the barriers of the proposed fix cost beside accounted allocations and
frees: one table from one guest, with confidence intervals and two checks.

The module times (experiment_cost.cc); here are ratios, and whether they can be
believed: a variant against itself must show no difference, and one that does
everything twice must be told as slower.
"""

from __future__ import annotations

import statistics
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import setup as stp
from benches import cost_picture
from benches.common import Bench, Outcome, bench_lines, in_guest, reached
from benches.intervals import Ratio, chance_of, paired
from qemu.transcript import Transcript

ROUNDS = 40
LEAST_ROUNDS = 10
TRIES = 2
# A/A intervals that leave out 1 are chance up to here: 1 in 20 does.
LEAST_CHANCE = 0.01
TWICE_LEAST, TWICE_MOST = 1.5, 2.5
PLACEMENTS = ("external", "late", "leftover", "in-object")
PATHS = ("local", "remote", "look-up")
FIXES = {"wmb-rmb": "wmb + rmb", "release-acquire": "release + acquire"}
VARIANTS = ("bare", "plain", "same", "copy", "wmb-rmb", "release-acquire", "twice")
# Instructions that smp_rmb(), smp_wmb(), acquire loads and release stores become.
INSTRUCTIONS: Mapping[str, str] = {
    "x86_64": "none: only the compiler is kept from reordering",
    "aarch64": "dmb ishld, dmb ishst; ldar, stlr",
    "ppc64le": "lwsync for each",
    "riscv64": "a fence for each",
    "s390x": "none: only the compiler is kept from reordering",
}


@dataclass(frozen=True)
class Cell:
    """One placement on one path: nanoseconds of each variant, round by round."""

    placement: str
    path: str
    ns: Mapping[str, Sequence[float]]
    fresh: int  # objects of a batch that lay in new slabs, at the last look

    def ratio(self, variant: str) -> Ratio:
        return paired(self.ns[variant], self.ns["plain"])

    def word(self, variant: str) -> str:
        """slower or faster only beyond what a mere copy of the code does."""
        copy, ratio = self.ratio("copy"), self.ratio(variant)
        floor = max(copy.high - 1.0, 1.0 - copy.low, 0.0)
        if ratio.low > 1.0 + floor:
            return "slower"
        return "faster" if ratio.high < 1.0 - floor else "same"

    def median_ns(self, variant: str) -> float:
        return statistics.median(self.ns[variant])


def rounds_of(lines: Sequence[Mapping[str, str]]) -> list[Mapping[str, str]]:
    """Rounds in which every variant was timed."""
    return [line for line in lines
            if all(line.get(variant, "").isdigit() and int(line[variant]) > 0
                   for variant in VARIANTS)]


def cells_of(transcript: Transcript) -> list[Cell]:
    """Cells in the order of the table; those with too few rounds are left out."""
    lines = [tagged.fields for tagged in bench_lines(transcript, "cost")]
    cells = []
    for path in PATHS:
        for placement in PLACEMENTS:
            rounds = rounds_of([line for line in lines if line.get("path") == path
                                and line.get("placement") == placement])
            if len(rounds) < LEAST_ROUNDS:
                continue
            fresh = rounds[-1].get("fresh", "0")
            cells.append(Cell(
                placement, path,
                {variant: [int(line[variant]) / 1000 for line in rounds]
                 for variant in VARIANTS}, int(fresh) if fresh.isdigit() else 0))
    return cells


def skips_of(transcript: Transcript) -> list[str]:
    return [f"  {tagged.fields.get('placement', '?')}: {tagged.fields['skip']}"
            for tagged in bench_lines(transcript, "cost") if "skip" in tagged.fields]


def table_rows(cells: Sequence[Cell]) -> list[str]:
    """80 columns; ratios are to the look-up without a barrier."""
    rows = [f"  {'':<18}{'no barrier':>10}  a copy",
            f"  {'path':<8}{'placement':<10}{'ns':>7}     of it     {'wmb + rmb':<21}"
            "release + acquire"]
    for cell in cells:
        copy = cell.ratio("copy")
        rows.append(f"  {cell.path:<8}{cell.placement:<10}{cell.median_ns('plain'):>7.1f}"
                    f"  {copy.low:.2f}-{copy.high:.2f}  {cell.ratio('wmb-rmb').text():<21}"
                    f"{cell.ratio('release-acquire').text()}")
    return rows


def finding_rows(cells: Sequence[Cell]) -> list[str]:
    rows = []
    for variant, name in FIXES.items():
        told = {word: [cell for cell in cells if cell.word(variant) == word]
                for word in ("slower", "faster")}
        rows.append(f"  {name}: no difference beyond a copy's in "
                    f"{len(cells) - len(told['slower']) - len(told['faster'])} of {len(cells)}")
        for word, where in told.items():
            rows += [f"    {word} in {cell.path} {cell.placement}: "
                     f"{100 * (cell.ratio(variant).median - 1):+.1f} %, "
                     f"{cell.median_ns(variant) - cell.median_ns('plain'):+.1f} ns"
                     for cell in where]
    return rows


def look_up_rows(cells: Sequence[Cell]) -> list[str]:
    """What the module's copy of the look-up adds, which SLUB does not pay."""
    rows = []
    for cell in cells:
        if cell.path == "look-up":
            continue
        added = paired(cell.ns["plain"], cell.ns["bare"])
        rows.append(f"  {cell.path:<8}{cell.placement:<10}"
                    f"{cell.median_ns('bare'):>8.1f} ns  {added.text()}")
    return [f"  {'':<18}{'calls alone':>11}  with the copy of both look-ups", *rows] if rows else []


@dataclass(frozen=True)
class Checks:
    """Whether the measurement can be believed."""

    missed: int         # A/A intervals that leave out 1
    intervals: int
    worst: float        # largest half width of an A/A interval
    caught: int         # controls told as slower, by about twice

    @property
    def even(self) -> bool:
        return chance_of(self.missed, self.intervals) >= LEAST_CHANCE

    @property
    def good(self) -> bool:
        return self.even and self.caught == self.intervals > 0

    def rows(self) -> list[str]:
        return [f"  check    no barrier against itself: {self.intervals - self.missed} of "
                f"{self.intervals} intervals contain 1, {reached(self.even)}",
                f"           the widest is +-{100 * self.worst:.1f} %; 1 in 20 may miss by chance",
                f"  control  everything done twice: told as slower in {self.caught} of "
                f"{self.intervals}, {reached(self.caught == self.intervals > 0)}"]


def is_twice(ratio: Ratio) -> bool:
    return ratio.word == "slower" and TWICE_LEAST <= ratio.median <= TWICE_MOST


def checks_of(cells: Sequence[Cell]) -> Checks:
    same = [cell.ratio("same") for cell in cells]
    return Checks(sum(ratio.differs for ratio in same), len(same),
                  max(((ratio.high - ratio.low) / 2 for ratio in same), default=0.0),
                  sum(is_twice(cell.ratio("twice")) for cell in cells))


def meaning_rows(cells: Sequence[Cell], arch: str, emulated: bool) -> list[str]:
    """What was measured, and what was not."""
    rows = ["  Measured: SLUB as it is, a copy of its look-up of vector and step beside each",
            "  call, with and without barriers; a publication's wmb or release once in as",
            "  many allocations as a slab has objects, which is the most there can be. SLUB",
            "  itself is not patched: make cost PATCHES=… compares kernels that are.",
            "  a copy of it: the same code at another address, which may matter, too.",
            "  local: allocated and freed on one CPU. remote: freed on another; the time of",
            "  both CPUs for an object, without waits. look-up: the copy alone."]
    late = [cell for cell in cells if cell.placement == "late" and cell.path == "local"]
    if late:
        rows += ["  late: vectors appear on live slabs; of the 320 objects of a batch, "
                 f"{late[0].fresh}", "  lay in new ones."]
    rows += [f"  Instructions on {arch}: {INSTRUCTIONS.get(arch, 'unknown')}."]
    if emulated:
        rows += ["  Emulated CPUs: a barrier costs here what QEMU makes of it, not what hardware",
                 "  pays."]
    return rows


def outcome_of(cells: Sequence[Cell], skips: Sequence[str], arch: str, emulated: bool) -> Outcome:
    title = "what barriers cost beside accounted allocation and free, 95 % intervals"
    if not cells:
        return Outcome([title, *(skips or ["  no cell had enough whole rounds"])], False)
    checks = checks_of(cells)
    rows = [title, *table_rows(cells), *finding_rows(cells), *look_up_rows(cells), *skips,
            *checks.rows(), *meaning_rows(cells, arch, emulated)]
    figures = {f"{cell.path} {cell.placement}": dict(cell.ns) for cell in cells}
    return Outcome(rows, checks.good, {"cost_ns": figures})


def picture_row(cells: Sequence[Cell], run_dir: Path) -> str:
    bars = [cost_picture.Bar(f"{cell.path}, {cell.placement}",
                             {name: cell.ratio(name) for name in VARIANTS
                              if name not in ("bare", "plain", "twice")})
            for cell in cells]
    return cost_picture.draw(bars, run_dir / "cost.png")


def measure(bench: Bench) -> Outcome:
    """Once more, with a guest of its own, if the checks were missed."""
    arch = bench.setup.machine.arch
    emulated = bench.setup.accel.name != "kvm"
    outcome = Outcome([], False)
    for number in range(1, TRIES + 1):
        stp.say(f"cost: {ROUNDS} rounds in one guest")
        transcript = in_guest(bench, "cost", ROUNDS).transcript
        cells = cells_of(transcript)
        outcome = outcome_of(cells, skips_of(transcript), arch, emulated)
        if outcome.good or not cells:
            break
        if number < TRIES:
            stp.say("\n".join(["cost: this measurement does not pass its own checks, once more:",
                               *checks_of(cells).rows()]))
    drawn = [picture_row(cells, bench.run_dir)] if cells else []
    return Outcome([*outcome.rows, *drawn], outcome.good, outcome.figures)
