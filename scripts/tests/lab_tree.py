# SPDX-License-Identifier: GPL-2.0
"""A source that looks like Linux to the lab, and whose make takes no time."""

from __future__ import annotations

from pathlib import Path

# tinyconfig writes one option, olddefconfig drops CONFIG_GONE; the build counts
# a step a file, and fails while the file "broken" is there.
MAKEFILE = """\
VERSION = 7
PATCHLEVEL = 2
.NOTPARALLEL:
tinyconfig:
\t@mkdir -p $(O); echo CONFIG_TINY=y > $(O)/.config
olddefconfig:
\t@if [ -e stop ]; then exit 1; fi
\t@sed -i '/CONFIG_GONE/d' $(O)/.config
Image modules bzImage vmlinux:
\t@if [ -e broken ]; then echo "mm/slub.c:1: error: it is broken"; exit 1; fi
\t@if [ -e full ]; then echo "write error: No space left on device"; exit 1; fi
\t@if [ -e slow ]; then sleep 60; fi
\t@echo "  CC      mm/slub.o"; mkdir -p $(O)/include/config $(O)/arch/x86/boot
\t@echo 7.2.0$(LOCALVERSION) > $(O)/include/config/kernel.release
\t@cp mm/slub.c $(O)/arch/x86/boot/bzImage; cp /bin/true $(O)/vmlinux
\t@echo "include $(CURDIR)/Makefile" > $(O)/Makefile; echo built >> built
"""


def make_tree(root: Path) -> Path:
    for name, text in (("Makefile", MAKEFILE), ("mm/slub.c", "one\ntwo\nthree\n"),
                       ("mm/slab.h", "header\n"), ("Kconfig", "mainmenu\n")):
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(text)
    return root


def patch(path: Path, old: str = "two", new: str = "zwei") -> Path:
    path.write_text(f"A header\n\n--- a/mm/slub.c\n+++ b/mm/slub.c\n@@ -1,3 +1,3 @@\n one\n-{old}\n"
                    f"+{new}\n three\n")
    return path
