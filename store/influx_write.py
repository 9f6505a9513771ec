"""Readings → InfluxDB, in pieces that it takes; what it refuses is found and named, reading by reading.

A refused piece is cut by series first, because a type conflict is one of a series, and then in halves.
Where the server says that it dropped every line, nothing is left to look for.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator, Sequence

import numpy as np

from devices.device import Catalogue
from store.influx_http import Refused, TooLarge
from store.influx_points import PointLayout, by_point, encode_flags, encode_readings
from store.influx_server import READINGS, InfluxServer
from store.line_protocol import MAX_TIME, MIN_TIME
from telemetry.arrays import AnyArray, Mask
from telemetry.readings import Readings

_LOG = logging.getLogger(__name__)

OnRefused = Callable[[Readings, str], None]
Encode = Callable[[Readings, PointLayout], bytes]

# 5,000 to 10,000 lines a request are the fastest; a line holds one to ten readings.
READINGS_AT_ONCE = 20_000
LINES_AT_ONCE = 5_000


def log_refused(readings: Readings, reason: str) -> None:
    """What is done about refused readings where nobody else does anything: say it loudly."""
    _LOG.critical("InfluxDB refuses %d readings for good: %s", len(readings), reason)


def write_lines(server: InfluxServer, policy: str, lines: Sequence[str]) -> list[tuple[str, str]]:
    """Write lines in pieces that are taken. Returns the lines that were refused, each with the reason."""
    refused: list[tuple[str, str]] = []
    for i in range(0, len(lines), LINES_AT_ONCE):
        refused += _written(server, policy, lines[i : i + LINES_AT_ONCE])
    return refused


def _written(server: InfluxServer, policy: str, lines: Sequence[str]) -> Iterator[tuple[str, str]]:
    try:
        server.write(policy, "\n".join(lines).encode())
    except (Refused, TooLarge) as error:
        if len(lines) == 1:
            yield lines[0], str(error)
            return
        middle = len(lines) // 2
        yield from _written(server, policy, lines[:middle])
        yield from _written(server, policy, lines[middle:])


class PointWriter:
    """Writes readings as points. Safe to use from several threads."""

    def __init__(self, server: InfluxServer, catalogue: Catalogue) -> None:
        self._server = server
        self._catalogue = catalogue
        self.layout = PointLayout(catalogue)

    def write(self, readings: Readings, flags_only: bool = False) -> list[tuple[Readings, str]]:
        """Write all that can be written. Returns what was refused, each with the reason.

        Raises StoreError where the server is away: then any part may have been written, and writing
        the same again is right.
        """
        encode = encode_flags if flags_only else encode_readings
        refused = []
        impossible = ~_representable(readings)
        if impossible.any():
            reason = "an infinite value, or a time out of range, can't be written"
            refused.append((readings.take(impossible), reason))
            readings = readings.take(~impossible)
        rows = by_point(readings)
        for i in range(0, len(rows), READINGS_AT_ONCE):
            refused += self._write(rows.take(slice(i, i + READINGS_AT_ONCE)), encode)
        return refused

    def _write(self, rows: Readings, encode: Encode) -> Iterator[tuple[Readings, str]]:
        lines = encode(rows, self.layout)
        try:
            self._server.write(READINGS, lines)
        except TooLarge as error:
            if len(rows) == 1:
                yield rows, str(error)
                return
            parts = _halves(rows)
        except Refused as error:
            one_series = not np.diff(self._series(rows)).any()
            if len(rows) == 1 or (one_series and error.dropped == lines.count(b"\n")):
                yield rows, error.need
                return
            parts = _halves(rows) if one_series else self._by_series(rows)
        else:
            return
        for part in parts:
            yield from self._write(part, encode)

    def _series(self, rows: Readings) -> AnyArray:
        """Measurement and field of each reading as one number."""
        kinds: AnyArray = self._catalogue.kind_of[rows.device].astype(np.int64)
        return kinds * len(self._catalogue.kinds.quantities) + rows.quantity

    def _by_series(self, rows: Readings) -> list[Readings]:
        series = self._series(rows)
        return [rows.take(series == one) for one in np.unique(series)]


def _halves(rows: Readings) -> list[Readings]:
    # By time: a conflict is one of a shard, and a shard holds a stretch of time.
    ordered = rows.take(np.argsort(rows.time, kind="stable"))
    middle = len(rows) // 2
    return [ordered.take(slice(0, middle)), ordered.take(slice(middle, None))]


def _representable(readings: Readings) -> Mask:
    in_range = (readings.time >= MIN_TIME) & (readings.time <= MAX_TIME)
    found: Mask = in_range & ~np.isinf(readings.value)
    return found
