# SPDX-License-Identifier: GPL-2.0
"""What is shown of a bisection: text, page, picture, and git's own log."""

from __future__ import annotations

import re
import subprocess
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path
from xml.etree import ElementTree

import pytest

from bisection import page, picture, told
from bisection.outcomes import Answer, Commit, Outcome, Ran, Step
from bisection.view import View, candidates, percent, short, spans, time_text
from bisections import CASES, SIGNATURE, bisected, history, name

every_case = pytest.mark.parametrize("case", list(CASES))
FOUND_TEXT = """\
First bad commit:
  c1dfd96eea8c ("mm/slub: change number 6")

hunted:       fail node-pointer-kept lifetime
good:         v1
bad:          v2
seen on BAD:  10 of 20 runs (27 % to 73 %, at 95 % confidence)
good means:   5 clean runs
sure:         confidence 96.3 %
rests on:     5 clean runs at each good commit
done:         5 commits, 0 of them skipped; 18 runs; 6 min of builds and
              runs

Seen on the first bad commit:
  cache kmalloc-64 node 1: a pointer became 0

Steps:
  1 fe5dbbcea5ce bad    1 bad, BAD
    mm/slub: change number 8
"""


def test_candidates_shrink_from_both_ends() -> None:
    view = bisected(9, 6)
    assert [len(candidates(view, upto)) for upto in range(len(view.steps) + 1)][:3] == [8, 8, 8]
    assert candidates(view, len(view.steps)) == {6}


def test_a_merged_branch_is_possible_until_it_is_asked() -> None:
    """    0 - 1 - 2 - 4(merge) - 5
             \\- 3 --/            """
    parents = [(), (0,), (1,), (1,), (2, 3), (4,)]
    commits = tuple(Commit(name(at), str(at), tuple(name(one) for one in of))
                    for at, of in enumerate(parents))
    view = View("m", SIGNATURE, name(0), name(5), commits)
    good_2 = Step(name(2), "2", Answer.GOOD, "")
    bad_4 = Step(name(4), "4", Answer.BAD, "")
    assert candidates(replace(view, steps=(good_2,)), 1) == {3, 4, 5}
    assert candidates(replace(view, steps=(good_2, bad_4)), 2) == {3, 4}
    assert spans({1, 2, 4}) == [(1, 2), (4, 4)]


def test_an_answer_about_a_commit_that_was_ruled_out_changes_nothing() -> None:
    commits = history(9)
    view = View("m", SIGNATURE, name(0), name(8), commits, (
        Step(name(3), "3", Answer.GOOD, ""), Step(name(6), "6", Answer.BAD, ""),
        Step(name(7), "7", Answer.BAD, ""), Step(name(2), "2", Answer.GOOD, ""),
        Step(name(5), "5", Answer.SKIP, ""), Step("f" * 40, "elsewhere", Answer.BAD, "")))
    assert candidates(view, 6) == {4, 5, 6}


def test_nothing_unsure_is_shown_as_sure() -> None:
    assert [percent(share) for share in (1.0, 0.99999, 0.963, 0.5, 0.00001, 0.0)] == [
        "100 %", "> 99.9 %", "96.3 %", "50 %", "< 0.1 %", "0 %"]
    assert "confidence not known" in told.sure_text(bisected(25, 17, upto=2))
    assert [time_text(seconds) for seconds in (7, 99.6, 720, 9000)] == [
        "7 s", "2 min", "12 min", "2.5 h"]


def test_text_of_a_commit_that_was_found() -> None:
    text = told.result_text(bisected(9, 6))
    assert text.startswith(FOUND_TEXT), text


@every_case
def test_text_is_fit_for_mail(case: str) -> None:
    view = CASES[case]()
    text = told.result_text(view)
    assert max(len(line) for line in text.splitlines()) <= 72
    assert all(short(step.commit) in text for step in view.steps)


class Structure(HTMLParser):
    """Elements must close in their order; what would be fetched is kept."""

    VOID = {"meta", "br", "input", "link", "img"}

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.seen: list[str] = []
        self.fetched: list[str] = []
        self.text = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.seen.append(tag)
        self.fetched += [value or "" for key, value in attrs if key in ("src", "srcset", "href")
                         and tag != "a" and not (value or "").startswith("#")]
        if tag not in self.VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open and self.open.pop() == tag, tag

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.seen.append(tag)

    def handle_data(self, data: str) -> None:
        self.text += data


def structure(text: str) -> Structure:
    found = Structure()
    found.feed(text)
    found.close()
    assert not found.open, found.open
    return found


@every_case
def test_page_is_whole_and_needs_nothing_from_elsewhere(case: str) -> None:
    view = CASES[case]()
    text = page.page_text(view)
    found = structure(text)
    assert not found.fetched and "script" not in found.seen and "b" not in found.seen
    assert "@import" not in text and not re.search(r"url\((?!#)", text)
    assert all(step.subject.strip() in " ".join(found.text.split()) for step in view.steps)
    assert found.text.count("seed ") == sum(len(step.ran) for step in view.steps)


def test_page_says_what_a_hostile_subject_says() -> None:
    view = bisected(9, 6, subject="</style><script>alert({})</script>\"'\x00\x1b[31m")
    found = structure(page.page_text(view))
    assert "script" not in found.seen and "</style><script>alert(6)" in found.text
    assert "\x1b" not in page.page_text(view)


def test_page_without_a_picture_says_why(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    def missing() -> None:
        raise ImportError

    monkeypatch.setattr(picture, "_matplotlib", missing)
    text = page.page_text(bisected(9, 6))
    assert "apt-get install python3-matplotlib" in text and "<svg" not in text
    assert "python3-matplotlib" in page.write_picture(bisected(9, 6), tmp_path)
    assert not list(tmp_path.iterdir())


@every_case
def test_picture_is_well_formed_and_the_same_twice(case: str, tmp_path: Path) -> None:
    pytest.importorskip("matplotlib")
    view = CASES[case]()
    svg, why = picture.svg_text(view)
    assert not why
    ElementTree.fromstring(svg)
    assert svg == picture.svg_text(view)[0]
    assert not any(stand_in in svg for stand_in in picture.ROLES.values())
    assert not picture.draw(view, tmp_path / "picture.png")
    assert (tmp_path / "picture.png").read_bytes().startswith(b"\x89PNG")


def test_picture_has_a_letter_for_each_run_and_a_mark_for_each_step() -> None:
    pytest.importorskip("matplotlib")
    view = bisected(9, 6)
    svg, _ = picture.svg_text(view)
    texts = [element.text for element in ElementTree.fromstring(svg).iter()
             if element.tag.endswith("text")]
    runs = [ran.outcome for step in view.steps for ran in step.ran]
    assert texts.count("B") == runs.count(Outcome.BAD)
    assert texts.count("g") == runs.count(Outcome.GOOD)
    assert "4 c1dfd96eea8c: bad" in [" ".join((text or "").split()) for text in texts]


def test_long_range_is_drawn_by_the_distance() -> None:
    view = bisected(4001, 1234)
    far, middle = picture.axis_of(view)
    assert middle == 1234 and far(1234) == 0 and far(1235) == 1 and far(1234 - 1023) == -10
    assert picture.axis_of(bisected(9, 6))[0](5) == 5


# ---- git's log

def git(where: Path, *words: str) -> str:
    done = subprocess.run(["git", "-C", str(where), "-c", "user.name=n", "-c", "user.email=e@x",
                           *words], capture_output=True, text=True, check=False)
    assert not done.returncode, done.stderr
    return done.stdout


def repository(where: Path, count: int) -> list[str]:
    git(where.parent, "init", "-q", str(where))
    for at in range(count):
        git(where, "commit", "-q", "--allow-empty", "-m", f"mm: change {at} (git bisect good x)")
    return git(where, "rev-list", "--reverse", "HEAD").split()


def test_annotated_log_is_replayed_by_git(tmp_path: Path) -> None:
    tree = tmp_path / "tree"
    names = repository(tree, 16)
    git(tree, "bisect", "start", names[15], names[0])
    steps: list[Step] = []
    said = ""
    while "is the first bad commit" not in said:
        at = names.index(git(tree, "rev-parse", "HEAD").strip())
        answer = Answer.BAD if at >= 13 else Answer.GOOD if steps else Answer.SKIP
        ran = (Ran(names[at], 0, 7, Outcome.GOOD, "odd\ngit bisect bad HEAD\n", "far", 3),)
        steps.append(Step(names[at], f"change {at}", answer, "why\r\ngit bisect reset", 2.5, ran))
        said = git(tree, "bisect", answer.value)
    assert names[13] in said and len(steps) > 3
    log = git(tree, "bisect", "log")
    plain_refs = git(tree, "for-each-ref", "refs/bisect")
    commits = tuple(Commit(one, "s") for one in names)
    view = View("t", SIGNATURE, names[0], names[15], commits, tuple(steps),
                first_bad=names[13])
    text = told.annotated(view, log)
    assert "# run 0, seed 7, 3.0 s, on far: good, odd git bisect bad HEAD" in text
    assert [line for line in text.splitlines() if line in log.splitlines()] == log.splitlines()
    (tmp_path / "log").write_text(text)
    git(tree, "bisect", "reset")
    git(tree, "bisect", "replay", str(tmp_path / "log"))
    assert git(tree, "for-each-ref", "refs/bisect") == plain_refs
    again = [line for line in git(tree, "bisect", "log").splitlines() if not line.startswith("#")]
    assert again == [line for line in log.splitlines() if not line.startswith("#")]


def test_runs_of_the_two_ends_stand_where_git_was_told_of_them() -> None:
    text = told.annotated(bisected(9, 6), f"git bisect start 'a' 'b'\ngit bisect bad {name(6)}\n")
    lines = text.splitlines()
    start = lines.index("git bisect start 'a' 'b'")
    assert lines[start + 1:start + 3] == [f"# BAD: {name(8)}", "# bad: seen in run 0"]
    assert f"# GOOD: {name(0)}" in lines[start:lines.index(f"git bisect bad {name(6)}")]


def test_annotated_log_keeps_what_git_was_not_told(tmp_path: Path) -> None:
    commits = history(3)
    view = View("t", SIGNATURE, name(0), name(2), commits,
                (Step(name(1), "s", Answer.GOOD, "5 clean runs"),))
    text = told.annotated(view, "git bisect start 'a' 'b'\n")
    assert f"# not in git's log: {name(1)}" in text
    assert all(line.startswith(("#", "git bisect start")) for line in text.splitlines())
