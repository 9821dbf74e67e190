# SPDX-License-Identifier: GPL-2.0
"""A bisection as it is shown: what was asked, the range of commits, the steps,
what came of them. Values only, and what follows from them without a look at
any file; drawn by picture.py, page.py and told.py.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence, Set
from dataclasses import dataclass, field

from bisection.outcomes import Answer, Commit, Outcome, Step

SHORT = 12  # characters of a commit's name, as kernel developers quote it


@dataclass(frozen=True)
class Measured:
    """How often the bug showed on BAD: the share of whole runs, and the interval
    in which it lies with `confidence`."""

    bad: int
    runs: int
    low: float
    high: float
    confidence: float = 0.95


@dataclass(frozen=True)
class View:
    """`commits` are those from GOOD to BAD, both included, oldest first, each
    after its parents. `steps` are in the order of asking; those of the two ends
    come first. `sure` is None while nothing is known of it; `why` says what it
    rests on, or what is missing. `evidence` is of the first bad commit."""

    name: str
    signature: str
    good: str
    bad: str
    commits: tuple[Commit, ...]
    steps: tuple[Step, ...] = ()
    asked: tuple[tuple[str, str], ...] = ()
    measured: Measured | None = None
    clean_runs: int = 0  # that make a commit good
    first_bad: str = ""
    suspects: tuple[str, ...] = ()  # where skipped commits hide which it is
    sure: float | None = None
    why: str = ""
    evidence: tuple[str, ...] = ()
    subjects: Mapping[str, str] = field(default_factory=dict)  # of commits outside the range

    @property
    def ended(self) -> bool:
        return bool(self.first_bad or self.suspects)

    def place(self, name: str) -> int:
        """Where in the range a commit is; -1 if it is not there."""
        return next((at for at, commit in enumerate(self.commits) if commit.name == name), -1)

    def subject(self, name: str) -> str:
        at = self.place(name)
        known = self.commits[at].subject if at >= 0 else self.subjects.get(name, "")
        return known or next((step.subject for step in self.steps if step.commit == name), "")

    @property
    def questions(self) -> tuple[Step, ...]:
        """The steps that are not about the two ends."""
        return tuple(step for step in self.steps if step.commit not in (self.good, self.bad))


def of_runs(step: Step) -> dict[Outcome, int]:
    """How many runs had which outcome; only those there are, worst first."""
    counts = Counter(ran.outcome for ran in step.ran)
    return {outcome: counts[outcome] for outcome in Outcome if counts[outcome]}


def counted(count: int, noun: str) -> str:
    """"1 run", "1,234 runs"."""
    return f"{count:,} {noun}{'' if count == 1 else 's'}"


def runs_text(step: Step) -> str:
    """"2 bad, 11 good", or "no run"."""
    return ", ".join(f"{count} {outcome}" for outcome, count in of_runs(step).items()) or "no run"


def seconds_of(step: Step) -> float:
    return step.build_s + sum(ran.seconds for ran in step.ran)


def time_text(seconds: float) -> str:
    """"47 s", "12 min", "3.4 h"."""
    if seconds < 99.5:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 5970 else f"{seconds / 3600:.1f} h"


def percent(share: float) -> str:
    """Never 100 % or 0 % of what is not so: a guess is not to look sure."""
    text = f"{100 * share:.1f}".rstrip("0").rstrip(".")
    if share < 1 and text == "100":
        return "> 99.9 %"
    return "< 0.1 %" if share > 0 and text == "0" else f"{text} %"


def _behind(commits: Sequence[Commit], places: Mapping[str, int], name: str,
            among: Set[int] | None = None) -> set[int]:
    """Places of a commit and of all before it, as far as they are in the range,
    or `among` some of it."""
    found: set[int] = set()
    waiting = [places[name]] if name in places else []
    while waiting:
        at = waiting.pop()
        if at not in found and (among is None or at in among):
            found.add(at)
            waiting += [places[parent] for parent in commits[at].parents if parent in places]
    return found


def shrinking(view: View) -> list[set[int]]:
    """Places of the commits that may be the first bad one before each step, and
    after the last: all that the newest bad one has behind it, less what a good
    one has. What a candidate has behind it is sought among candidates alone:
    what lies between two of them is one, too."""
    commits, places = view.commits, {one.name: at for at, one in enumerate(view.commits)}
    left = _behind(commits, places, view.bad) - _behind(commits, places, view.good)
    rows = [left]
    for step in view.steps:
        at = places.get(step.commit, -1)
        asked = at >= 0 and step.commit not in (view.good, view.bad)
        if asked and step.answer in (Answer.BAD, Answer.GOOD):
            behind = _behind(commits, places, step.commit, left if at in left else None)
            left = left & behind if step.answer is Answer.BAD else left - behind
        rows.append(left)
    return rows


def candidates(view: View, upto: int) -> set[int]:
    """After the first `upto` steps."""
    return shrinking(view)[upto]


def spans(places: set[int]) -> list[tuple[int, int]]:
    """Runs of neighbours, as (first, last): a history with merges has several."""
    found: list[tuple[int, int]] = []
    for at in sorted(places):
        if found and found[-1][1] == at - 1:
            found[-1] = (found[-1][0], at)
        else:
            found.append((at, at))
    return found


def short(name: str) -> str:
    return name[:SHORT]
