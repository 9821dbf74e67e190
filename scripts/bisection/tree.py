# SPDX-License-Identifier: GPL-2.0
"""The user's git tree, which is only read, and what is wrong with a question
about it, said before hours are spent. The walk from GOOD to BAD is git's own
`git bisect`, in a private repository that borrows the tree's objects.

What a commit is asked, and what it answers, is for step.py.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from dataclasses import dataclass
from pathlib import Path

from bisection.outcomes import Answer, Commit
from errors import ToolError
from lab.tools import check_compiler
from qemu.machine import Machine

_FIELD, _WORDS = "\x1f", {Answer.GOOD: "good", Answer.BAD: "bad"}


def _environment() -> dict[str, str]:
    """Without the variables by which a git that calls this names its own
    repository; nothing is written, not even a fresher index."""
    own = {name: value for name, value in os.environ.items()
           if not name.startswith("GIT_") or name.startswith("GIT_CONFIG")}
    return {**own, "GIT_OPTIONAL_LOCKS": "0", "GIT_TERMINAL_PROMPT": "0", "LC_ALL": "C"}


def _git(place: Path, *words: str) -> subprocess.CompletedProcess[str]:
    try:
        return subprocess.run(["git", "-C", str(place), *words], capture_output=True, text=True,
                              errors="replace", check=False, env=_environment(),
                              stdin=subprocess.DEVNULL)
    except FileNotFoundError as error:
        raise ToolError("git is not installed", "apt-get install git") from error


@dataclass(frozen=True)
class Tree:
    """A kernel's git tree of the user's."""

    path: Path

    def git(self, *words: str) -> str:
        done = _git(self.path, *words)
        if done.returncode:
            raise ToolError(f"git {words[0]} in {self.path}: {done.stderr.strip()[-300:]}",
                            "is the repository whole? (git fsck)")
        return done.stdout

    def says(self, *words: str) -> bool:
        return _git(self.path, *words).returncode == 0

    def commit(self, name: str, asked: str) -> str:
        """The whole id of a commit that the user named; `asked` is GOOD or BAD."""
        done = _git(self.path, "rev-parse", "--verify", "--quiet", "--end-of-options",
                    f"{name}^{{commit}}")
        if done.returncode or not name:
            raise ToolError(f"{asked}={name}: {self.path} has no such commit",
                            "a branch, a tag or a commit of TREE; if it is on a server only: "
                            "git fetch --tags")
        return done.stdout.strip()

    def subject(self, commit: str) -> str:
        return self.git("log", "-1", "--format=%s", commit).strip()

    def range(self, good: str, bad: str) -> list[Commit]:
        """GOOD, then all that BAD has and GOOD has not, each after its parents."""
        form = f"--format=%H{_FIELD}%P{_FIELD}%s"
        text = self.git("log", "-1", form, good) + self.git(
            "log", "--reverse", "--topo-order", form, f"{good}..{bad}")
        parts = [line.split(_FIELD, 2) for line in text.splitlines() if line]
        return [Commit(name, subject, tuple(parents.split())) for name, parents, subject in parts]


def opened(path: str) -> Tree:
    """TREE, if it is a git repository as a whole."""
    if not path:
        raise ToolError("TREE is not set", "the kernel's git tree: TREE=~/linux")
    place = Path(path).expanduser().absolute()
    if not place.is_dir():
        raise ToolError(f"TREE={path}: there is no such directory",
                        "the kernel's git tree: TREE=~/linux")
    done = _git(place, "rev-parse", "--is-bare-repository")
    if done.returncode:
        said = done.stderr.strip()
        hint = f"git config --global --add safe.directory {place}" if "dubious" in said else (
            "a clone of the kernel; of an unpacked tarball: git init, git add ., git commit")
        raise ToolError(f"TREE={path} is no git tree: {said.splitlines()[0] if said else ''}", hint)
    if done.stdout.strip() == "true":
        return Tree(place.resolve())
    top = Path(_git(place, "rev-parse", "--show-toplevel").stdout.strip())
    if top.resolve() != place.resolve():
        raise ToolError(f"TREE={path} is no git tree of its own, but lies in {top}", f"TREE={top}")
    return Tree(place.resolve())


def check_dirty(tree: Tree, what: str) -> str:
    """Edits are in no commit, so nothing that is built would have them; most who
    have some meant them to be asked. Returns what to say where they are passed over."""
    if what not in ("", "refuse", "ignore"):
        raise ToolError(f"DIRTY={what}: no such choice", "DIRTY=ignore, or leave it out")
    if tree.git("rev-parse", "--is-bare-repository").strip() == "true":
        return ""
    lines = tree.git("status", "--porcelain", "--untracked-files=no").splitlines()
    if not lines:
        return ""
    names = ", ".join(line[3:] for line in lines[:3]) + (" ..." if len(lines) > 3 else "")
    if what != "ignore":
        raise ToolError(f"{tree.path} is dirty: {names}: edits that no commit has are in none of "
                        "the kernels that a bisection builds",
                        "commit them (before BAD, to have them in it), git stash, or DIRTY=ignore "
                        "to bisect without them")
    return f"edits that no commit has are passed over: {names}"


def check_range(tree: Tree, good: str, bad: str) -> None:
    """That there is something between them, and that all of it is here."""
    if tree.git("rev-parse", "--is-shallow-repository").strip() == "true":
        raise ToolError(f"{tree.path} is shallow: commits between GOOD and BAD may be missing",
                        "git fetch --unshallow")
    if good == bad:
        raise ToolError("GOOD and BAD are the same commit", "GOOD=… of before the bug came")
    if tree.says("merge-base", "--is-ancestor", good, bad):
        return
    if tree.says("merge-base", "--is-ancestor", bad, good):
        raise ToolError("BAD is an ancestor of GOOD: they are the wrong way round",
                        "GOOD is the older one; what mended a bug is not looked for")
    done = _git(tree.path, "merge-base", good, bad)
    base = done.stdout.strip()[:12]
    raise ToolError("GOOD is not an ancestor of BAD: they are on different branches",
                    f"ask their common ancestor first: GOOD={base}" if base else
                    "they have no common ancestor; name two commits of one history")


def check_kernel(tree: Tree, commit: str, asked: str, machine: Machine) -> None:
    """A kernel that has SLUB, and that the compiler here is new enough for."""
    if not tree.says("cat-file", "-e", f"{commit}:mm/slub.c"):
        raise ToolError(f"{asked}={commit[:12]} is no Linux kernel: it has no mm/slub.c",
                        "TREE is the kernel's repository, GOOD and BAD are of its history")
    least = _git(tree.path, "show", f"{commit}:scripts/min-tool-version.sh")
    if least.returncode:
        return  # before 5.13 kernels did not say
    with tempfile.TemporaryDirectory() as scratch:
        script = Path(scratch) / "scripts/min-tool-version.sh"
        script.parent.mkdir()
        script.write_text(least.stdout)
        try:
            check_compiler(machine, Path(scratch))
        except ToolError as error:
            raise ToolError(f"{asked}={commit[:12]}: {error}", "a newer Debian has a newer "
                            "compiler; or a range whose kernels are content with this one"
                            ) from error


@dataclass(frozen=True)
class Walk:
    """`git bisect` in a bare repository of the session's own, which borrows the
    tree's objects: the user's repository has no ref, no file and no lock of it."""

    tree: Tree
    place: Path

    def _git(self, *words: str) -> str:
        done = _git(self.place, *words)
        # git bisect says with 2 that only skipped commits are left
        if done.returncode and not (words[0] == "bisect" and done.returncode == 2):
            raise ToolError(f"git {' '.join(words[:2])} in {self.place}: "
                            f"{done.stderr.strip()[-300:]}", "is there room on the disk?")
        return done.stdout

    def start(self, good: str, bad: str) -> None:
        """Anew, whatever an interrupted one left."""
        self.remove()
        self.place.parent.mkdir(parents=True, exist_ok=True)
        done = _git(self.place.parent, "clone", "--quiet", "--bare", "--shared", "--no-tags",
                    str(self.tree.path), str(self.place))
        if done.returncode:
            raise ToolError(f"{self.tree.path} cannot be cloned: {done.stderr.strip()[-300:]}",
                            "is the repository whole, and is there room on the disk?")
        self._git("bisect", "start", "--no-checkout", bad, good)

    def remove(self) -> None:
        if self.place.exists():
            shutil.rmtree(self.place)

    def next(self) -> str:
        """The commit to be asked, or "" when nothing is left that can be."""
        good, skipped = self._refs("good"), self._refs("skip")
        bad = self._git("rev-parse", "refs/bisect/bad").strip()
        left = self._git("rev-list", bad, "--not", *good).split()
        if not set(left) - {bad} - set(skipped):
            return ""
        return self._git("rev-parse", "BISECT_HEAD").strip()

    def suspects(self) -> list[str]:
        """Commits of which any may be the first bad one, oldest last."""
        bad = self._git("rev-parse", "refs/bisect/bad").strip()
        return self._git("rev-list", "--topo-order", bad, "--not", *self._refs("good")).split()

    def left(self) -> tuple[int, int]:
        """Commits that may still be asked, and git's guess of the questions."""
        words = self._git("rev-list", "--bisect-vars", self._git(
            "rev-parse", "refs/bisect/bad").strip(), "--not", *self._refs("good"))
        values = dict(line.split("=", 1) for line in words.splitlines() if "=" in line)
        return int(values.get("bisect_all", "0")), int(values.get("bisect_steps", "0"))

    def mark(self, commit: str, answer: Answer) -> None:
        self._git("bisect", _WORDS.get(answer, "skip"), commit)

    def log(self) -> str:
        return self._git("bisect", "log")

    def _refs(self, kind: str) -> list[str]:
        pattern = f"refs/bisect/{kind}-*"
        return self._git("for-each-ref", "--format=%(objectname)", pattern).split()
