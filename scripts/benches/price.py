# SPDX-License-Identifier: GPL-2.0
"""What a node that has gone costs: the tables of the scenario node-price, and a
picture of them where matplotlib is there. It measures and has no target.
"""

from __future__ import annotations

import importlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import setup as stp
from benches.common import Bench, Outcome
from errors import ToolError

SCENARIO = "node-price"
_TOLD = "# | "
_CACHES, _STEPS = "kept, bytes", "step of the whole node"
CACHE_COLUMNS, STEP_COLUMNS = 4, 5


@dataclass(frozen=True)
class Cache:
    """What one cache, or all that are not shown, keeps for the node; bytes."""

    name: str
    structure: int
    barn: int


@dataclass(frozen=True)
class Step:
    """One step of the whole node; `slub_ms` is None where it could not be timed."""

    name: str
    whole_ms: float
    slub_ms: float | None


def _columns(line: str, count: int) -> tuple[str, list[str]]:
    """The name in front, and the last `count` columns."""
    words = line.split()
    return " ".join(words[:-count]), words[-count:]


def _below(told: Sequence[str], title: str, count: int) -> list[tuple[str, list[str]]]:
    """The rows of the table with that title, up to the first line that is none."""
    rows: list[tuple[str, list[str]]] = []
    begun = False
    for line in told:
        name, values = _columns(line, count)
        is_row = bool(name) and all(value[:1].isdigit() or value == "-" for value in values)
        if begun and not is_row:
            break
        if begun:
            rows.append((name, values))
        begun = begun or line.startswith(title)
    return rows


def caches_of(told: Sequence[str]) -> list[Cache]:
    """Without the row of all of them."""
    found = [Cache(name, int(values[0]), int(values[1]))
             for name, values in _below(told, _CACHES, CACHE_COLUMNS)]
    return found[:-1]


def steps_of(told: Sequence[str]) -> list[Step]:
    return [Step(name, float(values[0]), None if values[1] == "-" else float(values[1]))
            for name, values in _below(told, _STEPS, STEP_COLUMNS)]


def _draw_caches(axes: Any, caches: Sequence[Cache]) -> None:
    names = [cache.name for cache in caches]
    structures = [cache.structure for cache in caches]
    axes.barh(names, structures, label="structure")
    axes.barh(names, [cache.barn for cache in caches], left=structures, label="barn")
    axes.set_xlabel("bytes kept for a node that has gone")
    axes.invert_yaxis()
    axes.legend(fontsize="small")


def _draw_steps(axes: Any, steps: Sequence[Step]) -> None:
    names = [step.name for step in steps]
    slub = [step.slub_ms or 0.0 for step in steps]
    axes.barh(names, slub, label="SLUB's callback")
    axes.barh(names, [step.whole_ms - part for step, part in zip(steps, slub)], left=slub,
              label="everything else")
    axes.set_xlabel("ms")
    axes.invert_yaxis()
    axes.legend(fontsize="small")


def draw(caches: Sequence[Cache], steps: Sequence[Step], path: Path) -> str:
    """Draws into `path`; returns a line that says where it is, or why not."""
    try:
        figure_module = importlib.import_module("matplotlib.figure")
    except ImportError:
        return "no picture: matplotlib is not installed (apt-get install python3-matplotlib)"
    figure: Any = figure_module.Figure(figsize=(8, 7))
    above, below = figure.subplots(2)
    _draw_caches(above, caches)
    _draw_steps(below, steps)
    figure.tight_layout()
    figure.savefig(path)
    return f"picture: {path.name}"


def measure(bench: Bench) -> Outcome:
    stp.say("price: a node's memory goes and comes twice, in one guest")
    config: dict[str, str | int] = {
        "mode": "run", "module": stp.MODULE, "follow": stp.KTAP,
        "args": f"scenario={SCENARIO} seconds=1 seed={bench.setup.options.seed}"}
    booted = stp.boot(bench.setup, bench.run_dir, config, bench.module, lambda data: None)
    told = [line[len(_TOLD):] for line in booted.transcript.subtests.get(SCENARIO, ())
            if line.startswith(_TOLD)]
    caches, steps = caches_of(told), steps_of(told)
    if not steps:
        reason = booted.transcript.fields("record").get("reason", booted.result.outcome)
        raise ToolError(f"the guest told no price of a node: {reason}",
                        f"see {bench.run_dir}/console")
    return Outcome(["price of a node that has gone", *(f"  {line}" for line in told),
                    f"  {draw(caches, steps, bench.run_dir / 'price.png')}"], True,
                   {"price_bytes": sum(one.structure + one.barn for one in caches),
                    "price_steps_ms": [[one.name, one.whole_ms, one.slub_ms] for one in steps]})
