# SPDX-License-Identifier: GPL-2.0
"""Where a lab kernel's source comes from: a series of the Debian archive, a
tarball, or a git tree and commit. Each has an identity, which stands for its
content, and a work tree in the cache, which is made once and shared by all
kernels of that origin; patches come and go in it (patches.py).
"""

from __future__ import annotations

import hashlib
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from archive import Archive
from debversion import sort_key
from errors import ToolError
from kdir import unpack
from lab.patches import Patched
from qemu.store import locked, write_whole
from remembered import Memory
from series import Package, series_key

SERIES = re.compile(r"\d+\.\d+")
_PACKAGE = re.compile(r"linux-source-(\d+\.\d+)")


def say(text: str) -> None:
    print(f"slubtorture: {text}", file=sys.stderr, flush=True)


@dataclass(frozen=True)
class Source:
    """A source that can be had. `lineage` names its work tree, which several
    identities may share one after the other; `fill` puts it into an empty
    directory; `change` brings a tree from an older identity of the lineage to
    this one and returns False where that must be done by filling it anew;
    `part` puts one directory of the source, by its name there, into another."""

    identity: str
    lineage: str
    series: str
    fill: Callable[[Path], None]
    change: Callable[[Path, str], bool] = lambda tree, older: False
    part: Callable[[str, Path], None] = lambda name, into: None


@dataclass(frozen=True)
class WorkTree:
    """The work tree of a lineage below `root`; its lock is the caller's."""

    root: Path

    @property
    def tree(self) -> Path:
        return self.root / "tree"

    @property
    def lock(self) -> Path:
        return self.root.with_name(f".{self.root.name}.lock")

    @property
    def patched(self) -> Patched:
        return Patched(self.tree, self.root / "originals", self.root / "created")

    @property
    def _state(self) -> Path:
        return self.root / "identity"

    def remove(self) -> None:
        """Interrupted, it leaves a tree that is known not to be whole."""
        self._state.unlink(missing_ok=True)
        shutil.rmtree(self.root)

    def identity(self) -> str:
        """Of the source in the tree; "" when it is not whole."""
        return self._state.read_text() if self._state.exists() else ""

    def bring_to(self, source: Source, patches: tuple[Path, ...]) -> None:
        """Make the tree hold this source with exactly these patches."""
        older = self.identity()
        if older and older != source.identity:
            self.patched.set(())
            self._state.unlink()
            if source.change(self.tree, older):
                self._forget_patches()
                write_whole(self._state, source.identity.encode())
        if self.identity() != source.identity:
            self._fill(source)
        self.patched.set(patches)

    def _forget_patches(self) -> None:
        for place in (self.patched.originals, self.patched.created):
            shutil.rmtree(place, ignore_errors=True)
            place.mkdir(parents=True)

    def _fill(self, source: Source) -> None:
        say(f"unpacking the source {source.identity} (1.8 GB, 10 to 60 s)")
        shutil.rmtree(self.tree, ignore_errors=True)
        self.tree.mkdir(parents=True)
        self._forget_patches()
        source.fill(self.tree)
        if not (self.tree / "mm/slub.c").exists():
            raise ToolError(f"{source.identity} is no Linux source: it has no mm/slub.c",
                            "a tarball must hold one directory with the kernel's source")
        write_whole(self._state, source.identity.encode())


def _untar(command: list[str], what: str) -> None:
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise ToolError(f"{what} cannot be unpacked: {done.stderr.strip()[-300:]}",
                        "is it whole, and is there room on the disk? (make kernel REMOVE=… frees)")


def _fill_from_tarball(tarball: Path) -> Callable[[Path], None]:
    return lambda tree: _untar(["tar", "-x", "--force-local", "-f", str(tarball), "-C", str(tree),
                                "--strip-components=1"], str(tarball))


def _part_of_tarball(tarball: Path) -> Callable[[str, Path], None]:
    return lambda name, into: _untar(
        ["tar", "-x", "--force-local", "-f", str(tarball), "-C", str(into),
         "--strip-components=1", "--wildcards", f"*/{name}/*"], str(tarball))


def _content_of(path: Path) -> str:
    digest = hashlib.sha256()
    with path.open("rb") as file:
        for block in iter(lambda: file.read(1 << 20), b""):
            digest.update(block)
    return f"tar-{digest.hexdigest()[:16]}"


def from_tarball(path: Path) -> Source:
    identity = _content_of(path)

    def fill(tree: Path) -> None:
        _fill_from_tarball(path)(tree)
        if _content_of(path) != identity:
            raise ToolError(f"{path} changed while it was read", "the same command reads it anew")
    match = SERIES.search(path.name)
    return Source(identity, identity, match[0] if match else "", fill,
                  part=_part_of_tarball(path))


# A commit of edits must have the same name whenever its content is the same.
_FIXED = {"GIT_AUTHOR_NAME": "lab", "GIT_AUTHOR_EMAIL": "lab", "GIT_COMMITTER_NAME": "lab",
          "GIT_COMMITTER_EMAIL": "lab", "GIT_AUTHOR_DATE": "@946684800 +0000",
          "GIT_COMMITTER_DATE": "@946684800 +0000"}


@dataclass(frozen=True)
class Repository:
    """A git tree of the user's, which is only read: what git must write goes
    to `scratch`, its index is copied there."""

    tree: Path
    scratch: Path

    @property
    def name(self) -> str:
        return f"git-{hashlib.sha256(str(self.tree).encode()).hexdigest()[:12]}"

    def environment(self) -> dict[str, str]:
        """Without git's own variables of the caller, which name another
        repository where a hook or a rebase calls this."""
        own = {name: value for name, value in os.environ.items()
               if not name.startswith("GIT_") or name.startswith("GIT_CONFIG")}
        own |= {"GIT_OPTIONAL_LOCKS": "0", "LC_ALL": "C"}
        git_dir = subprocess.run(["git", "-C", str(self.tree), "rev-parse", "--path-format=absolute",
                                  "--git-path", "objects", "--git-path", "index"], env=own,
                                 capture_output=True, text=True, check=False).stdout.split("\n")
        if len(git_dir) >= 2:
            objects = self.scratch / f"{self.name}.objects"
            objects.mkdir(parents=True, exist_ok=True)
            index = self.scratch / f"{self.name}.index"
            if Path(git_dir[1]).exists():
                shutil.copyfile(git_dir[1], index)
            own |= {"GIT_OBJECT_DIRECTORY": str(objects), "GIT_INDEX_FILE": str(index),
                    "GIT_ALTERNATE_OBJECT_DIRECTORIES": git_dir[0]}
        return {**own, **_FIXED}

    def git(self, *arguments: str) -> str:
        lock = self.scratch / f".{self.name}.lock"
        try:
            with locked(lock):  # two at once have one copy of the index
                done = subprocess.run(["git", "-C", str(self.tree), *arguments],
                                      capture_output=True, text=True, errors="surrogateescape",
                                      check=False, env=self.environment())
        except FileNotFoundError as error:
            raise ToolError("git is not installed", "apt-get install git") from error
        if done.returncode:
            raise ToolError(f"git {arguments[0]} in {self.tree}: {done.stderr.strip()[-300:]}",
                            "KERNEL=DIR@COMMIT, with a commit that this tree has")
        return done.stdout

    def extract(self, commit: str, into: Path, names: list[str]) -> None:
        """Write files of a commit, dated now, so that make sees them as new."""
        with subprocess.Popen(["git", "-C", str(self.tree), "--literal-pathspecs", "archive",
                               commit, "--", *names],
                              stdout=subprocess.PIPE, env=self.environment()) as archive:
            done = subprocess.run(["tar", "-x", "-m", "-C", str(into)], stdin=archive.stdout,
                                  capture_output=True, text=True, check=False)
        if archive.returncode or done.returncode:
            raise ToolError(f"{self.tree} at {commit} cannot be read: {done.stderr.strip()[-300:]}",
                            "is the repository whole, and is there room on the disk?")

    def change(self, commit: str, tree: Path, older: str) -> bool:
        """Bring a tree from commit to commit by the files that differ; False
        where that cannot be, as when a file takes a directory's place."""
        try:
            listing = self.git("diff", "--name-status", "--no-renames", "-z",
                               older.removeprefix("git-"), commit).split("\0")
            changed = list(zip(listing[0::2], listing[1::2]))
            for status, name in changed:
                if status == "D":
                    (tree / name).unlink(missing_ok=True)
            wanted = [name for status, name in changed if status != "D"]
            for begin in range(0, len(wanted), 500):
                self.extract(commit, tree, wanted[begin:begin + 500])
        except (ToolError, OSError):
            return False
        return True

    def check_top(self) -> None:
        """ToolError for a directory that is only part of a repository, whose
        names and commits would be those of the whole."""
        if self.git("rev-parse", "--is-bare-repository").strip() == "true":
            return
        top = self.git("rev-parse", "--show-toplevel").strip()
        if Path(top).resolve() != self.tree:
            raise ToolError(f"KERNEL={self.tree} is no git tree of its own, but lies in {top}",
                            "name the top of a kernel's repository, or make one of it: "
                            "git init, git add ., git commit")

    def series(self, commit: str) -> str:
        makefile = self.git("show", f"{commit}:Makefile")
        found = dict(re.findall(r"^(VERSION|PATCHLEVEL) = (\d+)$", makefile, re.MULTILINE))
        return f"{found.get('VERSION', '')}.{found.get('PATCHLEVEL', '')}"


def from_git(directory: Path, commit: str, cache: Path) -> Source:
    """A commit; for "" what the tree holds now, edits of tracked files included."""
    repository = Repository(directory.resolve(), cache / "lab/git")
    repository.check_top()
    wanted = commit or repository.git("stash", "create").strip() or "HEAD"
    full = repository.git("rev-parse", "--verify", f"{wanted}^{{commit}}").strip()
    return Source(f"git-{full}", repository.name, repository.series(full),
                  lambda tree: repository.extract(full, tree, []),
                  lambda tree, older: repository.change(full, tree, older),
                  lambda name, into: repository.extract(full, into, [name]))


def source_packages(archive: Archive) -> list[Package]:
    """Every linux-source-N that the archive offers, oldest series first."""
    archive.refresh()
    names = [name for name in archive.names("linux-source-") if _PACKAGE.fullmatch(name)]
    return sorted(archive.show(names), key=lambda package: (
        series_key(package.name.rpartition("-")[2]), sort_key(package.version)))


def _choose(archive: Archive, series: str) -> Package:
    packages = source_packages(archive)
    pool = [p for p in packages if not series or p.name == f"linux-source-{series}"]
    if not series:
        pool = [package for package in pool if "~rc" not in package.version]
    if not pool:
        there = ", ".join(dict.fromkeys(p.name.rpartition("-")[2] for p in reversed(packages)))
        raise ToolError(f"KERNEL={series}: the archive has no source of this series",
                        f"series there: {there or 'none'}; or a tarball, or DIR@COMMIT of a "
                        "git tree")
    return pool[-1]


def _fetched(archive: Archive, package: Package, cache: Path) -> Path:
    """The tarball of a source package, downloaded once."""
    name = f"{package.name}_{package.version.replace(':', '%')}"
    kept = cache / "lab/tarballs" / f"{name}.tar.xz"
    with locked(cache / "lab/tarballs" / f".{name}.lock", lambda: say("waiting for a download")):
        if not kept.exists():
            _fetch(archive, package, kept)
    return kept


def _fetch(archive: Archive, package: Package, kept: Path) -> None:
    scratch = kept.with_name(f".{kept.name.removesuffix('.tar.xz')}")
    shutil.rmtree(scratch, ignore_errors=True)
    try:
        deb = archive.download([package], scratch)[0]
        unpack(deb, scratch, f"*/{package.name}.tar.*")
        found = next(iter(scratch.glob(f"usr/src/{package.name}.tar.*")), None)
        if found is None:
            raise ToolError(f"{deb.name} holds no {package.name}.tar.xz",
                            "its layout is new to this program: use a tarball")
        found.rename(kept)
    finally:
        shutil.rmtree(scratch, ignore_errors=True)


def _newest(series: str, cache: Path) -> Path:
    """The tarball of the newest source; without the network when it was
    resolved lately, or when the archive is out of reach."""
    def recalled(kept: dict[str, Any]) -> Path | None:
        tarball = Path(kept["tarball"])
        return tarball if tarball.exists() else None

    def look_up() -> Path:
        archive = Archive(cache / "apt")
        return _fetched(archive, _choose(archive, series), cache)

    memory = Memory(cache / "lab/series" / f"{series or 'newest'}.json", recalled,
                    lambda tarball: {"tarball": str(tarball)})
    return memory.find(look_up, lambda error, known: say(
        f"warning: {error}; using {known.name}, which is here"))


def from_series(series: str, cache: Path) -> Source:
    """The newest source of a series, or of the newest series for ""."""
    tarball = _newest(series, cache)
    name = tarball.name.removesuffix(".tar.xz")
    match = SERIES.search(name)
    return Source(f"debian-{name}", f"debian-{name}", match[0] if match else "",
                  _fill_from_tarball(tarball), part=_part_of_tarball(tarball))


def find(kernel: str, cache: Path) -> Source:
    """The source that KERNEL names."""
    if not kernel or SERIES.fullmatch(kernel):
        return from_series(kernel, cache)
    path = Path(kernel).expanduser()
    if path.is_file():
        return from_tarball(path)
    if path.is_dir():
        return from_git(path, "", cache)
    place, at, commit = kernel.rpartition("@")
    if at and Path(place).expanduser().is_dir():
        return from_git(Path(place).expanduser(), commit, cache)
    raise ToolError(f"KERNEL={kernel}: no series, no tarball and no git tree",
                    "a series such as 7.2, a file such as linux-7.2.tar.xz, or DIR@COMMIT")
