# SPDX-License-Identifier: GPL-2.0
"""Commands beside a bisection: what a log could be hunted by, what a bisection
would cost, what such bisections come to. Each takes its words and returns an
exit status; what they say is worked out elsewhere.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from fractions import Fraction
from pathlib import Path

from bisection import simulate, statistics
from bisection.outcomes import Outcome
from bisection.proposals import proposals
from bisection.statistics import Rate, duration
from errors import ToolError

_RATES = "1,1/2,1/5,1/20"


def propose_main(argv: Sequence[str]) -> int:
    """The signatures that a log may be hunted by, best first."""
    parser = argparse.ArgumentParser(prog="scripts/bisect propose", description=propose_main.__doc__)
    parser.add_argument("log", type=Path, help="a run's directory (out/DIR), its records, or any "
                        "console log or dmesg, also one pasted from a mail")
    found = proposals(parser.parse_args(argv).log)
    for one in found:
        print(f"{one.signature}\n    {one.why}"[:500])
    print(f'\nmake bisect GOOD=... BAD=... TREE=... SIGNATURE="{found[0].signature}"')
    return 0


def rate_of(text: str) -> Rate:
    """Of BAD/RUNS."""
    bad, slash, runs = text.partition("/")
    if not slash or not bad.isdecimal() or not runs.isdecimal():
        raise ToolError(f"{text} is no count of runs", "say BAD/RUNS, e.g. 3/15: seen in 3 of 15")
    return Rate(int(bad), int(runs))


def fraction_of(text: str) -> Fraction:
    try:
        value = Fraction(text)
    except (ValueError, ZeroDivisionError) as error:
        raise ToolError(f"{text} is no rate", "e.g. 1/5, or 0.2") from error
    if not 0 < value <= 1:
        raise ToolError(f"{text} is no rate of a bug", "a rate is above 0 and at most 1")
    return value


def _whole(text: str, what: str, least: int = 1) -> int:
    if not text.isdecimal() or int(text) < least:
        raise ToolError(f"{text} is no number of {what}", f"a whole number, at least {least}")
    return int(text)


def _error_of(text: str) -> float:
    try:
        return float(text) / 100
    except ValueError as error:
        raise ToolError(f"--error {text} is no number", "percent, e.g. --error 5") from error


def _supposed(commits: int, error: float, args: argparse.Namespace) -> None:
    """What it would take, for rates that nobody has measured yet."""
    sights = statistics.sights_wanted(commits, error)
    print(f"{statistics.counted(statistics.steps_for(commits), 'step')} and GOOD; BAD is run until the bug was seen "
          f"{sights} times\n")
    print(f"{'shows in':<10}{'runs of BAD':>12}{'a good takes':>14}{'runs in all':>13}{'hours':>9}")
    for text in _RATES.split(","):
        runs = round(sights / fraction_of(text))
        plan = statistics.plan(Rate(sights, runs), commits, error)
        whole = runs + plan.expected_runs
        seconds = whole * args.seconds / args.jobs + plan.steps * args.build
        print(f"{text:<10}{runs:>12}{plan.clean_runs:>14}{whole:>13.0f}{seconds / 3600:>9.1f}")


def plan_main(argv: Sequence[str]) -> int:
    """What a bisection takes, before it is begun."""
    parser = argparse.ArgumentParser(prog="scripts/bisect plan", description=plan_main.__doc__)
    parser.add_argument("commits", help="commits of the range: git rev-list --count GOOD..BAD")
    parser.add_argument("--seen", metavar="BAD/RUNS", help="how often BAD showed the bug, e.g. 3/15")
    parser.add_argument("--good", metavar="BAD/RUNS", default="0/0", help="the same of GOOD")
    parser.add_argument("--error", default="5", help="percent of such bisections that may end "
                        "wrong (default: 5)")
    parser.add_argument("--seconds", type=float, default=10.0, help="of a run (default: 10)")
    parser.add_argument("--build", type=float, default=60.0, help="seconds (default: 60)")
    parser.add_argument("--jobs", type=int, default=1, help="runs at once (default: 1)")
    args = parser.parse_args(argv)
    commits, error = _whole(args.commits, "commits"), _error_of(args.error)
    if not args.seen:
        _supposed(commits, error, args)
        return 0
    plan = statistics.plan(rate_of(args.seen), commits, error, rate_of(args.good))
    print(plan.said(args.seconds, args.jobs, args.build))
    wanted = statistics.sights_wanted(commits, error)
    if plan.rate.bad < wanted:
        more = (wanted - plan.rate.bad) / plan.rate.point
        print(f"worth it:   about {more:.0f} more runs of BAD first ({wanted} sights), "
              f"{duration(more * args.seconds / args.jobs)}: fewer in all")
    return 0


def _sources(args: argparse.Namespace) -> list[tuple[str, simulate.Flaky]]:
    """Kernels to draw outcomes from, each with what its column says."""
    if not args.recorded:
        return [(text, simulate.Flaky(simulate.coin(float(fraction_of(text)))))
                for text in args.rate.split(",")]
    bad = simulate.recorded(args.recorded, args.commit)
    good = (simulate.replayed(simulate.recorded(args.clean)) if args.clean else simulate.coin(0.0))
    told = [one for one in bad if one in (Outcome.BAD, Outcome.GOOD)]
    seen = Rate(told.count(Outcome.BAD), len(told))
    again, anew = simulate.after(bad, Outcome.BAD), simulate.after(bad, Outcome.GOOD)
    print(f"recorded: the bug in {seen.said()};\n          after a run that had it in "
          f"{again.bad} of {again.runs}, after a clean one in {anew.bad} of {anew.runs}")
    if not seen.bad:
        raise ToolError(f"{args.recorded}: no run of this commit showed the bug",
                        "name another commit: --commit")
    return [(f"{seen.bad}/{seen.runs}", simulate.Flaky(simulate.replayed(bad), good))]


def simulate_main(argv: Sequence[str]) -> int:
    """Bisections with drawn or recorded outcomes: how often they are right,
    what they cost, and what asking each commit once comes to."""
    parser = argparse.ArgumentParser(prog="scripts/bisect simulate",
                                     description=simulate_main.__doc__)
    parser.add_argument("--commits", default="24,4000", help="(default: 24,4000)")
    parser.add_argument("--rate", default=_RATES, help=f"of the bug (default: {_RATES})")
    parser.add_argument("--recorded", type=Path, metavar="JOURNAL",
                        help="outcomes of real runs: a bisection's journal")
    parser.add_argument("--commit", default="", help="whose runs (default: the one with most)")
    parser.add_argument("--clean", type=Path, metavar="JOURNAL",
                        help="of good commits (default: always clean)")
    parser.add_argument("--times", default="1000", help="bisections for a row (default: 1000)")
    parser.add_argument("--error", default="5", help="percent (default: 5)")
    parser.add_argument("--seed", type=int, default=1, help="(default: 1)")
    args = parser.parse_args(argv)
    times, error = _whole(args.times, "bisections"), _error_of(args.error)
    sources = _sources(args)
    ranges = [_whole(text, "commits", 2) for text in args.commits.split(",")]
    print(simulate.HEADER, flush=True)
    for commits in ranges:
        for shows, flaky in sources:
            row = simulate.many(commits, shows, flaky, error, times, args.seed)
            print(simulate.line_of(row), flush=True)
    print(f"{times} bisections in each row, seed {args.seed}, error {100 * error:g} %; naive: "
          "each commit run once")
    return 0
