"""What a $filter or $orderby says, as a tree. Made by parser.py, looked at by evaluate.py and narrow.py."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeAlias

from shapely import Geometry


@dataclass(frozen=True, slots=True)
class Moment:
    """A time, or a span of time. [ns]; for a moment both are the same."""

    start: int
    end: int


Value: TypeAlias = bool | int | float | str | Moment | Geometry | None


@dataclass(frozen=True, slots=True)
class Literal:
    """A value as it was written."""

    value: Value


@dataclass(frozen=True, slots=True)
class Duration:
    """duration'P1D' [ns]; only beside add and sub."""

    ns: int


@dataclass(frozen=True, slots=True)
class Path:
    """A property, of the entity itself or of what it leads to: ("Datastream", "Thing", "id")."""

    steps: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Call:
    """A function with its arguments."""

    name: str
    arguments: tuple[Node, ...]


@dataclass(frozen=True, slots=True)
class Unary:
    """not, or - before an expression."""

    operator: str
    operand: Node


@dataclass(frozen=True, slots=True)
class Binary:
    """or and eq ne gt ge lt le add sub mul div mod."""

    operator: str
    left: Node
    right: Node


Node: TypeAlias = Literal | Duration | Path | Call | Unary | Binary
