"""The stores as a principal sees them: the same methods, without what lies outside of domain and area.

Only what API and page ask for is here; anything else is refused, so that a store's new method is closed
to who sees a part of the city until somebody has thought about it.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import Any, NoReturn

from api.access.sight import Sight
from api.problems import Problem
from devices.device import Catalogue, Device
from store.alert_history import AlertHistory
from store.command_records import CommandFilter, CommandRecord
from store.device_records import DeviceEvent
from store.operations import OperationsStore
from store.records import (
    Alert,
    AlertEvent,
    QualityFailure,
    QuarantineAct,
    QuarantineFilter,
    QuarantineItem,
    Within,
)
from store.telemetry import AccountRow, Rollups, Series, TelemetryStore, Uncounted, Windows
from telemetry.arrays import Codes32
from telemetry.readings import Readings

_PAGE = 1_000
PACKS = "city/gateway/"  # a pack's bytes are those of all devices behind the gateway


def closed(what: str) -> NoReturn:
    """Refuse what nobody who sees a part of the city may do."""
    raise Problem(
        403,
        "Not allowed",
        f"this is about the whole city; your account is for a part of it ({what})",
    )


class SeenCatalogue(Catalogue):
    """Devices that are not seen are not found by their id. Codes, and lists by code, stay as they are."""

    def __init__(self, sight: Sight) -> None:
        self._sight = sight  # nothing else is set: __getattr__ finds it in the whole one

    def __getattr__(self, name: str) -> Any:
        return getattr(self._sight.catalogue, name)

    def __len__(self) -> int:
        return len(self._sight.catalogue)

    def code(self, device_id: str) -> int | None:
        """See Catalogue.code."""
        return self._sight.catalogue.code(device_id) if self._sight.id(device_id) else None

    def get(self, device_id: str) -> Device | None:
        """See Catalogue.get."""
        return self._sight.catalogue.get(device_id) if self._sight.id(device_id) else None

    def put(self, device: Device) -> int:
        """See Catalogue.put: neither what it was nor what it is to be may lie outside."""
        known = self._sight.catalogue.get(device.id)
        if not self._sight.device(device) or not (known is None or self._sight.device(known)):
            closed("catalogue.put")
        return self._sight.catalogue.put(device)


class SeenTelemetry:
    """Reads of `TelemetryStore`, narrowed to the devices that are seen."""

    def __init__(self, store: TelemetryStore, sight: Sight) -> None:
        self._store = store
        self._sight = sight

    def __getattr__(self, name: str) -> Any:
        closed(f"telemetry.{name}")

    def _seen(self, series: Series) -> Series:
        return replace(series, devices=self._sight.of(series.devices))

    def latest(self, series: Series) -> Readings:
        """See TelemetryStore.latest."""
        return self._store.latest(self._seen(series))

    def changed(self, series: Series, since: int = 0) -> tuple[Readings, int]:
        """See TelemetryStore.changed."""
        return self._store.changed(self._seen(series), since)

    def raw(
        self,
        series: Series,
        start: int,
        end: int,
        limit: int,
        after: tuple[int, int, int] | None = None,
    ) -> Readings:
        """See TelemetryStore.raw."""
        return self._store.raw(self._seen(series), start, end, limit, after)

    def windows(self, series: Series, start: int, end: int, every: int) -> Windows:
        """See TelemetryStore.windows."""
        return self._store.windows(self._seen(series), start, end, every)

    def uncounted(self, series: Series, start: int, end: int, every: int) -> Uncounted:
        """See TelemetryStore.uncounted."""
        return self._store.uncounted(self._seen(series), start, end, every)

    def rollups(self, step: int, series: Series, start: int, end: int) -> Rollups:
        """See TelemetryStore.rollups."""
        return self._store.rollups(step, self._seen(series), start, end)

    def account(self, start: int, end: int, devices: Codes32 | None = None) -> list[AccountRow]:
        """See TelemetryStore.account. What no device could be named for is not seen."""
        return self._store.account(start, end, self._sight.of(devices))


class SeenOperations:
    """Reads of `OperationsStore`, narrowed to devices and subjects that are seen; acts on these only."""

    def __init__(self, store: OperationsStore, sight: Sight) -> None:
        self._store = store
        self._sight = sight
        kinds = tuple(k.name for k in sight.catalogue.kinds if sight.kind(k.name))
        areas = None if sight.areas is None else tuple(sorted(sight.areas))
        self._within = Within(None if sight.domains is None else kinds, areas)

    def __getattr__(self, name: str) -> Any:
        closed(f"operations.{name}")

    def devices(self) -> list[Device]:
        """See OperationsStore.devices."""
        return [d for d in self._store.devices() if self._sight.device(d)]

    def alert(self, alert_id: str) -> Alert | None:
        """See OperationsStore.alert."""
        found = self._store.alert(alert_id)
        return found if found is not None and self._sight.subject(found.subject) else None

    def standing(self) -> list[Alert]:
        """See OperationsStore.standing."""
        return [a for a in self._store.standing() if self._sight.subject(a.subject)]

    def alerts(
        self, *, limit: int = 100, after: tuple[int, str] | None = None, **filters: Any
    ) -> list[Alert]:
        """See OperationsStore.alerts."""
        found: list[Alert] = []
        while True:
            page = self._store.alerts(**filters, limit=_PAGE, after=after)
            found += [a for a in page if self._sight.subject(a.subject)]
            if len(page) < _PAGE or len(found) >= limit:
                return found[:limit]
            after = (page[-1].raised, page[-1].id)

    def alert_events(self, alert_id: str) -> list[AlertEvent]:
        """See OperationsStore.alert_events."""
        return [] if self.alert(alert_id) is None else self._store.alert_events(alert_id)

    def alert_history(self, start: int, end: int) -> AlertHistory:
        """See OperationsStore.alert_history."""
        whole, seen = self._store.alert_history(start, end), self._sight.subject
        return AlertHistory(
            lines=[x for x in whole.lines if seen(x.subject)],
            standing=[x for x in whole.standing if seen(x.subject)],
            times=[x for x in whole.times if seen(x.subject)],
        )

    def commands(
        self,
        which: CommandFilter = CommandFilter(),
        *,
        limit: int = 100,
        after: tuple[int, str] | None = None,
    ) -> list[CommandRecord]:
        """See OperationsStore.commands."""
        found: list[CommandRecord] = []
        while True:
            page = self._store.commands(which, limit=_PAGE, after=after)
            found += [c for c in page if self._sight.id(c.device)]
            if len(page) < _PAGE or len(found) >= limit:
                return found[:limit]
            after = (page[-1].requested, page[-1].id)

    def commands_by_id(self, ids: Iterable[str]) -> dict[str, CommandRecord]:
        """See OperationsStore.commands_by_id."""
        found = self._store.commands_by_id(ids)
        return {name: c for name, c in found.items() if self._sight.id(c.device)}

    def place_history(self) -> list[DeviceEvent]:
        """See OperationsStore.place_history."""
        return [e for e in self._store.place_history() if self._sight.id(e.device)]

    def device_history(self, device: str, *rest: Any, **more: Any) -> list[DeviceEvent]:
        """See OperationsStore.device_history."""
        return self._store.device_history(device, *rest, **more) if self._sight.id(device) else []

    def last_commands(
        self, device: str
    ) -> tuple[dict[str, CommandRecord], dict[str, CommandRecord]]:
        """See OperationsStore.last_commands."""
        return self._store.last_commands(device) if self._sight.id(device) else ({}, {})

    def quality(self, device: str, *rest: Any, **more: Any) -> list[QualityFailure]:
        """See OperationsStore.quality."""
        return self._store.quality(device, *rest, **more) if self._sight.id(device) else []

    def quarantine(
        self, which: QuarantineFilter = QuarantineFilter(), **more: Any
    ) -> list[QuarantineItem]:
        """See OperationsStore.quarantine. Of registered devices, and what came in no gateway's pack."""
        return self._store.quarantine(replace(which, within=self._within), **more)

    def quarantine_counts(self, which: QuarantineFilter = QuarantineFilter()) -> dict[str, int]:
        """See OperationsStore.quarantine_counts."""
        return self._store.quarantine_counts(replace(which, within=self._within))

    def quarantine_item(self, item_id: str) -> QuarantineItem | None:
        """See OperationsStore.quarantine_item."""
        found = self._store.quarantine_item(item_id)
        return found if found is not None and self._item(found) else None

    def quarantine_message(self, item: QuarantineItem) -> list[QuarantineItem]:
        """See OperationsStore.quarantine_message."""
        return [i for i in self._store.quarantine_message(item) if self._item(i)]

    def act_on_quarantine(self, act: QuarantineAct, items: Sequence[QuarantineItem]) -> int:
        """See OperationsStore.act_on_quarantine."""
        if not all(self._item(i) for i in items):
            closed("operations.act_on_quarantine")
        return self._store.act_on_quarantine(act, items)

    def put_devices(self, devices: Sequence[Device]) -> None:
        """See OperationsStore.put_devices."""
        for device in devices:
            known = self._sight.catalogue.get(device.id)
            if not self._sight.device(device) or not (known is None or self._sight.device(known)):
                closed("operations.put_devices")
        self._store.put_devices(devices)

    def _item(self, item: QuarantineItem) -> bool:
        return (
            bool(item.device)
            and not item.topic.startswith(PACKS)
            and self._sight.catalogue.get(item.device) is not None
            and self._sight.id(item.device)
        )
