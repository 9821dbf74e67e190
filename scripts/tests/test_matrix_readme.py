# SPDX-License-Identifier: GPL-2.0
"""What make matrix-readme writes, and that README.md has it in that form."""

from __future__ import annotations

import re
from pathlib import Path

import matrix_readme as readme
import options as opt
import pytest
import scenarios
from bisection.journal import Journal
from errors import ToolError
from matrix import JOURNAL, PLACE
from matrices import facts, picture, state
from matrices.plan import Visit
from matrix_samples import KERNELS, QUIET, RIGHT, SUITE, matrix_of

EMPTY = f"# x\n\n{readme.BEGIN}\n{readme.END}\n\nrest\n"
SOME = matrix_of({"stride": [[RIGHT, SUITE]], "harmless": [[QUIET]]})


def rows_of(between: str) -> tuple[list[str], list[str]]:
    """Names of detectors in the table, and of kernels in the list."""
    detectors = []
    for line in between.splitlines():
        name, *cells = line.split() or [""]
        if line.startswith(name) and re.fullmatch(r"[a-z][\w-]+", name) and cells and all(
                re.fullmatch(r"[!xCcF?.-]|\.\d+|\d+(?:\.\d)?", cell) for cell in cells):
            detectors.append(name)
    kernels = re.findall(r"(?m)^ ?\d+  (\S+(?: stock)?)", between)
    return detectors, kernels


def has_form(between: str) -> None:
    """What holds of anything that the command writes."""
    lines = between.splitlines()
    assert all(len(line) <= opt.COLUMNS for line in lines)
    assert between.count(readme.FENCE) == 2 and f"]({readme.PICTURE})" in between
    assert re.search(r"(?m)^\d+ kernels, \d+ guests, which ran \d+ min in all; RUNS=\d+$", between)
    detectors, kernels = rows_of(between)
    assert detectors and kernels
    heads = [line.split() for line in lines if re.fullmatch(r"(?: +\d+)+", line)]
    numbers = [int(number) for head in heads for number in head]
    assert set(numbers) <= set(range(1, len(kernels) + 1)) and numbers == sorted(set(numbers))
    known = {scenario.name for scenario in scenarios.known()}
    assert all(name in known or name.startswith("slubtorture-") for name in detectors)
    assert re.search(r"(?m)^failures of the tool:", between)


def placed(tmp_path: Path, text: str = EMPTY) -> Path:
    (tmp_path / "README.md").write_text(text)
    return tmp_path


def drawn() -> bool:
    return not picture.draw(SOME)


def test_it_writes_between_the_markers_and_the_same_again(tmp_path: Path) -> None:
    if not drawn():
        pytest.skip(f"{picture.PACKAGE} is not installed")
    root = placed(tmp_path)
    readme.put(root, SOME)
    first = (root / "README.md").read_text(), (root / readme.PICTURE).read_text()
    before, between, after = readme.parts(first[0])
    assert before == "# x\n\n" and after == "\n\nrest\n"
    has_form(between)
    assert rows_of(between) == (["exts-in-object", "slubtorture-metadata"],
                                [kernel.name.removesuffix(" stock") + " stock" * kernel.stock
                                 for kernel in KERNELS])
    readme.put(root, SOME)
    assert ((root / "README.md").read_text(), (root / readme.PICTURE).read_text()) == first


def test_the_picture_is_text_and_small(tmp_path: Path) -> None:
    if not drawn():
        pytest.skip(f"{picture.PACKAGE} is not installed")
    root = placed(tmp_path)
    readme.put(root, SOME)
    svg = (root / readme.PICTURE).read_text()
    assert "base64" not in svg and ">exts-in-object<" in svg and len(svg) < 100_000
    assert all(line == line.rstrip() for line in svg.splitlines())


@pytest.mark.parametrize("text", ["# x\n", f"{readme.BEGIN}\n", f"{readme.END}\n",
                                  EMPTY + EMPTY, f"{readme.END}\n{readme.BEGIN}\n"])
def test_without_its_place_nothing_is_written(text: str, tmp_path: Path) -> None:
    root = placed(tmp_path, text)
    with pytest.raises(ToolError, match="no place for the matrix") as caught:
        readme.put(root, SOME)
    assert caught.value.hint
    assert (root / "README.md").read_text() == text and not (root / readme.PICTURE).exists()


def test_without_the_library_nothing_is_written(tmp_path: Path,
                                                monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(__import__("sys").modules, "matplotlib", None)
    root = placed(tmp_path)
    with pytest.raises(ToolError, match=picture.PACKAGE):
        readme.put(root, SOME)
    assert (root / "README.md").read_text() == EMPTY


def test_without_a_matrix_it_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OUT", str(tmp_path))
    with pytest.raises(ToolError, match="there is no matrix") as caught:
        readme.main()
    assert caught.value.hint
    journal = Journal(tmp_path / PLACE / JOURNAL)
    journal.path.parent.mkdir()
    journal.add("matrix", format=state.FORMAT, code="x")
    with pytest.raises(ToolError, match="no guest has told anything"):
        readme.main()


def test_it_reads_a_journal_of_any_code(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What was measured stays true when the code goes on."""
    monkeypatch.setenv("OUT", str(tmp_path))
    monkeypatch.setattr(opt, "ROOT", placed(tmp_path))
    monkeypatch.setattr(picture, "draw", lambda found, path: path.write_text("x") and "")
    journal = Journal(tmp_path / PLACE / JOURNAL)
    journal.path.parent.mkdir()
    journal.add("matrix", format=state.FORMAT, code="of last week")
    journal.add("kernel", **state.kernel_fact(KERNELS[0]))
    journal.add("visit", **state.visit_fact(Visit(KERNELS[0], "usual", 1),
                                            facts.to_json([QUIET]), 1.0, 0))
    assert readme.main() == 0
    assert "1 kernels, 1 guests" in (tmp_path / "README.md").read_text()


def test_the_readme_has_the_form_that_the_command_writes() -> None:
    text = (opt.ROOT / "README.md").read_text()
    between = readme.parts(text)[1]
    if not between.strip():
        pytest.skip("no matrix has been put there yet: make matrix-readme")
    has_form(between)
    svg = (opt.ROOT / readme.PICTURE).read_text()
    detectors, _ = rows_of(between)
    assert all(f">{name}<" in svg for name in detectors)
