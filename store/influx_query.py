"""InfluxQL: names and texts put safely into a question, and answers taken apart into columns."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Any

import msgspec
import numpy as np

from store.line_protocol import MAX_TIME, MIN_TIME
from telemetry.arrays import Times, Values
from telemetry.errors import StoreError

# Devices in one condition: longer ones are asked for in several statements.
DEVICES_AT_ONCE = 200
# From here on it is cheaper to read all devices and pick.
DEVICES_IN_ALL = 2_000


class Found(msgspec.Struct):
    """One series of an answer: rows of values under column names."""

    columns: list[str]
    values: list[list[Any]] = []
    name: str = ""
    tags: dict[str, str] = {}
    partial: bool = False

    def column(self, name: str) -> list[Any]:
        """The values of a column."""
        at = self.columns.index(name)
        return [row[at] for row in self.values]

    def numbers(self, name: str) -> Values:
        """A column as floats, NaN where there is nothing."""
        return np.array(self.column(name), dtype=np.float64)

    def whole(self, name: str) -> Times:
        """A column as exact 64-bit integers, 0 where there is nothing."""
        return np.array([v or 0 for v in self.column(name)], dtype=np.int64)


class _Result(msgspec.Struct):
    statement_id: int = 0
    series: list[Found] = []
    error: str = ""


class _Response(msgspec.Struct):
    results: list[_Result] = []
    error: str = ""


def decode_answer(place: str, body: bytes, statements: int) -> list[list[Found]]:
    """The series of each statement, from an answer in chunks: one JSON document a line.

    Chunks, because a whole answer may be cut by the server's `max-row-limit`, and on 1.6 says `partial`
    either way. Raises StoreError for an error inside the answer, and for one that is cut short.
    """
    found: list[list[Found]] = [[] for _ in range(statements)]
    try:
        responses = [
            msgspec.json.decode(part, type=_Response) for part in body.splitlines() if part
        ]
    except msgspec.DecodeError as error:
        raise StoreError(place, f"InfluxDB gave an answer that is none ({error})") from None
    for response in responses:
        for result in response.results:
            _refuse_error(place, result.error)
            for series in result.series:
                _join(found[result.statement_id], series)
        _refuse_error(place, response.error)
    if any(series and series[-1].partial for series in found):
        raise StoreError(place, "InfluxDB cut its answer short", remedy="ask for less at once")
    return found


def _refuse_error(place: str, error: str) -> None:
    if error:
        raise StoreError(place, f"InfluxDB can't answer: {error}")


def _join(found: list[Found], series: Found) -> None:
    """Add a chunk: the rest of the series before it, or a new one."""
    if (
        found
        and found[-1].partial
        and (found[-1].name, found[-1].tags) == (series.name, series.tags)
    ):
        found[-1].values += series.values
        found[-1].partial = series.partial
    else:
        found.append(series)


def identifier(name: str) -> str:
    """A name in double quotes."""
    escaped = name.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
    return f'"{escaped}"'


def literal(text: str) -> str:
    """A text in single quotes."""
    escaped = text.replace("\\", "\\\\").replace("'", "\\'").replace("\n", "\\n")
    return f"'{escaped}'"


def source(measurement: str, policy: str = "") -> str:
    """A measurement, in a retention policy of its own or in the default one."""
    prefix = f"{identifier(policy)}." if policy else ""
    return prefix + identifier(measurement)


def between(start: int, end: int) -> str:
    """The condition start <= time < end. [ns]"""
    low = min(max(start, MIN_TIME), MAX_TIME)
    high = min(max(end, MIN_TIME), MAX_TIME)
    return f"time >= {low} AND time < {high}"


def any_device(names: Iterable[str] | None) -> str:
    """The condition that a point is of one of these devices; empty where all are meant."""
    if names is None:
        return ""
    return " AND (" + " OR ".join(f"device = {literal(name)}" for name in names) + ")"


def device_lists(names: Sequence[str] | None) -> Iterator[Sequence[str] | None]:
    """The devices in lists that fit one statement; None (all of them) where they are very many."""
    if names is None or len(names) > DEVICES_IN_ALL:
        yield None
        return
    for i in range(0, len(names), DEVICES_AT_ONCE):
        yield names[i : i + DEVICES_AT_ONCE]
