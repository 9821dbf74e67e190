# SPDX-License-Identifier: GPL-2.0
"""One bisection on disk, below OUT/bisect/<name>: the name follows from what
was asked, so that the same command goes on where an earlier one stopped.

    request.json     what was asked, as it was understood
    range.jsonl      outcomes.Commit a line: GOOD, and all from it to BAD, each
                     after its parents
    journal.jsonl    every fact as it became known (the kinds are below)
    config/          the user's own configuration files, as they were
    runs/            a directory a run: runs/<16 digits of commit>/<number>
    bundles/         what runs take, of commits that are being asked
    git-bisect.log   `git bisect log`, for `git bisect replay`
    result.json      what came out (drive.py), result.txt the same for people

Lines of the journal, by `what`: `ran` (outcomes.Ran), `step` (outcomes.Step
without its runs), `built` (commit, seconds), `signature` (text, proposed,
why), `rate` (bad, runs), `began` and `paused` (when), which bound the time of the work.
"""

from __future__ import annotations

import hashlib
import json
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any

from bisection.journal import Journal
from bisection.outcomes import Answer, Commit, Outcome, Ran, Step
from errors import ToolError
from qemu.store import locked, write_whole

# Of a seed; a run's follows from the session's, the commit and its number.
_SEEDS = 2**31 - 2


@dataclass(frozen=True)
class Request:
    """What a bisection was asked for; commits are whole ids. `values` are the
    options of the runs as the user gave them; `error` is the share of whole
    bisections that may be wrong; `signature` is "" to be proposed."""

    tree: str
    good: str
    bad: str
    values: dict[str, str]
    suites: bool = False
    signature: str = ""
    error: float = 0.05
    seed: int = 1

    @property
    def name(self) -> str:
        """For a directory; a seed that nobody asked for is not part of it."""
        facts = asdict(self) | {"seed": self.values.get("seed", "")}
        digest = hashlib.sha256(json.dumps(facts, sort_keys=True).encode()).hexdigest()
        return f"{self.good[:8]}-{self.bad[:8]}-{digest[:8]}"

    def to_json(self) -> str:
        return json.dumps(asdict(self), indent=1) + "\n"

    @staticmethod
    def from_json(text: str) -> Request:
        return Request(**json.loads(text))


@dataclass(frozen=True)
class Session:
    """The directory of one bisection."""

    directory: Path

    @cached_property
    def journal(self) -> Journal:
        return Journal(self.directory / "journal.jsonl")

    @cached_property
    def request(self) -> Request:
        path = self.directory / "request.json"
        try:
            return Request.from_json(path.read_text())
        except (OSError, ValueError, TypeError) as error:
            raise ToolError(f"{self.directory} holds no bisection: {error}",
                            "a directory below OUT/bisect, as `make bisect` names it") from error

    @property
    def runs(self) -> Path:
        return self.directory / "runs"

    def files_of(self, commit: str, number: int) -> Path:
        """Where a run is kept."""
        return self.runs_of(commit) / f"{number:05d}"

    def runs_of(self, commit: str) -> Path:
        return self.runs / commit[:16]

    def seed_of(self, commit: str, number: int) -> int:
        """The same run has the same seed, whenever it is done."""
        text = f"{self.request.seed} {commit} {number}"
        return 1 + int.from_bytes(hashlib.sha256(text.encode()).digest()[:8], "big") % _SEEDS

    def ran(self, commit: str = "") -> tuple[Ran, ...]:
        """The recorded runs of a commit, by number; of "" all, as they ended."""
        found = [_ran_of(values) for values in self._of("ran")]
        if not commit:
            return tuple(found)
        return _by_number([one for one in found if one.commit == commit])

    def steps(self) -> list[Step]:
        """The commits that were answered, in order, each with its runs; of one
        that was answered again the last answer."""
        ran = self.ran()
        found: dict[str, Step] = {}
        for values in self._of("step"):
            step = Step(values["commit"], values["subject"], Answer(values["answer"]),
                        values["why"], values["build_s"])
            own = [one for one in ran if one.commit == step.commit]
            found[step.commit] = replace(step, ran=_by_number(own))
        return list(found.values())

    def signature(self) -> str:
        """What is hunted: as asked for, or as the first failure proposed; ""
        as long as neither is so."""
        told = [str(values["text"]) for values in self._of("signature")]
        return told[-1] if told else self.request.signature

    def last(self, what: str) -> dict[str, Any] | None:
        """The last fact of a kind."""
        found = list(self._of(what))
        return found[-1] if found else None

    def worked_s(self) -> float:
        """Seconds that were spent on it; what a crash cut off counts up to the
        last fact before it."""
        total, seen = 0.0, 0.0
        begin: float | None = None
        for values in self.journal.lines():
            when = float(values.get("when", seen))
            if values["what"] == "began":
                total += seen - begin if begin is not None else 0.0
                begin = when
            elif values["what"] == "paused" and begin is not None:
                total, begin = total + when - begin, None
            seen = max(seen, when)
        return total + (seen - begin if begin is not None else 0.0)

    def commits(self) -> list[Commit]:
        """GOOD, and all commits from it to BAD, oldest first."""
        path = self.directory / "range.jsonl"
        lines = path.read_text().splitlines() if path.exists() else []
        return [Commit(values["name"], values["subject"], tuple(values["parents"]))
                for values in map(json.loads, lines)]

    def _of(self, what: str) -> Iterator[dict[str, Any]]:
        return (values for values in self.journal.lines() if values["what"] == what)

    def add(self, what: str, **values: Any) -> None:
        """One more fact; its time comes with it."""
        self.journal.add(what, **values, when=round(time.time(), 3))

    def add_ran(self, ran: Ran) -> None:
        self.add("ran", **asdict(ran))

    def add_step(self, step: Step) -> None:
        values = asdict(step)
        del values["ran"]
        self.add("step", **values)

    def create(self, request: Request, commits: list[Commit]) -> None:
        """Make it, if it is not there; what it was asked for comes last."""
        if (self.directory / "request.json").exists():
            return
        lines = "".join(json.dumps(asdict(commit)) + "\n" for commit in commits)
        write_whole(self.directory / "range.jsonl", lines.encode())
        write_whole(self.directory / "request.json", request.to_json().encode())

    @contextmanager
    def held(self) -> Iterator[None]:
        """Nobody else works on it meanwhile."""
        def refuse() -> None:
            raise ToolError(f"{self.directory} is being worked on by another process",
                            "let it end, or stop it; what it has found is kept")

        with locked(self.directory / ".lock", refuse):
            yield


def _by_number(ran: list[Ran]) -> tuple[Ran, ...]:
    return tuple(sorted(ran, key=lambda one: one.number))


def _ran_of(values: dict[str, Any]) -> Ran:
    own: dict[str, Any] = {name: values[name] for name in Ran.__dataclass_fields__}
    own["outcome"] = Outcome(own["outcome"])
    return Ran(**own)


def sessions(out: Path) -> list[Session]:
    """All below OUT, the last touched last."""
    def touched(place: Path) -> float:
        journal = place / "journal.jsonl"
        return (journal if journal.exists() else place).stat().st_mtime

    found = [path.parent for path in (out / "bisect").glob("*/request.json")]
    return [Session(path) for path in sorted(found, key=touched)]
