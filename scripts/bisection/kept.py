# SPDX-License-Identifier: GPL-2.0
"""A session on disk as it is shown and handed on: read at any moment, also
while it is at work or after it was stopped. Nothing is asked or decided here.

    result.txt      for a mail
    page.html       everything, with the picture
    picture.png     the picture alone
    annotated.log   git bisect log with the runs behind each answer
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

from bisection import page, statistics, told
from bisection.outcomes import Answer, Outcome, Ran, Step
from bisection.session import Request, Session
from bisection.view import Measured, View, short
from errors import ToolError
from exported import ANSWER, Kept, Result, Status, load
from qemu.store import write_whole

RESULT, GIT_LOG = "result.json", "git-bisect.log"
TEXT, PAGE, ANNOTATED = "result.txt", "page.html", "annotated.log"
_EVIDENCE_LINES = 12
# Of a request's values, those that are in its other members or say nothing.
_UNTOLD = {"good", "bad", "tree", "signature", "error", "out"}


def _result(directory: Path) -> dict[str, Any]:
    """What came out so far; {} before there is anything."""
    path = directory / RESULT
    if not path.exists():
        return {}
    try:
        values = json.loads(path.read_text())
        return {**values, "suspects": [str(name) for name in values["suspects"]]}
    except (OSError, ValueError, TypeError, KeyError) as error:
        raise ToolError(f"{path} is no result of a bisection: {error}",
                        "it was edited or is of another version; the same make bisect command "
                        "writes it anew") from error


def _asked(request: Request) -> tuple[tuple[str, str], ...]:
    told_values = [("tree", request.tree), ("good", request.good), ("bad", request.bad)]
    told_values += [(name, value) for name, value in request.values.items()
                    if value not in ("", "0") and name not in _UNTOLD]
    return (*told_values, ("wrong in", f"at most {100 * request.error:g} % of bisections"))


def _measured(session: Session, values: Mapping[str, Any]) -> Measured | None:
    """Of the result; before there is one, as the journal has it."""
    found = values.get("measured")
    if found:
        return Measured(**found) if found["runs"] else None
    rate = session.last("rate")
    if not rate:
        return None
    try:
        low, high = statistics.Rate(rate["bad"], rate["runs"]).interval()
    except ToolError:  # without SciPy there is no interval, and nothing to show
        return None
    return Measured(rate["bad"], rate["runs"], low, high, statistics.CONFIDENCE)


def _bad_run(steps: list[Step], commit: str) -> Ran | None:
    return next((ran for step in steps if step.commit == commit for ran in step.ran
                 if ran.outcome is Outcome.BAD), None)


def evidence_of(directory: Path, ran: Ran | None) -> tuple[str, ...]:
    """What a run showed: the record that its line of why is about, or that line
    where there is none."""
    if ran is None:
        return ()
    try:
        runs = load(directory / ran.files) if ran.files else []
    except ToolError:  # a run that broke off has its console only
        runs = []
    failed = [one for run in runs for one in run.results if one.status is Status.FAIL]
    meant = [one for one in failed if one.path[-1] in ran.said] or failed
    lines = [ran.said]
    for result in meant[:1]:
        lines = [": ".join((*result.path[1:], result.said)),
                 *result.text.splitlines()[:_EVIDENCE_LINES]]
    return tuple(line for line in lines if line.strip())


def _unanswered(session: Session, steps: list[Step]) -> list[Step]:
    """Commits that have runs and no answer yet; one at the most, unless somebody
    has taken lines out of the journal."""
    ran, subjects = session.ran(), {one.name: one.subject for one in session.commits()}
    waiting = dict.fromkeys(one.commit for one in ran)
    for step in steps:
        waiting.pop(step.commit, None)
    return [Step(commit, subjects.get(commit, ""), Answer.UNSURE, "not answered yet", 0.0,
                 session.ran(commit)) for commit in waiting]


def view_of(session: Session) -> View:
    """All that there is to show."""
    values, request, steps = _result(session.directory), session.request, session.steps()
    steps += _unanswered(session, steps)
    sure, first_bad = values.get("sure"), str(values.get("first_bad", ""))
    # While it goes on, the suspects are just all that are left.
    suspects = tuple(values.get("suspects", ())) if sure is not None and not first_bad else ()
    why = "; ".join(text for text in (values.get("why", ""), values.get("missing", "")) if text)
    return View(
        session.directory.name, session.signature() or "the first failure that BAD shows",
        request.good, request.bad, tuple(session.commits()), tuple(steps), _asked(request),
        _measured(session, values), int(values.get("clean_runs", 0)), first_bad, suspects, sure,
        values.get("why", "") if values.get("why") == values.get("missing") else why,
        evidence_of(session.directory, _bad_run(steps, first_bad)))


def write(session: Session) -> list[Path]:
    """Everything that shows it, beside it; what there is no picture for is said
    in the page."""
    view, directory = view_of(session), session.directory
    log = directory / GIT_LOG
    texts = {TEXT: told.result_text(view), PAGE: page.page_text(view),
             ANNOTATED: told.annotated(view, log.read_text() if log.exists() else "")}
    for name, text in texts.items():
        write_whole(directory / name, text.encode(errors="backslashreplace"))
    page.write_picture(view, directory)
    return [directory / name for name in texts]


_STATUS = {Outcome.GOOD: Status.PASS, Outcome.BAD: Status.FAIL, Outcome.OTHER: Status.FAIL,
           Outcome.BROKEN: Status.MISS}
_ANSWER = {Answer.GOOD: Status.PASS, Answer.BAD: Status.FAIL, Answer.SKIP: Status.SKIP,
           Answer.UNSURE: Status.ERROR}


def _of_run(ran: Ran) -> Result:
    return Result(("bisection", "run", f"run-{ran.number}"), _STATUS[ran.outcome], ran.said, "",
                  ran.seconds, {"outcome": ran.outcome.value, "seed": ran.seed, "host": ran.host})


def _begins(session: Session) -> dict[str, datetime]:
    """When the first run of each commit began: a line is written at a run's end."""
    found: dict[str, datetime] = {}
    for values in session.journal.lines():
        if values["what"] == "ran" and "when" in values:
            when = datetime.fromtimestamp(values["when"] - values["seconds"], timezone.utc)
            found[values["commit"]] = min(when, found.get(values["commit"], when))
    return found


def _of_step(session: Session, request: Request, step: Step, began: datetime | None) -> Kept:
    """A commit as a run of its own: its answer, and each of its runs."""
    answer = Result(ANSWER, _ANSWER[step.answer], step.why, "", None,
                    {"answer": step.answer.value})
    return Kept(
        session.directory, f"{session.directory.name}/{short(step.commit)}", short(step.commit),
        "", request.values.get("arch", ""), (answer, *(_of_run(ran) for ran in step.ran)), {},
        {"signature": session.signature(), "seed": request.seed}, began, commit=step.commit,
        subject=step.subject, build_s=step.build_s or None)


def exported(directory: Path) -> list[Kept]:
    """A session for other people's formats: one run of tests a commit."""
    session = Session(directory)
    request, begins = session.request, _begins(session)
    found = [_of_step(session, request, step, begins.get(step.commit))
             for step in session.steps()]
    if not found:
        raise ToolError(f"RUN={directory}: no commit was asked about yet",
                        "let make bisect go on first")
    return found
