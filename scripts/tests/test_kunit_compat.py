# SPDX-License-Identifier: GPL-2.0
"""The kernel's own kunit.py counts in our logs, and in the KTAP files that are
made of them, what ktap.py counts. Needs a kernel source that has kunit.py:
that of a lab kernel, or KUNIT_SOURCE=DIR."""

from __future__ import annotations

import os
from pathlib import Path

import ktap
import kunit_compat
import kunit_tool
import pytest
from errors import ToolError
from kunit_logs import GOLDEN, lines

# of kunit.py: it reads no log without a version line, and of several documents
# the first, which a boot without built-in suites leaves empty
CANNOT = {"no-plan", "boot-and-module"}
# "skip" is a directive to us in small letters too; a result into which another
# line ran is none
OTHER_WAY = {"directives", "garbled"}


@pytest.fixture(scope="module")
def tree() -> Path:
    found = kunit_compat.sources(os.environ)
    if not found:
        pytest.skip("no lab kernel was built here, so there is no kunit.py to ask; "
                    "`make kunit` builds one, or KUNIT_SOURCE=DIR names a kernel's source")
    return found[-1]


@pytest.mark.parametrize("name", sorted({path.stem for path in GOLDEN.glob("*.log")}
                                        - CANNOT - OTHER_WAY))
def test_kunit_py_counts_the_same_in_a_console(tree: Path, name: str, tmp_path: Path) -> None:
    # A last line without its end is one to kunit.py and none to us.
    log = tmp_path / "console"
    log.write_text("\n".join(lines(name)) + "\n")
    assert kunit_compat.theirs(tree, log) == kunit_compat.ours(lines(name))


@pytest.mark.parametrize("name", sorted({path.stem for path in GOLDEN.glob("*.log")} - OTHER_WAY))
def test_kunit_py_counts_the_same_in_the_file_that_is_kept(tree: Path, name: str,
                                                           tmp_path: Path) -> None:
    parser = ktap.Parser()
    events = [event for line in lines(name) for event in parser.feed(line)] + parser.finish()
    suites = [event for event in events if isinstance(event, ktap.Suite)]
    log = tmp_path / "ktap"
    log.write_text(ktap.document(suites, parser.planned))
    assert kunit_compat.theirs(tree, log) == kunit_compat.ours(lines(name))


def test_a_difference_is_seen(tree: Path, tmp_path: Path) -> None:
    log = tmp_path / "ktap"
    log.write_text("\n".join(lines("directives")) + "\n")
    assert kunit_compat.theirs(tree, log) != kunit_compat.ours(lines("directives"))
    assert len(kunit_compat.differences(tree, [log])) == 1
    assert kunit_compat.differences(tree, [GOLDEN / "panic.log"]) == []


def test_tree_without_kunit_py_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ToolError, match="has no tools/testing/kunit/kunit.py"):
        kunit_compat.theirs(tmp_path, GOLDEN / "clean.log")


def test_sources_are_found_in_the_cache_or_by_name(tmp_path: Path) -> None:
    environment = {"XDG_CACHE_HOME": str(tmp_path)}
    assert kunit_compat.sources(environment) == []
    place = tmp_path / "slubtorture/lab/kernels/x/source"
    (place / kunit_tool.TOOL).parent.mkdir(parents=True)
    assert kunit_compat.sources(environment) == []
    (place / kunit_tool.TOOL).write_text("of 5.10")
    assert kunit_compat.sources(environment) == []
    (place / kunit_tool.TOOL).write_text("parser.add_argument('--summary')")
    assert kunit_compat.sources(environment) == [place]
    assert kunit_compat.sources({**environment, "KUNIT_SOURCE": str(tmp_path)}) == []
