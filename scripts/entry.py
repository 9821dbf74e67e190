# SPDX-License-Identifier: GPL-2.0
"""How every command of scripts/ ends: one clear message and an exit status.

What went wrong and the way out come with the exception; nothing is decided
here.
"""

from __future__ import annotations

import sys
from collections.abc import Callable

from errors import ToolError
from qemu.guest import Stopped, stop_signals
from qemu.machine import GuestError

BROKEN_STATUS = 2


def complain(message: str, hint: str) -> None:
    print(f"slubtorture: {message}", file=sys.stderr)
    if hint:
        print(f"  {hint}", file=sys.stderr)


def guarded(action: Callable[[], int]) -> int:
    """Run `action`, turning expected trouble into a message and a status."""
    try:
        with stop_signals():
            return action()
    except ToolError as error:
        complain(str(error), error.hint)
        return error.status
    except GuestError as error:
        complain(str(error), error.hint)
        return BROKEN_STATUS
    except Stopped as stopped:
        complain(f"stopped by {stopped}", "what was written so far is kept")
        return 128 + stopped.number
    except BrokenPipeError:
        sys.stderr.close()
        return BROKEN_STATUS
