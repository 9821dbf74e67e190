# SPDX-License-Identifier: GPL-2.0
"""Makes a git tree with a history from a Debian kernel source, for bisections
with real kernels: small commits to SLUB and other files, of which one puts a
known bug of qemu/patches back, one does not build and one does not boot.

    bisect_kernel_tree.py     makes it in the cache, if it is not there, and
                              prints what to call `make bisect` with

Branches: `always`, in which the bug is there in every boot, and `flaky`, in one
boot of five; `NAME-first` is the first bad commit of branch NAME, and `good`
what both begin with. What a tiny x86 kernel never reads is left out of it.
"""

from __future__ import annotations

import hashlib
import os
import re
import shutil
import subprocess
import sys
import tarfile
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO

_ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(_ROOT), str(_ROOT / "scripts")]

from entry import guarded
from lab import source
from lab.patches import diff_of, touched
from options import cache_dir
from qemu.store import locked

SERIES = "7.2"
BUGS = {"always": "stride-16-bit", "flaky": "stride-16-bit-one-in-five"}
# The history: what each commit does, to which file. All before BUG is shared.
# So many, so placed, that git's walk comes to both that cannot be asked.
GROWS, BUG, NO_BUILD, NO_BOOT, MENDS = "grows", "bug", "no-build", "no-boot", "mends"
SLUB, SLAB = "mm/slub.c", "mm/slab.h"
HISTORY: tuple[tuple[str, str], ...] = (
    (GROWS, SLUB), (GROWS, "lib/string.c"), (GROWS, SLAB), (GROWS, "mm/util.c"),
    (GROWS, SLUB), (GROWS, "kernel/fork.c"), (GROWS, "mm/page_alloc.c"), (GROWS, SLAB),
    (GROWS, "lib/vsprintf.c"), (GROWS, SLUB), (GROWS, "mm/slab_common.c"),
    (NO_BUILD, SLUB), (MENDS, SLUB), (GROWS, "init/main.c"), (GROWS, SLUB),
    (NO_BOOT, SLUB), (MENDS, SLUB), (GROWS, SLAB), (BUG, ""), (GROWS, SLUB),
    (GROWS, "lib/kasprintf.c"), (GROWS, "mm/memcontrol.c"), (GROWS, SLAB),
    (GROWS, "kernel/sys.c"), (GROWS, SLUB))
# Of these only what configures and names is kept.
_LEFT_OUT = re.compile(
    r"(drivers/(gpu|net|media|staging|scsi|infiniband|iio|hwmon|crypto|accel|soc|clk|pinctrl|usb|"
    r"mfd|regulator|phy|spi|i2c|leds|md|mtd|nvme|block|firmware/qcom)|sound|"
    r"Documentation|samples|tools/(testing|perf)|fs/(xfs|btrfs|ext4|nfs|nfsd|smb|ocfs2|f2fs|ceph|"
    r"bcachefs|gfs2|jfs|ntfs3|udf)|arch/(?!x86/)[a-z0-9]+)/")
_KEPT = re.compile(r"(^|/)(Kconfig|Makefile|Kbuild)[^/]*$")
_WHO = "slubtorture tests <tests>"
_BEGAN = 1_700_000_000


@dataclass
class Import:
    """A history on its way into git, by git fast-import."""

    stream: IO[bytes]
    files: dict[str, bytes] = field(default_factory=dict)  # those that commits change
    marks: int = 0

    def blob(self, data: bytes) -> None:
        self.stream.write(b"data %d\n%s\n" % (len(data), data))

    def commit(self, branch: str, subject: str, parent: int, changed: dict[str, bytes]) -> int:
        self.marks += 1
        lines = [f"commit refs/heads/{branch}", f"mark :{self.marks}",
                 f"committer {_WHO} {_BEGAN + self.marks} +0000", ""]
        self.stream.write("\n".join(lines).encode())
        self.blob(subject.encode())
        if parent:
            self.stream.write(f"from :{parent}\n".encode())
        for name, data in changed.items():
            self.stream.write(f"M 644 inline {name}\n".encode())
            self.blob(data)
        return self.marks

    def name(self, reference: str, mark: int) -> None:
        self.stream.write(f"reset {reference}\nfrom :{mark}\n\n".encode())


def is_kept(name: str) -> bool:
    return not _LEFT_OUT.match(name) or bool(_KEPT.search(name))


def _members(tarball: Path) -> Iterator[tuple[str, tarfile.TarInfo, bytes]]:
    with tarfile.open(tarball, "r|*") as archive:
        for member in archive:
            name = member.name.partition("/")[2]
            if not name or not is_kept(name) or not (member.isfile() or member.issym()):
                continue
            content = archive.extractfile(member) if member.isfile() else None
            yield name, member, content.read() if content else member.linkname.encode()


def _base(into: Import, tarball: Path, wanted: set[str]) -> int:
    """The source as it is; remembers the files that are wanted."""
    mark = into.commit("good", f"Linux {SERIES} of Debian", 0, {})
    for name, member, data in _members(tarball):
        mode = "120000" if member.issym() else "755" if member.mode & 0o100 else "644"
        quoted = '"' + name.replace("\\", "\\\\").replace('"', '\\"') + '"'
        into.stream.write(f"M {mode} inline {quoted}\n".encode())
        into.blob(data)
        if name in wanted:
            into.files[name] = data
    return mark


def grown(text: bytes, name: str, number: int) -> bytes:
    """The file with a function more, which nobody calls."""
    function = f"st_change_{number}"
    if name.endswith(".h"):
        head, end, tail = text.rpartition(b"\n#endif")
        body = f"\nstatic inline int {function}(void)\n{{\n\treturn {number};\n}}\n"
        return head + body.encode() + end + tail
    return text + (f"\nint {function}(void);\nint {function}(void)\n{{\n"
                   f"\treturn {number};\n}}\n").encode()


_NO_BUILD = b"\nint st_no_build(void);\nint st_no_build(void)\n{\n\treturn st_nowhere;\n}\n"
_NO_BOOT = (b"\nstatic int __init st_no_boot(void)\n{\n"
            b'\tpanic("a commit that does not boot");\n}\ncore_initcall(st_no_boot);\n')


def patched(files: dict[str, bytes], patch: Path) -> dict[str, bytes]:
    """The files that a patch changes, as it leaves them."""
    text = patch.read_text()
    names = touched(text)
    with tempfile.TemporaryDirectory() as scratch:
        for name in names:
            (Path(scratch) / name).parent.mkdir(parents=True, exist_ok=True)
            (Path(scratch) / name).write_bytes(files[name])
        subprocess.run(["patch", "-p1", "--fuzz=0", "-s", "-d", scratch], input=diff_of(text),
                       text=True, check=True)
        return {name: (Path(scratch) / name).read_bytes() for name in names}


def _change(kind: str, name: str, number: int, files: dict[str, bytes],
            bug: Path) -> tuple[str, dict[str, bytes]]:
    """A commit's subject and the files that it changes."""
    subject = f"{name.removesuffix('.c').removesuffix('.h')}: "
    if kind == BUG:
        return "mm/slab: keep the stride of extensions in fewer bits", patched(files, bug)
    if kind == GROWS:
        return f"{subject}add st_change_{number}()", {name: grown(files[name], name, number)}
    if kind == MENDS:
        text = files[name].replace(_NO_BUILD, b"").replace(_NO_BOOT, b"")
        return f"{subject}mend what change {number - 1} broke", {name: text}
    if kind == NO_BUILD:
        return f"{subject}use what is not declared", {name: files[name] + _NO_BUILD}
    return f"{subject}check at boot", {name: files[name] + _NO_BOOT}


def _history(into: Import, base: int, patches: dict[str, Path]) -> None:
    bug = [kind for kind, _ in HISTORY].index(BUG)
    parent = base
    for number, (kind, name) in enumerate(HISTORY[:bug], 1):
        subject, changed = _change(kind, name, number, into.files, Path())
        into.files.update(changed)
        parent = into.commit("shared", subject, parent, changed)
    for branch, patch in patches.items():
        files, last = dict(into.files), parent
        for number, (kind, name) in enumerate(HISTORY[bug:], bug + 1):
            subject, changed = _change(kind, name, number, files, patch)
            files.update(changed)
            last = into.commit(branch, subject, last, changed)
            if kind == BUG:
                into.name(f"refs/tags/{branch}-first", last)


def make(tarball: Path, place: Path, patches: dict[str, Path]) -> None:
    """The whole tree, bare."""
    subprocess.run(["git", "init", "-q", "--bare", "-b", "always", str(place)], check=True)
    command = ["git", "-C", str(place), "-c", "core.compression=1", "-c",
               "fastimport.unpackLimit=0", "fast-import", "--quiet", "--depth=0"]
    with subprocess.Popen(command, stdin=subprocess.PIPE) as process:
        assert process.stdin
        into = Import(process.stdin)
        base = _base(into, tarball, {name for _, name in HISTORY} | {SLUB, SLAB})
        _history(into, base, patches)
        process.stdin.close()
        if process.wait():
            raise subprocess.CalledProcessError(process.returncode, command)


def obtain(cache: Path) -> Path:
    """The tree in the cache; made once from each source and each version of this."""
    tarball = source._newest(SERIES, cache)
    patches = {branch: _ROOT / "qemu/patches" / SERIES / f"{name}.patch"
               for branch, name in BUGS.items()}
    texts = [Path(__file__).read_text(), *(diff_of(path.read_text()) for path in patches.values())]
    digest = hashlib.sha256("\0".join([tarball.name, *texts]).encode()).hexdigest()[:8]
    place = cache / "lab/bisect-tree" / f"{SERIES}-{digest}.git"
    with locked(cache / "lab/bisect-tree/.lock"):
        if not place.exists():
            source.say(f"making a git tree of {tarball.name}, about a minute")
            part = place.with_name(".part")
            shutil.rmtree(part, ignore_errors=True)
            make(tarball, part, patches)
            part.rename(place)
    return place


def main() -> int:
    place = obtain(cache_dir(os.environ).resolve())
    for branch in BUGS:
        print(f"make bisect TREE={place} GOOD=good BAD={branch}")
    return 0


if __name__ == "__main__":
    sys.exit(guarded(main))
