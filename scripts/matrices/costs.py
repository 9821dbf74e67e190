# SPDX-License-Identifier: GPL-2.0
"""What guests and builds are expected to take, from what those took that are
done, or from what was measured on two cores without KVM.
"""

from __future__ import annotations

import os
import statistics
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import options as opt
import prepared
from errors import ToolError
from lab import store
from matrices import plan
from matrices.asking import Asking
from matrices.columns import Kernel
from matrices.plan import Visit
from matrices.state import Matrix

# Seconds of one guest, two at once; of a promise what its header asks for beside.
GUEST_S = {plan.NAMED: 8.0, plan.SUITE: 9.0, plan.USUAL: 25.0, plan.SUITES: 30.0,
           plan.NODES: 20.0}
KERNEL_S, MODULES_S, FETCH_S = 140.0, 20.0, 40.0
_FEWEST = 2  # guests of a kind before their own median counts


@dataclass
class Costs:
    """Seconds by kind of guest, as they were seen; seconds of builds."""

    seen: dict[str, list[float]] = field(default_factory=dict)
    modules_s: list[float] = field(default_factory=list)
    kernel_s: float = KERNEL_S

    @staticmethod
    def _kind(visit: Visit) -> str:
        header = visit.kernel.header
        seconds = header.seconds if header and visit.group == plan.NAMED else 1
        return f"{visit.group} {seconds} {visit.kernel.arch} {','.join(visit.kernel.config)}"

    def learn(self, visit: Visit, seconds: float) -> None:
        self.seen.setdefault(self._kind(visit), []).append(seconds)

    def of(self, visit: Visit) -> float:
        known = self.seen.get(self._kind(visit), [])
        if len(known) >= _FEWEST:
            return statistics.median(known)
        header = visit.kernel.header
        more = header.seconds - 1 if header and visit.group == plan.NAMED else 0
        return GUEST_S[visit.group] + more

    def of_build(self, kernel: Kernel, there: prepared.AtHand) -> float:
        """0 if there is nothing to build."""
        if there.kernel and there.modules:
            return 0.0
        modules = statistics.median(self.modules_s) if self.modules_s else MODULES_S
        own = 0.0 if there.kernel else FETCH_S if kernel.stock else self.kernel_s
        return own + modules


def of_matrix(matrix: Matrix, visits: Sequence[Visit], cache: Path) -> Costs:
    """From what a journal tells, and from the kernels that were built before."""
    costs = Costs()
    for visit in visits:
        if visit.key in matrix.done:
            costs.learn(visit, matrix.done[visit.key])
    built = [stored.built_s for _, stored in store.all_stored(cache) if stored.built_s > 20]
    if built:
        costs.kernel_s = statistics.median(built)
    return costs


def there(asking: Asking, kernels: Iterable[Kernel]) -> dict[str, prepared.AtHand]:
    """What is at hand of each kernel, by its name."""
    found = {}
    for kernel in kernels:
        values = opt.raw_values(opt.parser("").parse_args([]), asking.of_kernel(kernel))
        try:
            found[kernel.name] = prepared.at_hand(opt.checked(values, asking.place))
        except ToolError:  # it is said when the kernel is to be made
            found[kernel.name] = prepared.AtHand(False, False)
    return found


def default_jobs(options: opt.Options, meminfo: str) -> int:
    """Guests at once, where there is memory for them: three for two cores. Under
    emulation one takes 17.5 s of a CPU for the usual scenarios and 3.7 s for a
    promise, of 22 s and 5 s in all, but those were measured at another time: one,
    two and three at once were not compared on an idle machine."""
    cores = len(os.sched_getaffinity(0))
    wanted = cores + cores // 2
    have = opt.available_mib(meminfo)
    each = options.mem_mib + opt.DIMM_MIB + opt.QEMU_OVERHEAD_MIB
    return max(1, min(wanted, have // each if have else wanted))
