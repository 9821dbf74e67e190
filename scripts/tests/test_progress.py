# SPDX-License-Identifier: GPL-2.0
"""progress.py: one line a beginning and an end in a file, one rewritten line
on a terminal."""

from __future__ import annotations

import io

from progress import Progress

BEGIN = "    # Subtest: exts-external"
END = '# record scenario=exts-external verdict=pass expected=pass cause=none evidence="-"'
CAUGHT = '# record scenario=busted-x verdict=fail expected=fail:ordering cause=ordering'


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def test_plain_lines() -> None:
    out = io.StringIO()
    progress = Progress(out, 2)
    for line in (BEGIN, END, CAUGHT, "ok 1 exts-external", ""):
        progress.line(line)
        progress.tick()
    progress.close()
    lines = out.getvalue().splitlines()
    assert len(lines) == 3 and "\r" not in out.getvalue() and "\x1b" not in out.getvalue()
    assert "exts-external" in lines[0] and "begins" in lines[0]
    assert "pass   1/2" in lines[1]
    assert "caught 2/2" in lines[2]


def test_terminal_rewrites_the_running_line() -> None:
    out = Terminal()
    progress = Progress(out, 1)
    progress.line(BEGIN)
    assert out.getvalue().startswith("\r") and "\n" not in out.getvalue()
    progress.line(END)
    progress.close()
    assert out.getvalue().count("\n") == 1


def test_interrupted_terminal_is_left_on_a_new_line() -> None:
    out = Terminal()
    progress = Progress(out, 1)
    progress.line(BEGIN)
    progress.close()
    assert out.getvalue().endswith("\n")
