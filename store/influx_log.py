"""The log in InfluxDB: one record a batch, whose last line makes it count.

    log        rows, pieces, data   at  number · 1 s + epoch · 1 ns: the record's last piece
    log_piece  data                 the pieces before it, by tag `piece`, written first
    writer     claim                at  epoch · 1 ns: who has opened the store for writing
    log_mark   number               at  a moment: the newest record then, so that `trim` knows how old one is

A line is whole or not there at all, so a record is: its last piece is written when the others are on
disk. `epoch` grows with every opening: a write of a process that is gone, and that arrives late, can't
touch the records of the one that is here. Of two records with one number the higher epoch stands.
docs/decisions/0020-influxdb-as-store.md has the reasons and the price.
"""

from __future__ import annotations

import secrets
from dataclasses import dataclass

import numpy as np

from devices.device import Catalogue
from store.influx_pack import pack, unpack
from store.influx_query import Found, between, source
from store.influx_server import LOG, InfluxServer
from store.line_protocol import FieldValue, encode_point
from store.telemetry import Stored
from telemetry.arrays import Times
from telemetry.clock import DAY, MINUTE, SECOND
from telemetry.errors import StoreBusy, StoreError
from telemetry.ledger import Ledger
from telemetry.readings import Readings

# A string field holds 64 KB at most (InfluxDB, "Line protocol", string).
PIECE = 60_000
_RECORDS = source("log", LOG)
_PIECES = source("log_piece", LOG)
_WRITERS = source("writer", LOG)
_MARKS = source("log_mark", LOG)

# Analytics without a snapshot goes through the log of the last 26 hours: that much stays in any case.
KEPT = 2 * DAY
_MARK_EVERY = 10 * MINUTE


@dataclass(frozen=True, slots=True)
class Record:
    """One batch with its account, under its number in the log."""

    number: int
    readings: Readings
    ledger: Ledger


class InfluxLog:
    """Writes and reads the records. Numbers are given by the caller, one after the other."""

    def __init__(self, server: InfluxServer, catalogue: Catalogue) -> None:
        self._server = server
        self._catalogue = catalogue
        self._claim = secrets.token_hex(8)
        self._marked = 0
        self._epoch = self._newest_writer()[0] + 1
        claim = encode_point("writer", {}, {"claim": self._claim}, self._epoch)
        server.write(LOG, claim.encode())
        self.check()

    def check(self) -> None:
        """Raise StoreBusy where another process has opened the store for writing after us."""
        if self._newest_writer() != (self._epoch, self._claim):
            raise StoreBusy(
                self._server.place,
                "has been opened by another run since",
                remedy="stop that run, or set URBAN_TELEMETRY to another database",
            )

    def write(self, number: int, readings: Readings, ledger: Ledger) -> None:
        """Write a record; it counts when this returns. Doing it again changes nothing."""
        text = pack(readings, ledger, self._catalogue)
        *first, last = [text[i : i + PIECE] for i in range(0, len(text), PIECE)]
        time = number * SECOND + self._epoch
        for i, piece in enumerate(first):
            line = encode_point("log_piece", {"piece": str(i)}, {"data": piece}, time)
            self._server.write(LOG, line.encode())
        end: dict[str, FieldValue] = {"rows": len(readings), "pieces": len(first), "data": last}
        self._server.write(LOG, encode_point("log", {}, end, time).encode())

    def newest(self) -> int:
        """The number of the newest record; 0 where there is none."""
        return self._newest("")

    def record(self, number: int) -> list[Record]:
        """The record of this number, where there is one."""
        return self._records(number, number)

    def last_batch(self) -> int:
        """The number of the newest record that holds readings; 0 where there is none."""
        return self._newest("WHERE rows > 0")

    def since(self, position: int, upto: int, limit: int) -> list[Stored]:
        """Batches with position < number <= upto: whole ones, until about `limit` rows, one at least."""
        rows = self._one(
            f"SELECT rows FROM {_RECORDS} WHERE rows > 0 AND {_numbers(position + 1, upto)} "
            f"ORDER BY time LIMIT {limit + 1}"
        )
        if rows is None:
            return []
        times = rows.whole("time")
        newest = _highest_epochs(times)
        numbers, total = times[newest] // SECOND, np.cumsum(rows.whole("rows")[newest])
        last = int(numbers[max(int(np.searchsorted(total, limit, side="right")), 1) - 1])
        records = self._records(int(numbers[0]), last)
        return [Stored(r.number, r.readings) for r in records if len(r.readings)]

    def trim(self, now: int, upto: int) -> int:
        """Remove the records before number `upto` that were old two days before `now` [ns]; how many.

        upto: at most the newest record with readings, which stays: the next number follows from it.
        """
        self._mark(now)
        old = self._one(
            f"SELECT number FROM {_MARKS} WHERE time <= {now - KEPT} ORDER BY time DESC LIMIT 1"
        )
        oldest = self._one(f"SELECT rows FROM {_RECORDS} ORDER BY time LIMIT 1")
        if old is None or oldest is None:
            return 0
        first = int(oldest.whole("time")[0]) // SECOND
        end = min(int(old.whole("number")[0]) + 1, upto)
        if end <= first:
            return 0
        for measurement in ("log_piece", "log"):
            self._server.remove(LOG, measurement, end * SECOND)
        self._server.remove(LOG, "log_mark", int(old.whole("time")[0]))
        return end - first

    def _mark(self, now: int) -> None:
        number = self._newest("")
        if now - self._marked >= _MARK_EVERY and number:
            line = encode_point("log_mark", {}, {"number": number}, now)
            self._server.write(LOG, line.encode())
            self._marked = now

    def _records(self, first: int, last: int) -> list[Record]:
        where = _numbers(first, last)
        ends, pieces = self._server.query(
            [
                f"SELECT pieces, data FROM {_RECORDS} WHERE {where} ORDER BY time",
                f"SELECT data, piece FROM {_PIECES} WHERE {where}",
            ]
        )
        if not ends:
            return []
        (found,) = ends
        before = _by_time(pieces[0]) if pieces else {}
        times = found.whole("time")
        rows = [found.values[i] for i in _highest_epochs(times).tolist()]
        return [self._record(time, count, last, before) for time, count, last in rows]

    def _record(
        self, time: int, pieces: int, last: str, before: dict[tuple[int, int], str]
    ) -> Record:
        place = f"{self._server.place} log {time // SECOND}"
        try:
            text = "".join(before[time, i] for i in range(pieces)) + last
        except KeyError:
            raise StoreError(place, f"a record of the log lacks one of {pieces} pieces") from None
        return Record(time // SECOND, *unpack(text, self._catalogue, place))

    def _newest(self, where: str) -> int:
        found = self._one(f"SELECT rows FROM {_RECORDS} {where} ORDER BY time DESC LIMIT 1")
        return 0 if found is None else int(found.whole("time")[0]) // SECOND

    def _newest_writer(self) -> tuple[int, str]:
        found = self._one(f"SELECT claim FROM {_WRITERS} ORDER BY time DESC LIMIT 1")
        return (0, "") if found is None else (int(found.values[0][0]), str(found.values[0][1]))

    def _one(self, statement: str) -> Found | None:
        (series,) = self._server.query([statement])
        return series[0] if series else None


def _numbers(first: int, last: int) -> str:
    return between(first * SECOND, (last + 1) * SECOND)


def _highest_epochs(times: Times) -> Times:
    """The last of each number's records, in times that ascend."""
    numbers = times // SECOND
    return np.flatnonzero(np.append(numbers[1:] != numbers[:-1], True))


def _by_time(pieces: Found) -> dict[tuple[int, int], str]:
    time, data, piece = (pieces.column(name) for name in ("time", "data", "piece"))
    return {(t, int(p)): d for t, p, d in zip(time, piece, data, strict=True)}
