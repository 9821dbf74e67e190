# SPDX-License-Identifier: GPL-2.0
"""The condition of a litmus test, `exists (~1:r0=0 /\\ 1:content=0)`, asked of a
state that a histogram has. What the state does not tell is unknown, and stays
so where the rest does not decide.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from errors import ToolError

_EXISTS = re.compile(r"^exists\s*(\(.*\))\s*\Z", re.MULTILINE | re.DOTALL)
_TOKEN = re.compile(r"\s*(/\\|\\/|[~()]|(?:\d+:)?\w+=-?\w+)")
# What a state says of a condition: met, not met, or it does not tell.
Answer = bool | None
Asked = Callable[[Mapping[str, str]], Answer]


@dataclass
class _Reader:
    """The tokens that are left of a condition."""

    where: str
    tokens: list[str]

    def next_is(self, token: str) -> bool:
        if self.tokens and self.tokens[0] == token:
            self.tokens.pop(0)
            return True
        return False

    def take(self) -> str:
        if not self.tokens:
            raise self.wrong("it ends too soon")
        return self.tokens.pop(0)

    def wrong(self, why: str) -> ToolError:
        return ToolError(f"{self.where}: its condition cannot be read: {why}",
                         "exists (…) with ~, /\\, \\/ and REGISTER=VALUE")


def _not(one: Asked) -> Asked:
    def ask(state: Mapping[str, str]) -> Answer:
        answer = one(state)
        return None if answer is None else not answer
    return ask


def _both(left: Asked, right: Asked) -> Asked:
    def ask(state: Mapping[str, str]) -> Answer:
        answers = (left(state), right(state))
        return False if False in answers else None if None in answers else True
    return ask


def _either(left: Asked, right: Asked) -> Asked:
    return _not(_both(_not(left), _not(right)))


def _atom(text: str) -> Asked:
    name, _, value = text.rpartition(":")[2].partition("=")
    return lambda state: state[name] == value if name in state else None


def _unary(reader: _Reader) -> Asked:
    if reader.next_is("~"):
        return _not(_unary(reader))
    if reader.next_is("("):
        inner = _alternatives(reader)
        if not reader.next_is(")"):
            raise reader.wrong("a parenthesis is not closed")
        return inner
    token = reader.take()
    if "=" not in token:
        raise reader.wrong(f"'{token}' is not expected there")
    return _atom(token)


def _terms(reader: _Reader) -> Asked:
    found = _unary(reader)
    while reader.next_is("/\\"):
        found = _both(found, _unary(reader))
    return found


def _alternatives(reader: _Reader) -> Asked:
    found = _terms(reader)
    while reader.next_is("\\/"):
        found = _either(found, _terms(reader))
    return found


def _tokens(text: str, where: str) -> list[str]:
    tokens, at = [], 0
    while at < len(text.rstrip()):
        match = _TOKEN.match(text, at)
        if match is None:
            raise _Reader(where, []).wrong(f"'{text[at:at + 20].strip()}' is not expected there")
        tokens.append(match[1])
        at = match.end()
    return tokens


def read(test: str, where: str) -> Asked:
    """The condition in the text of a test."""
    match = _EXISTS.search(test)
    reader = _Reader(where, _tokens(match[1], where) if match else [])
    found = _alternatives(reader)
    if reader.tokens:
        raise reader.wrong(f"'{reader.tokens[0]}' is not expected there")
    return found


def met(test: str, state: Mapping[str, str], where: str) -> bool:
    """Whether a state is surely the outcome that a test asks about."""
    return read(test, where)(state) is True
