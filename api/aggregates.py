"""What the value of a window is: mean, min, max, sum, count, last, or a percentile like p95."""

from __future__ import annotations

import re
from dataclasses import dataclass

from telemetry.errors import QueryError

SIMPLE = ("mean", "min", "max", "sum", "count", "last")
PATTERN = r"(mean|min|max|sum|count|last|p\d{1,3}(\.\d{1,2})?)"


@dataclass(frozen=True, slots=True)
class Aggregate:
    """An aggregate by its name; `share` (0…1) of a percentile."""

    name: str
    share: float | None = None


MEAN = Aggregate("mean")


def aggregate_of(text: str) -> Aggregate:
    """The aggregate of this name. Raises QueryError."""
    if text in SIMPLE:
        return Aggregate(text)
    if re.fullmatch(PATTERN, text) and 0 < float(text[1:]) <= 100:
        return Aggregate(text, float(text[1:]) / 100)
    need = f"must be one of {', '.join(SIMPLE)}, or a percentile above 0 and up to 100, like p95"
    raise QueryError("agg", need, text)
