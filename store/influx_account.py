"""The account in InfluxDB: one point an hour and device, with the totals so far.

    account,device=aq-1 received=40i,stored=39i,duplicate=1i,batch=17i <hour>

Totals are absolute, and `batch` is the newest record of the log that is in them: writing a point again
changes nothing, and after a crash it tells whether the last record was counted there. All outcomes of
a device stand in one point, so a reader never sees received without stored.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from devices.device import Catalogue
from store.influx_query import Found, any_device, between, device_lists, source
from store.influx_server import LOG, InfluxServer
from store.influx_write import write_lines
from store.line_protocol import escape_field, escape_tag
from store.telemetry import AccountRow
from telemetry.arrays import Codes32
from telemetry.errors import StoreError
from telemetry.ledger import NOBODY, OUTCOMES, Ledger

_ACCOUNT = source("account", LOG)
_BATCH = "batch"
# Batches are booked on the hour of receipt: the one that runs and the one before are in use.
_HOURS_KEPT = 3


@dataclass(slots=True)
class _Hour:
    """What the store holds of one hour: totals by device and outcome, and the newest batch by device."""

    totals: dict[str, dict[str, int]] = field(default_factory=dict)
    batch: dict[str, int] = field(default_factory=dict)


class InfluxAccount:
    """Adds batches to the account and reads it. One thread writes."""

    def __init__(self, server: InfluxServer, catalogue: Catalogue) -> None:
        self._server = server
        self._catalogue = catalogue
        self._hours: dict[int, _Hour] = {}
        self._field = {name: escape_field(name) for name in OUTCOMES}

    def add(self, number: int, ledger: Ledger) -> None:
        """Count the batch of this number. Doing it again, also after a crash in the middle, counts it once."""
        changed = self._changed(number, ledger)
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
            for device, totals in devices.items():
                kept.totals.setdefault(device, {}).update(totals)
                kept.batch[device] = number
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

    def _changed(self, number: int, ledger: Ledger) -> dict[int, dict[str, dict[str, int]]]:
        """The new totals by hour, device and outcome, of what does not hold the batch yet."""
        changed: dict[int, dict[str, dict[str, int]]] = {}
        columns = (ledger.hour, ledger.device, ledger.outcome, ledger.count)
        for hour, code, outcome, count in zip(*(c.tolist() for c in columns), strict=True):
            device = "" if code == NOBODY else self._catalogue.devices[code].id
            kept = self._hour(hour)
            if kept.batch.get(device, 0) >= number:
                continue
            totals = changed.setdefault(hour, {}).setdefault(device, {})
            name = OUTCOMES[outcome]
            so_far = totals.get(name, kept.totals.get(device, {}).get(name, 0))
            totals[name] = so_far + count
        return changed

    def _hour(self, hour: int) -> _Hour:
        kept = self._hours.get(hour)
        if kept is None:
            (series,) = self._server.query([self._statement(hour, hour + 1, None)])
            kept = _Hour()
            for device, name, count, _ in _cells(series):
                if name == _BATCH:
                    kept.batch[device] = count
                else:
                    kept.totals.setdefault(device, {})[name] = count
            self._hours[hour] = kept
        return kept

    def _line(self, device: str, totals: dict[str, int], number: int, hour: int) -> str:
        head = f"account,device={escape_tag(device)}" if device else "account"
        body = ",".join(f"{self._field[name]}={count}i" for name, count in totals.items())
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
