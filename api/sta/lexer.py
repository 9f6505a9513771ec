"""A $filter's text → tokens. One regular expression without backtracking; whatever it does not know is refused."""

from __future__ import annotations

import re
from dataclasses import dataclass

from telemetry.errors import QueryError

MAX_LENGTH = 4_000  # characters of one expression
MAX_TOKENS = 500

_TOKEN = re.compile(
    r"""(?P<space>[ \t]+)
    |(?P<typed>(?:geography|geometry|duration)'(?:[^']|'')*')
    |(?P<text>'(?:[^']|'')*')
    |(?P<time>\d{4}-\d\d-\d\dT[0-9:.]+(?:Z|[+-]\d\d:\d\d)?)
    |(?P<number>\d+(?:\.\d+)?(?:[eE][+-]?\d+)?)
    |(?P<word>@?[A-Za-z_][A-Za-z0-9_.]*)
    |(?P<mark>[(),/\-])""",
    re.VERBOSE,
)


@dataclass(frozen=True, slots=True)
class Token:
    """sort: typed, text, time, number, word or mark; `at` counts characters from 1."""

    sort: str
    text: str
    at: int


def tokens(text: str, place: str) -> list[Token]:
    """The tokens of an expression, with an empty one at its end. Raises QueryError."""
    if len(text) > MAX_LENGTH:
        raise QueryError(place, f"must have {MAX_LENGTH} characters at most", len(text))
    found: list[Token] = []
    at = 0
    while at < len(text):
        match = _TOKEN.match(text, at)
        if match is None:
            raise QueryError(place, f"can't be read at character {at + 1}", text[at : at + 20])
        assert match.lastgroup is not None
        if match.lastgroup != "space":
            found.append(Token(match.lastgroup, match[0], at + 1))
        at = match.end()
        if len(found) > MAX_TOKENS:
            raise QueryError(place, f"must have {MAX_TOKENS} words and signs at most")
    return [*found, Token("end", "", len(text) + 1)]
