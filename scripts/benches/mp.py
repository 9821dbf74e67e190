# SPDX-License-Identifier: GPL-2.0
"""Message passing: the engine's trials against those of klitmus7's module, made
of the same litmus test, by turns in one guest. More trials a second are worth
nothing if the two CPUs never meet, so the share of overlapping ones counts,
too: those whose reader came between the two stores.
"""

from __future__ import annotations

import os
import statistics
from collections.abc import Sequence
from dataclasses import dataclass

import herd
import klitmus
import litmus
import options as opt
import setup as stp
from benches.common import Bench, Outcome, Spread, bench_lines, reached
from errors import ToolError
from klitmus import Trials
from qemu.transcript import Transcript

NAME = "mp"
TEST = "message-passing"
TURNS = 5
ROUNDS = 3  # of the engine in each turn
# klitmus7's module does a million trials a turn, as it does unless told
# otherwise: 0.4 s on a quiet host, a minute where CPUs are scarce.
OTHER_ARGS = ""
SILENCE_S = 600.0
LEAST_RATIO = 1.5
LEAST_SHARE = 0.03
# The engine's module runs a scenario in each turn; this one is quick.
SCENARIO = "exts-leftover"


@dataclass(frozen=True)
class Side:
    """One measurement of one side. `share` is of overlapping trials, `wrong`
    the number of trials in the state that the model forbids."""

    per_s: float
    share: float
    wrong: int


@dataclass(frozen=True)
class Turn:
    """Both sides, one right after the other."""

    engine: Side
    klitmus: Side

    @property
    def ratio(self) -> float:
        return self.engine.per_s / self.klitmus.per_s


def klitmus_side(trials: Trials) -> Side:
    """The reader found the flag down and the message there: it came between."""
    return Side(trials.per_s, trials.having(pointer="0", content="1") / trials.count,
                trials.having(pointer="1", content="0"))


def engine_sides(transcript: Transcript) -> list[Side]:
    """One a turn: the middle of its rounds."""
    found: list[list[Side]] = []
    for tagged in bench_lines(transcript, NAME):
        fields = tagged.fields
        try:
            side = Side(float(fields["trials_per_s"]), float(fields["overlap_share"]),
                        int(fields["wrong"]))
        except (KeyError, ValueError):
            continue  # a line that was cut
        if fields.get("round") == "0":
            found.append([])
        if found:
            found[-1].append(side)
    return [Side(statistics.median(side.per_s for side in sides),
                 statistics.median(side.share for side in sides),
                 sum(side.wrong for side in sides)) for sides in found]


def turns_of(transcript: Transcript) -> list[Turn]:
    """Turns in which both sides were measured, in their order."""
    others = [klitmus_side(trials) for trials in klitmus.trials_of(transcript.report)]
    return [Turn(engine, other) for engine, other in zip(engine_sides(transcript), others)
            if other.per_s > 0]


def is_good(turns: Sequence[Turn]) -> bool:
    return bool(turns) and fast(turns) and close(turns) and not any(
        turn.engine.wrong for turn in turns)


def fast(turns: Sequence[Turn]) -> bool:
    return statistics.median(turn.ratio for turn in turns) >= LEAST_RATIO


def close(turns: Sequence[Turn]) -> bool:
    """Whether more trials overlap than klitmus7's, and more than it was known for."""
    engine = statistics.median(turn.engine.share for turn in turns)
    return engine > LEAST_SHARE and engine > statistics.median(
        turn.klitmus.share for turn in turns)


def _percent(sides: Sequence[Side]) -> str:
    return Spread.of([100 * side.share for side in sides]).text(" %")


def rows(turns: Sequence[Turn]) -> list[str]:
    engine, other = [turn.engine for turn in turns], [turn.klitmus for turn in turns]
    wrong = sum(side.wrong for side in (*engine, *other))
    return ["message passing: the engine's trials against klitmus7's, same guest, by turns",
            f"  engine   {statistics.median(side.per_s for side in engine):>14,.0f} trials/s "
            "(median)",
            f"  klitmus7 {statistics.median(side.per_s for side in other):>14,.0f} trials/s "
            "(median)",
            f"  ratio    {Spread.of([turn.ratio for turn in turns]).text()}",
            f"  target   at least {LEAST_RATIO}: {reached(fast(turns))}",
            f"  overlap  engine {_percent(engine)}",
            f"           klitmus7 {_percent(other)}",
            f"  target   more than klitmus7's, and than {LEAST_SHARE:.0%}: "
            f"{reached(close(turns))}",
            f"  wrong    {wrong:,} trials in the state that the model forbids"]


def measure(bench: Bench) -> Outcome:
    setup = bench.setup
    tool = herd.obtain(opt.cache_dir(os.environ).resolve())
    other = klitmus.build(tool, litmus.TESTS / f"{TEST}.litmus", setup.kernel,
                          setup.options.out / "build", bench.run_dir / "klitmus.ko")
    stp.say(f"mp: {TURNS} turns of the engine and of klitmus7 in one guest")
    config: dict[str, str | int] = {
        "mode": "turns", "module": stp.MODULE, "follow": stp.KTAP, "turns": TURNS,
        "args": f"scenario={SCENARIO} seconds=1 seed={setup.options.seed} bench={ROUNDS} "
                f"benchmark={NAME}",
        "other": klitmus.MODULE, "other_follow": klitmus.FILE, "other_args": OTHER_ARGS}
    booted = stp.boot(setup, bench.run_dir, config, bench.module, lambda data: None, SILENCE_S,
                      other=other)
    turns = turns_of(booted.transcript)
    for step in booted.transcript.problems():
        stp.say(f"guest: {step.name} failed: {step.problem}")
    if not turns:
        raise ToolError("the guest measured no whole turn of message passing; it ended as "
                        f"`{booted.result.outcome}`", f"see {bench.run_dir}/console")
    return Outcome(rows(turns), is_good(turns), {
        "mp_engine_per_s": [turn.engine.per_s for turn in turns],
        "mp_klitmus_per_s": [turn.klitmus.per_s for turn in turns],
        "mp_engine_share": [turn.engine.share for turn in turns],
        "mp_klitmus_share": [turn.klitmus.share for turn in turns]})
