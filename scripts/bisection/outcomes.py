# SPDX-License-Identifier: GPL-2.0
"""What one run came to, and what was made of all runs of a commit: the words
that all parts of a bisection share. Values only; nothing is decided here.
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from enum import StrEnum
from typing import Any

LOCAL = ":"  # a host's name, as GNU parallel spells this machine


@dataclass(frozen=True)
class Commit:
    """One commit of the range, with the names of its parents."""

    name: str
    subject: str
    parents: tuple[str, ...] = ()


class Outcome(StrEnum):
    """Of one run of one kernel."""

    BAD = "bad"  # what is hunted was seen
    GOOD = "good"  # the run was whole, and nothing failed
    OTHER = "other"  # something else failed
    BROKEN = "broken"  # no answer: no boot, no verdict, the host was lost


class Answer(StrEnum):
    """About a commit."""

    BAD = "bad"
    GOOD = "good"
    SKIP = "skip"  # it cannot be asked: no build, no boot, another failure
    UNSURE = "unsure"  # the budget is spent, and neither answer is sure

    @property
    def status(self) -> int:
        """What `git bisect run` takes for it. A commit that nothing sure is
        known of is passed over like one that cannot be asked."""
        return {Answer.GOOD: 0, Answer.BAD: 1}.get(self, 125)


@dataclass(frozen=True)
class Ran:
    """One run that ended. `number` counts the runs of its commit from 0, `said`
    is one line of why, `files` its directory, relative to the session's."""

    commit: str
    number: int
    seed: int
    outcome: Outcome
    said: str
    host: str = LOCAL
    seconds: float = 0.0
    files: str = ""

    def to_json(self) -> str:
        """One line."""
        return json.dumps(asdict(self))

    @staticmethod
    def from_json(text: str) -> Ran:
        """Of such a line; ValueError, KeyError or TypeError for any other."""
        return _ran(json.loads(text))


def _ran(values: dict[str, Any]) -> Ran:
    values["outcome"] = Outcome(values["outcome"])
    return Ran(**values)


@dataclass(frozen=True)
class Step:
    """One commit, and all that was asked about it."""

    commit: str
    subject: str
    answer: Answer
    why: str
    build_s: float = 0.0
    ran: tuple[Ran, ...] = ()

    def to_json(self) -> str:
        """One line."""
        return json.dumps(asdict(self))

    @staticmethod
    def from_json(text: str) -> Step:
        """Of such a line; ValueError, KeyError or TypeError for any other."""
        values = json.loads(text)
        values["answer"] = Answer(values["answer"])
        values["ran"] = tuple(_ran(one) for one in values["ran"])
        return Step(**values)
