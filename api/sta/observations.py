"""Pages of Observations out of the telemetry store: narrowed, in order of time, bounded in what is looked at.

A page that is not full when the bound is reached is no error: it has a next link, and so the client goes on.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

import numpy as np

from api.sta.entities import Entity
from api.sta.evaluate import Evaluator
from api.sta.narrow import Narrowed
from api.sta.source import Source
from store.telemetry import TelemetryStore
from telemetry.arrays import AnyArray
from telemetry.clock import DAY, HOUR
from telemetry.errors import QueryError
from telemetry.readings import Readings

SCAN = 50_000  # rows looked at for one page
SORTED = 20_000  # observations that may be sorted otherwise than by time
_CHUNK = 5_000
_CENTURY = 36_500 * DAY
Place = tuple[int, int, int]  # time, device, quantity of the last row of a page


@dataclass
class Page:
    """entities, and where the next page goes on; None: there is none."""

    entities: list[Entity] = field(default_factory=list)
    after: Place | None = None


class Reader:
    """Reads for one request."""

    def __init__(self, telemetry: TelemetryStore, source: Source, evaluator: Evaluator) -> None:
        self._telemetry = telemetry
        self._source = source
        self._evaluator = evaluator

    def page(
        self, what: Narrowed, limit: int, *, skip: int = 0, newest_first: bool = False, after: Place | None = None
    ) -> Page:  # fmt: skip
        """Observations in order of time."""
        chunks = self._backward if newest_first else self._forward
        page, last, looked = Page(), after, 0
        if limit == 0 or _nothing(what):
            return page
        for rows in chunks(what, after, limit):
            for entity in self._source.observations(self._of_pairs(rows, what.pairs)):
                if not self._fits(what, entity):
                    continue
                if len(page.entities) == limit:
                    page.after = last
                    return page
                last = _place(entity)
                if skip:
                    skip -= 1
                else:
                    page.entities.append(entity)
            looked += len(rows)
            if len(rows):
                end = (int(c[-1]) for c in (rows.time, rows.device, rows.quantity))
                last = tuple(end)  # type: ignore[assignment]
            if looked >= SCAN:
                page.after = None if skip and not page.entities else last
                if skip:
                    raise QueryError(
                        "$skip", f"looks at more than {SCAN} observations", remedy=_NARROW
                    )
                return page
        return page

    def count(self, what: Narrowed) -> int:
        """How many there are. Raises QueryError where that would take too long to find out."""
        if _nothing(what):
            return 0
        span = what.span
        if what.rest is None:
            found = self._telemetry.windows(span.series, span.start, span.end, _CENTURY)
            wanted = _mask(
                found.device, found.quantity, what.pairs, len(self._source.kinds.quantities)
            )
            return int(found.total[wanted].sum())
        return len(self._all(what, "$count", SCAN))

    def sorted(self, what: Narrowed, key: Callable[[list[Entity]], list[Entity]]) -> list[Entity]:
        """All of them, in another order than time's. Raises QueryError where they are too many."""
        return key(self._all(what, "$orderby", SORTED)) if not _nothing(what) else []

    def _all(self, what: Narrowed, option: str, most: int) -> list[Entity]:
        found: list[Entity] = []
        looked = 0
        for rows in self._forward(what, None, _CHUNK):
            looked += len(rows)
            entities = self._source.observations(self._of_pairs(rows, what.pairs))
            found += [e for e in entities if self._fits(what, e)]
            if looked > SCAN or len(found) > most:
                need = f"would have to look at more than {min(SCAN, most)} observations"
                raise QueryError(option, need, remedy=_NARROW)
        return found

    def _fits(self, what: Narrowed, entity: Entity) -> bool:
        return what.rest is None or self._evaluator.fits(what.rest, entity)

    def _of_pairs(self, rows: Readings, pairs: AnyArray | None) -> Readings:
        width = len(self._source.kinds.quantities)
        return rows if pairs is None else rows.take(_mask(rows.device, rows.quantity, pairs, width))

    def _forward(self, what: Narrowed, after: Place | None, limit: int) -> Iterator[Readings]:
        span = what.span
        size = min(_CHUNK, limit + 1 if what.rest is None and what.pairs is None else _CHUNK)
        while True:
            rows = self._telemetry.raw(span.series, span.start, span.end, size, after)
            yield rows
            if len(rows) < size:
                return
            after = (int(rows.time[-1]), int(rows.device[-1]), int(rows.quantity[-1]))
            size = _CHUNK

    def _backward(self, what: Narrowed, before: Place | None, limit: int) -> Iterator[Readings]:
        """In windows that grow where little is in them, and shrink where too much is."""
        span, width = what.span, HOUR
        high = span.end if before is None else min(span.end, before[0] + 1)
        latest = self._telemetry.latest(span.series)
        high = min(high, int(latest.time.max()) + 1 if len(latest) else span.start)
        while high > span.start:
            low = max(span.start, high - width)
            rows = self._telemetry.raw(span.series, low, high, _CHUNK + 1)
            if len(rows) > _CHUNK and width > 1:
                width = max(1, width // 8)
                continue
            if len(rows) > _CHUNK:  # more than that at one moment
                rows = _whole(self._telemetry, span.series, low, high)
            # Ties in time are in the order of codes, by which the next page knows where to go on.
            rows = rows.take(np.lexsort((rows.quantity, rows.device, rows.time)))
            width = width * 8 if len(rows) < _CHUNK // 8 else width
            high = low
            yield _before(rows.take(slice(None, None, -1)), before)


_NARROW = "narrow it by phenomenonTime and Datastream"


def _whole(telemetry: TelemetryStore, series: object, low: int, high: int) -> Readings:
    parts: list[Readings] = []
    after: Place | None = None
    while True:
        rows = telemetry.raw(series, low, high, _CHUNK, after)  # type: ignore[arg-type]
        parts.append(rows)
        if len(rows) < _CHUNK:
            return Readings.concat(parts)
        after = (int(rows.time[-1]), int(rows.device[-1]), int(rows.quantity[-1]))


def _before(rows: Readings, before: Place | None) -> Readings:
    if before is None:
        return rows
    time, device, quantity = before
    same = rows.time == time
    earlier = (rows.device < device) | ((rows.device == device) & (rows.quantity < quantity))
    return rows.take((rows.time < time) | (same & earlier))


def _place(entity: Entity) -> Place:
    assert entity.reading is not None
    return entity.reading.time, entity.code, entity.quantity


def _nothing(what: Narrowed) -> bool:
    series, span = what.span.series, what.span
    empty = any(c is not None and len(c) == 0 for c in (series.devices, series.quantities))
    return empty or span.start >= span.end or (what.pairs is not None and not len(what.pairs))


def _mask(device: AnyArray, quantity: AnyArray, pairs: AnyArray | None, width: int) -> AnyArray:
    if pairs is None:
        return np.ones(len(device), dtype=bool)
    return np.isin(device.astype(np.int64) * width + quantity, pairs)
