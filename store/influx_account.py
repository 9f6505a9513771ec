"""The account in InfluxDB: one point an hour and device, with the totals so far.

    account,device=aq-1 received=40i,stored=39i,duplicate=1i,batch=17i <hour>

Totals are absolute, and `batch` is the newest record of the log that is in them: writing a point again
changes nothing, and after a crash it tells whether the last record was counted there. All outcomes of
a device stand in one point, so a reader never sees received without stored.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

import numpy as np

from devices.device import Catalogue
from store.influx_query import Found, any_device, between, device_lists, source
from store.influx_server import LOG, InfluxServer
from store.influx_write import write_lines
from store.line_protocol import escape_field, escape_tag
from store.telemetry import AccountRow
from telemetry.arrays import Codes32
from telemetry.errors import StoreError
from telemetry.ledger import NOBODY, OUTCOME_CODE, OUTCOMES, Ledger

_ACCOUNT = source("account", LOG)
_BATCH = "batch"
# Batches are booked on the hour of receipt: the one that runs and the one before are in use.
_HOURS_KEPT = 3


Totals = dict[str, dict[int, int]]  # device → outcome code → count; "" where none could be named


@dataclass(slots=True)
class _Hour:
    """What the store holds of one hour: totals, and by device the newest batch that is in them."""

    totals: Totals = field(default_factory=dict)
    batch: dict[str, int] = field(default_factory=dict)


class InfluxAccount:
    """Adds batches to the account and reads it. One thread writes."""

    def __init__(self, server: InfluxServer, catalogue: Catalogue) -> None:
        self._server = server
        self._catalogue = catalogue
        self._hours: dict[int, _Hour] = {}
        self._fields = [f"{escape_field(name)}=" for name in OUTCOMES]

    def add(self, number: int, ledger: Ledger) -> None:
        """Count the batch of this number. Doing it again, also after a crash in the middle, counts it once."""
        changed = {h: self._changed(number, h, ledger) for h in np.unique(ledger.hour).tolist()}
        lines = [
            self._line(device, totals, number, hour)
            for hour, devices in changed.items()
            for device, totals in devices.items()
        ]
        for line, reason in write_lines(self._server, LOG, lines):
            # A batch that can't be counted must not be acknowledged.
            raise StoreError(self._server.place, f"refuses a line of the account: {reason}", line)
        for hour, devices in changed.items():
            kept = self._hours[hour]
            kept.batch.update(dict.fromkeys(devices, number))
            for device, totals in devices.items():
                kept.totals.setdefault(device, {}).update(totals)
        for hour in sorted(self._hours)[:-_HOURS_KEPT]:
            del self._hours[hour]

    def rows(self, start: int, end: int, devices: Codes32 | None) -> list[AccountRow]:
        """See TelemetryStore.account."""
        names = None
        if devices is not None:
            names = [self._catalogue.devices[code].id for code in devices.tolist()]
        found: list[AccountRow] = []
        for some in device_lists(names):
            found += self._read(start, end, some)
        if names is not None:
            wanted = set(names)
            found = [row for row in found if row.device in wanted]
        order = {name: i for i, name in enumerate(OUTCOMES)}
        return sorted(found, key=lambda r: (r.hour, r.device, order.get(r.outcome, len(order))))

    def _changed(self, number: int, hour: int, ledger: Ledger) -> Totals:
        """The new totals of one hour, of the devices that do not hold the batch yet."""
        kept, rows = self._hour(hour), ledger.hour == hour
        by_code: dict[int, dict[int, int] | None] = {}
        columns = (ledger.device[rows], ledger.outcome[rows], ledger.count[rows])
        for device, outcome, count in zip(*(c.tolist() for c in columns), strict=True):
            if device not in by_code:
                name = self._name(device)
                holds_it = kept.batch.get(name, 0) >= number
                by_code[device] = None if holds_it else {}
            totals = by_code[device]
            if totals is None:
                continue
            if outcome not in totals:
                totals[outcome] = kept.totals.get(self._name(device), {}).get(outcome, 0)
            totals[outcome] += count
        return {self._name(code): totals for code, totals in by_code.items() if totals is not None}

    def _name(self, device: int) -> str:
        return "" if device == NOBODY else self._catalogue.devices[device].id

    def _hour(self, hour: int) -> _Hour:
        kept = self._hours.get(hour)
        if kept is None:
            (series,) = self._server.query([self._statement(hour, hour + 1, None)])
            kept = _Hour()
            for name, cell, count, _ in _cells(series):
                if cell == _BATCH:
                    kept.batch[name] = count
                elif cell in OUTCOME_CODE:
                    kept.totals.setdefault(name, {})[OUTCOME_CODE[cell]] = count
            self._hours[hour] = kept
        return kept

    def _line(self, device: str, totals: dict[int, int], number: int, hour: int) -> str:
        head = f"account,device={escape_tag(device)}" if device else "account"
        body = ",".join([f"{self._fields[outcome]}{count}i" for outcome, count in totals.items()])
        return f"{head} {body},{_BATCH}={number}i {hour}"

    def _read(self, start: int, end: int, names: Sequence[str] | None) -> list[AccountRow]:
        (series,) = self._server.query([self._statement(start, end, names)])
        return [
            AccountRow(hour, device, name, count)
            for device, name, count, hour in _cells(series)
            if name != _BATCH
        ]

    @staticmethod
    def _statement(start: int, end: int, names: Sequence[str] | None) -> str:
        where = between(start, end) + any_device(names)
        return f"SELECT * FROM {_ACCOUNT} WHERE {where} GROUP BY device"


def _cells(series: list[Found]) -> Iterator[tuple[str, str, int, int]]:
    """(device, field, count, hour) of every cell that holds something."""
    for found in series:
        device = found.tags.get("device", "")
        for hour, *row in found.values:
            for name, count in zip(found.columns[1:], row, strict=True):
                if count is not None:
                    yield device, name, count, hour
