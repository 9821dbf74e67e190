# SPDX-License-Identifier: GPL-2.0
"""The page of a bisection: one HTML file that needs nothing from elsewhere and
opens from the disk, with the picture in it, every step and every run. What is
in colour is also in words, and it follows the reader's light or dark.

What there is to show is a View; a session's is read by kept.py.
"""

from __future__ import annotations

import html
from pathlib import Path
from urllib.parse import quote

from bisection import picture
from bisection.outcomes import LOCAL, Ran, Step
from bisection.told import facts, one_line, sure_text
from bisection.view import View, candidates, counted, runs_text, short, shrinking, time_text

_STYLE = """\
:root { color-scheme: light dark;
  --ink: #1b1f24; --paper: #ffffff; --faint: #d3d7dc; --rule: #c4c9cf;
  --bad: #b03a08; --good: #0b5cad; --other: #7d3f98; --broken: #5f666d; }
@media (prefers-color-scheme: dark) { :root {
  --ink: #e4e7eb; --paper: #15181c; --faint: #3a4048; --rule: #4a515a;
  --bad: #ff9466; --good: #7ab8ff; --other: #d9a3ee; --broken: #a5adb6; } }
body { margin: 1.5rem auto; max-width: 78rem; padding: 0 1rem; color: var(--ink);
  background: var(--paper); font: 15px/1.45 system-ui, sans-serif; }
h1 { font-size: 1.3rem; } h2 { font-size: 1.05rem; margin-top: 2rem; }
code, .name { font-family: ui-monospace, monospace; font-size: 0.92em; }
.result { border-left: 0.4rem solid var(--bad); padding: 0.4rem 1rem; }
.open { border-color: var(--broken); }
.wide { overflow-x: auto; } .wide svg { display: block; min-width: 60rem; width: 100%;
  height: auto; }
table { border-collapse: collapse; width: 100%; }
th, td { text-align: left; vertical-align: top; padding: 0.3rem 0.6rem;
  border-bottom: 1px solid var(--rule); overflow-wrap: anywhere; }
th { white-space: nowrap; } td.name, td.time { white-space: nowrap; }
.facts th { width: 9rem; font-weight: 600; }
.answer { font-weight: 600; white-space: nowrap; }
.bad { color: var(--bad); } .good { color: var(--good); } .other { color: var(--other); }
.skip, .unsure, .broken { color: var(--broken); }
.why { color: var(--broken); } summary { cursor: pointer; }
pre { white-space: pre-wrap; overflow-wrap: anywhere; border: 1px solid var(--rule);
  padding: 0.6rem; }
@media print { body { max-width: none; } }
"""
MARKS = {"bad": "\u2716", "good": "\u25cf", "skip": "\u25a1", "unsure": "\u25c7"}


def _text(text: object) -> str:
    return html.escape(one_line(str(text)))


def _commit(view: View, name: str) -> str:
    return f'<code title="{_text(name)}">{_text(short(name))}</code> {_text(view.subject(name))}'


def _result(view: View) -> str:
    if view.first_bad:
        said = f"First bad commit: {_commit(view, view.first_bad)}"
    elif view.suspects:
        rows = "".join(f"<li>{_commit(view, name)}</li>" for name in view.suspects)
        said = (f"The first bad commit is one of {len(view.suspects)}; skipped ones hide which:"
                f"<ul>{rows}</ul>")
    else:
        left = len(candidates(view, len(view.steps)))
        said = f"Not ended: {counted(left, 'commit')} may be the first bad one."
    sure = f"<br>{_text(sure_text(view))}" if view.ended else ""
    return f'<div class="result{"" if view.ended else " open"}">{said}{sure}</div>'


def _facts(view: View) -> str:
    rows = "".join(f"<tr><th scope=row>{_text(name)}</th><td>{_text(value)}</td></tr>"
                   for name, value in facts(view))
    return f"<table class=facts>{rows}</table>"


def _evidence(view: View) -> str:
    if not view.evidence:
        return ""
    lines = html.escape("\n".join(one_line(line) for line in view.evidence))
    return f"<h2>Seen on the first bad commit</h2><pre>{lines}</pre>"


def _run(ran: Ran) -> str:
    where = "" if ran.host == LOCAL else f", on {ran.host}"
    files = (f'<a href="{html.escape(quote(ran.files))}/">files</a>' if ran.files else "")
    return (f"<tr><td>{ran.number}</td><td class={ran.outcome}>{ran.outcome}</td>"
            f"<td>{_text(ran.said)}</td><td class=time>seed {ran.seed}, {ran.seconds:.1f} s"
            f"{_text(where)}</td><td>{files}</td></tr>")


def _runs(step: Step) -> str:
    """Folded away; the summary tells what they came to."""
    if not step.ran:
        return "no run"
    rows = "".join(_run(ran) for ran in step.ran)
    return (f"<details><summary>{_text(runs_text(step))}</summary><table>"
            "<tr><th>run</th><th>outcome</th><th>why</th><th></th><th></th></tr>"
            f"{rows}</table></details>")


def _step(view: View, number: int, step: Step, left: int) -> str:
    end = {view.good: " (GOOD)", view.bad: " (BAD)"}.get(step.commit, "")
    return (f"<tr><td>{number}</td><td class=name title=\"{_text(step.commit)}\">"
            f"{_text(short(step.commit))}{end}</td>"
            f'<td class="answer {step.answer}">{MARKS[step.answer]} {step.answer}</td>'
            f"<td>{_text(step.subject)}<div class=why>{_text(step.why)}</div>{_runs(step)}</td>"
            f"<td class=time>{time_text(step.build_s)} + "
            f"{time_text(sum(ran.seconds for ran in step.ran))}</td>"
            f"<td class=time>{left:,}</td></tr>")


def _steps(view: View) -> str:
    if not view.steps:
        return "<p>No commit was asked about yet.</p>"
    left = shrinking(view)[1:]
    rows = "".join(_step(view, number, step, len(after))
                   for number, (step, after) in enumerate(zip(view.steps, left), 1))
    return ("<table><tr><th>step</th><th>commit</th><th>answer</th><th>subject, why, runs</th>"
            f"<th>build + runs</th><th>left</th></tr>{rows}</table>")


def _picture(view: View) -> str:
    svg, why = picture.svg_text(view)
    if not svg:
        return f"<p>{_text(why)}</p>"
    label = (f"{len(view.steps)} steps over {max(len(view.commits) - 1, 0)} commits; the table "
             "below says the same")
    # No size of its own: the page's width is its width.
    svg = svg.replace("<svg ", f'<svg role="img" aria-label="{_text(label)}" ', 1)
    return f"<div class=wide>{svg}</div>"


def page_text(view: View) -> str:
    """The whole file."""
    title = f"Bisection: {one_line(view.signature)}"
    return (f"<!DOCTYPE html>\n<html lang=en><head><meta charset=utf-8>\n"
            '<meta name=viewport content="width=device-width, initial-scale=1">\n'
            f"<title>{_text(title)}</title>\n<style>\n{_STYLE}</style></head>\n<body>\n"
            f"<h1>{_text(title)}</h1>\n{_result(view)}\n{_evidence(view)}\n"
            f"<h2>What was asked, and how it went</h2>\n{_facts(view)}\n"
            f"<h2>The range</h2>\n{_picture(view)}\n"
            f"<h2>Steps</h2>\n{_steps(view)}\n</body></html>\n")


def write_picture(view: View, directory: Path) -> str:
    """picture.png beside the page; why there is none, or ""."""
    return picture.draw(view, directory / "picture.png")
