"""Questions to the DuckDB store. Each runs on a cursor of its own, beside the writer."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import fields

import duckdb
import numpy as np

from devices.device import Catalogue
from store.fuller import fuller
from store.latest import LatestTable
from store.names import NameMap
from store.telemetry import AccountRow, Rollups, Series, Stored, Uncounted, Windows
from telemetry.arrays import AnyArray, Codes16, Codes32, Mask, Times
from telemetry.clock import HOUR, MINUTE
from telemetry.flags import Flag
from telemetry.ledger import OUTCOMES
from telemetry.readings import Readings

_ROLLUP_TABLE = {MINUTE: "rollup_1m", HOUR: "rollup_1h"}
_AGGREGATES = """
    count(*) filter (flag in (1, 2)) as count, count(*) as total,
    coalesce(avg(value) filter (flag in (1, 2)), 'nan') as mean,
    coalesce(sum(value) filter (flag in (1, 2)), 'nan') as sum,
    coalesce(min(value) filter (flag in (1, 2)), 'nan') as min,
    coalesce(max(value) filter (flag in (1, 2)), 'nan') as max,
    coalesce(arg_max(value, time) filter (flag in (1, 2)), 'nan') as last
"""


def columns_of(batch: Rollups) -> dict[str, AnyArray]:
    """The columns of a batch by name."""
    return {f.name: getattr(batch, f.name) for f in fields(batch)}


def account_rows(db: duckdb.DuckDBPyConnection, where: str, values: list[int]) -> list[AccountRow]:
    """The lines of the account that fit, summed per hour, device and outcome, in this order."""
    rows = db.execute(
        "select hour, coalesce(d.name, '') as device, o.name, sum(count)::bigint from ledger l "
        "left join device d on d.number = l.device join outcome o on o.number = l.outcome "
        f"where {where} group by all order by hour, device, o.name",
        values,
    ).fetchall()
    order = {name: i for i, name in enumerate(OUTCOMES)}
    rows.sort(key=lambda r: (r[0], r[1], order.get(r[2], 99)))
    return [AccountRow(*row) for row in rows]


class DuckDBReader:
    """The reading half of DuckDBStore."""

    catalogue: Catalogue
    _db: duckdb.DuckDBPyConnection
    _lock: threading.RLock
    _devices: NameMap
    _quantities: NameMap
    _latest: LatestTable
    _horizon: int  # readings before it were removed [ns]

    def latest(self, series: Series) -> Readings:
        """See TelemetryStore.latest."""
        with self._lock:
            return self._latest.select(series)

    def changed(self, series: Series, since: int = 0) -> tuple[Readings, int]:
        """See TelemetryStore.changed."""
        with self._lock:
            return self._latest.select(series, since), self._latest.revision

    def since(self, position: int, limit: int) -> list[Stored]:
        """See TelemetryStore.since."""
        with self._cursor() as db:
            cut = db.execute(
                "select batch from readings where batch > ? order by batch limit 1 offset ?",
                [position, limit],
            ).fetchone()
            # The batch at the limit is left for the next call, unless it is the first of this one.
            upper = np.iinfo(np.int64).max if cut is None else max(int(cut[0]) - 1, position + 1)
            found = db.execute(
                "select device, quantity, time, value, flag, received, batch from readings "
                "where batch > ? and batch <= ? order by batch, rowid",
                [position, upper],
            ).fetchnumpy()
        batch = found["batch"]
        readings, known = self._decoded_rows(found)
        batch = batch[known]
        starts = np.flatnonzero(np.diff(batch, prepend=-1))
        ends = np.append(starts[1:], len(batch))[: len(starts)]
        return [
            Stored(int(batch[a]), readings.take(slice(a, b)))
            for a, b in zip(starts, ends, strict=True)
        ]

    def raw(
        self,
        series: Series,
        start: int,
        end: int,
        limit: int,
        after: tuple[int, int, int] | None = None,
    ) -> Readings:
        """See TelemetryStore.raw."""
        with self._cursor() as db:
            where, values = self._where(db, series, start, end)
            if after is not None:
                time, device, quantity = after
                where += " and (time, device, quantity) > (?, ?, ?)"
                values += [
                    time,
                    int(self._devices.to_store(np.array([device]))[0]),
                    int(self._quantities.to_store(np.array([quantity]))[0]),
                ]
            found = db.execute(
                f"select * from everything where {where} order by time, device, quantity limit ?",
                [*values, limit],
            ).fetchnumpy()
        return self._decoded(found)

    def windows(self, series: Series, start: int, end: int, every: int) -> Windows:
        """See TelemetryStore.windows."""
        with self._cursor() as db:
            where, values = self._where(db, series, start, end)
            found = db.execute(
                f"select device, quantity, time - (time % ?) as start, {_AGGREGATES} "
                f"from everything where {where} group by all order by device, quantity, start",
                [every, *values],
            ).fetchnumpy()
        return Windows(**self._named(found))

    def uncounted(self, series: Series, start: int, end: int, every: int) -> Uncounted:
        """See TelemetryStore.uncounted."""
        with self._cursor() as db:
            where, values = self._where(db, series, start, end)
            found = db.execute(
                "select device, quantity, time - (time % ?) as start, count(*) as count "
                f"from everything where flag >= {Flag.SUSPECT:d} and {where} group by all",
                [every, *values],
            ).fetchnumpy()
        return Uncounted(**self._named(found))

    def rollups(self, step: int, series: Series, start: int, end: int) -> Rollups:
        """See TelemetryStore.rollups."""
        with self._cursor() as db:
            where, values = self._where(db, series, start, end, time="start")
            found = db.execute(
                f"select * from {_ROLLUP_TABLE[step]} where {where} order by device, quantity, start",
                values,
            ).fetchnumpy()
        return Rollups(**self._named(found))

    def recompute(self, step: int, device: Codes32, quantity: Codes16, start: Times) -> Rollups:
        """See TelemetryStore.recompute."""
        asked = {
            "device": self._devices.to_store(device),
            "quantity": self._quantities.to_store(quantity),
            "start": start,
        }
        low, high = (int(start.min()), int(start.max()) + step) if len(start) else (0, 0)
        with self._cursor() as db:
            db.register("asked", asked)
            found = db.execute(
                f"select device, quantity, start, {_AGGREGATES} from "
                "(select device, quantity, time, value, flag, time - (time % ?) as start "
                "from readings where time >= ? and time < ?) semi join asked "
                "using (device, quantity, start) group by all order by device, quantity, start",
                [step, low, high],
            ).fetchnumpy()
        for extra in ("total", "mean"):
            found.pop(extra)
        anew = Rollups(**self._named(found))
        if low >= self._horizon:
            return anew
        series = Series(np.unique(device), np.unique(quantity))
        stored = self.rollups(step, series, low, min(high, self._horizon))
        return fuller(anew, stored, self._horizon)

    def account(self, start: int, end: int, devices: Codes32 | None = None) -> list[AccountRow]:
        """See TelemetryStore.account."""
        with self._cursor() as db:
            where = "hour >= ? and hour < ?"
            if devices is not None:
                db.register("wanted", {"device": self._devices.to_store(devices)})
                where += " and l.device in (select device from wanted)"
            return account_rows(db, where, [start, end])

    @contextmanager
    def _cursor(self) -> Iterator[duckdb.DuckDBPyConnection]:
        cursor = self._db.cursor()
        try:
            yield cursor
        finally:
            cursor.close()

    def _where(
        self,
        db: duckdb.DuckDBPyConnection,
        series: Series,
        start: int,
        end: int,
        time: str = "time",
    ) -> tuple[str, list[int]]:
        where = f"{time} >= ? and {time} < ?"
        if series.devices is not None:
            db.register("wanted_device", {"device": self._devices.to_store(series.devices)})
            where += " and device in (select device from wanted_device)"
        if series.quantities is not None:
            db.register(
                "wanted_quantity", {"quantity": self._quantities.to_store(series.quantities)}
            )
            where += " and quantity in (select quantity from wanted_quantity)"
        return where, [start, end]

    def _known(self, found: dict[str, AnyArray]) -> tuple[AnyArray, AnyArray, Mask]:
        """Codes of devices and quantities, and which rows have both: not those of names it no longer knows."""
        number = found["device"]
        if len(number) and self._devices.are_new(int(number.max())):
            # Committed a moment ago: who wrote them is about to adopt their devices.
            with self._lock:
                pass
        device = self._devices.from_store(number)
        quantity = self._quantities.from_store(found["quantity"])
        return device, quantity, (device >= 0) & (quantity >= 0)

    def _named(self, found: dict[str, AnyArray]) -> dict[str, AnyArray]:
        """Store numbers → this process's codes, rows of names it no longer knows left out."""
        device, quantity, known = self._known(found)
        out = {k: v[known] for k, v in found.items()}
        return out | {"device": device[known], "quantity": quantity[known].astype(np.int16)}

    def _decoded_rows(self, found: dict[str, AnyArray]) -> tuple[Readings, Mask]:
        _, _, known = self._known(found)
        named = self._named(found)
        return Readings(
            named["device"],
            named["quantity"],
            named["time"],
            # DuckDB keeps NaN from numpy as null, and gives it back masked.
            np.ma.filled(named["value"], np.nan),
            named["flag"],
            named["received"],
        ), known

    def _decoded(self, found: dict[str, AnyArray]) -> Readings:
        return self._decoded_rows(found)[0]
