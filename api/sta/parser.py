"""Tokens → a tree, by recursive descent: OData's order of operators (18-088, 9.3.3.5). Bounded in depth.

or < and < eq ne gt ge lt le < add sub < mul div mod < not, - < what stands in brackets
"""

from __future__ import annotations

import re
from collections.abc import Callable

import shapely
from shapely.errors import ShapelyError

from api.sta.expression import Binary, Call, Duration, Literal, Moment, Node, Path, Unary
from api.sta.functions import ARGUMENTS
from api.sta.lexer import Token, tokens
from telemetry.clock import SECOND, parse_time
from telemetry.errors import QueryError

MAX_DEPTH = 40
_COMPARISONS = ("eq", "ne", "gt", "ge", "lt", "le")
_WORDS: dict[str, bool | None] = {"true": True, "false": False, "null": None}
_DURATION = re.compile(
    r"P(?:(\d{1,6})D)?(?:T(?:(\d{1,6})H)?(?:(\d{1,6})M)?(?:(\d{1,6})(?:\.\d+)?S)?)?"
)
_UNITS = (86_400 * SECOND, 3_600 * SECOND, 60 * SECOND, SECOND)


def parse(text: str, place: str) -> Node:
    """The tree of an expression. Raises QueryError, which says where it can't be read."""
    return _Parser(text, place).whole()


class _Parser:
    def __init__(self, text: str, place: str) -> None:
        self._place = place
        self._tokens = tokens(text, place)
        self._next = 0
        self._depth = 0

    def whole(self) -> Node:
        found = self._or()
        if self._peek().sort != "end":
            raise self._wrong("must end here")
        return found

    def _or(self) -> Node:
        return self._chain(("or",), self._and)

    def _and(self) -> Node:
        return self._chain(("and",), self._comparison)

    def _comparison(self) -> Node:
        left = self._sum()
        operator = self._word(_COMPARISONS)
        return left if operator is None else Binary(operator, left, self._sum())

    def _sum(self) -> Node:
        return self._chain(("add", "sub"), self._product)

    def _product(self) -> Node:
        return self._chain(("mul", "div", "mod"), self._unary)

    def _chain(self, operators: tuple[str, ...], part: Callable[[], Node]) -> Node:
        found = part()
        while (operator := self._word(operators)) is not None:
            found = Binary(operator, found, part())
        return found

    def _unary(self) -> Node:
        self._depth += 1
        if self._depth > MAX_DEPTH:
            raise QueryError(self._place, f"must be nested {MAX_DEPTH} deep at most")
        try:
            if self._word(("not",)) is not None:
                return Unary("not", self._unary_comparison())
            if self._mark("-"):
                return Unary("-", self._unary())
            return self._primary()
        finally:
            self._depth -= 1

    def _unary_comparison(self) -> Node:
        """`not contains(…)` and `not (a eq b)`: what follows binds tighter than `and`."""
        return self._comparison()

    def _primary(self) -> Node:
        token = self._peek()
        if self._mark("("):
            found = self._or()
            self._expect(")")
            return found
        self._next += 1
        if token.sort == "text":
            return Literal(_unquoted(token.text))
        if token.sort == "number":
            return Literal(self._number(token))
        if token.sort == "time":
            return self._moment(token)
        if token.sort == "typed":
            return self._typed(token)
        if token.sort == "word":
            return self._named(token)
        self._next -= 1
        raise self._wrong("needs a property, a value or a function")

    def _named(self, token: Token) -> Node:
        if token.text in _WORDS:
            return Literal(_WORDS[token.text])
        if self._mark("("):
            return self._call(token)
        steps = [token.text]
        while self._mark("/"):
            steps.append(self._step())
        return Path(tuple(steps))

    def _step(self) -> str:
        token = self._peek()
        if token.sort != "word":
            raise self._wrong("needs a property behind /")
        self._next += 1
        return token.text

    def _call(self, token: Token) -> Node:
        if token.text not in ARGUMENTS:
            known = ", ".join(sorted(ARGUMENTS))
            raise QueryError(self._place, f"knows the functions {known}", token.text)
        arguments: list[Node] = []
        if not self._mark(")"):
            arguments.append(self._or())
            while self._mark(","):
                arguments.append(self._or())
            self._expect(")")
        low, high = ARGUMENTS[token.text]
        if not low <= len(arguments) <= high:
            need = f"{token.text} takes {low if low == high else f'{low} or {high}'} arguments"
            raise QueryError(self._place, need, len(arguments))
        return Call(token.text, tuple(arguments))

    def _number(self, token: Token) -> int | float:
        if len(token.text) > 40:
            raise QueryError(self._place, "must hold numbers of 40 digits at most", token.text)
        return int(token.text) if token.text.isdigit() else float(token.text)

    def _moment(self, token: Token) -> Node:
        start = end = parse_time(token.text, self._place)
        if self._mark("/"):
            after = self._peek()
            if after.sort != "time":
                raise self._wrong("needs a second time behind /")
            self._next += 1
            end = parse_time(after.text, self._place)
        if end < start:
            raise QueryError(self._place, "must hold spans that end behind their start", token.text)
        return Literal(Moment(start, end))

    def _typed(self, token: Token) -> Node:
        sort, _, quoted = token.text.partition("'")
        body = _unquoted(f"'{quoted}")
        if sort == "duration":
            match = _DURATION.fullmatch(body)
            if match is None or not any(match.groups()):
                raise QueryError(self._place, "must hold durations like duration'P1DT12H'", body)
            return Duration(sum(int(n) * u for n, u in zip(match.groups("0"), _UNITS, strict=True)))
        try:
            # The standard's own examples write POINT (-122, 43).
            return Literal(shapely.from_wkt(re.sub(r"^(\s*POINT\s*\(\s*\S+?)\s*,", r"\1 ", body)))
        except ShapelyError:
            raise QueryError(
                self._place, "must hold shapes in WKT, like POINT (106.7 10.8)", body
            ) from None

    def _peek(self) -> Token:
        return self._tokens[self._next]

    def _word(self, words: tuple[str, ...]) -> str | None:
        token = self._peek()
        if token.sort == "word" and token.text in words:
            self._next += 1
            return token.text
        return None

    def _mark(self, mark: str) -> bool:
        token = self._peek()
        if token.sort == "mark" and token.text == mark:
            self._next += 1
            return True
        return False

    def _expect(self, mark: str) -> None:
        if not self._mark(mark):
            raise self._wrong(f"needs {mark}")

    def _wrong(self, need: str) -> QueryError:
        token = self._peek()
        return QueryError(self._place, f"{need}, at character {token.at}", token.text or "its end")


def _unquoted(text: str) -> str:
    return text[1:-1].replace("''", "'")
