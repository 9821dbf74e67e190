# SPDX-License-Identifier: GPL-2.0
"""Imitates run.py, kunit.py and module_for.py, whichever it is called as: takes
a moment, answers by patch as the project's headers promise, and writes down
that it was asked. FAKE_* say otherwise."""

import json
import os
import random
import sys
import time
from pathlib import Path

PROMISES = {
    "7.2/stride-16-bit": [("exts-in-object", "exts-step-matches-layout", "truncation"),
                          ("slubtorture-metadata", "exts-step-matches-layout", "truncation")],
    "7.2/uncharge-lost": [("charge-balanced", "charge-balanced", "accounting")],
}
SCENARIOS = ("exts-in-object", "charge-balanced", "exts-sweep")
SUITES = ("slubtorture-busted", "slubtorture-metadata", "slubtorture-nodes")


def record(scenario: str, verdict: str, invariant: str = "-", cause: str = "none",
           expected: str = "pass") -> dict[str, object]:
    return {"scenario": scenario, "verdict": verdict, "invariant": invariant, "cause": cause,
            "expected": expected, "reason": "-", "breach_ms": 5 if verdict == "fail" else -1,
            "duration_ms": 7, "others": [], "evidence": "-", "splat": []}


def records(promises: list[tuple[str, str, str]]) -> list[dict[str, object]]:
    found = []
    for name in os.environ["SCENARIO"].split(",") if os.environ["SCENARIO"] else SCENARIOS:
        broken = next(((i, c) for asked, i, c in promises if asked == name), None)
        found.append(record(name, "fail", *broken) if broken else record(name, "pass"))
        found.append(record(f"busted-{name}", "fail", "i", "ordering", "fail:ordering"))
    return found


def cases(promises: list[tuple[str, str, str]]) -> list[dict[str, object]]:
    found = []
    asked = os.environ["SUITE"]
    for name in SUITES:
        if asked and asked != name and not (asked.endswith("*") and name != SUITES[0]):
            continue
        broken = next(((i, c) for suite, i, c in promises if suite == name), None)
        found.append({"suite": name, "verdict": "fail" if broken else "pass", "reason": "",
                      "seconds": 0.25, "lines": [
                          f"{broken[0]}: 4 asked, 2 broken; cause: {broken[1]}"] if broken else []})
    return found


def main() -> int:
    kind, place = Path(sys.argv[0]).stem, Path(os.environ["OUT"])
    patch = os.environ["PATCH"]
    key = f"{kind} {patch} {os.environ['SCENARIO']} {os.environ['SUITE']}"
    with open(os.environ["FAKE_ASKED"], "a") as asked:
        print(f"{time.monotonic()} begin {key}", file=asked)
    time.sleep(random.uniform(0.01, 0.06))
    if os.environ.get("FAKE_BROKEN", "no such") in key:
        print("slubtorture: the imitation is broken", file=sys.stderr)
        return 2
    if os.environ.get("FAKE_GONE", "no such") in key:
        print("slubtorture: the imitation is gone", file=sys.stderr)
        return 3
    if kind == "module_for":
        return 0
    run_dir = place / f"{os.getpid()}-{time.monotonic_ns()}"
    run_dir.mkdir(parents=True)
    wrong = os.environ.get("FAKE_WRONG", "")
    promises = [] if wrong == "mute" else PROMISES.get(patch, [])
    if wrong == "loud" and patch == "7.2/harmless":
        promises = PROMISES["7.2/stride-16-bit"]
    answers = cases(promises) if kind == "kunit" else records(promises)
    for one in answers if wrong == "twin" else ():
        if str(one.get("expected")).startswith("fail:"):
            one |= {"verdict": "pass", "cause": "none"}
    name = "results.jsonl" if kind == "kunit" else "records.jsonl"
    (run_dir / name).write_text("".join(json.dumps(one) + "\n" for one in answers))
    with open(os.environ["FAKE_ASKED"], "a") as asked:
        print(f"{time.monotonic()} end {key}", file=asked)
    print(f"files:  {run_dir}", flush=True)
    return int(any(one["verdict"] == "fail" for one in answers if one.get("expected", "pass")
                   == "pass"))


if __name__ == "__main__":
    sys.exit(main())
