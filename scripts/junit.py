# SPDX-License-Identifier: GPL-2.0
"""`make junit RUN=DIR`: JUnit XML of runs that were kept, one <testsuite> each.

The document is put together by junit_xml, Debian's python3-junit.xml; what is
a pass, a failure, an error is exported.py's. A control that was caught is a
pass, one that nobody caught an error, as for the run's exit status.
"""

from __future__ import annotations

import argparse
import importlib
import sys
import xml.dom.minidom
from pathlib import Path
from typing import Any

sys.path[:0] = [str(Path(__file__).resolve().parent.parent)]

import exported
import records as rec
from entry import guarded
from errors import ToolError
from exported import Kept, Result, Status
from qemu.store import write_whole

PACKAGE = "python3-junit.xml"
NAME = "junit.xml"
ROOT = "slubtorture"


def _allowed(char: str) -> bool:
    """By XML 1.0, section 2.2, without what it advises against."""
    code = ord(char)
    return (code in (0x9, 0xA) or 0x20 <= code <= 0x7E or code == 0x85
            or 0xA0 <= code <= 0xD7FF or 0xE000 <= code <= 0xFDCF or 0xFDF0 <= code <= 0xFFFD
            or (0x10000 <= code <= 0x10FFFF and code & 0xFFFF < 0xFFFE))


def clean(text: str) -> str:
    """What XML cannot hold is written as Python writes it: \\x1b, \\ud800."""
    text = text.replace("\r\n", "\n")
    return "".join(char if _allowed(char) else char.encode("unicode_escape").decode()
                   for char in text)


def _library() -> Any:
    try:
        return importlib.import_module("junit_xml")
    except ImportError as error:
        raise ToolError("JUnit XML is written by junit_xml, which is not installed",
                        f"apt-get install {PACKAGE}") from error


def _case(library: Any, result: Result) -> Any:
    """One <testcase>; of a pass its evidence is output."""
    *groups, name = result.path
    said, text = clean(result.said), clean(result.text)
    case = library.TestCase(clean(name), ".".join([ROOT, *(clean(group) for group in groups)]),
                            result.seconds)
    if result.status is Status.FAIL:
        case.add_failure_info(said or "failed", text, clean(str(result.facts.get("cause", "")))
                              or None)
    elif result.status in (Status.ERROR, Status.MISS):
        case.add_error_info(said or "no verdict", text,
                            "missed" if result.facts.get("control") else "broken")
    elif result.status is Status.SKIP:
        case.add_skipped_info(said or "skipped", text)
    else:
        case.stdout = "\n".join(part for part in (said, text) if part) or None
    return case


def _properties(kept: Kept) -> dict[str, str]:
    values: dict[str, str | int] = {
        "kernel": kept.release, "kernel_build": kept.build, "architecture": kept.architecture,
        **kept.guest, **kept.facts, "commit": kept.commit, "subject": kept.subject,
        "config_sha256": kept.config_sha256}
    return {name: clean(str(value)) for name, value in values.items() if value not in ("", "-")}


def _suite(library: Any, number: int, kept: Kept) -> Any:
    stamp = kept.started.strftime("%Y-%m-%dT%H:%M:%S") if kept.started else None
    return library.TestSuite(clean(kept.name), [_case(library, one) for one in kept.results],
                             id=str(number), package=ROOT, timestamp=stamp,
                             properties=_properties(kept))


def document(found: list[Kept]) -> str:
    """The whole file."""
    library = _library()
    suites = [_suite(library, number, kept) for number, kept in enumerate(found)]
    # The library knows older Pythons' way to indent only, which adds blank
    # lines to text; without it the document is one line.
    plain = library.to_xml_report_string(suites, prettyprint=False, encoding="utf-8")
    parsed = xml.dom.minidom.parseString(plain.encode())
    pretty: bytes = parsed.toprettyxml(indent=" ", encoding="utf-8")
    return pretty.decode()


def summary(found: list[Kept]) -> str:
    counts = [(sum(kept.count(*statuses) for kept in found), word) for statuses, word in (
        ((Status.PASS,), "passed"), ((Status.FAIL,), "failed"), ((Status.SKIP,), "skipped"),
        ((Status.ERROR, Status.MISS), "errors"))]
    return ", ".join(f"{count} {word}" for count, word in counts)


def main() -> int:
    parser = argparse.ArgumentParser(description="write JUnit XML of runs that were kept")
    parser.add_argument("--run", default="", help="directories; default: out/latest")
    parser.add_argument("--to", default="", help=f"file, - for standard output; default: {NAME} "
                        "in the run's directory")
    args = parser.parse_args()
    found = exported.load_all(args.run)
    text = document(found)
    if args.to == "-":
        print(text, end="")
        return 0
    path = exported.target(args.to, exported.directories(args.run), NAME)
    try:
        write_whole(path, text.encode())
    except OSError as error:
        raise ToolError(f"TO={path} cannot be written: {error.strerror}",
                        "name a file in a directory that can: TO=FILE") from error
    print(f"{summary(found)}\nfile: {rec.shown(path)}")
    return 0


if __name__ == "__main__":
    sys.exit(guarded(main))
