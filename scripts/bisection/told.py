# SPDX-License-Identifier: GPL-2.0
"""What a bisection found, as plain text for a mail: at most 72 columns; and
`git bisect log` with the runs behind each of its answers, as comments, which
`git bisect replay` passes over.
"""

from __future__ import annotations

import re
import textwrap

from bisection.outcomes import Answer, Step
from bisection.view import (View, candidates, counted, percent, runs_text, seconds_of, short,
                            time_text)

WIDTH = 72
_ANSWER = re.compile(r"git[ -]bisect (?:good|bad|skip|old|new) '?([0-9a-f]{7,64})'?$")
_SUSPECTS = 20


def one_line(text: str) -> str:
    """Without line breaks and other control characters."""
    return " ".join("".join(char if char.isprintable() else " " for char in text).split())


def _wrapped(text: str, indent: str = "  ", first: str | None = None) -> list[str]:
    return textwrap.wrap(one_line(text), WIDTH, initial_indent=indent if first is None else first,
                         subsequent_indent=indent, break_on_hyphens=False)


def _result(view: View) -> list[str]:
    if view.first_bad:
        return ["First bad commit:",
                *_wrapped(f'{short(view.first_bad)} ("{view.subject(view.first_bad)}")')]
    left = len(candidates(view, len(view.steps)))
    if view.suspects:
        lines = [f"The first bad commit is one of {len(view.suspects)}; skipped ones hide which:"]
        for name in view.suspects[:_SUSPECTS]:
            lines += _wrapped(f'{short(name)} ("{view.subject(name)}")', "    ", "  ")
        more = len(view.suspects) - _SUSPECTS
        return lines + ([f"  and {more} more"] if more > 0 else [])
    return [f"Not ended: {counted(left, 'commit')} may be the first bad one."]


def sure_text(view: View) -> str:
    """How sure the result is."""
    return f"confidence {percent(view.sure)}" if view.sure is not None else "confidence not known"


def rate_text(view: View) -> str:
    """How often the bug showed on BAD."""
    rate = view.measured
    if rate is None:
        return "not measured"
    return (f"{rate.bad} of {rate.runs} runs ({percent(rate.low)} to {percent(rate.high)}, "
            f"at {percent(rate.confidence)} confidence)")


def _step_lines(view: View, number: int, step: Step) -> list[str]:
    end = {view.good: ", GOOD", view.bad: ", BAD"}.get(step.commit, "")
    lines = [f"{number:3} {short(step.commit)} {step.answer:<6} {runs_text(step)}{end}"[:WIDTH]]
    lines += _wrapped(step.subject, "    ")
    if step.why and step.answer in (Answer.SKIP, Answer.UNSURE):
        lines += _wrapped(step.why, "      ", "    - ")
    return lines


def facts(view: View) -> list[tuple[str, str]]:
    """What was asked for and how it went, in the order of asking."""
    told = [("hunted", view.signature), *((name.lower(), value) for name, value in view.asked),
            ("seen on BAD", rate_text(view))]
    if view.clean_runs:
        told.append(("good means", counted(view.clean_runs, "clean run")))
    if view.sure is not None:
        told += [("sure", sure_text(view)), *([("rests on", view.why)] if view.why else [])]
    elif view.why:
        told.append(("sure", f"{sure_text(view)}; {view.why}"))
    skipped = sum(step.answer is Answer.SKIP for step in view.steps)
    total = sum(seconds_of(step) for step in view.steps)
    return [*told, ("done", f"{counted(len(view.steps), 'commit')}, {skipped} of them skipped; "
                    f"{counted(sum(len(step.ran) for step in view.steps), 'run')}; "
                    f"{time_text(total)} of builds and runs")]


def result_text(view: View) -> str:
    """All of it."""
    lines = [*_result(view), ""]
    for name, value in facts(view):
        lines += _wrapped(value, " " * 14, f"{name + ':':<14}")
    if view.evidence:
        lines += ["", "Seen on the first bad commit:"]
        for line in view.evidence:
            # A command that is broken into lines is none; the page has it whole.
            if not line.startswith("alone: "):
                lines += _wrapped(line, "    ", "  ")
    lines += ["", "Steps:" if view.steps else "No commit was asked about yet."]
    for number, step in enumerate(view.steps, 1):
        lines += _step_lines(view, number, step)
    return "\n".join(line.rstrip() for line in lines) + "\n"


def _comments(step: Step) -> list[str]:
    """What lies behind an answer: one line a run."""
    built = f"build {step.build_s:.1f} s; " if step.build_s else ""
    lines = [f"# {step.answer}: {one_line(step.why)}", f"# {built}{runs_text(step)}"]
    for ran in step.ran:
        host = "" if ran.host == ":" else f", on {ran.host}"
        lines.append(one_line(f"# run {ran.number}, seed {ran.seed}, {ran.seconds:.1f} s{host}: "
                              f"{ran.outcome}, {ran.said}"))
    return lines


def annotated(view: View, log: str) -> str:
    """`git bisect log`, with the runs of each commit under its answer. git's own
    lines stay as they are."""
    by_name = {step.commit: step for step in view.steps}
    lines = [f"# hunted: {one_line(view.signature)}",
             f"# on BAD seen: {one_line(rate_text(view))}"]
    for line in log.splitlines():
        lines.append(line)
        if line.startswith("git bisect start"):
            for end, name in (("BAD", view.bad), ("GOOD", view.good)):
                if name in by_name:
                    lines += [f"# {end}: {name}", *_comments(by_name.pop(name))]
        match = _ANSWER.match(line)
        step = by_name.pop(match[1], None) if match else None
        if step is not None:
            lines += _comments(step)
    for step in by_name.values():  # asked, and not (yet) told to git
        lines += [f"# not in git's log: {step.commit}", *_comments(step)]
    if view.ended:
        lines += [f"# {line}" for line in _result(view)]
    lines.append(f"# {sure_text(view)}; {one_line(view.why)}".rstrip("; "))
    return "\n".join(lines) + "\n"
