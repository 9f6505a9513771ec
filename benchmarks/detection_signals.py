"""What a platform says of trouble: alerts, failed tests of quality, quarantine and the account, as signals."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping
from math import inf
from typing import NamedTuple

import numpy as np

from devices.device import Catalogue
from devices.subject import name_of, sort_of
from simulators.truth import Truth
from store.operations import OperationsStore
from store.records import QuarantineFilter
from store.telemetry import Series, TelemetryStore
from telemetry.clock import HOUR
from telemetry.flags import Flag

# Events that are told by a limit: the quantity, and the limit or the name of the device's own.
LIMITS: Mapping[str, tuple[str, float | str]] = {
    "surge": ("level", "bd1"),
    "cloudburst": ("rain", 8.0),
    "storm": ("wind_speed", 17.2),
    "late_round": ("fill", 90.0),
}
TOGETHER = 3 * HOUR  # failures of a test that are no further apart are one signal
PAGE = 10_000


class Signal(NamedTuple):
    """Somebody could have seen this from `time` to `end` [ns]: about whom, and what.

    what   alert:RULE | quality:TEST | quarantine:REASON | account:OUTCOME
    since  from when on it is about what happened, where that is before it could be seen; 0: as `time`
    """

    time: int
    end: int
    subject: str
    what: str
    since: int = 0

    @property
    def began(self) -> int:
        """From when on it is about what happened. [ns]"""
        return self.since or self.time


def signals_of(
    operations: OperationsStore,
    telemetry: TelemetryStore,
    catalogue: Catalogue,
    start: int,
    end: int,
) -> list[Signal]:
    """Everything that was signalled of [start, end), in order of time."""
    found = [
        *_alerts(operations, end),
        *_quality(operations, telemetry, catalogue, start, end),
        *_quarantine(operations),
        *_account(telemetry, start, end),
    ]
    return sorted(found)


def _alerts(operations: OperationsStore, end: int) -> Iterable[Signal]:
    after = None
    while page := operations.alerts(limit=1_000, after=after):
        for alert in page:
            last = end if alert.cleared is None else alert.cleared
            yield Signal(alert.raised, last, _subject(alert.subject), f"alert:{alert.rule}")
        after = page[-1].raised, page[-1].id


def _subject(subject: str) -> str:
    return name_of(subject) if sort_of(subject) in ("device", "gateway") else subject


def _quality(
    operations: OperationsStore,
    telemetry: TelemetryStore,
    catalogue: Catalogue,
    start: int,
    end: int,
) -> Iterable[Signal]:
    for code, device in enumerate(catalogue.devices):
        hours = defaultdict[str, list[tuple[int, str]]](list)
        for failure in operations.quality(device.id, start - HOUR, end, limit=100_000):
            hours[failure.test].append((failure.hour, failure.quantity))
        for test, of in hours.items():
            for first, last, quantity in _runs(of):
                time = _first_flag(telemetry, catalogue, code, quantity, first)
                yield Signal(time, last + HOUR, device.id, f"quality:{test}")


def _runs(hours: list[tuple[int, str]]) -> Iterable[tuple[int, int, str]]:
    """(first hour, last hour, quantity of the first) of hours that lie together."""
    hours.sort()
    begin = 0
    for i in range(1, len(hours) + 1):
        if i == len(hours) or hours[i][0] - hours[i - 1][0] > TOGETHER:
            yield hours[begin][0], hours[i - 1][0], hours[begin][1]
            begin = i


def _first_flag(
    telemetry: TelemetryStore, catalogue: Catalogue, device: int, quantity: str, hour: int
) -> int:
    """The first reading in this hour that is not good: what a test condemned. The hour, where there is none."""
    quantity_code = catalogue.kinds.quantity_code.get(quantity)
    if quantity_code is None:
        return hour
    series = Series(np.array([device], np.int32), np.array([quantity_code], np.int16))
    rows = telemetry.raw(series, hour, hour + HOUR, PAGE)
    bad = np.flatnonzero((rows.flag == Flag.SUSPECT) | (rows.flag == Flag.FAIL))
    return int(rows.time[bad[0]]) if len(bad) else hour


def _quarantine(operations: OperationsStore) -> Iterable[Signal]:
    times = defaultdict[tuple[str, str], list[tuple[int, str]]](list)
    after = None
    while page := operations.quarantine(QuarantineFilter(), limit=1_000, after=after, preview=0):
        for item in page:
            times[item.device, item.reason].append((item.received, ""))
        after = page[-1].received, page[-1].id
    for (device, reason), of in times.items():
        for first, last, _ in _runs(of):
            yield Signal(first, last, device, f"quarantine:{reason}")


def _account(telemetry: TelemetryStore, start: int, end: int) -> Iterable[Signal]:
    hours = defaultdict[tuple[str, str], list[tuple[int, str]]](list)
    for row in telemetry.account(start, end):
        name, _, reason = row.outcome.partition(":")
        if row.count > 0 and name in ("duplicate", "gap", "late", "quarantined"):
            what = f"quarantine:{reason}" if reason else f"account:{name}"
            hours[row.device, what].append((row.hour, ""))
    for (device, what), of in hours.items():
        for first, last, _ in _runs(of):
            # An hour's account is complete at its end.
            yield Signal(first + HOUR, last + HOUR, device, what, first)


def limit_reached(telemetry: TelemetryStore, catalogue: Catalogue) -> Callable[[Truth], bool]:
    """Whether what was measured at a device during an event passed the limit that it would be told by."""

    def reached(truth: Truth) -> bool:
        if truth.type not in LIMITS:
            return True
        quantity, limit = LIMITS[truth.type]
        code = catalogue.code(truth.device)
        assert code is not None
        if isinstance(limit, str):
            limit = catalogue.devices[code].limits.get(limit, inf)
        series = Series(
            np.array([code], np.int32),
            np.array([catalogue.kinds.quantity_code[quantity]], np.int16),
        )
        rows = telemetry.raw(series, truth.start, truth.end, PAGE)
        return bool(len(rows)) and float(np.nanmax(rows.value)) > limit

    return reached
