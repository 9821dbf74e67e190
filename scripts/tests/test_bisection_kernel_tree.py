# SPDX-License-Identifier: GPL-2.0
"""The history that is made for bisections of real kernels, from a source of a
few lines."""

from __future__ import annotations

import io
import shutil
import tarfile
from pathlib import Path

import bisect_kernel_tree as bkt
import bisect_tree
import pytest
from bisection import tree as tr
from bisection.outcomes import Answer

KINDS = [kind for kind, _ in bkt.HISTORY]
BUG = KINDS.index(bkt.BUG)
SLAB = b"#ifndef SLAB_H\n#define SLAB_H\nunsigned int stride;\n#endif\n"


def made(tmp_path: Path) -> Path:
    """The tree, of a tarball of files that say their names."""
    if shutil.which("git") is None or shutil.which("patch") is None:
        pytest.skip("git or patch is not installed")
    names = sorted({name for _, name in bkt.HISTORY if name} | {
        "arch/arm/boot/x.c", "arch/arm/Kconfig", "arch/x86/mm/numa.c", "sound/core/a.c"})
    with tarfile.open(tmp_path / "linux.tar", "w") as archive:
        for name in names:
            data = SLAB if name == bkt.SLAB else f"/* {name} */\n".encode()
            member = tarfile.TarInfo(f"linux-7.2/{name}")
            member.size = len(data)
            archive.addfile(member, io.BytesIO(data))
    for branch, word in (("always", "short"), ("flaky", "char")):
        (tmp_path / f"{branch}.patch").write_text(
            "Subject: x\n\n--- a/mm/slab.h\n+++ b/mm/slab.h\n@@ -3,1 +3,1 @@\n"
            f"-unsigned int stride;\n+unsigned {word} stride;\n")
    place = tmp_path / "tree.git"
    bkt.make(tmp_path / "linux.tar", place, {
        branch: tmp_path / f"{branch}.patch" for branch in ("always", "flaky")})
    return place


def test_there_are_enough_commits_and_they_are_what_they_say(tmp_path: Path) -> None:
    place = made(tmp_path)
    assert sum(kind != bkt.NO_BUILD for kind in KINDS) >= 24
    files = bisect_tree.git(place, "ls-tree", "-r", "--name-only", "good").split()
    assert {"arch/arm/Kconfig", "arch/x86/mm/numa.c", bkt.SLUB} <= set(files)
    assert not {"arch/arm/boot/x.c", "sound/core/a.c"} & set(files)
    for branch, word in (("always", "short"), ("flaky", "char")):
        names = bisect_tree.git(place, "rev-list", "--reverse", f"good..{branch}").split()
        assert len(names) == len(bkt.HISTORY)
        assert bisect_tree.git(place, "rev-parse", f"{branch}-first").strip() == names[BUG]
        for at, (kind, name) in enumerate(bkt.HISTORY):
            diff = bisect_tree.git(place, "show", "--format=", "--stat=200", names[at])
            assert (name or bkt.SLAB) in diff and " 1 file changed" in diff
            slub = bisect_tree.git(place, "show", f"{names[at]}:{bkt.SLUB}")
            assert ("st_nowhere" in slub) == (kind == bkt.NO_BUILD)
            assert ("panic(" in slub) == (kind == bkt.NO_BOOT)
            slab = bisect_tree.git(place, "show", f"{names[at]}:{bkt.SLAB}")
            assert (f"unsigned {word} stride" in slab) == (at >= BUG)
            assert slab.rstrip().endswith("#endif") and slab.count("#endif") == 1
    assert bisect_tree.git(place, "merge-base", "always", "flaky").strip() == (
        bisect_tree.git(place, "rev-parse", "always-first~").strip())


def test_the_same_source_gives_the_same_commits(tmp_path: Path) -> None:
    for name in ("a", "b"):
        (tmp_path / name).mkdir()
    trees = [made(tmp_path / name) for name in ("a", "b")]
    assert len({bisect_tree.git(tree, "rev-parse", "always", "flaky") for tree in trees}) == 1


def test_gits_walk_comes_to_both_commits_that_cannot_be_asked(tmp_path: Path) -> None:
    kinds = ["good"] + ["skip" if kind in (bkt.NO_BUILD, bkt.NO_BOOT) else
                        "bad" if at >= BUG else "good" for at, kind in enumerate(KINDS)]
    names = bisect_tree.make(tmp_path / "linux", kinds)
    walk = tr.Walk(tr.opened(str(tmp_path / "linux")), tmp_path / "walk.git")
    walk.start(names[0], names[-1])
    asked = []
    while (commit := walk.next()):
        asked.append(names.index(commit))
        walk.mark(commit, Answer(kinds[asked[-1]]))
    assert walk.suspects() == [names[BUG + 1]]
    assert {KINDS[at - 1] for at in asked} >= {bkt.NO_BUILD, bkt.NO_BOOT}
