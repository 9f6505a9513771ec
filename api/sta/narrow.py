"""A $filter of Observations → what the store is asked (series and time), and what is left to look at row by row.

Only what is joined by `and` narrows. What is said of the Datastream, or of what it leads to, is decided
once a Datastream and not once a row.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np

from api.sta.evaluate import Evaluator
from api.sta.expression import Binary, Call, Literal, Moment, Node, Path, Unary
from api.sta.source import Source, Span
from store.telemetry import Series
from telemetry.arrays import AnyArray
from telemetry.errors import QueryError

MAX_STREAMS = 300_000  # Datastreams that a filter may look at
_TIMES = (("phenomenonTime",), ("resultTime",))
_MIRRORED = {"gt": "lt", "lt": "gt", "ge": "le", "le": "ge", "eq": "eq", "ne": "ne"}
_STREAM = (("Datastream", "id"), ("Datastream", "@iot.id"))


@dataclass(frozen=True, slots=True)
class Narrowed:
    """span is asked of the store; pairs (device × width + quantity), where not None, and rest of each row."""

    span: Span
    pairs: AnyArray | None
    rest: Node | None


def narrowed(span: Span, node: Node | None, source: Source, evaluator: Evaluator) -> Narrowed:
    """What is left of a filter once the store has been asked for less."""
    found = Narrowed(span, None, None)
    for part in _conjuncts(node) if node is not None else ():
        found = _narrow(found, _folded(part, evaluator), source, evaluator)
    return found


def _conjuncts(node: Node) -> Iterator[Node]:
    while isinstance(node, Binary) and node.operator == "and":
        yield from _conjuncts(node.right)
        node = node.left
    yield node


def _narrow(found: Narrowed, part: Node, source: Source, evaluator: Evaluator) -> Narrowed:
    bounds = _bounds(part)
    if bounds is not None:
        start, end = max(found.span.start, bounds[0]), min(found.span.end, bounds[1])
        return replace(found, span=replace(found.span, start=start, end=max(start, end)))
    paths = list(_paths(part))
    if paths and all(p[0] == "Datastream" for p in paths):
        return _of_streams(found, part, source, evaluator)
    return replace(found, rest=part if found.rest is None else Binary("and", found.rest, part))


def _bounds(part: Node) -> tuple[int, int] | None:
    """[start, end) where a part is a comparison of the time with a moment."""
    if not isinstance(part, Binary):
        return None
    left, operator, right = part.left, part.operator, part.right
    if isinstance(left, Literal):
        left, right, operator = right, left, _MIRRORED.get(operator, "")
    if not (isinstance(left, Path) and left.steps in _TIMES and isinstance(right, Literal)):
        return None
    moment = right.value
    if not isinstance(moment, Moment) or moment.start != moment.end:
        return None
    at, low, high = moment.start, 0, 2**63 - 1
    return {
        "ge": (at, high), "gt": (at + 1, high), "lt": (low, at), "le": (low, at + 1), "eq": (at, at + 1),
    }.get(operator)  # fmt: skip


def _of_streams(found: Narrowed, part: Node, source: Source, evaluator: Evaluator) -> Narrowed:
    """Which Datastreams it holds for."""
    width = len(source.kinds.quantities)
    codes: list[int] = []
    names = _names(part)
    if names is not None:
        streams = (source.find_series(n) for n in names)
        codes = [s.code * width + s.quantity for s in streams if s is not None]
    else:
        inner = _without_first(part)
        for number, stream in enumerate(source.all("Datastream")):
            if number >= MAX_STREAMS:
                need = f"looks at more than {MAX_STREAMS} Datastreams"
                raise QueryError("$filter", need, remedy="name them: Datastream/id eq 'aq-1.pm25'")
            if evaluator.fits(inner, stream):
                codes.append(stream.code * width + stream.quantity)
    pairs = np.unique(np.array(codes, dtype=np.int64))
    if found.pairs is not None:
        pairs = np.intersect1d(pairs, found.pairs)
    return replace(found, span=_within(found.span, pairs, width), pairs=pairs)


def _within(span: Span, pairs: AnyArray, width: int) -> Span:
    devices = np.unique(pairs // width).astype(np.int32)
    quantities = np.unique(pairs % width).astype(np.int16)
    if span.series.devices is not None:
        devices = np.intersect1d(devices, span.series.devices).astype(np.int32)
    if span.series.quantities is not None:
        quantities = np.intersect1d(quantities, span.series.quantities).astype(np.int16)
    return replace(span, series=Series(devices, quantities))


def _names(part: Node) -> list[str] | None:
    """The ids, where a part is Datastream/id eq 'a' or Datastream/id eq 'b' …"""
    if isinstance(part, Binary) and part.operator == "or":
        left, right = _names(part.left), _names(part.right)
        return None if left is None or right is None else left + right
    if isinstance(part, Binary) and part.operator == "eq":
        pair = (part.left, part.right)
        path = next((n for n in pair if isinstance(n, Path)), None)
        value = next((n.value for n in pair if isinstance(n, Literal)), None)
        if path is not None and path.steps in _STREAM and isinstance(value, str):
            return [value]
    return None


def _paths(node: Node) -> Iterator[tuple[str, ...]]:
    if isinstance(node, Path):
        yield node.steps
    for child in _children(node):
        yield from _paths(child)


def _children(node: Node) -> tuple[Node, ...]:
    if isinstance(node, Binary):
        return node.left, node.right
    if isinstance(node, Unary):
        return (node.operand,)
    return node.arguments if isinstance(node, Call) else ()


def _without_first(node: Node) -> Node:
    """The same, said from the Datastream."""
    if isinstance(node, Path):
        return Path(node.steps[1:] or ("id",))
    if isinstance(node, Binary):
        return replace(node, left=_without_first(node.left), right=_without_first(node.right))
    if isinstance(node, Unary):
        return replace(node, operand=_without_first(node.operand))
    if isinstance(node, Call):
        return replace(node, arguments=tuple(map(_without_first, node.arguments)))
    return node


def _folded(node: Node, evaluator: Evaluator) -> Node:
    """now() sub duration'PT1H' is a moment: what has no path is a value."""
    if isinstance(node, Binary) and node.operator not in ("and", "or"):
        left, right = _value(node.left, evaluator), _value(node.right, evaluator)
        return replace(node, left=left, right=right)
    return node


def _value(node: Node, evaluator: Evaluator) -> Node:
    if isinstance(node, Binary | Call | Unary) and not list(_paths(node)):
        return Literal(evaluator.of(node, _Nobody()))
    return node


class _Nobody:
    """Stands where a value has no properties to look into."""

    def value(self, name: str) -> None:
        raise KeyError(name)

    def lead(self, name: str) -> None:
        return None
