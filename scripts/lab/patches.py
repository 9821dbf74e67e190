# SPDX-License-Identifier: GPL-2.0
"""Patches to a kernel source: applied, all or none, and taken back; and what
the header of one of the project's own promises.

The files that a patch touches are kept as they were beside the tree, so that
the next kernel from the same tree starts from them, and so that a file gets a
new date only when its content changes.
"""

from __future__ import annotations

import re
import shutil
import subprocess
import tempfile
from dataclasses import dataclass
from pathlib import Path

import gate
from errors import SourceError, ToolError

# As patch -p1 reads names: the first directory goes, whatever it is called.
_TOUCHES = re.compile(r"^(?:---|\+\+\+) (?:(/dev/null)|[^/\s]*/)?(\S*)", re.MULTILINE)
# git's own headers, which may stand without --- and +++ (modes, empty files).
_GIT = re.compile(r"^diff --git (?:[^/\s]+)/(\S+) (?:[^/\s]+)/(\S+)$", re.MULTILINE)
# What patch(1) passes over in silence, or does as no kernel's key could say.
_REFUSED = re.compile(r"^(GIT binary patch|Binary files .* differ|(?:rename|copy) from .*"
                      r"|(?:new file |new )mode 1[26]0000)$", re.MULTILINE)
_FIELD = re.compile(r"^([A-Z][a-z-]+): (.*(?:\n[ \t]+\S.*)*)", re.MULTILINE)


@dataclass(frozen=True)
class Header:
    """What a busted kernel promises. `expects` holds (scenario or KUnit suite,
    invariant, cause), and is empty for a harmless edit; `needs` is what the
    guest must have for the bug to show, `seconds` what its scenarios need,
    `config` the fragments without which the kernel does not tell of it, `gate`
    the N of a bug that is there in one boot of N, `check` whether it is one of
    those that are asked without being named, `missed` why nothing tells of a
    bug that expects nothing, `topology` the nodes of the guest, "" for the usual
    ones."""

    subject: str
    undoes: str
    symptom: str
    series: str
    needs: frozenset[str]
    expects: tuple[tuple[str, str, str], ...]
    seconds: int = 1
    config: tuple[str, ...] = ()
    gate: int = 1
    check: bool = False
    missed: str = ""
    topology: str = ""

    @property
    def harmless(self) -> bool:
        return not self.expects and not self.missed


def _number(name: str, fields: dict[str, list[str]], key: str, most: int, hint: str) -> int:
    text = fields.get(key, ["1"])[0]
    if not re.fullmatch(r"[1-9]\d{0,3}", text) or int(text) > most:
        raise ToolError(f"{name}: {key}: {text}: not a whole number from 1 to {most}", hint)
    return int(text)


def _expects(name: str, lines: list[str]) -> tuple[tuple[str, str, str], ...]:
    found = []
    for line in lines:
        parts = line.split()
        if parts == ["nothing"]:
            continue
        if len(parts) != 3:
            raise ToolError(f"{name}: Expect: {line}: not three words",
                            "scenario, invariant and cause; or the one word nothing")
        found.append((parts[0], parts[1], parts[2]))
    return tuple(found)


def header_of(text: str, name: str) -> Header:
    """The header of a busted kernel's patch; ToolError names what is missing."""
    head = text[:len(text) - len(diff_of(text))]
    fields: dict[str, list[str]] = {}
    for key, value in _FIELD.findall(head):
        fields.setdefault(key, []).append(re.sub(r"\s+", " ", value).strip())
    missing = [key for key in ("Subject", "Undoes", "Symptom", "Series", "Expect")
               if key not in fields]
    if missing:
        raise ToolError(f"{name}: its header has no {', '.join(missing)}",
                        "qemu/patches/README says what a header holds")
    seconds = _number(name, fields, "Seconds", 9999,
                      "what the scenarios of Expect share, for example Seconds: 20")
    one_in = _number(name, fields, "Gate", gate.MOST,
                     "the N of a bug that is there in one boot of N, for example Gate: 5")
    checked = fields.get("Check", ["no"])[0]
    if checked not in ("yes", "no"):
        raise ToolError(f"{name}: Check: {checked}: neither yes nor no",
                        "yes: make busted asks it without being told its name")
    return Header(fields["Subject"][0], fields["Undoes"][0], fields["Symptom"][0],
                  fields["Series"][0], frozenset(" ".join(fields.get("Needs", [])).split()),
                  _expects(name, fields["Expect"]), seconds,
                  tuple(word for line in fields.get("Config", [])
                        for word in re.split(r"[\s,]+", line) if word),
                  one_in, checked == "yes", fields.get("Missed", [""])[0],
                  fields.get("Topology", [""])[0])


def diff_of(text: str) -> str:
    """The patch without its header: what makes a kernel another one."""
    found = re.search(r"^(?:diff |--- )", text, re.MULTILINE)
    return text[found.start():] if found else text


def touched(text: str) -> list[str]:
    """Paths that a patch changes, relative to the tree."""
    diff = diff_of(text)
    named = {name for null, name in _TOUCHES.findall(diff) if name and not null}
    return sorted(named.union(*_GIT.findall(diff)))


def check(text: str, name: str) -> None:
    """ToolError for a patch that changes nothing, that leaves the tree, or of
    which patch(1) would apply a part only."""
    names = touched(text)
    if not names:
        raise ToolError(f"{name} changes no file", "a patch in diff -p1 form, as git diff prints")
    outside = [path for path in names if path.startswith("/") or ".." in Path(path).parts]
    if outside:
        raise ToolError(f"{name} names a file outside the kernel's tree: {outside[0]}",
                        "names in a patch are relative to the tree, below a/ and b/")
    found = _REFUSED.search(diff_of(text))
    if found:
        raise ToolError(f"{name} holds what cannot be applied here: {found[1]}",
                        "only text may change: git diff --no-renames --text")


def text_of(patch: Path) -> str:
    """A patch's text; bytes that are no UTF-8, as in old names, are kept apart."""
    return patch.read_text(errors="backslashreplace")


def _apply(patch: Path, tree: Path) -> None:
    """Without fuzz: hunks with two lines of context would go anywhere."""
    done = subprocess.run(["patch", "-p1", "--force", "--no-backup-if-mismatch", "--fuzz=0",
                           "-d", str(tree), "-i", str(patch)],
                          capture_output=True, text=True, errors="replace", check=False)
    if done.returncode:
        said = "\n".join(f"  {line}" for line in done.stdout.strip().splitlines()[:20])
        raise SourceError(f"{patch.name} does not apply to this kernel:\n{said}",
                          "it was made for another series; nothing was changed")


def _names_below(place: Path) -> set[str]:
    return {str(path.relative_to(place)) for path in place.rglob("*") if path.is_file()}


def _put(content: Path, place: Path) -> None:
    """Make `place` what `content` is, mode included; the date is new. Untouched
    if it is that already."""
    if not content.exists():
        place.unlink(missing_ok=True)
        return
    data = content.read_bytes()
    if not place.exists() or place.read_bytes() != data:
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_bytes(data)
    if place.stat().st_mode != content.stat().st_mode:
        shutil.copymode(content, place)


@dataclass(frozen=True)
class Patched:
    """A tree that patches come to and go from. `originals` holds what they
    replaced; `created`, empty files named like those that they added."""

    tree: Path
    originals: Path
    created: Path

    def _fill(self, scratch: Path, names: set[str]) -> None:
        """Copy the named files to `scratch` as they are without any patch."""
        for name in names - _names_below(self.created):
            kept = self.originals / name
            source = kept if kept.exists() else self.tree / name
            if source.is_file():
                (scratch / name).parent.mkdir(parents=True, exist_ok=True)
                shutil.copy(source, scratch / name)

    def _remember(self, names: set[str], scratch: Path) -> None:
        """Keep what is about to be replaced, before anything is; a copy has its
        name only once it is whole, as nobody could tell later."""
        for name in names:
            original, mark = self.originals / name, self.created / name
            if original.exists() or mark.exists():
                continue
            there = (self.tree / name).is_file()
            place = original if there else mark
            place.parent.mkdir(parents=True, exist_ok=True)
            if there:
                shutil.copy2(self.tree / name, scratch / "copy")
                (scratch / "copy").rename(place)
            else:
                place.touch()

    def set(self, patches: tuple[Path, ...]) -> None:
        """Bring the tree to its original state plus exactly these patches. All
        are tried on copies first: if one does not apply, the tree stays as it
        is. May be interrupted and called again."""
        texts = {patch: text_of(patch) for patch in patches}
        for patch, text in texts.items():
            check(text, patch.name)
        names = {name for text in texts.values() for name in touched(text)}
        before = _names_below(self.originals) | _names_below(self.created)
        with tempfile.TemporaryDirectory(dir=self.tree.parent) as scratch_name:
            scratch, aside = Path(scratch_name) / "tree", Path(scratch_name)
            scratch.mkdir()
            self._fill(scratch, names)
            for patch in patches:
                _apply(patch, scratch)
            missed = _names_below(scratch) - names
            if missed:
                raise ToolError(f"a patch changes {min(missed)}, which its headers do not name",
                                "a patch in diff -p1 form, as git diff prints; nothing was changed")
            self._remember(names, aside)
            for name in names:
                _put(scratch / name, self.tree / name)
        for name in before - names:
            _put(self.originals / name, self.tree / name)
