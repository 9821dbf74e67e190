# SPDX-License-Identifier: GPL-2.0
"""A whole bisection whose runs are spread over two hosts of the test's own, of
which one is taken away in the middle: the same answer as without, no run lost
and none made twice that was recorded. Kernels are imitated; hosts, ssh, GNU
parallel and all that decides are not."""

from __future__ import annotations

import shutil
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import bisect_fake
import bisect_tree
import pytest
from bisection import spread, there
from bisection.bundle import Bundle
from bisection.drive import Bisection, Result
from bisection.outcomes import Ran
from bisection.session import Session
from bisection.step import Asker, Built, Clock, Judge, Judging
from bisection.tree import Walk, opened
from bisection_fakes import fake_bundle
from own_hosts import own_hosts, why_not

_LACKS = next((f"there is no {name}" for name in ("parallel", "git") if not shutil.which(name)),
              "") or why_not()
STATES = ["good"] * 4 + ["no-boot", "good"] + ["flaky"] * 5

_BODY = """\
import random
runs = {runs!r}
state = {state!r}
if state == "flaky":
    state = "bad" if random.Random(seed).random() < {rate} else "good"
with open(shared / f"made-{{number}}", "a") as file:
    file.write(".")
status, files = runs[state]
send(status, **files)
"""


def as_files(scratch: Path) -> dict[str, tuple[int, dict[str, str]]]:
    """What a run of each state leaves, as bisect_fake.py writes it."""
    found = {}
    for state in ("good", "bad", "no-boot"):
        status = bisect_fake.write_run(scratch / state, state)
        found[state] = status, {path.name: path.read_text()
                                for path in (scratch / state).iterdir()}
    return found


@dataclass
class SpreadBench(bisect_fake.FakeBench):
    """Runs by spread.py."""

    hosts: tuple[str, ...] = ()
    after: Callable[[int], None] = lambda count: None

    def place(self, commit: str) -> Path:
        return self.session.directory.parent.parent / "imitations" / commit

    def build(self, commit: str) -> Built:
        place = self.place(commit)
        if not place.exists():
            body = _BODY.format(runs=as_files(place / "files"), state=self.state(commit),
                                rate=bisect_fake.RATE)
            made = fake_bundle(place, body).path
            made.rename(made.with_name(f"7.2.0-fake-{there.digest_of(str(made))}"))
        return Built(commit, 0.5, next((place / "bundles").iterdir()))

    def run(self, built: Built, wanted: Sequence[tuple[int, int]], judge: Judging,
            take: Callable[[Ran], bool]) -> None:
        def taken(ran: Ran) -> bool:
            more = take(ran)
            self.count += 1
            self.after(self.count)
            return more

        spread.run_many(Bundle.at(built.place), [seed for _, seed in wanted], 2, self.hosts, taken,
                        spread.Place(self.session.directory,
                                     self.session.runs_of(built.commit), built.commit, judge,
                                     wanted[0][0]))


def done(tmp_path: Path, hosts: tuple[str, ...],
         after: Callable[[int], None]) -> tuple[Session, Result]:
    names = bisect_tree.make(tmp_path / "linux", STATES)
    session = bisect_fake.session_for(tmp_path / "out", tmp_path / "linux", names[0], names[-1],
                                      error=0.1)
    tree = opened(session.request.tree)
    bench = SpreadBench(session, tree, session.directory / "executed", hosts=hosts, after=after)
    said: list[str] = []
    asker = Asker(session, bench, Judge(session, said.append), Clock(0), said.append)
    return session, Bisection(session, asker, Walk(tree, session.directory / "walk.git"), 60,
                              said.append).run()


def answers(session: Session) -> list[tuple[str, str]]:
    return sorted((step.commit, str(step.answer)) for step in session.steps())


@pytest.mark.skipif(bool(_LACKS), reason=f"no hosts of the test's own: {_LACKS}")
def test_a_host_that_goes_changes_no_answer(tmp_path: Path,
                                            monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "here").mkdir()
    (tmp_path / "away").mkdir()
    here, expected = done(tmp_path / "here", (), lambda count: None)
    with own_hosts(tmp_path / "hosts", "alpha", "beta") as hosts:
        monkeypatch.setenv("PARALLEL_SSH", hosts.ssh)

        def after(count: int) -> None:
            if count == 12:
                hosts["alpha"].take_away()

        away, found = done(tmp_path / "away", ("alpha/2", "beta/2"), after)
    assert expected.first_bad and found.first_bad == expected.first_bad
    assert answers(away) == answers(here)
    assert not any(count > 1 for count in Counter(
        (one.commit, one.number) for one in away.ran()).values())
    assert {one.host for one in away.ran()} == {"alpha", "beta"}
    assert away.ran()[-1].host == "beta"
    both = {(one.commit, one.number, one.seed): one.outcome for one in here.ran()}
    shared = [one for one in away.ran() if (one.commit, one.number, one.seed) in both]
    assert len(shared) > 12
    assert all(both[one.commit, one.number, one.seed] is one.outcome for one in shared)
