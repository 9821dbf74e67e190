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


HUNK = "@@ -1,3 +1,3 @@\n one\n-two\n+zwei\n three\n"


@pytest.mark.parametrize("text, message", [
    ("", "changes no file"), ("Subject: only words\n", "changes no file"),
    (f"--- a/../x.c\n+++ b/../x.c\n{HUNK}", "outside the kernel's tree: ../x.c"),
    (f"--- a//etc/motd\n+++ b//etc/motd\n{HUNK}", "outside the kernel's tree: /etc/motd"),
    (f"--- /etc/motd\n+++ b/mm/../../x\n{HUNK}", "outside the kernel's tree: mm/../../x"),
    ("diff --git a/mm/slub.c b/mm/x.c\nsimilarity index 100%\nrename from mm/slub.c\n"
     "rename to mm/x.c\n", "cannot be applied here: rename from mm/slub.c"),
    ("diff --git a/logo b/logo\nindex 1..2 100644\nGIT binary patch\nliteral 4\n\n", "binary"),
    (f"Binary files a/x and b/x differ\n--- a/mm/slub.c\n+++ b/mm/slub.c\n{HUNK}"
     "diff -ru a/y b/y\nBinary files a/y and b/y differ\n", "Binary files a/y"),
    ("diff --git a/l b/l\nnew file mode 120000\n--- /dev/null\n+++ b/l\n@@ -0,0 +1 @@\n"
     "+/etc/passwd\n\\ No newline at end of file\n", "new file mode 120000"),
])
def test_what_is_no_change_of_text_in_the_tree_is_refused(patched: Patched, tmp_path: Path,
                                                          text: str, message: str) -> None:
    bad = tmp_path / "bad.patch"
    bad.write_text(text)
    before = sorted(tmp_path.rglob("*"))
    with pytest.raises(ToolError, match=message) as caught:
        patched.set((bad,))
    assert "bad.patch" in str(caught.value) and caught.value.hint
    assert sorted(tmp_path.rglob("*")) == before
    assert (patched.tree / "mm/slub.c").read_text() == "one\ntwo\nthree\n"


@pytest.mark.parametrize("old, new", [("linux-7.2.orig", "linux-7.2"), ("i", "w"), ("a", "b")])
def test_the_first_directory_of_a_name_may_be_any(patched: Patched, tmp_path: Path, old: str,
                                                  new: str) -> None:
    one = tmp_path / "one"
    one.write_bytes(f"From: J\xf6rg\n--- {old}/mm/slub.c\t2026-01-01\n+++ {new}/mm/slub.c"
                    f"\t2026-01-02\n{HUNK}".encode("latin-1"))
    patched.set((one,))
    assert "zwei" in (patched.tree / "mm/slub.c").read_text()


def test_context_must_fit(patched: Patched, tmp_path: Path) -> None:
    adds = tmp_path / "adds.patch"
    adds.write_text("--- a/mm/slub.c\n+++ b/mm/slub.c\n@@ -1,2 +1,3 @@\n eins\n+new\n zwei\n")
    with pytest.raises(ToolError, match="does not apply"):
        patched.set((adds,))


def test_modes_come_and_go_with_a_patch(patched: Patched, tmp_path: Path) -> None:
    mode = tmp_path / "mode"
    mode.write_text("diff --git a/mm/slub.c b/mm/slub.c\nold mode 100644\nnew mode 100755\n"
                    "diff --git a/tool b/tool\nnew file mode 100755\n--- /dev/null\n+++ b/tool\n"
                    "@@ -0,0 +1 @@\n+x\n")
    (patched.tree / "mm/slub.c").chmod(0o644)
    patched.set((mode,))
    assert (patched.tree / "mm/slub.c").stat().st_mode & 0o111
    assert (patched.tree / "tool").stat().st_mode & 0o111
    patched.set(())
    assert not (patched.tree / "mm/slub.c").stat().st_mode & 0o111
    assert not (patched.tree / "tool").exists()


def test_a_copy_that_was_cut_short_is_no_original(patched: Patched, tmp_path: Path,
                                                  monkeypatch: pytest.MonkeyPatch) -> None:
    def cut_short(source: Path, target: Path) -> None:
        Path(target).write_text("on")
        raise KeyboardInterrupt
    with monkeypatch.context() as patching:
        patching.setattr("lab.patches.shutil.copy2", cut_short)
        with pytest.raises(KeyboardInterrupt):
            patched.set((patch(tmp_path / "one.patch"),))
    patched.set((patch(tmp_path / "one.patch"),))
    patched.set(())
    assert (patched.tree / "mm/slub.c").read_text() == "one\ntwo\nthree\n"


def test_only_the_diff_makes_another_kernel() -> None:
    assert patches.diff_of("Subject: x\n\n" + CREATES) == CREATES


@pytest.mark.parametrize("name", spec.known_patches())
def test_headers_of_the_project_are_whole(name: str) -> None:
    path = spec.PATCHES / f"{name}.patch"
    header = patches.header_of(path.read_text(), path.name)
    assert header.series == path.parent.name
    assert header.harmless == (header.undoes == "nothing")
    assert not (header.expects and header.missed)
    # a gated kernel that draws otherwise than its header says is told by chance only
    diff = patches.diff_of(path.read_text())
    assert (f"get_random_u32_below({header.gate})" in diff) == (header.gate > 1)


def test_a_header_without_a_part_is_named() -> None:
    with pytest.raises(ToolError, match="p: its header has no Undoes, Symptom, Series, Expect"):
        patches.header_of("Subject: x\n" + CREATES, "p")
    full = "Subject: x\nUndoes: y\nSymptom: z\n more\nSeries: 7.2\nExpect: only two\n"
    with pytest.raises(ToolError, match="not three words"):
        patches.header_of(full + CREATES, "p")


def test_gate_and_subset() -> None:
    full = "Subject: x\nUndoes: y\nSymptom: z\nSeries: 7.2\n{}Expect: a b c\n"
    plain = patches.header_of(full.format("") + CREATES, "p")
    assert (plain.gate, plain.check, plain.missed) == (1, False, "")
    assert patches.header_of(full.format("Gate: 5\n") + CREATES, "p").gate == 5
    assert patches.header_of(full.format("Check: yes\n") + CREATES, "p").check
    for bad, said in (("Gate: 0\n", "p: Gate: 0: not a whole number from 1 to 50"),
                      ("Gate: 51\n", "p: Gate: 51: not a whole number"),
                      ("Gate: 1 in 5\n", "p: Gate: 1 in 5: not a whole number"),
                      ("Check: perhaps\n", "p: Check: perhaps: neither yes nor no")):
        with pytest.raises(ToolError, match=said) as caught:
            patches.header_of(full.format(bad) + CREATES, "p")
        assert caught.value.hint


def test_seconds_of_a_race() -> None:
    full = "Subject: x\nUndoes: y\nSymptom: z\nSeries: 7.2\n{}Expect: a b c\n"
    assert patches.header_of(full.format("") + CREATES, "p").seconds == 1
    assert patches.header_of(full.format("Config: lockdep, kasan\n") + CREATES, "p").config == (
        "lockdep", "kasan")
    assert patches.header_of(full.format("Seconds: 30\n") + CREATES, "p").seconds == 30
    with pytest.raises(ToolError, match="p: Seconds: soon: not a whole number"):
        patches.header_of(full.format("Seconds: soon\n") + CREATES, "p")
