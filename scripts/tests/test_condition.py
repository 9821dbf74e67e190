# SPDX-License-Identifier: GPL-2.0
"""condition.py: which states of a histogram meet a litmus test's condition."""

from __future__ import annotations

import re

import pytest

import condition
import litmus
from errors import ToolError

HANDOFF = "exists (~1:pointer=0 /\\ (1:content=0 \\/ 1:metadata=0 \\/ 1:slab=0))\n"
LATE = "exists (1:r_exts=1 /\\ 1:r_stride=0)\n"


@pytest.mark.parametrize(("test", "state", "met"), [
    (HANDOFF, {"content": "1", "metadata": "1", "slab": "1"}, False),
    (HANDOFF, {"pointer": "1", "content": "1", "metadata": "0", "slab": "1"}, True),
    (HANDOFF, {"pointer": "1", "content": "0"}, True),
    (HANDOFF, {"pointer": "1", "content": "1"}, False), (HANDOFF, {"content": "0"}, False),
    (HANDOFF, {"pointer": "0", "content": "0", "metadata": "0", "slab": "0"}, False),
    (HANDOFF, {"pointer": "1", "other": "0"}, False), (HANDOFF, {}, False),
    (LATE, {"r_exts": "0", "r_stride": "0"}, False), (LATE, {"r_exts": "1", "r_stride": "0"}, True),
    (LATE, {"r_exts": "1", "r_stride": "16"}, False), (LATE, {"r_exts": "0"}, False),
    ("exists (0:r0=-1)", {"r0": "-1"}, True), ("exists (~(~0:r0=1))", {"r0": "1"}, True),
    ("exists (a=1 \\/ b=1 /\\ c=1)", {"a": "1", "b": "0", "c": "0"}, True),
    ("exists ((a=1 \\/ b=1) /\\ c=1)", {"a": "1", "b": "0", "c": "0"}, False)])
def test_which_states_meet_it(test: str, state: dict[str, str], met: bool) -> None:
    assert condition.met(test, state, "t") is met


@pytest.mark.parametrize(("test", "told"), [
    ("exists (1:r0=1 /\\ )", "')' is not expected"), ("exists (1:r0=1", "it ends too soon"),
    ("exists ((1:r0=1)", "not closed"), ("exists (1:r0=1) x", "it ends too soon"),
    ("exists (r0)", "'r0)' is not expected"), ("exists (1:r0=1 1:r1=1)", "not closed"),
    ("exists (1:r0=1 & 1:r1=1)", "'& 1:r1=1)' is not expected"), ("", "it ends too soon")])
def test_what_cannot_be_read_is_refused(test: str, told: str) -> None:
    with pytest.raises(ToolError, match=re.escape(told)):
        condition.read(test, "t")


@pytest.mark.parametrize("name", [path.stem for path in sorted(litmus.TESTS.glob("*.litmus"))])
def test_ours_can_be_read(name: str) -> None:
    text = (litmus.TESTS / f"{name}.litmus").read_text()
    assert condition.read(text, "t")({}) is None
