# SPDX-License-Identifier: GPL-2.0
"""What is wrong with a tree or a range is said; the tree is never written."""

from __future__ import annotations

import hashlib
import os
import shutil
from pathlib import Path

import bisect_tree
import pytest
from bisection import tree as tr
from bisection.outcomes import Answer
from errors import ToolError
from qemu import machines

X86 = machines.find("x86_64")


@pytest.fixture(autouse=True)
def _git_there() -> None:
    if shutil.which("git") is None:
        pytest.skip("git is not installed")


def content(place: Path) -> str:
    """Of everything below, names and dates included."""
    digest = hashlib.sha256()
    for path in sorted(place.rglob("*")):
        digest.update(f"{path} {path.lstat().st_mtime_ns}".encode())
        digest.update(path.read_bytes() if path.is_file() else b"")
    return digest.hexdigest()


def refused(tmp_path: Path, match: str, good: str, bad: str) -> None:
    with pytest.raises(ToolError, match=match) as caught:
        tr.check_range(tr.opened(str(tmp_path / "linux")), good, bad)
    assert caught.value.hint


def test_what_is_no_tree_is_refused(tmp_path: Path) -> None:
    (tmp_path / "plain").mkdir()
    for path, match in (("", "not set"), (str(tmp_path / "none"), "no such directory"),
                        (str(tmp_path / "plain"), "no git tree")):
        with pytest.raises(ToolError, match=match) as caught:
            tr.opened(path)
        assert caught.value.hint
    bisect_tree.make(tmp_path / "linux", ["good"])
    with pytest.raises(ToolError, match="lies in"):
        tr.opened(str(tmp_path / "linux/mm"))


def test_a_bare_tree_and_a_worktree_will_do(tmp_path: Path) -> None:
    names = bisect_tree.make(tmp_path / "linux", ["good", "bad", "bad"])
    bisect_tree.git(tmp_path, "clone", "-q", "--bare", "linux", "bare.git")
    bisect_tree.git(tmp_path / "linux", "worktree", "add", "-q", str(tmp_path / "wt"), names[2])
    for place in ("bare.git", "wt"):
        tree = tr.opened(str(tmp_path / place))
        assert tr.check_dirty(tree, "") == "" and tree.commit("HEAD", "BAD") == names[2]
        walk = tr.Walk(tree, tmp_path / "session" / place)
        walk.start(names[0], names[2])
        assert walk.next() == names[1]


def test_commits_that_are_not_there(tmp_path: Path) -> None:
    bisect_tree.make(tmp_path / "linux", ["good", "bad"])
    tree = tr.opened(str(tmp_path / "linux"))
    for name in ("", "v9.9", "--all", "main:mm", "f" * 40):
        with pytest.raises(ToolError, match="GOOD=.*no such commit"):
            tree.commit(name, "GOOD")
    assert tree.subject(tree.commit("main", "BAD")) == "mm: change 1, bad"


def test_ranges_that_cannot_be_walked(tmp_path: Path) -> None:
    names = bisect_tree.make(tmp_path / "linux", ["a", "b", "c", "d"], {3: [0], 2: []})
    refused(tmp_path, "the same commit", names[0], names[0])
    refused(tmp_path, "wrong way round", names[1], names[0])
    refused(tmp_path, "different branches", names[1], names[3])
    with pytest.raises(ToolError) as caught:
        tr.check_range(tr.opened(str(tmp_path / "linux")), names[1], names[3])
    assert names[0][:12] in caught.value.hint
    with pytest.raises(ToolError, match="different branches") as caught:
        tr.check_range(tr.opened(str(tmp_path / "linux")), names[0], names[2])
    assert "no common ancestor" in caught.value.hint
    bisect_tree.git(tmp_path, "clone", "-q", "--depth", "1", f"file://{tmp_path}/linux", "shallow")
    with pytest.raises(ToolError, match="shallow") as caught:
        tr.check_range(tr.opened(str(tmp_path / "shallow")), names[0], names[3])
    assert "--unshallow" in caught.value.hint


def test_edits_are_refused_unless_they_are_to_be_ignored(tmp_path: Path) -> None:
    bisect_tree.make(tmp_path / "linux", ["good", "bad"])
    tree = tr.opened(str(tmp_path / "linux"))
    (tmp_path / "linux/new").write_text("of no commit, and of no kernel\n")
    assert tr.check_dirty(tree, "") == ""
    (tmp_path / "linux/mm/slub.c").write_text("edited\n")
    with pytest.raises(ToolError, match="is dirty: mm/slub.c") as caught:
        tr.check_dirty(tree, "")
    assert "DIRTY=ignore" in caught.value.hint
    assert "mm/slub.c" in tr.check_dirty(tree, "ignore")
    with pytest.raises(ToolError, match="DIRTY=yes"):
        tr.check_dirty(tree, "yes")


def test_what_is_no_kernel_and_what_takes_a_newer_compiler(tmp_path: Path) -> None:
    place = tmp_path / "linux"
    bisect_tree.make(place, ["good"])
    tree = tr.opened(str(place))
    tr.check_kernel(tree, "main", "GOOD", X86)
    (place / "scripts").mkdir()
    (place / "scripts/min-tool-version.sh").write_text("echo 99.1.0\n")
    bisect_tree.git(place, "rm", "-q", "mm/slub.c")
    bisect_tree.git(place, "add", "scripts")
    bisect_tree.git(place, "commit", "-q", "-m", "no kernel")
    with pytest.raises(ToolError, match="no Linux kernel"):
        tr.check_kernel(tree, "main", "GOOD", X86)
    bisect_tree.git(place, "checkout", "-q", "HEAD~", "mm/slub.c")
    bisect_tree.git(place, "commit", "-q", "-m", "a kernel of the future")
    with pytest.raises(ToolError, match="BAD=.*too old for this kernel, which needs 99.1.0"):
        tr.check_kernel(tree, "main", "BAD", X86)


def walked(tmp_path: Path, states: list[str],
           parents: dict[int, tuple[int, ...]] | None = None) -> tuple[list[str], tr.Walk, int]:
    """All that is asked of a walk whose answers are the states' own."""
    names = bisect_tree.make(tmp_path / "linux", states, dict(parents or {}))
    walk = tr.Walk(tr.opened(str(tmp_path / "linux")), tmp_path / "session/walk.git")
    walk.start(names[0], names[-1])
    asked = 0
    while (commit := walk.next()):
        asked += 1
        walk.mark(commit, Answer(states[names.index(commit)]))
    return names, walk, asked


def test_the_walk_is_gits(tmp_path: Path) -> None:
    names, walk, asked = walked(tmp_path, ["good"] * 20 + ["bad"] * 13)
    assert walk.suspects() == [names[20]] and asked == 5
    assert f"git bisect bad {names[20]}" in walk.log()
    walk.remove()
    assert not walk.place.exists()


def test_where_skipped_commits_hide_it_all_that_may_be_it_are_named(tmp_path: Path) -> None:
    names, walk, _ = walked(tmp_path, ["good"] * 10 + ["skip", "unsure"] + ["bad"] * 8)
    assert set(walk.suspects()) == set(names[10:13])


def test_a_history_with_a_merge(tmp_path: Path) -> None:
    states = ["good"] * 4 + ["bad"] * 3 + ["good"] * 4 + ["bad"] * 2
    names, walk, _ = walked(tmp_path, states, {7: (1,), 11: (6, 10)})
    assert walk.suspects() == [names[4]]
    commits = walk.tree.range(names[0], names[-1])
    assert commits[0].name == names[0] and commits[-1].name == names[-1] and len(commits) == 13
    merge = next(commit for commit in commits if commit.name == names[11])
    assert merge.parents == (names[6], names[10])


def test_git_says_how_much_is_left(tmp_path: Path) -> None:
    names = bisect_tree.make(tmp_path / "linux", ["good"] * 33)
    walk = tr.Walk(tr.opened(str(tmp_path / "linux")), tmp_path / "walk.git")
    walk.start(names[0], names[-1])
    assert walk.left() == (32, 4)


def test_the_users_tree_stays_as_it_is(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    states = ["good"] * 5 + ["bad"] * 5
    names = bisect_tree.make(tmp_path / "linux", states)
    os.utime(tmp_path / "linux/mm/slub.c")  # a careless git status refreshes the index
    monkeypatch.setenv("GIT_DIR", str(tmp_path / "elsewhere"))
    before = content(tmp_path / "linux")
    tree = tr.opened(str(tmp_path / "linux"))
    tr.check_dirty(tree, "")
    tr.check_range(tree, names[0], names[-1])
    tr.check_kernel(tree, names[0], "GOOD", X86)
    walk = tr.Walk(tree, tmp_path / "session/walk.git")
    walk.start(names[0], names[-1])
    while (commit := walk.next()):
        walk.mark(commit, Answer(states[names.index(commit)]))
    walk.start(names[0], names[-1])  # anew, over what is left of the first
    walk.remove()
    assert content(tmp_path / "linux") == before
