# SPDX-License-Identifier: GPL-2.0
"""Whoever stands outside of the guest: the module asks in its report for a DIMM
to be unplugged or plugged in, and QEMU is told to do it. A virtio-mem device
stays, and is asked for all of its memory or none.

A line that asks is `# host unplug dimm1`. The guest is the one that decides
whether memory can go; what comes of it the module sees by itself. Here only
what QEMU answers is kept, and a DIMM that has not left yet is waited for.
"""

from __future__ import annotations

import re
import time
from collections.abc import Sequence
from dataclasses import dataclass, field

from qemu.qmp import Monitor, QmpError
from qemu.topology import GuestDimm, Kind

_ASKS = re.compile(r"\s*# host (plug|unplug) (\S+)$")
RETRY_S = 0.1
# As long as the module waits, shims/ways.c.
PATIENCE_S = 30.0


@dataclass(frozen=True)
class Answer:
    """What was asked for and what QEMU said to it; "" is a yes."""

    what: str
    device: str
    problem: str


@dataclass
class _Waiting:
    what: str
    dimm: GuestDimm
    since: float
    next_try: float


@dataclass
class Attendant:
    """Answers one guest; `line` takes each line of its report, `tick` comes often."""

    monitor: Monitor
    dimms: Sequence[GuestDimm]
    answers: list[Answer] = field(default_factory=list)
    _waiting: list[_Waiting] = field(default_factory=list)

    def line(self, text: str) -> None:
        match = _ASKS.match(text)
        if not match:
            return
        dimm = next((dimm for dimm in self.dimms if dimm.name == match[2]), None)
        if dimm is None:
            self.answers.append(Answer(match[1], match[2], "this guest has no such DIMM"))
            return
        now = time.monotonic()
        self._waiting.append(_Waiting(match[1], dimm, now, now))
        self.tick()

    def tick(self) -> None:
        """Tries what is due; in the order in which it was asked for."""
        while self._waiting and time.monotonic() >= self._waiting[0].next_try:
            first = self._waiting[0]
            problem = self._try(first)
            if problem and time.monotonic() - first.since < PATIENCE_S:
                first.next_try = time.monotonic() + RETRY_S
                return
            self._waiting.pop(0)
            self.answers.append(Answer(first.what, first.dimm.name, problem))

    def _try(self, asked: _Waiting) -> str:
        """A DIMM leaves when the guest has let go of it; until then QEMU refuses
        to plug in another of its name."""
        dimm = asked.dimm
        try:
            if dimm.kind is Kind.VIRTIO_MEM:
                self.monitor.ask("qom-set", path=f"/machine/peripheral/{dimm.name}",
                                 property="requested-size",
                                 value=dimm.mib << 20 if asked.what == "plug" else 0)
            elif asked.what == "unplug":
                self.monitor.ask("device_del", id=dimm.name)
            else:
                self.monitor.ask("device_add", driver="pc-dimm", id=dimm.name,
                                 memdev=f"{dimm.name}-ram", node=dimm.nid)
        except QmpError as error:
            return str(error)
        return ""

    def problems(self) -> list[str]:
        """What QEMU did not do, for people."""
        late = [Answer(asked.what, asked.dimm.name, "it was not done when the guest ended")
                for asked in self._waiting]
        return [f"outside: {answer.what} {answer.device}: {answer.problem}"
                for answer in (*self.answers, *late) if answer.problem]


def module_args(dimms: Sequence[GuestDimm], movable_only: bool, goes: int,
                lacks: str = "") -> str:
    """What the module must know of its guest: who can be asked for what, that
    its memory may be removed because no firmware outlives it, and limits; or
    which option the kernel `lacks` without which nobody can be asked."""
    words = ["remove_memory=1"] if dimms else []
    if dimms and lacks:
        words.append(f"host=!{lacks}")
    elif dimms:
        words.append("host=" + ",".join(dimm.name for dimm in dimms))
    if movable_only:
        words.append("hotplug_zone=movable")
    if goes >= 0:
        words.append(f"hotplug_node={goes}")
    return " ".join(words)
