# SPDX-License-Identifier: GPL-2.0
"""`make check`: the project's tests, stage by stage, each with a budget in
minutes; ends with one line "N passed, N failed, N skipped".

Every stage runs to its end whatever others do. What guests must answer is
data in expectations.py; the tests themselves live beside what they test.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import sys
import time
from pathlib import Path

sys.path[:0] = [str(Path(__file__).resolve().parent.parent)]

import interruptions
import kunit_compat
import lava_schema
from check_bisection import bisection_tests
from check_matrix import busted_tests, matrix_tests
from errors import ToolError
from expectations import (EXPECTATIONS, Expectation, control_problems, layout_problems,
                          verdict_problems)
from options import cache_dir
from stages import ROOT, Count, Stage, command, counted, slug, tail

CYCLES = 40
SOAK_CYCLES = 80
NODE_CYCLES = 12
MODEL_SERIES = "7.2"
LAB = {"KERNEL": "7.2", "CONFIG": "kunit", "PATCH": "", "ARCH": "", "PAGE": ""}

GTEST = ((r"\[  PASSED  \] (\d+) test", "passed"), (r"\[  FAILED  \] (\d+) test", "failed"),
         (r"\[  SKIPPED \] (\d+) test", "skipped"))
PYTEST = ((r"(\d+) passed", "passed"), (r"(\d+) failed", "failed"), (r"(\d+) error", "failed"),
          (r"(\d+) skipped", "skipped"))


def core_tests(out: Path, seconds: float) -> Count:
    status, text = command(["make", "-C", "module/tests", "check", f"BUILD={out / 'host'}"],
                           out, "core.log", seconds)
    return counted(text, status, "module/tests", GTEST)


def init_tests(out: Path, seconds: float) -> Count:
    binary = out / "init-tests"
    built, text = command(
        ["g++", "-std=c++20", "-O1", "-g", "-Wall", "-Wextra", "-Werror",
         "-fsanitize=address,undefined", "-Iqemu/init", "qemu/init/text.cc",
         "qemu/init/kmsg.cc",
         *sorted(str(p.relative_to(ROOT)) for p in ROOT.glob("qemu/init/tests/*.cc")),
         "-o", str(binary), "-lgtest", "-lgtest_main", "-lpthread"], out, "init-build.log",
        seconds)
    if built:
        return counted(text, built, "qemu/init build", ())
    status, text = command([str(binary)], out, "init.log", seconds)
    return counted(text, status, "qemu/init", GTEST)


def python_tests(out: Path, seconds: float) -> Count:
    status, text = command([sys.executable, "-m", "pytest", "-q", "-rs", "-p", "no:cacheprovider",
                            "scripts/tests", "qemu/tests"], out, "pytest.log", seconds)
    return counted(text, status, "pytest", PYTEST)


def python_types(out: Path, seconds: float) -> Count:
    count = Count()
    for name, words in (("scripts", ["scripts"]), ("qemu", ["-p", "qemu"])):
        status, text = command([sys.executable, "-m", "mypy", "--strict", "--cache-dir",
                                str(out / "mypy"), *words], out, f"mypy-{name}.log", seconds,
                               MYPYPATH="scripts:.")
        if "No module named mypy" in text:
            count.skipped.append(f"types of {name}: mypy is not installed for {sys.executable}")
        else:
            count.test(f"types of {name}", [tail(text)] if status else [])
    return count


def lava_tests(out: Path, seconds: float) -> Count:
    """Our LAVA jobs before LAVA's own schemas, where those can be had."""
    try:
        lava_schema.obtain(cache_dir(os.environ).resolve())
    except ToolError as error:
        return Count(skipped=[f"LAVA's schemas: {error}"])
    status, text = command([sys.executable, "-m", "pytest", "-q", "-rs", "-p", "no:cacheprovider",
                            "scripts/tests/test_lava_schema.py"], out, "lava.log", seconds)
    return counted(text, status, "LAVA jobs", PYTEST)


def selftests(out: Path, seconds: float) -> Count:
    status, text = command(["make", "-C", "selftests", "check", f"BUILD={out / 'selftests'}"],
                           out, "selftests.log", seconds)
    return counted(text, status, "selftests",
                   ((r"(\d+) passed", "passed"), (r"(\d+) failed", "failed"),
                    (r"(\d+) skipped", "skipped")))


def run_dir(text: str) -> Path | None:
    found = re.findall(r"(?m)^files:\s+(.+)$", text)
    return ROOT / found[-1] if found else None


def guest_tests(expected: Expectation, out: Path, seconds: float) -> Count:
    count = Count()
    name = f"run on {expected.series}"
    status, text = command([sys.executable, "scripts/run.py", "--kernel", expected.series,
                            "--seconds", "2", "--out", str(out / "guests")], out,
                           f"run-{expected.series}.log", seconds, SCENARIO="")
    where = run_dir(text)
    if where is None:
        if expected.optional and "no stock kernel of series" in text:
            count.skipped.append(f"{name}: the archive has no such kernel now")
        else:
            count.failed.append(f"{name}: no verdicts, exit status {status}\n{tail(text)}")
        return count
    lines = (where / "records.jsonl").read_text().splitlines()
    records = [json.loads(line) for line in lines]
    ktap = (where / "ktap").read_text()
    count.test(f"{name}: exit status", [] if status == expected.status else
               [f"{status} instead of {expected.status}\n{tail(text)}"])
    count.test(f"{name}: verdicts", verdict_problems(records, expected))
    count.test(f"{name}: controls", control_problems(records))
    count.test(f"{name}: layout", layout_problems(ktap, expected))
    return count


def guest_stage(expected: Expectation) -> Stage:
    return Stage(f"guest {expected.series}", 8, True,
                 lambda out, seconds: guest_tests(expected, out, seconds))


# Each with what its guest must come to: exit status and passes.
TOPOLOGIES = (("two-dimms", 0, 4), ("no-memory-at-boot", 0, 2), ("four", 0, 4),
              ("busted-folded", 2, 0))
WAYS = "exts-external,node-partial,node-unplug-plug,node-remove-add"


def topology_tests(out: Path, seconds: float) -> Count:
    """Memory that goes by every way, on nodes of several kinds; and a guest that
    the kernel folds, in which nothing may pass."""
    count = Count()
    for name, status, passes in TOPOLOGIES:
        got, text = command([sys.executable, "scripts/run.py", "--kernel", "7.2", "--seconds", "1",
                             "--topology", name, "--scenario", WAYS, "--out",
                             str(out / "guests")], out, f"topology-{name}.log", seconds)
        passed = re.search(r"(?m)^(\d+) pass, ", text)
        good = got == status and passed and int(passed[1]) == passes
        count.test(f"topology {name}", [] if good else [
            f"exit status {got} instead of {status}, {passes} passes wanted\n{tail(text)}"])
    return count


# The newest series passes; 5.10 frees node structures under their readers.
CHURNS = (("7.2", 0, "1 pass"), ("5.10", 1, "1 fail"))


def churn_tests(out: Path, seconds: float) -> Count:
    """A node's memory that goes and comes beside every racer."""
    count = Count()
    for series, status, wanted in CHURNS:
        got, text = command([sys.executable, "scripts/run.py", "--kernel", series, "--seconds", "1",
                             "--churn", "4", "--scenario", "node-churn", "--out",
                             str(out / "guests")], out, f"churn-{series}.log", seconds)
        good = got == status and wanted in text and "controls 4 of 4 caught" in text
        count.test(f"churn {series}", [] if good else [
            f"exit status {got} instead of {status}, {wanted} wanted\n{tail(text)}"])
    return count


def cycle_tests(out: Path, seconds: float) -> Count:
    count = Count()
    status, text = command([sys.executable, "scripts/cycles.py", "--kernel", "7.2", "--out",
                            str(out / "guests")], out, "cycles.log", seconds,
                           CYCLES=str(CYCLES), SCENARIO="", SECONDS="1")
    count.test(f"{CYCLES} load and unload cycles on 7.2",
               [f"exit status {status}\n{tail(text)}"] if status else [])
    return count


def interruption_tests(out: Path, seconds: float) -> Count:
    """Runs that are ended while a node's memory goes and comes, from outside and,
    in the guest, by removing the module: nothing is left, memory is as found."""
    count = Count()
    for ending in interruptions.ENDINGS:
        count.test(f"a run ended by {ending.name}",
                   interruptions.ask(ending, "7.2", out / "interrupted", seconds))
    status, text = command([sys.executable, "scripts/cycles.py", "--kernel", "7.2", "--scenario",
                            "node-churn,node-partial,node-remove-add", "--out",
                            str(out / "guests")], out, "cycles-nodes.log", seconds,
                           CYCLES=str(NODE_CYCLES), SECONDS="1")
    count.test("the module removed while a node goes and comes",
               [f"exit status {status}\n{tail(text)}"] if status else [])
    return count


def price_tests(out: Path, seconds: float) -> Count:
    """What a node costs that has gone, where it is kept and where it is freed."""
    count = Count()
    for series, kept in (("7.2", r"[1-9]\d* caches keep [1-9]"), ("5.10", "0 caches keep 0 bytes")):
        status, text = command([sys.executable, "scripts/run.py", "--kernel", series, "--scenario",
                                "node-price", "--out", str(out / "guests")], out,
                               f"price-{series}.log", seconds)
        said = " ".join(text.split())
        good = status == 0 and re.search(kept, said) and "controls 1 of 1 caught" in said
        count.test(f"price of a node on {series}", [] if good else
                   [f"exit status {status}\n{tail(text)}"])
    return count


def kselftest_tests(out: Path, seconds: float) -> Count:
    """The kselftest program on real memory blocks; each finding is a test."""
    status, text = command([sys.executable, "scripts/kselftest.py", "--kernel", "7.2", "--out",
                            str(out / "guests")], out, "kselftest.log", seconds, SECONDS="2")
    return counted(text, status, "kselftest in a guest",
                   ((r"(\d+) passed", "passed"), (r"(\d+) failed", "failed")))


def spread_tests(out: Path, seconds: float) -> Count:
    """Real guests on two hosts of the test's own, one of which goes."""
    status, text = command([sys.executable, "scripts/tests/spread_guests.py",
                            str(out / "guests")], out, "spread.log", seconds)
    lacks = re.search(r"(?m)^skipped: (.+)$", text)
    if lacks and status == 0:
        return Count(skipped=[f"runs on two hosts: {lacks[1]}"])
    return counted(text, status, "runs on two hosts", PYTEST)


def soak_tests(out: Path, seconds: float) -> Count:
    """A short soak, with its control."""
    count = Count()
    status, text = command([sys.executable, "scripts/soak.py", "--kernel", "7.2", "--out",
                            str(out / "guests")], out, "soak.log", seconds,
                           CYCLES=str(SOAK_CYCLES))
    count.test(f"soak of {SOAK_CYCLES} whole-node cycles on 7.2",
               [f"exit status {status}\n{tail(text)}"] if status else [])
    return count


def lab_kernel(name: str, out: Path, seconds: float, **asked: str) -> Count:
    """Build one; when it is in the cache that takes no time."""
    count = Count()
    status, text = command([sys.executable, "scripts/kernel.py"], out,
                           f"kernel-{slug(name)}.log", seconds, **{**LAB, **asked})
    found = re.search(r"(?m)^image +(.+)$", text)
    good = status == 0 and found and Path(found[1]).exists()
    count.test(f"lab kernel {name}", [] if good else
               [f"exit status {status}, image {found[1] if found else 'none'}\n{tail(text)}"])
    return count


def lab_stage(name: str, **asked: str) -> Stage:
    return Stage(f"lab kernel {name}", 20, True,
                 lambda out, seconds: lab_kernel(name, out, seconds, **asked))


def compare_with_kunit_py(name: str, where: Path, count: Count) -> None:
    """The kernel's own reader must count in a run's logs what ours does."""
    sources = kunit_compat.sources(os.environ)
    if sources:
        count.test(f"KUnit {name}: kunit.py counts the same", kunit_compat.differences(
            sources[-1], [where / "ktap", where / "console"]))
    else:
        count.skipped.append(f"KUnit {name}: no kernel source here has a kunit.py to compare with")


def kunit_tests(name: str, out: Path, seconds: float, **asked: str) -> Count:
    """Every case of the suites is a test; skips come with their reasons."""
    count = Count()
    status, text = command([sys.executable, "scripts/kunit.py", "--out", str(out / "guests")],
                           out, f"kunit-{slug(name)}.log", seconds, **{**LAB, **asked})
    where = run_dir(text)
    results = where / "results.jsonl" if where else None
    cases = [json.loads(line) for line in results.read_text().splitlines()] if (
        results and results.exists()) else []
    for case in cases:
        path = " ".join(part for part in (case["suite"], case["case"], case["parameter"]) if part)
        if case["verdict"] == "skip":
            count.skipped.append(f"KUnit {name}: {path}: {case['reason']}")
        else:
            count.test(f"KUnit {name}: {path}", [] if case["verdict"] == "pass" else
                       [f"{case['verdict']}\n{tail(chr(10).join(case['lines']))}"])
    if cases and where:
        compare_with_kunit_py(name, where, count)
    if status and not count.failed:
        count.failed.append(f"KUnit {name}: exit status {status}\n{tail(text)}")
    if not count.failed and all(case["verdict"] == "skip" for case in cases):
        count.failed.append(f"KUnit {name}: no case ran")
    return count


def kunit_stage(name: str, **asked: str) -> Stage:
    return Stage(f"KUnit on {name}", 10, True,
                 lambda out, seconds: kunit_tests(name, out, seconds, **asked))


def newest_run(out: Path, series: str) -> str:
    """The run of an earlier stage, whose outcomes stand beside the models'."""
    runs = sorted((out / "guests").glob(f"????????-??????-{series}.*/records.jsonl"),
                  key=lambda path: path.stat().st_mtime)
    return str(runs[-1].parent) if runs else ""


def model_tests(out: Path, seconds: float) -> Count:
    """Each litmus test is a test: judged, as recorded, nothing forbidden seen."""
    count = Count()
    status, text = command([sys.executable, "scripts/models.py", "--out", str(out / "guests")],
                           out, "models.log", seconds, KERNEL=MODEL_SERIES,
                           RUN=newest_run(out, MODEL_SERIES))
    judged = re.search(r"(\d+) tests: [^;]*\b0 broken; all as recorded; asked of a kernel: (\d+);",
                       " ".join(text.split()))
    if status or not judged or not int(judged[2]):
        count.failed.append(f"litmus tests: exit status {status}\n{tail(text)}")
    else:
        count.passed += int(judged[1])
    return count


STAGES: tuple[Stage, ...] = (
    Stage("core on the host (ASan, UBSan)", 20, False, core_tests),
    Stage("init on the host", 3, False, init_tests),
    Stage("LAVA jobs before LAVA's schemas", 3, False, lava_tests),
    Stage("host scripts", 15, False, python_tests),
    Stage("types of the host scripts", 3, False, python_types),
    Stage("selftests", 2, False, selftests),
    *(guest_stage(expected) for expected in EXPECTATIONS),
    Stage("topologies, and memory that goes by every way", 8, True, topology_tests),
    Stage("a node that goes beside every racer", 10, True, churn_tests),
    Stage("litmus tests and the memory model", 6, True, model_tests),
    Stage("load and unload", 8, True, cycle_tests),
    Stage("runs that are ended while a node goes", 10, True, interruption_tests),
    Stage("price of a node", 5, True, price_tests),
    Stage("runs on two hosts, one of which goes", 6, True, spread_tests),
    Stage("kselftest on memory blocks", 5, True, kselftest_tests),
    Stage("soak", 8, True, soak_tests),
    lab_stage("x86-64"),
    kunit_stage("x86-64"),
    Stage("bisection of real kernels", 20, True, bisection_tests),
    Stage("busted kernels", 15, True, busted_tests),
    Stage("detection matrix: what says most", 50, True, matrix_tests),
    lab_stage("ppc64le with 64 KiB pages", ARCH="ppc64le", PAGE="64"),
    kunit_stage("ppc64le with 64 KiB pages", ARCH="ppc64le", PAGE="64"),
)


def run_stage(stage: Stage, out: Path, number: int, total: int) -> Count:
    print(f"[{number}/{total}] {stage.name} (budget {stage.minutes:g} min) ...", flush=True)
    begin = time.monotonic()
    try:
        count = stage.run(out, stage.minutes * 60)
    except Exception as error:  # a stage that breaks must not hide the others
        count = Count(failed=[f"{stage.name}: {type(error).__name__}: {error}"])
    took = time.monotonic() - begin
    for line in count.failed:
        print(f"    FAILED {line}")
    for line in count.skipped:
        print(f"    skipped {line}")
    print(f"    {count.passed} passed, {len(count.failed)} failed, "
          f"{len(count.skipped)} skipped in {took:.0f} s", flush=True)
    return count


def main() -> int:
    parser = argparse.ArgumentParser(description="run the project's tests")
    parser.add_argument("--host", action="store_true", help="only stages without a guest")
    args = parser.parse_args()
    out = Path(os.environ.get("OUT") or Path.cwd() / "out").absolute() / "check"
    out.mkdir(parents=True, exist_ok=True)
    stages = [stage for stage in STAGES if not (args.host and stage.guest)]
    counts = [run_stage(stage, out, i, len(stages)) for i, stage in enumerate(stages, 1)]
    failed = sum(len(count.failed) for count in counts)
    print(f"logs: {out}")
    print(f"{sum(count.passed for count in counts)} passed, {failed} failed, "
          f"{sum(len(count.skipped) for count in counts)} skipped")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
