"""The embedded telemetry store: one DuckDB file, columns in, columns out.

Idempotence stands in front of the append (store/latest.py and `seen`), not in a primary key, which would
cost four fifths of the speed. A batch and its account are one transaction, so the account is exact after
any crash. One process may open the file; its threads share it.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, suppress
from pathlib import Path

import duckdb
import numpy as np

from devices.device import Catalogue, Device
from store.duckdb_expire import HORIZON, POSITION, expire_rows, note, noted
from store.duckdb_file import MEMORY_MB, open_duckdb
from store.duckdb_read import DuckDBReader, columns_of
from store.latest import LatestTable
from store.names import NameMap
from store.telemetry import Rollups
from telemetry.arrays import AnyArray, Codes16, Codes32, Mask, Times
from telemetry.clock import HOUR, MINUTE
from telemetry.errors import StoreError
from telemetry.ledger import OUTCOMES, Ledger
from telemetry.readings import Readings
from telemetry.retention import Retention, removed_before

SCHEMA = """
create table if not exists device(number integer, name varchar, kind varchar);
create table if not exists quantity(number integer, name varchar);
create table if not exists outcome(number integer, name varchar);
create table if not exists readings(
    device integer, quantity integer, time bigint, value double, flag utinyint, received bigint, batch bigint);
create table if not exists derived(
    device integer, quantity integer, time bigint, value double, flag utinyint, received bigint);
create table if not exists rollup_1m(device integer, quantity integer, start bigint, count bigint,
    sum double, min double, max double, last double);
create table if not exists rollup_1h as from rollup_1m limit 0;
create table if not exists mark(name varchar, value bigint);
create table if not exists ledger(hour bigint, device integer, outcome integer, count bigint);
create or replace view everything as
    select device, quantity, time, value, flag, received from readings
    union all select device, quantity, time, value, flag, received from derived;
"""
_ROLLUP_TABLE = {MINUTE: "rollup_1m", HOUR: "rollup_1h"}


class DuckDBStore(DuckDBReader):
    """`TelemetryStore` on one DuckDB file. Raises StoreBusy where another process holds it."""

    def __init__(self, path: Path, catalogue: Catalogue, memory_mb: int = MEMORY_MB) -> None:
        self.path = path
        self.catalogue = catalogue
        self._lock = threading.RLock()
        self._db = open_duckdb(path, memory_mb=memory_mb)
        self._db.execute(SCHEMA)
        self._compact_ledger()
        self._load_names()
        stored = self._one("select coalesce(max(batch), 0) from readings")
        # The last batch may have left for its age: its number is not given again.
        self._position = max(stored, noted(self._db, POSITION))
        self._horizon = noted(self._db, HORIZON)
        self._vacuum = False
        self._latest = LatestTable(len(catalogue.kinds.quantities))
        self._load_latest()

    def append(self, readings: Readings, ledger: Ledger) -> int:
        """See TelemetryStore.append."""
        with self._lock:
            codes = np.concatenate([readings.device, ledger.device[ledger.device >= 0]])
            new_devices = self._devices.missing(codes)
            with self._transaction():
                self._add_devices(new_devices)
                if len(readings):
                    batch = np.full(len(readings), self._position + 1)
                    self._insert(
                        "readings", self._encoded(readings, new_devices) | {"batch": batch}
                    )
                if len(ledger):
                    self._insert("ledger", self._encoded_ledger(ledger, new_devices))
            self._devices.adopt(new_devices)
            if len(readings):
                self._position += 1
                self._latest.update(readings)
            return self._position

    def seen(self, readings: Readings) -> Mask:
        """See TelemetryStore.seen. Reads only the stretch of time that the readings span."""
        found: Mask = np.zeros(len(readings), dtype=bool)
        if len(readings) == 0:
            return found
        asked = {
            "row": np.arange(len(readings)),
            "device": self._devices.to_store(readings.device),
            "quantity": self._quantities.to_store(readings.quantity),
            "time": readings.time,
        }
        low, high = int(readings.time.min()), int(readings.time.max())
        with self._cursor() as db:
            db.register("asked", asked)
            hit = db.execute(
                "select row from asked semi join "
                "(select device, quantity, time from readings where time between ? and ?) r "
                "using (device, quantity, time)",
                [low, high],
            ).fetchnumpy()["row"]
        found[hit] = True
        return found

    def newest_times(self, device: Codes32, quantity: Codes16) -> Times:
        """See TelemetryStore.newest_times."""
        with self._lock:
            return self._latest.times(device, quantity)

    def position(self) -> int:
        """See TelemetryStore.position."""
        return self._position

    def put_derived(self, readings: Readings) -> None:
        """See TelemetryStore.put_derived."""
        if len(readings) == 0:
            return
        readings = _last_of_each(readings)
        with self._lock:
            new_devices = self._devices.missing(readings.device)
            with self._transaction():
                self._add_devices(new_devices)
                encoded = self._encoded(readings, new_devices)
                self._delete("derived", ("device", "quantity", "time"), encoded)
                self._insert("derived", encoded)
            self._devices.adopt(new_devices)
            self._latest.update(readings)

    def correct_flags(self, readings: Readings) -> None:
        """See TelemetryStore.correct_flags."""
        if len(readings) == 0:
            return
        encoded = self._encoded(readings, [])
        low, high = int(readings.time.min()), int(readings.time.max())
        with self._lock:
            with self._transaction():
                self._db.register("batch_in", encoded)
                self._db.execute(
                    "update readings set flag = b.flag from batch_in b where readings.device = b.device "
                    "and readings.quantity = b.quantity and readings.time = b.time "
                    "and readings.time between ? and ?",
                    [low, high],
                )
            self._latest.correct_flags(readings)

    def put_rollups(self, step: int, rollups: Rollups) -> None:
        """See TelemetryStore.put_rollups."""
        if len(rollups) == 0:
            return
        table = _ROLLUP_TABLE[step]
        with self._lock, self._transaction():
            encoded = columns_of(rollups) | {
                "device": self._devices.to_store(rollups.device),
                "quantity": self._quantities.to_store(rollups.quantity),
            }
            self._delete(table, ("device", "quantity", "start"), encoded)
            self._insert(table, encoded)

    def expire(self, retention: Retention, now: int, analysed: int) -> dict[str, int]:
        """See TelemetryStore.expire. One transaction of at most 100,000 rows of one table."""
        with self._lock:
            with self._transaction():
                removed = expire_rows(self._db, retention, now, analysed)
                if "raw" in removed:
                    note(self._db, POSITION, self._position)
            self._horizon = noted(self._db, HORIZON)
            before = removed_before(retention.raw, now)
            if before is not None:
                self._latest.forget(before)
            self._give_back(removed)
        return removed

    def reading(self) -> AbstractContextManager[duckdb.DuckDBPyConnection]:
        """A connection of its own, for who copies all of it while we go on writing."""
        return self._cursor()

    def close(self) -> None:
        """See TelemetryStore.close."""
        with self._lock:
            self._db.close()

    def _give_back(self, removed: dict[str, int]) -> None:
        """Let the file use the space again, once all is removed."""
        if removed:
            self._vacuum = True
        elif self._vacuum:
            # Where somebody else is at work, the next round does it, or DuckDB itself.
            with suppress(duckdb.Error):
                self._db.execute("checkpoint").fetchall()
                self._vacuum = False

    def _encoded(self, readings: Readings, new: list[tuple[int, str, int]]) -> dict[str, AnyArray]:
        return {
            "device": self._devices.to_store(readings.device, new),
            "quantity": self._quantities.to_store(readings.quantity),
            "time": readings.time,
            "value": readings.value,
            "flag": readings.flag,
            "received": readings.received,
        }

    def _encoded_ledger(
        self, ledger: Ledger, new: list[tuple[int, str, int]]
    ) -> dict[str, AnyArray]:
        named = ledger.device >= 0
        device = np.full(len(ledger), -1, dtype=np.int32)
        device[named] = self._devices.to_store(ledger.device[named], new)
        outcome = self._outcomes.to_store(ledger.outcome)
        return {"hour": ledger.hour, "device": device, "outcome": outcome, "count": ledger.count}

    def _insert(self, table: str, columns: dict[str, AnyArray]) -> None:
        # The columns stand in the table's order; DuckDB scans the numpy arrays where they are.
        self._db.register("batch_in", columns)
        self._db.execute(f"insert into {table} by name select * from batch_in")

    def _delete(self, table: str, key: tuple[str, str, str], columns: dict[str, AnyArray]) -> None:
        self._db.register("batch_in", columns)
        same = " and ".join(f"{table}.{k} = b.{k}" for k in key)
        low, high = int(columns[key[2]].min()), int(columns[key[2]].max())
        self._db.execute(
            f"delete from {table} using batch_in b where {same} and {table}.{key[2]} between ? and ?",
            [low, high],
        )

    def _add_devices(self, rows: list[tuple[int, str, int]]) -> None:
        if rows:
            kinds = [self.catalogue.devices[code].kind for _, _, code in rows]
            self._insert(
                "device",
                {
                    "number": np.array([r[0] for r in rows]),
                    "name": np.array([r[1] for r in rows], dtype=object),
                    "kind": np.array(kinds, dtype=object),
                },
            )

    @contextmanager
    def _transaction(self) -> Iterator[None]:
        try:
            self._db.execute("begin")
            yield
            self._db.execute("commit")
        except duckdb.Error as error:
            with suppress(duckdb.Error):
                self._db.execute("rollback")
            raise StoreError(str(self.path), f"DuckDB could not write: {error}") from error

    def _load_names(self) -> None:
        rows = self._db.execute("select number, name, kind from device order by number").fetchall()
        for _, name, kind in rows:
            if self.catalogue.code(name) is None and kind in self.catalogue.kinds:
                self.catalogue.put(Device(id=name, kind=kind, registered=False))
        devices = self.catalogue.devices
        self._devices = NameMap(
            [(n, name) for n, name, _ in rows], self.catalogue.code, lambda code: devices[code].id
        )
        quantities = self.catalogue.kinds.quantities
        self._quantities = self._all_named("quantity", quantities)
        self._outcomes = self._all_named("outcome", OUTCOMES)

    def _all_named(self, table: str, names: list[str] | tuple[str, ...]) -> NameMap:
        """A map for a short, fixed list of names, all of them written to the store at once."""
        code = {name: i for i, name in enumerate(names)}
        rows = self._db.execute(f"select number, name from {table} order by number").fetchall()
        found = NameMap(rows, code.get, lambda c: names[c])
        new = found.missing(np.arange(len(names)))
        if new:
            self._db.executemany(f"insert into {table} values (?, ?)", [r[:2] for r in new])
            found.adopt(new)
        return found

    def _compact_ledger(self) -> None:
        with self._transaction():
            self._db.execute(
                "create or replace table ledger as "
                "select hour, device, outcome, sum(count)::bigint as count from ledger group by all"
            )

    def _load_latest(self) -> None:
        found = self._db.execute(
            "select device, quantity, max(time) as time, arg_max_null(value, time) as value, "
            "arg_max(flag, time) as flag, arg_max(received, time) as received "
            "from everything group by device, quantity"
        ).fetchnumpy()
        self._latest.update(self._decoded(found))

    def _one(self, query: str) -> int:
        row = self._db.execute(query).fetchone()
        assert row is not None
        return int(row[0])


def _last_of_each(readings: Readings) -> Readings:
    """Of rows with one (device, quantity, time), the last."""
    order = readings.order()
    rows = readings.take(order)
    last = np.ones(len(rows), dtype=bool)
    last[:-1] = (
        (rows.device[1:] != rows.device[:-1])
        | (rows.quantity[1:] != rows.quantity[:-1])
        | (rows.time[1:] != rows.time[:-1])
    )
    return rows.take(last)
