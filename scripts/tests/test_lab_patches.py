# SPDX-License-Identifier: GPL-2.0
"""Patches come and go without a trace; what their headers must hold."""

from __future__ import annotations

from pathlib import Path

import pytest
from errors import ToolError
from lab import patches, spec
from lab.patches import Patched
from lab_tree import make_tree, patch

CREATES = """\
--- /dev/null
+++ b/mm/new.c
@@ -0,0 +1,1 @@
+new
"""


@pytest.fixture
def patched(tmp_path: Path) -> Patched:
    found = Patched(make_tree(tmp_path / "tree"), tmp_path / "originals", tmp_path / "created")
    found.originals.mkdir()
    found.created.mkdir()
    return found


def test_a_patch_is_applied_and_taken_back(patched: Patched, tmp_path: Path) -> None:
    file = patched.tree / "mm/slub.c"
    before = file.read_text()
    one = patch(tmp_path / "one.patch")
    patched.set((one,))
    assert file.read_text() == "one\nzwei\nthree\n"
    stamp = file.stat().st_mtime_ns
    patched.set((one,))
    assert file.stat().st_mtime_ns == stamp  # nothing to compile again
    patched.set((patch(tmp_path / "other.patch", new="deux"),))
    assert file.read_text() == "one\ndeux\nthree\n"
    patched.set(())
    assert file.read_text() == before


def test_several_patches_build_on_each_other(patched: Patched, tmp_path: Path) -> None:
    first, second = patch(tmp_path / "1"), patch(tmp_path / "2", old="zwei", new="drei")
    patched.set((first, second))
    assert "drei" in (patched.tree / "mm/slub.c").read_text()


def test_a_patch_that_does_not_apply_changes_nothing(patched: Patched, tmp_path: Path) -> None:
    file = patched.tree / "mm/slub.c"
    good, bad = patch(tmp_path / "good"), patch(tmp_path / "bad.patch", old="nowhere")
    with pytest.raises(ToolError, match="bad.patch does not apply") as caught:
        patched.set((good, bad))
    assert file.read_text() == "one\ntwo\nthree\n"
    assert "FAILED" in str(caught.value) and caught.value.hint


def test_an_added_file_goes_again(patched: Patched, tmp_path: Path) -> None:
    adds = tmp_path / "adds"
    adds.write_text(CREATES)
    for _ in range(2):
        patched.set((adds,))
        assert (patched.tree / "mm/new.c").read_text() == "new\n"
    patched.set(())
    assert not (patched.tree / "mm/new.c").exists()


def test_only_the_diff_makes_another_kernel() -> None:
    assert patches.diff_of("Subject: x\n\n" + CREATES) == CREATES


@pytest.mark.parametrize("name", spec.known_patches())
def test_headers_of_the_project_are_whole(name: str) -> None:
    path = spec.PATCHES / f"{name}.patch"
    header = patches.header_of(path.read_text(), path.name)
    assert header.series == path.parent.name
    assert bool(header.expects) == (header.undoes != "nothing")


def test_a_header_without_a_part_is_named() -> None:
    with pytest.raises(ToolError, match="p: its header has no Undoes, Symptom, Series, Expect"):
        patches.header_of("Subject: x\n" + CREATES, "p")
    full = "Subject: x\nUndoes: y\nSymptom: z\n more\nSeries: 7.2\nExpect: only two\n"
    with pytest.raises(ToolError, match="not three words"):
        patches.header_of(full + CREATES, "p")
