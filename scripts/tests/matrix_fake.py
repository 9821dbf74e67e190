# SPDX-License-Identifier: GPL-2.0
"""The real matrix.py, but for the scripts that it starts, which are imitated,
for kernels, of which none is at hand, and for the picture, which is not drawn.
FAKE_SCRIPTS is where the scripts are."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable
from pathlib import Path
from unittest.mock import patch

_SCRIPTS = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(_SCRIPTS.parent), str(_SCRIPTS)]

import matrix
import options as opt
import prepared
from entry import guarded
from matrices import costs
from matrices.asking import Asking
from matrices.columns import Kernel


def asking(options: opt.Options, place: Path) -> Asking:
    return Asking(options, place, Path(os.environ["FAKE_SCRIPTS"]))


def there(_: Asking, kernels: Iterable[Kernel]) -> dict[str, prepared.AtHand]:
    modules = bool(os.environ.get("FAKE_READY"))
    return {kernel.name: prepared.AtHand(True, modules) for kernel in kernels}


def main() -> int:
    slow = os.environ.get("FAKE_SLOW")
    if slow == "modules":
        costs.MODULES_S = 1e6
    elif slow:
        costs.GUEST_S[slow] = 1e6
    with patch.object(matrix, "Asking", asking), patch.object(costs, "there", there), (
            patch("matrices.picture.draw", lambda found, path: "not drawn")):
        return guarded(matrix.main)


if __name__ == "__main__":
    sys.exit(main())
