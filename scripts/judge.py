# SPDX-License-Identifier: GPL-2.0
"""From what a guest said and how it ended to one verdict a scenario.

A verdict that was given stays, whatever came later. A splat during a
scenario is a fail of that scenario; a scenario that began and gave no verdict
is broken, and so is one that was never reached. One that said before which
reader it lets at what it has found wrong has failed whatever becomes of the
guest. Pure: reads no file.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from qemu.console import Kind, Splat
from qemu.transcript import Transcript, parse_fields
from records import BROKEN, FAIL, PASS, VERDICTS, Record
from scenarios import CONTROL, Scenario

SPLAT_LINES = 60
OUTSIDE = "load-unload"
BOOT = "boot"
GUEST = "guest-nodes"
HUNG = "the guest hung"
_REQUIRED = ("verdict", "expected", "cause", "invariant", "observations", "duration_ms")
_MARK = "slubtorture: "
_MEETS = "slubtorture: meets "  # on the console, shims/publication.c: what may take the guest down
_TOLD = "# | "  # before a line of a subtest that is for the report as it is
_BREACH = "# breach "  # the first of an invariant, told when it was seen


@dataclass(frozen=True)
class Ending:
    """How the guest ended, as guest.py says it, and what its console told."""

    outcome: str
    splats: tuple[Splat, ...] = ()
    last_begun: str = ""
    console: tuple[str, ...] = ()
    nodes_problem: str = ""  # what of the guest's nodes is not as asked


def _number(text: str) -> int:
    return int(text) if text.isascii() and text.isdigit() else 0


def given_verdicts(transcript: Transcript) -> dict[str, dict[str, str]]:
    """The module's whole records by scenario; a cut or garbled one is none."""
    given = {}
    for tagged in transcript.all("record"):
        fields = tagged.fields
        whole = all(fields.get(key) for key in _REQUIRED)
        if whole and fields.get("scenario") and fields["verdict"] in VERDICTS:
            given[fields["scenario"]] = fields
    for tagged in transcript.all("others"):
        name = tagged.fields.get("scenario", "")
        if name in given:
            given[name] = {**given[name], "others": tagged.fields.get("broken", "")}
    return given


def _with_fields(base: Record, fields: dict[str, str]) -> Record:
    return replace(
        base,
        verdict=fields["verdict"], expected=fields["expected"], cause=fields["cause"],
        invariant=fields["invariant"], observations=_number(fields["observations"]),
        overlaps=_number(fields.get("overlaps", "")),
        duration_ms=_number(fields["duration_ms"]),
        evidence=fields.get("evidence", "-"), reason=fields.get("reason", "-"),
        note=fields.get("note", "-"),
        others=tuple(filter(None, fields.get("others", "").split(","))),
        breach_ms=_number(fields["breach_ms"]) if fields.get("breach_ms", "-") != "-" else -1)


def breaches(transcript: Transcript, name: str) -> list[dict[str, str]]:
    """What a scenario found before the kernel went down over it: the first breach
    of each invariant, in order. A line that was cut off is none."""
    told = [parse_fields(line[len(_BREACH):]) for line in transcript.subtests.get(name, ())
            if line.startswith(_BREACH)]
    return [fields for fields in told
            if all(fields.get(key) for key in ("invariant", "cause", "evidence"))]


def _with_breaches(base: Record, told: Sequence[dict[str, str]], why_not: str) -> Record:
    """A breach is a verdict, whatever became of the rest of the scenario."""
    first, *others = told
    return replace(base, verdict=FAIL, invariant=first["invariant"], cause=first["cause"],
                   evidence=first["evidence"], breach_ms=_number(first.get("breach_ms", "")),
                   others=tuple(f"{other['invariant']}:{other['cause']}" for other in others),
                   reason=f"no verdict: {why_not}")


def _with_splat(record: Record, splat: Splat) -> Record:
    """A splat makes a scenario fail; one that failed already keeps its cause."""
    text = splat.text[:SPLAT_LINES]
    if record.is_control:
        return replace(record, verdict=BROKEN, splat=text,
                       reason=f"the kernel complained during a control: {splat.title}")
    if record.verdict == FAIL:
        return replace(record, splat=text)
    return replace(record, verdict=FAIL, cause=_splat_cause(splat), invariant="no-splat",
                   evidence=splat.title, splat=text)


def _splat_cause(splat: Splat) -> str:
    """A use after free is about the lifetime of something; a splat of another
    kind does not tell its cause."""
    freed = splat.kind in (Kind.KASAN, Kind.KFENCE) and "use-after-free" in splat.title
    return "lifetime" if freed else "unknown"


def _how_it_ended(ending: Ending) -> str:
    fatal = any(splat.kind in (Kind.PANIC, Kind.OOPS, Kind.BUG, Kind.KASAN)
                for splat in ending.splats)
    if fatal or (ending.outcome == "down" and ending.splats):
        return f"the kernel went down: {_worst(ending.splats).title}"
    return {
        "hang": f"{HUNG}: no sign of life, ended by the watchdog",
        "timeout": "the guest took too long and was ended",
        "died": "QEMU failed",
    }.get(ending.outcome, "the guest powered off before it came to this")


def _worst(splats: tuple[Splat, ...]) -> Splat:
    """The first that is not a mere consequence or a stall."""
    return next((splat for splat in splats if not splat.kind.is_stall), splats[0])


def refusal(transcript: Transcript, ending: Ending) -> str:
    """Why the module was not loaded, in the kernel's own words, or ""."""
    failed = [step for step in transcript.problems() if step.name == "insmod"]
    if not failed:
        return ""
    said = [line.partition(_MARK)[2] for line in ending.console
            if line.startswith(_MARK) and not line.startswith((_MARK + "begin ", _MARK + "end "))
            and "taint" not in line]
    return f"the kernel refused the module: {failed[-1].problem}" + (
        f" ({said[-1]})" if said else "")


def meetings(console: tuple[str, ...]) -> dict[str, str]:
    """By scenario: what the module said right before it let a reader of the
    kernel's at a structure that it had seen not to be initialised."""
    found: dict[str, str] = {}
    during = ""
    for line in console:
        begun = line.partition(_MARK + "begin ")[2].split()
        during = begun[0] if begun else "" if _MARK + "end " in line else during
        told = line.partition(_MEETS)[2]
        if told and during:
            found.setdefault(during, told)
    return found


def _met(base: Record, meeting: str, splat: Splat | None, why_not: str) -> Record:
    """The structure was seen too early, and its reader took the guest along."""
    then = splat.title if splat else why_not
    return replace(base, verdict=FAIL, cause="ordering", observations=1,
                   invariant="node-initialised-when-visible",
                   evidence=f"a reader meets {meeting}; then: {then}",
                   splat=splat.text[:SPLAT_LINES] if splat else ())


def _judge_one(base: Record, fields: dict[str, str] | None, splats: list[Splat],
               was_begun: bool, why_not: str, meeting: str = "",
               told: Sequence[dict[str, str]] = ()) -> Record:
    real = [splat for splat in splats if not splat.kind.is_stall]
    stalls = [splat for splat in splats if splat.kind.is_stall]
    if fields is not None:
        record = _with_fields(base, fields)
        if record.verdict == PASS and record.observations == 0:
            record = replace(record, verdict=BROKEN, reason="passed over 0 observations")
        telling = [*real, *(stalls if meeting and record.verdict == FAIL else ())]
        return _with_splat(record, telling[0]) if telling else record
    if meeting and not base.is_control:
        return _met(base, meeting, next(iter([*real, *stalls]), None), why_not)
    if told and not base.is_control:
        record = _with_breaches(base, told, why_not)
        return _with_splat(record, real[0]) if real else record
    if real:
        return _with_splat(base, real[0])
    if was_begun:
        stalled = f", after {stalls[0].title}" if stalls else ""
        return replace(base, reason=f"no verdict: {why_not}{stalled}",
                       splat=stalls[0].text[:SPLAT_LINES] if stalls else ())
    return replace(base, reason=f"not reached: {why_not}")


def _begun(transcript: Transcript, ending: Ending) -> set[str]:
    return set(transcript.subtests) | ({ending.last_begun} if ending.last_begun else set())


def _outside(base: Record, transcript: Transcript, ending: Ending) -> list[Record]:
    """A record for what went wrong while loading, between scenarios and while
    unloading. Splats of the boot are nobody's verdict."""
    lost = [s for s in ending.splats if not s.during and not s.in_boot and not s.kind.is_stall]
    own = replace(base, scenario=OUTSIDE, expected=PASS)
    if lost:
        return [_with_splat(own, lost[0])]
    # a reader that never came back keeps the module, which is its verdict's affair
    unload = [step for step in transcript.problems()
              if step.name == "rmmod" and not transcript.all("abandoned")]
    if unload:
        return [replace(own, reason=f"the module could not be removed: {unload[0].problem}")]
    if transcript.fields("end") and transcript.ended is None and not transcript.all("abandoned"):
        return [replace(own, reason=f"after the last verdict: {_how_it_ended(ending)}")]
    return []


def _blinded(base: Record, ending: Ending) -> list[Record]:
    """A broken one where a checker of the kernel's spoke up in the boot: lock
    debugging is off from its first report or KASAN's on (add_taint() with
    LOCKDEP_NOW_UNRELIABLE), so that silence afterwards says nothing."""
    for splat in ending.splats:
        if splat.in_boot and splat.kind in (Kind.KASAN, Kind.LOCKDEP):
            return [replace(base, scenario=BOOT, expected=PASS, verdict=BROKEN,
                            splat=splat.text[:SPLAT_LINES],
                            reason="lock debugging is off since the boot, so nothing that it "
                                   f"could find was looked for: {splat.title}")]
    return []


def _of_another_guest(base: Record, records: list[Record], why: str) -> list[Record]:
    """QEMU and kernels fold nodes together without a word; nothing passes then,
    because nobody knows which question was answered. What failed has failed."""
    if not why:
        return records
    own = replace(base, scenario=GUEST, expected=PASS, verdict=BROKEN, reason=why)
    return [own, *(replace(record, verdict=BROKEN, reason=why)
                   if record.verdict == PASS and not record.is_control else record
                   for record in records)]


def judge(base: Record, chosen: list[Scenario], transcript: Transcript,
          ending: Ending) -> list[Record]:
    """One record a chosen scenario, in order. `base` has the run's facts."""
    given = given_verdicts(transcript)
    begun = _begun(transcript, ending)
    why_not = refusal(transcript, ending) or _how_it_ended(ending)
    met = meetings(ending.console)
    records = []
    for scenario in chosen:
        name = scenario.name
        expected = "fail:unknown" if name.startswith(CONTROL) else PASS
        splats = [splat for splat in ending.splats if splat.during == name]
        told = tuple(line[len(_TOLD):] for line in transcript.subtests.get(name, ())
                     if line.startswith(_TOLD))
        own = replace(base, scenario=name, expected=expected, told=told)
        records.append(_judge_one(own, given.get(name), splats, name in begun, why_not,
                                  met.get(name, ""), breaches(transcript, name)))
    records += _blinded(base, ending) + _outside(base, transcript, ending)
    return _of_another_guest(base, records, ending.nodes_problem)
