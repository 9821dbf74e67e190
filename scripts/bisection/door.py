# SPDX-License-Identifier: GPL-2.0
"""The commands of scripts/bisect, each in a file of its own, and the one that
is meant where none is named: a whole bisection.

Exit status: 0 the first bad commit was found; 1 it was not, because commits
that cannot be asked hide it or the time was spent; 2 wrong use, or the tool
could not go on. `step` has the exit status that `git bisect run` takes.
"""

from __future__ import annotations

import argparse
import importlib
import os
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path

from bisection import asked as ask
from bisection import kept
from bisection.bench import LabBench
from bisection.drive import Bisection, Result
from bisection.session import Session, sessions
from bisection.step import Asker, Clock, Judge
from bisection.tree import Walk, opened
from entry import guarded
from errors import ToolError
from records import shown

# Command, where it is, what it is for.
COMMANDS: dict[str, tuple[str, str]] = {
    "run": ("bisection.door:run_main", "a whole bisection (make bisect); goes on where it was"),
    "step": ("bisection.by_hand:step_main", "one commit, for a `git bisect run` of your own"),
    "page": ("bisection.door:page_main", "text, page and picture of one that is kept"),
    "hosts": ("bisection.by_ssh:hosts_main", "which HOSTS can be used, and what they have"),
    "propose": ("bisection.commands:propose_main", "what a log could be hunted by"),
    "plan": ("bisection.commands:plan_main", "what a bisection would take, in runs and hours"),
    "simulate": ("bisection.commands:simulate_main", "how often such bisections are right"),
}


def usage() -> str:
    lines = ["usage: scripts/bisect [COMMAND] [options]; each COMMAND has --help", ""]
    return "\n".join(lines + [f"  {name:<10}{text}" for name, (_, text) in COMMANDS.items()])


def main(argv: Sequence[str]) -> int:
    name = argv[0] if argv and not argv[0].startswith("-") else "run"
    rest = list(argv[1:] if argv and argv[0] == name else argv)
    if name == "help" or argv[:1] == ["--help"] or argv[:1] == ["-h"]:
        print(usage())
        return 0
    if name == "start":
        name = "run"
    if name not in COMMANDS:
        print(f"slubtorture: scripts/bisect {name}: there is no such command\n{usage()}",
              file=sys.stderr)
        return 2
    module, _, function = COMMANDS[name][0].partition(":")
    action: Callable[[Sequence[str]], int] = getattr(importlib.import_module(module), function)
    return action(rest) if name == "step" else guarded(lambda: action(rest))


def say_since(began: float) -> Callable[[str], None]:
    """Progress on standard error, with the time that passed."""
    def say(text: str) -> None:
        took = int(time.monotonic() - began)
        head = f"{took // 3600}:{took // 60 % 60:02}:{took % 60:02}  "
        lines = text.split("\n")
        print("\n".join([head + lines[0], *(" " * len(head) + line for line in lines[1:])]),
              file=sys.stderr, flush=True)
    return say


def asker_of(session: Session, effort: ask.Effort, say: Callable[[str], None]) -> Asker:
    """With real kernels. Every option that was not asked for is as if nobody had
    set any, now or then."""
    unset = ask.raw_values(ask.parser("", "").parse_args([]), {})
    bench = LabBench(session, ask.options_of(session, unset), effort.hosts, effort.jobs)
    return Asker(session, bench, Judge(session, say), Clock(3600 * effort.hours), say)


def assembled(session: Session, effort: ask.Effort, say: Callable[[str], None]) -> Bisection:
    walk = Walk(opened(session.request.tree), session.directory / "walk.git")
    return Bisection(session, asker_of(session, effort, say), walk, effort.runs, say)


def run_main(argv: Sequence[str]) -> int:
    parser = ask.parser("scripts/bisect run", "find the commit that broke SLUB")
    values = ask.raw_values(parser.parse_args(argv), os.environ)
    asked = ask.checked(values, Path.cwd() / "out")
    session = ask.session_for(asked)
    say = say_since(time.monotonic())
    with session.held():
        known = len(session.ran())
        commits = len(session.commits()) - 1
        say(f"{commits} commits between GOOD and BAD; all of it is kept in "
            f"{shown(session.directory)}" + (f"; {known} runs are there already" if known else ""))
        for note in asked.notes:
            say(note)
        try:
            result = assembled(session, asked.effort, say).run()
        finally:
            kept.write(session)
    return told(session, result)


def told(session: Session, result: Result) -> int:
    """The result for people, and the exit status."""
    print((session.directory / kept.TEXT).read_text())
    if result.missing:
        print(f"not answered: {result.missing}")
    print(f"files:  {shown(session.directory)}; {kept.PAGE} shows it all")
    return 0 if result.found else 1


def page_main(argv: Sequence[str]) -> int:
    """Write text, page and picture of a bisection anew, also of one at work."""
    parser = argparse.ArgumentParser(prog="scripts/bisect page", description=page_main.__doc__)
    parser.add_argument("session", nargs="?", help="out/bisect/NAME (default: the last one)")
    given = parser.parse_args(argv).session
    out = Path(os.environ.get("OUT") or Path.cwd() / "out")
    found = [Session(Path(given).absolute())] if given else sessions(out)
    if not found:
        raise ToolError(f"there is no bisection in {out}", "make bisect GOOD=... BAD=... TREE=...")
    for path in kept.write(found[-1]):
        print(shown(path))
    return 0
