"""$orderby: entities in order of one or more expressions; what has no value comes first (OData 4.0, 11.2.5.2)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from shapely import Geometry

from api.sta.entities import Entity
from api.sta.evaluate import Evaluator, Many
from api.sta.expression import Moment
from api.sta.options import Order


def in_order(entities: list[Entity], order: Sequence[Order], evaluator: Evaluator) -> list[Entity]:
    """Sorted by the last key first: Python's sort keeps what is equal in its order."""
    found = list(entities)
    for key in reversed(order):
        found.sort(key=lambda e: _rank(evaluator.of(key.node, e)), reverse=key.descending)
    return found


def _rank(value: Any) -> tuple[int, Any]:
    if isinstance(value, Many):
        return min((_rank(v) for v in value), default=(0, 0))
    if value is None:
        return 0, 0
    if isinstance(value, int | float):
        return 1, value
    if isinstance(value, str):
        return 2, value
    if isinstance(value, Moment):
        return 3, (value.start, value.end)
    return 4, value.wkt if isinstance(value, Geometry) else repr(value)
