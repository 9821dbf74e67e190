# SPDX-License-Identifier: GPL-2.0
"""`make clean`: removes what was built in this clone. Runs kept in OUT and
the cache of downloads stay; the help text names both.
"""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
BUILT = ("build", "check", "host")


def main() -> int:
    """Git knows what is built: files it ignores below the source folders."""
    listed = subprocess.run(
        ["git", "-C", str(ROOT), "ls-files", "-z", "--others", "--ignored",
         "--exclude-standard", "--", "module", "kunit", "selftests", "Module.symvers",
         "modules.order"], capture_output=True, text=True, check=False).stdout
    for name in filter(None, listed.split("\0")):
        (ROOT / name).unlink(missing_ok=True)
    for name in BUILT:
        shutil.rmtree(ROOT / "out" / name, ignore_errors=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
