# SPDX-License-Identifier: GPL-2.0
"""`scripts/bisect step`: one commit's answer for a `git bisect run` of the
user's own. The commit is what git has checked out (or BISECT_HEAD); its
kernel is built beside that tree, never in it.

    git bisect start BAD GOOD
    git bisect run .../scripts/bisect step --signature 'fail ...' --seen 3/15

Exit status: 0 good, 1 bad, 125 cannot be asked; 128 and above stop git's walk.
"""

from __future__ import annotations

import os
import secrets
import sys
import time
import traceback
from collections.abc import Sequence
from pathlib import Path

from bisection import asked as ask
from bisection import statistics
from bisection.commands import rate_of
from bisection.door import asker_of, say_since
from bisection.outcomes import Commit
from bisection.session import Request, Session
from bisection.step import OutOfTime
from bisection.tree import Tree, opened
from entry import complain
from errors import ToolError
from qemu.guest import Stopped, stop_signals
from qemu.machine import GuestError

STOP = 128  # of git's walk


def asked_commit(tree: Tree) -> str:
    """What git's bisection has come to in this tree."""
    name = "BISECT_HEAD" if tree.says("rev-parse", "--verify", "--quiet", "BISECT_HEAD") else "HEAD"
    return tree.commit(name, "the commit")


def _commits(tree: Tree) -> int:
    """In the range as it is now; 1 outside of a bisection."""
    good = tree.git("for-each-ref", "--format=%(objectname)", "refs/bisect/good-*").split()
    if not good or not tree.says("rev-parse", "--verify", "--quiet", "refs/bisect/bad"):
        return 1
    return int(tree.git("rev-list", "--count", "refs/bisect/bad", "--not", *good))


def _session(values: dict[str, str], tree: Tree, out: Path) -> Session:
    """Of all steps of one walk: same tree, same question."""
    kept, own = ask.run_values(values)
    request = Request(str(tree.path), "step", "step", kept, ask.suites_of(values),
                      ask.signature_of(values), seed=secrets.randbelow(2**31 - 2) + 1)
    session = Session(out / "bisect" / request.name)
    ask.keep_own(session, own)
    session.create(request, [Commit("step", "")])
    if session.last("range") is None:
        session.add("range", commits=_commits(tree))
    return session


def step(argv: Sequence[str]) -> int:
    parser = ask.parser("scripts/bisect step", "ask the commit that git bisect has come to")
    parser.add_argument("--seen", default="", metavar="BAD/RUNS",
                        help="how often the bug showed on BAD: 10/10, or 3/15")
    args = parser.parse_args(argv)
    values = ask.raw_values(args, os.environ)
    if not args.seen or not values["signature"]:
        raise ToolError("a step must be told what is hunted and how often it shows on BAD",
                        "--signature 'fail ...' --seen 3/15; scripts/bisect propose finds the "
                        "first, and make bisect finds out both")
    tree = opened(values["tree"] or os.getcwd())
    session = _session(values, tree, ask.checked_run(values, Path.cwd() / "out").out)
    commit, say = asked_commit(tree), say_since(time.monotonic())
    with session.held():
        commits = int((session.last("range") or {}).get("commits", 1))
        plan = statistics.plan(rate_of(args.seen), commits, ask.error_of(values))
        say(f"{commit[:12]} (\"{tree.subject(commit)}\"): {plan.clean_runs} clean runs are a good")
        asker = asker_of(session, ask.effort_of(values), say)
        found = asker.ask(commit, plan)
        asker.bench.close()
    say(f"{commit[:12]} is {found.answer}: {found.why}")
    return found.answer.status


def step_main(argv: Sequence[str]) -> int:
    """Nothing but an answer may look like one."""
    try:
        with stop_signals():
            return step(argv)
    except Stopped as stopped:
        complain(f"stopped by {stopped}", "what was written so far is kept")
        return STOP + stopped.number
    except (ToolError, GuestError) as error:
        complain(str(error), error.hint)
        return STOP
    except OutOfTime:
        complain("the time of HOURS= is spent, and there is no sure answer", "the same step goes on")
        return STOP
    except SystemExit:  # argparse
        return STOP
    except BaseException:
        traceback.print_exc(file=sys.stderr)
        return 255
