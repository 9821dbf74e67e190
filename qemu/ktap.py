# SPDX-License-Identifier: GPL-2.0
"""The grammar of KTAP's lines, shared by all that read it: version, plan,
subtest, result and its directive. One line at a time; what a sequence of
lines means is for the callers.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

VERSION = re.compile(r"K?TAP version \d+$")
PLAN = re.compile(r"1\.\.(\d+)(?:\s+#.*)?$")
SUBTEST = re.compile(r"# Subtest: (\S.*)$")
# A description holds no `#`, the specification says; one that is glued to a
# word is taken for part of it all the same.
_RESULT = re.compile(r"(not )?ok (\d+)(?: -)?(?: (.*?))??(?:\s+# ?(.*))?$")
# printk's time stamp, with the thread or CPU where CONFIG_PRINTK_CALLER is set
STAMP = re.compile(r"^\[\s*(\d+\.\d+)\](?:\[\s*[TC]\d+\])? ?")
CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f]")


@dataclass(frozen=True)
class Result:
    """One `ok` or `not ok` line; `directive` is what follows its `#`."""

    number: int
    ok: bool
    name: str
    directive: str = ""

    @property
    def keyword(self) -> str:
        """SKIP, TODO, XFAIL, TIMEOUT, ERROR; "" where no directive is meant."""
        word = self.directive.split(maxsplit=1)[:1]
        found = word[0].upper().rstrip(":") if word else ""
        return found if found in ("SKIP", "TODO", "XFAIL", "TIMEOUT", "ERROR") else ""

    @property
    def reason(self) -> str:
        """The directive without its keyword."""
        if not self.keyword:
            return self.directive
        return self.directive[len(self.directive.split(maxsplit=1)[0]):].strip()


def result_of(text: str) -> Result | None:
    """The result that an unindented line gives, if it gives one."""
    match = _RESULT.match(text)
    if not match:
        return None
    return Result(int(match[2]), not match[1], (match[3] or "").strip(), match[4] or "")
