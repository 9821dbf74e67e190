# SPDX-License-Identifier: GPL-2.0
"""What went wrong with the tool, as opposed to what a test found.

Whoever raises it says what is wrong and where, and what to do about it; how
that is printed is for entry.py.
"""

from __future__ import annotations


# What is asked for is named in the archive's lists and cannot be used: nothing to
# be done about here. Commands that start others tell it from a failure.
GONE = 3


class ToolError(Exception):
    """One clear message, a way out (may be "") and an exit status."""

    def __init__(self, message: str, hint: str = "", status: int = 2) -> None:
        super().__init__(message)
        self.hint = hint
        self.status = status


class SourceError(ToolError):
    """The source that was asked for is at fault, not what it is built with: it
    does not build, or not so. Another commit of it may be different."""
