# SPDX-License-Identifier: GPL-2.0
"""What of a failed build's log says why."""

from __future__ import annotations

import re

_TELLING = re.compile(r"(error|warning|undefined|\*\*\*)", re.IGNORECASE)


def telling_lines(log: str, most: int = 40) -> list[str]:
    """The lines of a failed build that say why; the last ones if none does."""
    lines = log.splitlines()
    return [line for line in lines if _TELLING.search(line)][:most] or lines[-most:]
