# SPDX-License-Identifier: GPL-2.0
"""timeline.py: the list for people that the report's events make."""

from __future__ import annotations

import timeline

LINES = (
    "ok 1 node-pointer-kept # 6 asked, 0 broken",
    "# event at_us=1880000 took_us=16100 way=sysfs step=offline block=3 result=0 "
    "told=going-offline,offline",
    "# event at_us=1900000 took_us=900 way=sysfs step=offline block=1 result=-16 "
    "told=going-offline,cancel-offline:2",
    "# event at_us=1902000 took_us=0 way=- step=look kept=203 replaced=0 gone=1 came=0 slabs=7",
    "# event at_us=1903000 took_us=0 way=sysfs step=online-movable block=1 result=0",
    "# events-left-out count=12",
    "# event at_us=2903000 took_us=300500 way=outside step=unplug block=0 result=0",
)


def test_each_event_is_a_row() -> None:
    rows = timeline.rows_of(LINES)
    assert [row.split() for row in rows if "cancel" not in row] == [
        ["1.880", "16.1", "sysfs", "offline", "block", "3:", "going-offline,", "offline"],
        ["1.900", "0.9", "sysfs", "offline", "block", "1:", "refused,", "errno", "16:"],
        ["1.902", "-", "look", "structures:", "203", "kept,", "1", "gone;", "slabs:"], ["7"],
        ["1.903", "0.0", "sysfs", "online-movable", "block", "1"],
        ["(12", "events", "are", "left", "out", "here)"],
        ["2.903", "300.5", "outside", "unplug", "DIMM", "0"]]
    assert all(len(row) <= timeline.WIDTH for row in rows)


def test_scenarios_without_events_have_no_line() -> None:
    assert timeline.text({"exts-late": ("ok 1 a # 1 asked, 0 broken",)}) == ""
    text = timeline.text({"a": LINES[:1], "node-partial": LINES})
    assert text.startswith("node-partial: time line\n") and "a:" not in text


def test_garbled_events_do_not_stop_the_list() -> None:
    assert timeline.rows_of(("# event at_us=x", "# event ", "# events-left-out "))
