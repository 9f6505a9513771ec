"""Questions to InfluxDB, in InfluxQL: the one language that 1.x, 2.x and 3 serve (decision 11)."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from devices.device import Catalogue
from store.fuller import fuller
from store.influx_expire import InfluxExpiry
from store.influx_points import AGGREGATES, COMPUTED, RECEIVED, flag_field, rollup_field
from store.influx_query import Found, any_device, between, device_lists, identifier, source
from store.influx_rows import (
    as_rollups,
    joined_rollups,
    joined_windows,
    readings_of,
    rollups_of,
    uncounted_of,
    windows_of,
)
from store.influx_server import ROLLUP_POLICY, InfluxServer
from store.latest import LatestTable
from store.telemetry import Rollups, Series, Uncounted, Windows
from telemetry.arrays import AnyArray, Codes16, Codes32, Mask, Times
from telemetry.clock import DAY, HOUR
from telemetry.flags import Flag
from telemetry.readings import Readings

# Rows asked for at once when a page is read: a point holds several readings, so a page takes fewer.
_ROWS_AT_LEAST = 200
_READINGS_IN_A_POINT = 4


@dataclass(frozen=True, slots=True)
class Part:
    """What one statement can be asked: quantities of one kind, of some devices (None: of all)."""

    kind: int
    quantities: tuple[int, ...]
    devices: Sequence[str] | None


class InfluxReader:
    """The reading half of InfluxStore."""

    catalogue: Catalogue
    _server: InfluxServer
    _expiry: InfluxExpiry
    _latest: LatestTable
    _latest_lock: threading.Lock

    def _present(self) -> Mask:
        with self._latest_lock:
            return self._latest.present(self.catalogue.kind_of, len(self.catalogue.kinds.kinds))

    def raw(
        self,
        series: Series,
        start: int,
        end: int,
        limit: int,
        after: tuple[int, int, int] | None = None,
    ) -> Readings:
        """See TelemetryStore.raw. Ties in time are in the order of this process's codes."""
        parts = self._parts(series, known=True)
        low = start if after is None else max(start, after[0])
        pages: list[Readings] = []
        missing = limit
        while missing > 0 and low < end:
            page, low = self._page(parts, low, end, missing)
            page = _behind(_wanted(page, series), after)
            pages.append(page.take(np.lexsort((page.quantity, page.device, page.time))))
            missing -= len(page)
        return Readings.concat(pages).take(slice(0, limit))

    def windows(self, series: Series, start: int, end: int, every: int) -> Windows:
        """See TelemetryStore.windows."""
        return self._windows(self._parts(series, known=True), start, end, every, series)

    def uncounted(self, series: Series, start: int, end: int, every: int) -> Uncounted:
        """See TelemetryStore.uncounted."""
        asked = [(part, q) for part in self._parts(series, known=True) for q in part.quantities]
        if not asked:
            return uncounted_of([], 0, self.catalogue)
        statements = []
        for part, quantity in asked:
            flag = identifier(flag_field(self.catalogue.kinds.quantities[quantity]))
            statements.append(
                f"SELECT count({flag}) AS count FROM {self._source(part)} "
                f"WHERE {between(start, end)}{any_device(part.devices)} "
                f"AND {flag} >= {Flag.SUSPECT:d} GROUP BY time({every}ns), device fill(none)"
            )
        found = [
            uncounted_of(answer, quantity, self.catalogue)
            for (_, quantity), answer in zip(asked, self._server.query(statements), strict=True)
        ]
        names = Uncounted.__dataclass_fields__
        whole = Uncounted(*(np.concatenate([getattr(f, n) for f in found]) for n in names))
        wanted = _of_devices(whole.device, series)
        return Uncounted(*(getattr(whole, n)[wanted] for n in names))

    def rollups(self, step: int, series: Series, start: int, end: int) -> Rollups:
        """See TelemetryStore.rollups."""
        parts = self._parts(series)
        statements = [
            f"SELECT {_rollup_fields(self._names(part))}, device "
            f"FROM {self._source(part, ROLLUP_POLICY[step])} "
            f"WHERE {between(start, end)}{any_device(part.devices)}"
            for part in parts
        ]
        found = zip(parts, self._server.query(statements), strict=True)
        whole = joined_rollups(
            [
                rollups_of(s, part.quantities, self.catalogue)
                for part, answer in found
                for s in answer
            ]
        )
        wanted = _of_devices(whole.device, series)
        return Rollups(*(getattr(whole, n)[wanted] for n in Rollups.__dataclass_fields__))

    def recompute(self, step: int, device: Codes32, quantity: Codes16, start: Times) -> Rollups:
        """See TelemetryStore.recompute."""
        found: list[Rollups] = []
        for rows in _stretches(start, DAY):
            series = Series(np.unique(device[rows]), np.unique(quantity[rows]))
            low, high = int(start[rows].min()), int(start[rows].max()) + step
            windows = self._windows(self._parts(series), low, high, step, series)
            asked = _keys(device[rows], quantity[rows], start[rows])
            named = np.isin(_keys(windows.device, windows.quantity, windows.start), asked)
            anew = as_rollups(windows, named)
            if low < self._expiry.horizon:
                stored = self.rollups(step, series, low, min(high, self._expiry.horizon))
                anew = fuller(anew, stored, self._expiry.horizon)
            found.append(anew)
        return joined_rollups(found)

    def _seen(self, readings: Readings) -> Mask:
        """True where a flag is stored under (device, quantity, time): a reading always has one."""
        found: Mask = np.zeros(len(readings), dtype=bool)
        for rows in _stretches(readings.time, HOUR):
            asked = readings.take(rows)
            series = Series(np.unique(asked.device), np.unique(asked.quantity))
            low, high = int(asked.time.min()), int(asked.time.max()) + 1
            stored = self._points(self._parts(series), low, high)
            there = _keys(stored.device, stored.quantity, stored.time)
            found[rows] = np.isin(_keys(asked.device, asked.quantity, asked.time), there)
        return found

    def _newest_stored(self) -> Iterator[Readings]:
        """The newest reading of every series in the store."""
        parts = [
            Part(part.kind, (quantity,), None)
            for part in self._parts(Series())
            for quantity in part.quantities
        ]
        statements = []
        for part in parts:
            (name,) = self._names(part)
            flag = identifier(flag_field(name))
            statements.append(
                f"SELECT last({flag}) AS {flag}, {identifier(name)}, {RECEIVED}, {COMPUTED} "
                f"FROM {self._source(part)} GROUP BY device"
            )
        for part, answer in zip(parts, self._server.query(statements), strict=True):
            for found in answer:
                found.columns.append("device")
                for row in found.values:
                    row.append(found.tags["device"])
                yield readings_of(found, part.quantities, self.catalogue)

    def _parts(self, series: Series, known: bool = False) -> list[Part]:
        """The questions that a choice of series comes down to, kind by kind.

        known: only quantities that are stored; the server spells out the absent ones row by row.
        """
        kinds, kind_of = self.catalogue.kinds, self.catalogue.kind_of
        there = self._present() if known else kinds.declared
        parts = []
        for kind in range(len(kinds.kinds)):
            # A kind that has nothing costs nothing to ask for, and who is away is noticed.
            asked = there[kind] if there[kind].any() else kinds.declared[kind]
            declared = np.flatnonzero(asked)
            if series.quantities is not None:
                declared = declared[np.isin(declared, series.quantities)]
            names = None
            if series.devices is not None:
                of_kind = series.devices[kind_of[series.devices] == kind]
                names = [self.catalogue.devices[code].id for code in of_kind.tolist()]
            if len(declared):
                quantities = tuple(declared.tolist())
                parts += [Part(kind, quantities, some) for some in device_lists(names)]
        return parts

    def _names(self, part: Part) -> list[str]:
        return [self.catalogue.kinds.quantities[q] for q in part.quantities]

    def _source(self, part: Part, policy: str = "") -> str:
        return source(self.catalogue.kinds.kinds[part.kind].name, policy)

    def _points(self, parts: Sequence[Part], low: int, high: int) -> Readings:
        """All readings with low <= time < high; not ordered."""
        statements = [self._select(part, low, high) for part in parts]
        found = zip(parts, self._server.query(statements), strict=True)
        return Readings.concat([self._decoded(part, answer) for part, answer in found])

    def _select(self, part: Part, low: int, high: int) -> str:
        fields = [f for name in self._names(part) for f in (name, flag_field(name))]
        chosen = ", ".join(identifier(f) for f in (*fields, RECEIVED, COMPUTED))
        where = between(low, high) + any_device(part.devices)
        return f"SELECT {chosen}, device FROM {self._source(part)} WHERE {where}"

    def _decoded(self, part: Part, answer: list[Found]) -> Readings:
        return Readings.concat([readings_of(f, part.quantities, self.catalogue) for f in answer])

    def _page(self, parts: Sequence[Part], low: int, high: int, count: int) -> tuple[Readings, int]:
        """Readings from `low` up to a time that is whole in every answer, and that time.

        An answer that was cut by its limit may have lost points of its last time: that one is left over.
        """
        limit = max(count // _READINGS_IN_A_POINT, _ROWS_AT_LEAST)
        statements = [f"{self._select(p, low, high)} ORDER BY time LIMIT {limit}" for p in parts]
        answers = self._server.query(statements)
        ends = [int(f.whole("time")[-1]) for a in answers for f in a if len(f.values) >= limit]
        cut = min(ends, default=high)
        if cut == low:
            return self._points(parts, low, low + 1), low + 1
        found = [self._decoded(part, a) for part, a in zip(parts, answers, strict=True)]
        readings = Readings.concat(found)
        return readings.take(readings.time < cut), cut

    def _windows(
        self, parts: Sequence[Part], start: int, end: int, every: int, series: Series
    ) -> Windows:
        asked = [(part, quantity) for part in parts for quantity in part.quantities]
        statements: list[str] = []
        for part, quantity in asked:
            statements += self._window_statements(part, quantity, start, end, every)
        answers = self._server.query(statements)
        whole = joined_windows(
            [
                windows_of(answers[2 * i], answers[2 * i + 1], quantity, self.catalogue)
                for i, (_, quantity) in enumerate(asked)
            ]
        )
        wanted = _of_devices(whole.device, series)
        return Windows(*(getattr(whole, n)[wanted] for n in Windows.__dataclass_fields__))

    def _window_statements(
        self, part: Part, quantity: int, start: int, end: int, every: int
    ) -> tuple[str, str]:
        """All readings, and the values that count: good and not evaluated."""
        name = self.catalogue.kinds.quantities[quantity]
        value, flag = identifier(name), identifier(flag_field(name))
        stats = ", ".join(f"{a}({value}) AS {identifier(a)}" for a in AGGREGATES)
        where = between(start, end) + any_device(part.devices)
        # The flags that count are the lowest two: one comparison takes the server half of the time of two.
        counts = f" AND {flag} <= {Flag.NOT_EVALUATED:d}"
        tail = f"GROUP BY time({every}ns), device fill(none)"
        of = self._source(part)
        return (
            f"SELECT count({flag}) AS total FROM {of} WHERE {where} {tail}",
            f"SELECT {stats} FROM {of} WHERE {where}{counts} {tail}",
        )


def _wanted(readings: Readings, series: Series) -> Readings:
    return readings.take(_of_devices(readings.device, series))


def _of_devices(device: Codes32, series: Series) -> Mask:
    """True where a row is of a wanted device: very many are not asked for one by one."""
    if series.devices is None:
        return np.ones(len(device), dtype=bool)
    found: Mask = np.isin(device, series.devices)
    return found


def _behind(readings: Readings, after: tuple[int, int, int] | None) -> Readings:
    """The readings behind (time, device, quantity)."""
    if after is None:
        return readings
    time, device, quantity = after
    same_time, same_device = readings.time == time, readings.device == device
    later = readings.time > time
    later |= same_time & (readings.device > device)
    later |= same_time & same_device & (readings.quantity > quantity)
    return readings.take(later)


def _stretches(time: Times, gap: int) -> Iterator[AnyArray]:
    """The rows of each stretch of time that has no gap of this length in it. [ns]"""
    order = np.argsort(time, kind="stable")
    if len(order):
        yield from np.split(order, np.flatnonzero(np.diff(time[order]) > gap) + 1)


def _keys(device: Codes32, quantity: Codes16, time: Times) -> AnyArray:
    """One comparable value a row."""
    keys = np.empty(len(time), dtype=[("series", np.int64), ("time", np.int64)])
    keys["series"] = device.astype(np.int64) * 65_536 + quantity
    keys["time"] = time
    return keys


def _rollup_fields(names: Sequence[str]) -> str:
    return ", ".join(identifier(rollup_field(name, a)) for name in names for a in AGGREGATES)
