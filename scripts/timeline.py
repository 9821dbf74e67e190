# SPDX-License-Identifier: GPL-2.0
"""The time line of each scenario that has one, as a list for people: what was
done to a node's memory, and what SLUB had made of it.

Only arranges what the report says in lines `# event ...`, core/timeline.cc.
"""

from __future__ import annotations

import textwrap
from collections.abc import Mapping, Sequence

from qemu.transcript import parse_fields

WIDTH = 80
_EVENT = "# event "
_LEFT_OUT = "# events-left-out "
_HEAD = f"{'at, s':>8} {'took, ms':>9}  {'way':<8}{'step':<15}"
_ROOM = len(_HEAD)


def _seconds(text: str, scale: int, digits: int) -> str:
    return f"{int(text) / scale:.{digits}f}" if text.isdigit() else "?"


def _found(fields: Mapping[str, str]) -> str:
    """The last column: to what a step was done and of what the kernel told its
    listeners meanwhile, or what a look saw."""
    if fields.get("step") == "look":
        counts = [(fields.get(name, "0"), name) for name in ("kept", "replaced", "gone", "came")]
        said = ", ".join(f"{count} {name}" for count, name in counts if count != "0")
        return f"structures: {said or 'none'}; slabs: {fields.get('slabs', '?')}"
    result = fields.get("result", "?")
    what = "DIMM" if fields.get("way") == "outside" else "block"
    parts = [f"{what} {fields['block']}"] if "block" in fields else []
    parts += [] if result == "0" else [f"refused, errno {result.lstrip('-')}"]
    parts += [fields["told"].replace(",", ", ")] if fields.get("told") else []
    return ": ".join(parts) or "done"


def rows_of(lines: Sequence[str]) -> list[str]:
    """The rows of one scenario's time line, [] if it has none."""
    rows: list[str] = []
    for line in lines:
        if line.startswith(_LEFT_OUT):
            count = parse_fields(line).get("count", "some")
            rows.append(" " * 10 + f"({count} events are left out here)")
        if not line.startswith(_EVENT):
            continue
        fields = parse_fields(line)
        look = fields.get("step") == "look"
        head = (f"{_seconds(fields.get('at_us', ''), 1_000_000, 3):>8} "
                f"{'' if look else _seconds(fields.get('took_us', ''), 1000, 1):>9}  "
                f"{fields.get('way', '?'):<8}{fields.get('step', '?'):<15}")
        rows += textwrap.wrap(_found(fields), WIDTH, initial_indent=head,
                              subsequent_indent=" " * (_ROOM + 2), break_on_hyphens=False)
    return rows


def text(subtests: Mapping[str, Sequence[str]]) -> str:
    """All time lines, or ""."""
    parts = []
    for name, lines in subtests.items():
        rows = rows_of(lines)
        if rows:
            parts.append("\n".join([f"{name}: time line", _HEAD.rstrip(), *rows]))
    return "\n\n".join(parts)
