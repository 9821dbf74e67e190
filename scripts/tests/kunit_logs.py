# SPDX-License-Identifier: GPL-2.0
"""Golden KTAP logs of KUnit, and what KUnit's own counts of them are."""

from __future__ import annotations

from pathlib import Path

import ktap

GOLDEN = Path(__file__).resolve().parent / "golden"


def lines(name: str) -> list[str]:
    """Whole lines of a golden log; a last one that is not ended is no line."""
    return (GOLDEN / f"{name}.log").read_bytes().decode(errors="replace").split("\n")[:-1]


def suites(name: str) -> dict[str, ktap.Suite]:
    return {suite.name: suite for suite in ktap.read(lines(name))[0]}
