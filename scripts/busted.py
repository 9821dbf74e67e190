# SPDX-License-Identifier: GPL-2.0
"""`make busted`: builds the kernels that are wrong on purpose and asks KUnit
suites and scenarios about them. A bug that goes unnoticed, or an unmodified or
harmlessly edited kernel on which something fails, is a failure of this
project's: exit status 1; 2 if a kernel could not be asked at all.

What each kernel promises stands in the headers of qemu/patches.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import textwrap
import time
from dataclasses import dataclass
from pathlib import Path
from typing import IO

sys.path[:0] = [str(Path(__file__).resolve().parent.parent)]

import gate
import options as opt
import records as rec
from entry import guarded
from errors import ToolError
from lab import spec
from lab.patches import Header, header_of
from series import series_key

UNMODIFIED = "unmodified"
ALL = "all"
SUITES, SCENARIOS = "kunit", "run"
SUITE_PREFIX = "slubtorture-"
CAUGHT, SILENT, MISSED, NOISY, SKIPPED, BROKEN = (
    "caught", "silent", "MISSED", "NOISY", "skipped", "BROKEN")
_FINE = (CAUGHT, SILENT, SKIPPED)
_CONFIG = "kunit"
_PATIENCE_S = 40.0


@dataclass(frozen=True)
class Answer:
    """One verdict of a suite's case or of a scenario; `text` holds what names
    invariant and cause, `reason` why it was skipped."""

    asked: str
    verdict: str
    text: str
    reason: str = ""


@dataclass(frozen=True)
class Row:
    """What one kind of test made of one kernel."""

    kernel: str
    asked: str
    outcome: str
    detail: str


def suite_answers(lines: str) -> list[Answer]:
    """Cases of results.jsonl, as kunit.py writes it."""
    found = []
    for line in lines.splitlines():
        case = json.loads(line)
        found.append(Answer(case["suite"], case["verdict"], "\n".join(case["lines"]),
                            case["reason"]))
    return found


def scenario_answers(lines: str) -> list[Answer]:
    """Verdicts of records.jsonl; controls fail by design and are left out, but
    one that was not caught is a failure."""
    found = []
    for line in lines.splitlines():
        record = json.loads(line)
        control = record["expected"].startswith("fail:")
        caught = control and record["expected"] == f"fail:{record['cause']}"
        verdict = "pass" if caught else "fail" if control and record["verdict"] != "skip" else (
            record["verdict"])
        broken = [f"{record['invariant']} {record['cause']}",
                  *(other.replace(":", " ") for other in record.get("others", ()))]
        found.append(Answer(record["scenario"], verdict, "\n".join(broken), record["reason"]))
    return found


def names(answer: Answer, invariant: str, cause: str) -> bool:
    """Whether a failure names invariant and cause, on the same line: what else
    broke stands on others."""
    lines = [set(re.findall(r"[\w-]+", line)) for line in answer.text.splitlines()]
    return answer.verdict == "fail" and any(invariant in words and cause in words
                                            for words in lines)



def judge_expected(expected: tuple[str, str, str], header: Header,
                   answers: list[Answer]) -> tuple[str, str]:
    """Outcome and detail for one line of a patch's promise; of a gated one, for
    one run, in which its bug need not be there."""
    asked, invariant, cause = expected
    own = [answer for answer in answers if answer.asked == asked]
    failed = [answer for answer in own if answer.verdict not in ("pass", "skip")]
    if any(names(answer, invariant, cause) for answer in own):
        return CAUGHT, f"{invariant}, {cause}"
    if not own:
        return BROKEN, f"{asked} gave no verdict"
    if failed:
        return MISSED, f"it failed, but not with {invariant}, {cause}"
    skipped = [answer.reason for answer in own if answer.verdict == "skip"]
    if skipped and "hotplug" in header.needs:
        return SKIPPED, skipped[0]
    return SILENT if header.gate > 1 and not skipped else MISSED, (
        f"nothing said {invariant}, {cause}")


def judge(kernel: str, header: Header | None, kind: str, answers: list[Answer],
          status: int = 0) -> list[Row]:
    """Rows for one kernel and one kind of test, which ended with `status`."""
    if not any(answer.verdict in ("pass", "fail") for answer in answers):
        return [Row(kernel, kind, BROKEN, "no verdict; see its log")]
    if header is None or not header.expects:
        failed = [answer.asked for answer in answers if answer.verdict not in ("pass", "skip")]
        if failed:
            return [Row(kernel, kind, NOISY, ", ".join(dict.fromkeys(failed)))]
        if status:  # 1: the kernel itself complained; else the answers were cut short
            return [Row(kernel, kind, NOISY if status == 1 else BROKEN,
                        f"exit status {status}; see its log")]
        said = f"{len(answers)} {'cases' if kind == SUITES else 'verdicts'}"
        return [Row(kernel, kind, SILENT, f"as its header says: {header.missed}"
                    if header and header.missed else said)]
    own = [expected for expected in header.expects
           if expected[0].startswith(SUITE_PREFIX) == (kind == SUITES)]
    return [Row(kernel, expected[0], *judge_expected(expected, header, answers))
            for expected in own]


def judge_gated(header: Header, runs: list[list[Row]]) -> list[Row]:
    """One row for each promise of a gated kernel from its rows of every run."""
    rows = []
    least, most = gate.interval(len(runs), header.gate)
    for promise in zip(*runs):
        worst = next((row for row in promise if row.outcome not in (CAUGHT, SILENT)), None)
        caught = sum(row.outcome == CAUGHT for row in promise)
        first = worst or promise[0]
        detail = f"in {caught} of {len(runs)} runs; {least} to {most} are no wonder"
        outcome = CAUGHT if least <= caught <= most else MISSED if caught < least else NOISY
        rows.append(worst or Row(first.kernel, first.asked, outcome, detail))
    return rows


def table(rows: list[Row]) -> str:
    """Kernels and what was asked of them; what was said stands below a row
    that it does not fit into."""
    wide = max((len(row.kernel) for row in rows), default=0) + 2
    lines, before = [f"{'kernel':<{wide}}{'asked':<22}outcome"], ""
    for row in rows:
        begin = f"{'' if row.kernel == before else row.kernel:<{wide}}{row.asked:<22}"
        line = f"{begin}{row.outcome}, {row.detail}"
        fits = len(line) <= opt.COLUMNS
        below = textwrap.wrap(row.detail, opt.COLUMNS - wide - 2)
        lines += [line] if fits else [begin + row.outcome,
                                      *(f"{'':<{wide}}  {part}" for part in below)]
        before = row.kernel
    return "\n".join(lines)


def status(rows: list[Row]) -> int:
    if any(row.outcome in (MISSED, NOISY) for row in rows):
        return 1
    return 2 if any(row.outcome == BROKEN for row in rows) or not rows else 0


@dataclass(frozen=True)
class Asking:
    """How kernels are asked: options of the user, and where logs go."""

    options: opt.Options
    series: str
    logs: Path

    def environment(self, patch: str, header: Header | None) -> dict[str, str]:
        """The same options for every kernel, whether they came by flag or by variable.
        Of one with a bug nothing is asked but what must catch it."""
        own, seconds = self.options, header.seconds if header else 1
        named = [asked for asked, _, _ in header.expects
                 if not asked.startswith(SUITE_PREFIX)] if header else []
        fragments = " ".join(header.config) if header else ""
        return {**os.environ, "KERNEL": own.kernel or self.series, "PATCH": patch,
                "CONFIG": ",".join(spec.words(f"{_CONFIG} {own.config} {fragments}")),
                "ARCH": own.arch, "PAGE": own.page, "CPUS": str(own.cpus), "MEM": f"{own.mem_mib}M",
                "ACCEL": own.accel, "OUT": str(own.out),
                "SCENARIO": ",".join(dict.fromkeys(named)), "SECONDS": str(seconds),
                "WIDEN": own.widen, "RESCUE": "",
                "TOPOLOGY": header.topology if header and header.topology else own.topology}

    def ask(self, kind: str, patch: str, header: Header | None,
            turn: str = "") -> tuple[list[Answer], int]:
        """Build the kernel, run its tests in a guest, read what they said."""
        name = (patch or UNMODIFIED).replace("/", "-")
        log = self.logs / f"{name}-{kind}{turn}.log"
        words = [sys.executable, str(opt.ROOT / "scripts" / f"{kind}.py")]
        with log.open("w") as sink:
            status = run_out(words, sink, self.environment(patch, header))
        found = re.findall(r"(?m)^files:\s+(.+)$", log.read_text(errors="replace"))
        if not found:
            return [], status
        results = Path(found[-1]) / ("results.jsonl" if kind == SUITES else "records.jsonl")
        if not results.exists():
            return [], status
        read = suite_answers if kind == SUITES else scenario_answers
        return read(results.read_text()), status


def run_out(words: list[str], sink: IO[str], environment: dict[str, str]) -> int:
    """Exit status of a script, which, when this one is stopped, may end its
    guest or its build before it goes."""
    process = subprocess.Popen(words, stdout=sink, stderr=sys.stderr, env=environment)
    try:
        return process.wait()
    except BaseException:
        process.terminate()
        process.wait(_PATIENCE_S)
        raise


def chosen_patches(options: opt.Options, series: str) -> list[str]:
    """"" for the unmodified kernel, then the patches asked for, by name: those
    named, or all, or those whose headers have `Check: yes`; all of a series in
    which none has."""
    if options.patch and options.patch != ALL:
        paths = [spec.patch_of(word, series) for word in spec.words(options.patch)]
        foreign = [path for path in paths if not path.is_relative_to(spec.PATCHES)]
        if foreign:
            raise ToolError(f"PATCH={foreign[0]} is none of this project's, and promises nothing",
                            "make kunit PATCH=… and make run PATCH=… ask such a kernel; with a "
                            "header (see qemu/patches/README) it may join those")
        return [str(path.relative_to(spec.PATCHES).with_suffix("")) for path in paths]
    found = [name for name in spec.known_patches() if name.startswith(f"{series}/")]
    if not found:
        known = ", ".join(sorted({name.partition("/")[0] for name in spec.known_patches()}))
        raise ToolError(f"KERNEL={series}: no patches were made for this series",
                        f"series with patches: {known}")
    usual = [name for name in found if read_header(name).check]
    return ["", *(found if options.patch == ALL or not usual else usual)]


def read_header(patch: str) -> Header:
    path = spec.PATCHES / f"{patch}.patch"
    return header_of(path.read_text(), path.name)


def kinds_of(header: Header | None) -> list[str]:
    """Suites and scenarios, or the one kind that a patch promises something of."""
    if header is None or not header.expects:
        return [SUITES, SCENARIOS]
    suites = [asked.startswith(SUITE_PREFIX) for asked, _, _ in header.expects]
    return [kind for kind, wanted in ((SUITES, any(suites)), (SCENARIOS, not all(suites)))
            if wanted]


def ask_gated(asking: Asking, patch: str, header: Header, kind: str) -> list[Row]:
    """As often as a gate of one in N needs, the same kernel booted anew."""
    runs: list[list[Row]] = []
    total = gate.runs_for(header.gate)
    for turn in range(1, total + 1):
        rows = judge(patch, header, kind, *asking.ask(kind, patch, header, f"-{turn}"))
        runs.append(rows)
        print(f"slubtorture: {patch}: run {turn} of {total}: "
              f"{', '.join(row.outcome for row in rows)}", file=sys.stderr, flush=True)
        if any(row.outcome not in (CAUGHT, SILENT) for row in rows):
            return rows
    return judge_gated(header, runs)


def ask_all(asking: Asking, patches: list[str]) -> list[Row]:
    rows: list[Row] = []
    for patch in patches:
        header = read_header(patch) if patch else None
        for kind in kinds_of(header):
            started = time.monotonic()
            if header and header.gate > 1:
                new = ask_gated(asking, patch, header, kind)
            else:
                new = judge(patch or UNMODIFIED, header, kind, *asking.ask(kind, patch, header))
            rows += new
            for row in new:
                print(f"slubtorture: {row.kernel}: {row.asked}: {row.outcome} "
                      f"({time.monotonic() - started:.0f} s)", file=sys.stderr, flush=True)
    return rows


def main() -> int:
    parser = opt.parser("ask kernels that are wrong on purpose")
    options = opt.checked(opt.raw_values(parser.parse_args(), os.environ), Path.cwd() / "out")
    opt.check_out(options.out)
    machine = spec.machine_of(options.arch)
    series = options.kernel or max((name.partition("/")[0] for name in spec.known_patches()),
                                   default="", key=series_key)
    logs = options.out / "busted" / machine.arch
    logs.mkdir(parents=True, exist_ok=True)
    rows = ask_all(Asking(options, series, logs), chosen_patches(options, series))
    print(table(rows))
    print(f"logs:  {rec.shown(logs)}")
    return status(rows)


if __name__ == "__main__":
    sys.exit(guarded(main))
