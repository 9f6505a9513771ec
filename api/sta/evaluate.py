"""Whether an entity fits a $filter, and what a $orderby sees of it.

A path through a link that leads to many gives many values; a comparison holds where it holds for one of
them. Comparisons with null are false but for `eq null` and `ne null` (OData 4.0, 5.1.1).
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Iterator
from itertools import islice, product
from math import isfinite
from typing import Any, Protocol

from shapely import Geometry

from api.sta.expression import Binary, Call, Duration, Literal, Moment, Node, Path, Unary
from api.sta.functions import FUNCTIONS
from telemetry.errors import QueryError

_MANY = 10_000  # values that one path may give
_ORDERS: dict[str, Callable[[Any, Any], bool]] = {
    "gt": operator.gt, "ge": operator.ge, "lt": operator.lt, "le": operator.le,
}  # fmt: skip


class Many(list[Any]):
    """Several values of one path."""


class Subject(Protocol):
    """What an expression is about: an entity that can be looked into."""

    def value(self, name: str) -> Any:
        """A property; raises KeyError where there is none."""
        ...

    def lead(self, name: str) -> Iterator[Subject] | None:
        """What a link leads to; None where there is no such link."""
        ...


class Evaluator:
    """Evaluates trees at a time. Raises QueryError for properties that there are not."""

    def __init__(self, now: int, place: str) -> None:
        self._now = now
        self._place = place

    def fits(self, node: Node, subject: Subject) -> bool:
        """Whether the expression holds."""
        return _true(self.of(node, subject))

    def of(self, node: Node, subject: Subject) -> Any:
        """The value of an expression."""
        if isinstance(node, Literal):
            return node.value
        if isinstance(node, Path):
            return self._path(node.steps, subject)
        if isinstance(node, Call):
            if node.name == "now":
                return Moment(self._now, self._now)
            return _each(FUNCTIONS[node.name], *(self.of(a, subject) for a in node.arguments))
        if isinstance(node, Unary):
            return self._unary(node, subject)
        if isinstance(node, Binary):
            return self._binary(node, subject)
        raise QueryError(self._place, "takes a duration only beside add and sub")

    def _unary(self, node: Unary, subject: Subject) -> Any:
        value = self.of(node.operand, subject)
        return not _true(value) if node.operator == "not" else _each(_negative, value)

    def _binary(self, node: Binary, subject: Subject) -> Any:
        if node.operator == "and":
            return self.fits(node.left, subject) and self.fits(node.right, subject)
        if node.operator == "or":
            return self.fits(node.left, subject) or self.fits(node.right, subject)
        if isinstance(node.right, Duration) and node.operator in ("add", "sub"):
            by = node.right.ns if node.operator == "add" else -node.right.ns
            return _each(lambda t: _moved(t, by), self.of(node.left, subject))
        left, right = self.of(node.left, subject), self.of(node.right, subject)
        if node.operator in _ARITHMETIC:
            return _each(_ARITHMETIC[node.operator], left, right)
        return _each(lambda a, b: compare(node.operator, a, b), left, right)

    def _path(self, steps: tuple[str, ...], subject: Subject) -> Any:
        for at, step in enumerate(steps[:-1]):
            led = subject.lead(step)
            if led is None:
                return _inside(self._value(step, subject), steps[at + 1 :])
            found = list(islice(led, _MANY + 1))
            if len(found) > _MANY:
                raise QueryError(self._place, f"{'/'.join(steps)} leads to more than {_MANY}")
            values = [self._path(steps[at + 1 :], s) for s in found]
            return Many(
                v for value in values for v in (value if isinstance(value, Many) else [value])
            )
        return self._value(steps[-1], subject)

    def _value(self, name: str, subject: Subject) -> Any:
        try:
            return subject.value(name)
        except KeyError as error:
            raise QueryError(self._place, f"must name a property: {error.args[0]}", name) from None


def compare(operator_name: str, left: Any, right: Any) -> bool:
    """One comparison of plain values; values of different sorts are not equal, and in no order."""
    if operator_name == "eq":
        return _equal(left, right)
    if operator_name == "ne":
        return not _equal(left, right)
    if isinstance(left, Moment) and isinstance(right, Moment):
        pair = (left.start, right.end) if operator_name in ("gt", "le") else (left.end, right.start)
        if left.start == left.end:
            pair = (left.start, right.end if operator_name in ("gt", "le") else right.start)
        return _ORDERS[operator_name](*pair)
    if not _ordered(left, right):
        return False
    return _ORDERS[operator_name](left, right)


def _equal(left: Any, right: Any) -> bool:
    if isinstance(left, bool) != isinstance(right, bool):
        return False
    return bool(left == right)


def _ordered(left: Any, right: Any) -> bool:
    if isinstance(left, str) and isinstance(right, str):
        return True
    numbers = (isinstance(v, int | float) and not isinstance(v, bool) for v in (left, right))
    return all(numbers)


def _true(value: Any) -> bool:
    if isinstance(value, Many):
        return any(v is True for v in value)
    return value is True


def _each(function: Callable[..., Any], *values: Any) -> Any:
    """The function of the values; of many, the values of each."""
    if not any(isinstance(v, Many) for v in values):
        return function(*values)
    columns = [v if isinstance(v, Many) else [v] for v in values]
    return Many(function(*row) for row in islice(product(*columns), _MANY))


def _inside(value: Any, steps: tuple[str, ...]) -> Any:
    """properties/area: into a JSON object; null where there is nothing."""
    for step in steps:
        if isinstance(value, Geometry) or not isinstance(value, dict):
            return None
        value = value.get(step)
    return value


def _negative(value: Any) -> Any:
    return -value if isinstance(value, int | float) and not isinstance(value, bool) else None


def _moved(value: Any, by: int) -> Any:
    return Moment(value.start + by, value.end + by) if isinstance(value, Moment) else None


def _arithmetic(function: Callable[[Any, Any], Any]) -> Callable[[Any, Any], Any]:
    def on(left: Any, right: Any) -> Any:
        if isinstance(left, str) or not _ordered(left, right):
            return None
        try:
            found = function(left, right)
        except (ZeroDivisionError, OverflowError):
            return None
        return found if isfinite(found) else None

    return on


_ARITHMETIC = {
    "add": _arithmetic(operator.add),
    "sub": _arithmetic(operator.sub),
    "mul": _arithmetic(operator.mul),
    "div": _arithmetic(operator.truediv),
    "mod": _arithmetic(lambda a, b: a - b * int(a / b)),
}
