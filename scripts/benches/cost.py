# SPDX-License-Identifier: GPL-2.0
"""What the barriers of the proposed fix cost beside accounted allocations and
frees: one table from one run, with confidence intervals and checks. All variants
take turns in each guest; there are several guests, because where code was
loaded matters as much as a barrier and is another place in each.

The module times (experiment_cost.cc); here are ratios, and whether they can be
believed: a variant against itself must show no difference, and one that does
everything twice must be told as slower.
"""

from __future__ import annotations

import statistics
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import setup as stp
from benches import cost_picture
from benches.common import Bench, Outcome, bench_lines, in_guest, reached
from benches.intervals import Ratio, chance_of, paired, ratio_of
from qemu.transcript import Transcript

GUESTS = 8
LEAST_GUESTS = 4
ROUNDS = 6
LEAST_ROUNDS = 3
# A/A intervals that leave out 1 are taken for chance down to this probability:
# 1 in 20 does. Below it, as many guests are asked once more.
LEAST_CHANCE = 0.01
TWICE_LEAST, TWICE_MOST = 1.5, 2.5
TRIES = 2
PLACEMENTS = ("external", "late", "leftover", "in-object")
PATHS = ("local", "remote", "look-up")
FIXES = {"wmb-rmb": "wmb + rmb", "release-acquire": "release + acquire"}
VARIANTS = ("bare", "plain", "same", "wmb-rmb", "release-acquire", "twice")
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
    """One placement on one path: nanoseconds of each variant, guest by guest and
    in each round by round."""

    placement: str
    path: str
    guests: Sequence[Mapping[str, Sequence[float]]]
    fresh: int = 0  # objects of a batch that lay in new slabs, at the last look

    def ratio(self, variant: str, base: str = "plain") -> Ratio:
        return ratio_of([paired(ns[variant], ns[base]) for ns in self.guests])

    def median_ns(self, variant: str) -> float:
        return statistics.median(statistics.median(ns[variant]) for ns in self.guests)


def rounds_of(lines: Sequence[Mapping[str, str]]) -> list[Mapping[str, str]]:
    """Rounds in which every variant was timed."""
    return [line for line in lines
            if all(line.get(variant, "").isdigit() and int(line[variant]) > 0
                   for variant in VARIANTS)]


def rounds_in(transcript: Transcript, path: str, placement: str) -> list[Mapping[str, str]]:
    return rounds_of([tagged.fields for tagged in bench_lines(transcript, "cost")
                      if tagged.fields.get("path") == path
                      and tagged.fields.get("placement") == placement])


def cell_of(transcripts: Sequence[Transcript], path: str, placement: str) -> Cell | None:
    """None when too few guests have too few rounds of it."""
    found = [rounds for transcript in transcripts
             if len(rounds := rounds_in(transcript, path, placement)) >= LEAST_ROUNDS]
    if len(found) < LEAST_GUESTS:
        return None
    fresh = found[-1][-1].get("fresh", "0")
    return Cell(placement, path,
                [{variant: [int(line[variant]) / 1000 for line in rounds]
                  for variant in VARIANTS} for rounds in found],
                int(fresh) if fresh.isdigit() else 0)


def cells_of(transcripts: Sequence[Transcript]) -> list[Cell]:
    """Cells in the order of the table; those with too few rounds are left out."""
    found = [cell_of(transcripts, path, placement) for path in PATHS for placement in PLACEMENTS]
    return [cell for cell in found if cell]


def skips_of(transcript: Transcript) -> list[str]:
    return [f"  {tagged.fields.get('placement', '?')}: {tagged.fields['skip']}"
            for tagged in bench_lines(transcript, "cost") if "skip" in tagged.fields]


def table_rows(cells: Sequence[Cell]) -> list[str]:
    """80 columns; ratios are to the look-up without a barrier."""
    rows = [f"  {'':<18}{'no barrier':>10}",
            f"  {'path':<8}{'placement':<10}{'ns':>10}    {'wmb + rmb':<24}release + acquire"]
    rows += [f"  {cell.path:<8}{cell.placement:<10}{cell.median_ns('plain'):>10.1f}"
             f"    {cell.ratio('wmb-rmb').text():<24}{cell.ratio('release-acquire').text()}"
             for cell in cells]
    return rows


def finding_rows(cells: Sequence[Cell]) -> list[str]:
    rows = []
    for variant, name in FIXES.items():
        other = [cell for cell in cells if cell.ratio(variant).differs]
        rows.append(f"  {name}: no difference seen in {len(cells) - len(other)} of {len(cells)}")
        rows += [f"    {cell.ratio(variant).word} in {cell.path} {cell.placement}: "
                 f"{100 * (cell.ratio(variant).mean - 1):+.1f} %" for cell in other]
    return rows


def look_up_rows(cells: Sequence[Cell]) -> list[str]:
    """What the module's copy of the look-up adds, which SLUB does not pay."""
    rows = []
    for cell in cells:
        if cell.path == "look-up":
            continue
        rows.append(f"  {cell.path:<8}{cell.placement:<10}{cell.median_ns('bare'):>10.1f}"
                    f"    {cell.ratio('plain', 'bare').text()}")
    return [f"  {'':<18}{'calls, ns':>10}    with the copy of both look-ups", *rows] if rows else []


@dataclass(frozen=True)
class Checks:
    """Whether the measurement can be believed."""

    cells: int
    missed: int     # A/A intervals that leave out 1, of cells
    paths: int
    uneven: int     # the same of paths: cells of a path run the same code
    widest: float   # largest half width of a cell's A/A interval
    caught: int     # controls told as slower, by about twice

    @property
    def even(self) -> bool:
        return chance_of(self.uneven, self.paths) >= LEAST_CHANCE

    @property
    def good(self) -> bool:
        return self.even and self.caught == self.cells > 0

    def rows(self) -> list[str]:
        return [f"  check    a copy of no barrier's code against it: {self.cells - self.missed} of "
                f"{self.cells} intervals",
                f"           contain 1, the widest is +-{100 * self.widest:.1f} %; by path "
                f"{self.paths - self.uneven} of {self.paths}, {reached(self.even)}",
                "           1 interval in 20 may miss by chance, those of a path together",
                f"  control  everything done twice: told as slower in {self.caught} of "
                f"{self.cells}, {reached(self.caught == self.cells > 0)}"]


def is_twice(ratio: Ratio) -> bool:
    return ratio.word == "slower" and TWICE_LEAST <= ratio.mean <= TWICE_MOST


def path_ratio(cells: Sequence[Cell], variant: str) -> Ratio:
    """Of all placements of a path: a guest's sample is the median of its cells'."""
    guests = min(len(cell.guests) for cell in cells)
    return ratio_of([statistics.median(paired(cell.guests[guest][variant],
                                              cell.guests[guest]["plain"]) for cell in cells)
                     for guest in range(guests)])


def checks_of(cells: Sequence[Cell]) -> Checks:
    same = [cell.ratio("same") for cell in cells]
    by_path = [[cell for cell in cells if cell.path == path] for path in PATHS]
    paths = [path_ratio(found, "same") for found in by_path if found]
    return Checks(len(cells), sum(ratio.differs for ratio in same), len(paths),
                  sum(ratio.differs for ratio in paths),
                  max(((ratio.high - ratio.low) / 2 for ratio in same), default=0.0),
                  sum(is_twice(cell.ratio("twice")) for cell in cells))


def meaning_rows(cells: Sequence[Cell], arch: str, emulated: bool) -> list[str]:
    """What was measured, and what was not."""
    rows = ["  Measured: SLUB as it is, a copy of its look-up of vector and step beside each",
            "  call, with and without barriers; a publication's wmb or release once in as",
            "  many allocations as a slab has objects, which is the most there can be. SLUB",
            "  itself is not patched. One sample a guest: code lies elsewhere in each.",
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
    figures = {f"{cell.path} {cell.placement}": [dict(ns) for ns in cell.guests]
               for cell in cells}
    return Outcome(rows, checks.good, {"cost_ns": figures})


def picture_row(cells: Sequence[Cell], run_dir: Path) -> str:
    bars = [cost_picture.Bar(f"{cell.path}, {cell.placement}",
                             {name: cell.ratio(name) for name in VARIANTS
                              if name not in ("bare", "plain", "twice")})
            for cell in cells]
    return cost_picture.draw(bars, run_dir / "cost.png")


def ask_guests(bench: Bench, numbers: Sequence[int]) -> list[Transcript]:
    """One guest a number, each with a seed and a directory of its own."""
    found = []
    for number in numbers:
        run_dir = bench.run_dir / f"guest-{number}"
        run_dir.mkdir()
        options = replace(bench.setup.options, seed=bench.setup.options.seed + number)
        guest = Bench(replace(bench.setup, options=options), bench.module, run_dir)
        found.append(in_guest(guest, "cost", ROUNDS).transcript)
        stp.say(f"  guest {number + 1}")
    return found


def measure(bench: Bench) -> Outcome:
    """If a check is missed, once more with as many guests beside the first ones."""
    arch = bench.setup.machine.arch
    emulated = bench.setup.accel.name != "kvm"
    transcripts: list[Transcript] = []
    cells: list[Cell] = []
    for number in range(TRIES):
        stp.say(f"cost: {GUESTS} guests, {ROUNDS} rounds in each")
        transcripts += ask_guests(bench, range(number * GUESTS, (number + 1) * GUESTS))
        cells = cells_of(transcripts)
        if not cells or checks_of(cells).good:
            break
        stp.say("\n".join(["cost: a check is missed:", *checks_of(cells).rows()]))
    outcome = outcome_of(cells, skips_of(transcripts[0]), arch, emulated)
    drawn = [picture_row(cells, bench.run_dir)] if cells else []
    return Outcome([*outcome.rows, *drawn], outcome.good, outcome.figures)
