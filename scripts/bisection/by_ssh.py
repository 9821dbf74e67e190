# SPDX-License-Identifier: GPL-2.0
"""The command that looks at the machines of HOSTS=, before a bisection needs
them, and that takes away what bisections left there.
"""

from __future__ import annotations

import argparse
import os
from collections.abc import Sequence

from bisection import hosts as hst
from errors import ToolError


def hosts_main(argv: Sequence[str]) -> int:
    """Ask machines what they have for running guests. 0: all can be used."""
    parser = argparse.ArgumentParser(prog="scripts/bisect hosts", description=hosts_main.__doc__)
    parser.add_argument("hosts", nargs="*", metavar="HOST[/GUESTS]",
                        help="as ssh takes them (default: the variable HOSTS)")
    parser.add_argument("--arch", default="", help="of the guests (default: this computer's)")
    parser.add_argument("--forget", action="store_true",
                        help="take away all that bisections left there")
    args = parser.parse_args(argv)
    hosts = hst.parsed_hosts(" ".join(args.hosts) or os.environ.get("HOSTS", ""))
    if not hosts:
        raise ToolError("no host is named", "for example scripts/bisect hosts alice@build1")
    if args.forget:
        lines = hst.forget(hosts)
        good = not lines
    else:
        lines, good = hst.told(hosts, args.arch)
    for line in lines:
        print(line)
    return 0 if good else 2
