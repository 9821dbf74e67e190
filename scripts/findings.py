# SPDX-License-Identifier: GPL-2.0
"""What is known to be wrong with kernels that nobody has patched, as data: real
findings, each with the versions that have it, what a verdict about it says, and
the commit that made or mended it. Any other failure of such a kernel is news,
or a false alarm.

Pure: a record in, the finding that explains it out. Which series `make check`
asks, and what else they must answer, is in expectations.py.
"""

from __future__ import annotations

import fnmatch
import re
from collections.abc import Mapping
from dataclasses import dataclass

from series import series_key

Record = Mapping[str, object]


@dataclass(frozen=True)
class Sign:
    """How one finding shows itself: a verdict of these scenarios (globs) that
    names invariant and cause, with evidence that matches. `certain`: a kernel
    that has it must fail so, whenever it is asked."""

    scenarios: tuple[str, ...]
    invariant: str
    cause: str
    evidence: str  # regular expression
    certain: bool = False

    def fits(self, scenario: str, invariant: str, cause: str) -> bool:
        return (invariant == self.invariant and cause == self.cause
                and any(fnmatch.fnmatchcase(scenario, glob) for glob in self.scenarios))


@dataclass(frozen=True)
class Finding:
    """A bug of kernels from `since` on and before `until`; "" for no bound that
    is known. `commit` made it, mended it in `until`, or mended a part of it."""

    name: str
    since: str
    until: str
    commit: str
    what: str
    signs: tuple[Sign, ...]

    def concerns(self, series: str) -> bool:
        at = series_key(series)
        return not (self.since and at < series_key(self.since)
                    or self.until and at >= series_key(self.until))


_WHOLE_NODE = ("node-offline-online", "node-partial")
_GONE = r"(0{16}|\(null\)|\S*null\S*) "

FINDINGS: tuple[Finding, ...] = (
    # 666716fd267d ("mm, slub: stop freeing kmem_cache_node structures on node
    # offline"). Evidence has cache, node and both pointers as the kernel
    # hashes them.
    Finding(
        "node-structs-freed", "", "5.12", "666716fd267d",
        "a node's structures are freed when its last normal memory goes, under readers "
        "that take no lock", (
            Sign(_WHOLE_NODE, "node-pointer-kept", "lifetime",
                 rf"cache \S+ node 1: [0-9a-f]{{16}} became {_GONE}", certain=True),
            Sign(("node-*",), "node-pointer-kept", "lifetime",
                 rf"cache \S+ node \d+: [0-9a-f]{{16}} became {_GONE}"),
            Sign(("node-window-*",), "node-kept-in-use", "lifetime",
                 r"when it went on, the cache had 0{16}: what it uses next has been freed"),
            Sign(("node-*",), "no-splat", "lifetime", r"KASAN: use-after-free in"))),
    # Beside SLUB. 3d36424b3b58 made the slow path look again and left the
    # first try as it was; seen on lab kernels of 7.2 without ZONE_DMA alone.
    Finding(
        "zonelist-rewritten", "", "", "3d36424b3b58",
        "a page allocation's preferred zone becomes the NULL at its zonelist's end while a "
        "zone of the node empties",
        (Sign(("node-churn",), "no-splat", "unknown", r"null-ptr-deref in zone_statistics"),)),
)


def of_series(series: str) -> tuple[Finding, ...]:
    """The findings that kernels of a series have."""
    return tuple(finding for finding in FINDINGS if finding.concerns(series))


def certain(series: str) -> dict[str, Sign]:
    """Scenarios that must fail on a series, with how."""
    return {scenario: sign for finding in of_series(series) for sign in finding.signs
            if sign.certain for scenario in sign.scenarios}


def release_series(release: str) -> str:
    """7.2 of 7.2.13+deb14-cloud-amd64, "" of what is none."""
    match = re.match(r"\d+\.\d+", release)
    return match[0] if match else ""


def known(record: Record, series: str = "") -> Finding | None:
    """The finding that explains a failure wholly: its first breach by invariant,
    cause and evidence, what else broke (`others`) by invariant and cause, and
    what the kernel said. The series is that of the record's kernel, if it is
    not given."""
    series = series or release_series(str(record.get("kernel_release", "")))
    if record.get("verdict") != "fail" or not series:
        return None
    return next((finding for finding in of_series(series) if _explains(finding, record)), None)


def _lines(record: Record, key: str) -> list[str]:
    value = record.get(key, ())
    return [str(line) for line in value] if isinstance(value, (list, tuple)) else []


def _explains(finding: Finding, record: Record) -> bool:
    scenario = str(record.get("scenario", ""))

    def signs(invariant: str, cause: str) -> list[Sign]:
        return [sign for sign in finding.signs if sign.fits(scenario, invariant, cause)]

    first = signs(str(record.get("invariant", "")), str(record.get("cause", "")))
    others = [other.partition(":") for other in _lines(record, "others")]
    splat = "\n".join(_lines(record, "splat"))
    splats = [sign for sign in finding.signs if sign.invariant == "no-splat"]
    return (any(re.search(sign.evidence, str(record.get("evidence", ""))) for sign in first)
            and all(signs(invariant, cause) for invariant, _, cause in others)
            and (not splat or any(re.search(sign.evidence, splat) for sign in splats)))
