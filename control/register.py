"""The register of devices: put in, changed, retired and reinstated by people, each with a line of history.

Upstream: API and commands. Downstream: operations store, and the catalogue that every stage looks at.
"""

from __future__ import annotations

import math
import threading
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, fields, replace
from typing import Any

from devices.device import DEVICE_ID, Catalogue, Device
from devices.kind import NAME
from store.device_records import DeviceEvent
from store.operations import OperationsStore
from telemetry.clock import Clock
from telemetry.errors import QueryError

# What people may say of a device, beside its id and kind.
EDITABLE = ("name", "lat", "lon", "area", "parent", "limits", "tags")
MAX_TAGS, MAX_LIMITS, MAX_TEXT = 50, 50, 200
# Names of the platform's own at a broker (commands/broker_files.py, docs/mosquitto.md).
RESERVED = ("urban-ingest", "urban-commands", "chirpstack", "server", "ca")


@dataclass(frozen=True, slots=True)
class Change:
    """A device as it is to be. `old` None: it is new."""

    old: Device | None
    new: Device
    what: str

    @property
    def nothing(self) -> bool:
        """It is so already."""
        return self.old == self.new


class Register:
    """Every method may be called from any thread. areas: official codes that a device may be in."""

    def __init__(
        self,
        catalogue: Catalogue,
        operations: OperationsStore,
        areas: Collection[str],
        clock: Clock,
        max_devices: int = 200_000,
    ) -> None:
        self._catalogue = catalogue
        self._operations = operations
        self._areas = frozenset(areas)
        self._clock = clock
        self._max_devices = max_devices
        self._lock = threading.Lock()

    def registering(self, device_id: str, kind: str, said: Mapping[str, Any]) -> Change:
        """What registering would do. One that only sent so far keeps its place in the stores.

        Raises QueryError, which names the field, where it can't be: also where it is registered already.
        """
        old = self._catalogue.get(device_id)
        if old is not None and (old.registered or old.retired):
            what = "retired: reinstate it" if old.retired else "registered already: edit it"
            raise QueryError("id", f"{device_id} is {what}")
        new = Device(id=device_id, kind=kind, **_fields(said))
        self._check(old, new)
        return Change(old, new, "registered")

    def editing(self, device: Device, said: Mapping[str, Any]) -> Change:
        """What changing these fields would do. Raises QueryError."""
        new = replace(device, **_fields(said))
        self._check(device, new)
        return Change(device, new, "edited")

    def retiring(self, device: Device) -> Change:
        """Taken down for good: what it measured stays, what still comes is refused."""
        return Change(device, replace(device, registered=False, retired=True), "retired")

    def reinstating(self, device: Device) -> Change:
        """Back again after it was retired. Raises QueryError where it was not."""
        if not device.retired:
            raise QueryError("device_id", f"{device.id} is not retired")
        return Change(device, replace(device, registered=True, retired=False), "reinstated")

    def take(self, changes: Iterable[Change], by: str, why: str = "") -> list[Device]:
        """Have these changes done, all in one step; those that change nothing leave no line.

        Raises QueryError where a device has become another meanwhile; StoreError.
        """
        with self._lock:
            wanted = [c for c in changes if not c.nothing]
            for change in wanted:
                if self._catalogue.get(change.new.id) != change.old:
                    need = f"{change.new.id} was changed by somebody else meanwhile"
                    raise QueryError("device_id", need, remedy="look at it again")
            fresh = sum(c.old is None for c in wanted)
            if len(self._catalogue) + fresh > self._max_devices:
                need = f"{self._max_devices} devices can be known; raise URBAN_MAX_DEVICES"
                raise QueryError("id", need)
            now = self._clock.now()
            self._operations.change_devices([(c.new, _event(c, now, by, why)) for c in wanted])
            for change in wanted:
                self._catalogue.put(change.new)
            return [c.new for c in wanted]

    def note(self, device: Device, what: str, by: str, why: str = "") -> None:
        """A line of history for something that changes no field."""
        event = DeviceEvent(device=device.id, time=self._clock.now(), what=what, by=by, why=why)
        with self._lock:
            self._operations.change_devices([(self._catalogue.get(device.id) or device, event)])

    def _check(self, old: Device | None, new: Device) -> None:
        if not DEVICE_ID.fullmatch(new.id):
            raise QueryError("id", "must look like [a-z0-9][a-z0-9-]{1,63}", new.id)
        if new.id in RESERVED:
            raise QueryError("id", "is the platform's own and can't be a device's", new.id)
        if new.kind not in self._catalogue.kinds:
            known = ", ".join(self._catalogue.kinds.code)
            raise QueryError("kind", f"must be one of {known}", new.kind)
        if old is not None and old.kind != new.kind:
            need = f"{new.id} sends as {old.kind}: a device keeps its kind"
            raise QueryError("kind", need, new.kind, "give the other one another id")
        _check_words("name", new.name)
        _check_place(new)
        if new.area and new.area not in self._areas and not (old and old.area == new.area):
            raise QueryError(
                "area", "must be the code of an area here", new.area, "see /api/v1/map"
            )
        _check_parent(new)
        _check_limits(new.limits)
        _check_tags(new.tags)


def _fields(said: Mapping[str, Any]) -> dict[str, Any]:
    unknown = set(said) - set(EDITABLE)
    if unknown:
        name = sorted(unknown)[0]
        raise QueryError(name, f"is nothing to be said of a device; {', '.join(EDITABLE)} are")
    found = dict(said)
    if "tags" in found:
        found["tags"] = tuple(dict.fromkeys(found["tags"]))
    return found


def _check_words(place: str, text: str) -> None:
    if len(text) > MAX_TEXT or not text.isprintable() or text != text.strip():
        raise QueryError(place, f"must be printable, {MAX_TEXT} characters at most", text)


def _check_place(device: Device) -> None:
    for name, value, bound in (("lat", device.lat, 90), ("lon", device.lon, 180)):
        if value is not None and not -bound <= value <= bound:  # NaN too
            raise QueryError(name, f"must lie within -{bound}…{bound} degrees", value)
    if (device.lat is None) != (device.lon is None):
        raise QueryError("lat", "and lon come together, or neither")


def _check_parent(device: Device) -> None:
    if device.parent and not DEVICE_ID.fullmatch(device.parent):
        raise QueryError("parent", "must be the id of a feeder or gateway", device.parent)
    if device.parent == device.id:
        raise QueryError("parent", "must be another device", device.parent)


def _check_limits(limits: Mapping[str, float]) -> None:
    if len(limits) > MAX_LIMITS:
        raise QueryError("limits", f"must be {MAX_LIMITS} at most", len(limits))
    for name, value in limits.items():
        if not NAME.fullmatch(name) or not math.isfinite(value):
            raise QueryError(
                "limits", "must be names with numbers, like bd1=1.4", f"{name}={value}"
            )


def _check_tags(tags: tuple[str, ...]) -> None:
    if len(tags) > MAX_TAGS:
        raise QueryError("tags", f"must be {MAX_TAGS} at most", len(tags))
    for tag in tags:
        if not tag or "|" in tag:
            raise QueryError("tags", "must be words without |", tag)
        _check_words("tags", tag)


def _event(change: Change, now: int, by: str, why: str) -> DeviceEvent:
    old, new = change.old, change.new
    names = [f.name for f in fields(Device) if f.name not in ("id", "simulated")]
    if old is not None:
        names = [n for n in names if getattr(old, n) != getattr(new, n)]
    return DeviceEvent(
        device=new.id, time=now, what=change.what, by=by, why=why,
        before={} if old is None else {n: _plain(getattr(old, n)) for n in names},
        after={n: _plain(getattr(new, n)) for n in names},
    )  # fmt: skip


def plain(device: Device) -> dict[str, Any]:
    """A device as data for JSON."""
    return {f.name: _plain(getattr(device, f.name)) for f in fields(Device)}


def _plain(value: Any) -> Any:
    return list(value) if isinstance(value, tuple) else value
