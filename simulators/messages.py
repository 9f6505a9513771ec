"""A simulated city → the messages its devices publish, in order of time, for any slice of time.

Stateless: between(a, c) is between(a, b) and then between(b, c), byte by byte, and a restart says the
same again. Payload: flat JSON, {"time": RFC 3339, "seq": number of the interval since 1970, quantities…}.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

import msgspec
import numpy as np

from devices.city import City
from devices.device import Device
from devices.kind import Quantity
from devices.registry import Kinds
from devices.topics import status_topic, telemetry_topic
from simulators.effects import change_values, malformed, twice
from simulators.faults import Fault, Faults
from simulators.fleet import Fleet, Rows
from simulators.models import Model, Scene
from simulators.silence import Silence, Spans
from telemetry.arrays import AnyArray, Values
from telemetry.clock import HOUR, MINUTE, SECOND, format_time

CHUNK_MESSAGES = 20_000
MARGIN = 2 * MINUTE  # longer than a silence takes to be noticed


class Message(NamedTuple):
    """One publish. `time` is the reading's own [ns]; a retained message is a status."""

    time: int
    topic: str
    payload: bytes
    retain: bool = False


class Messages:
    """The messages of a simulated city. `devices` are those of `placement.simulated_devices`."""

    def __init__(self, city: City, kinds: Kinds, devices: Sequence[Device], seed: int) -> None:
        scene = Scene(city, kinds, devices, seed)
        self.devices = list(devices)
        self._faults = Faults(scene.fleets, scene.local, scene.seed)
        self._silence = Silence(scene.fleets, scene.seed)
        self._kind_of = {d.id: d.kind for d in devices}
        self._streams = [_Stream(f, scene.models[n]) for n, f in scene.fleets.items()]
        self._per_second = sum(len(f) / f.kind.interval_s for f in scene.fleets.values())

    def count(self, start: int, end: int) -> int:
        """Messages due in [start, end) where nothing fails: what progress is measured by."""
        return sum(stream.fleet.count(start, end) for stream in self._streams)

    def truth(self, start: int, end: int) -> list[Fault]:
        """What is wrong in [start, end), by device, type and time."""
        return self._faults.truth(start, end)

    def silent_at(self, time: int) -> set[str]:
        """Devices that say nothing at this moment. [ns]"""
        spans = self._silence.spans(self._faults.truth(time, time + 1))
        return {device for device, of in spans.items() if any(s <= time < e for s, e in of)}

    def between(self, start: int, end: int) -> Iterator[list[Message]]:
        """Messages due in [start, end), in order of time, by chunks of about 20,000. [ns]"""
        seconds = CHUNK_MESSAGES / max(self._per_second, 1e-9)
        step = int(min(max(seconds, 1.0), 24 * HOUR / SECOND) * SECOND)
        for begin in range(start, end, step):
            chunk = self._chunk(begin, min(begin + step, end))
            if chunk:
                yield chunk

    def _chunk(self, start: int, end: int) -> list[Message]:
        faults = self._faults.truth(start - MARGIN, end)
        spans = self._silence.spans(faults)
        by_device: dict[str, list[Fault]] = {}
        for fault in faults:
            by_device.setdefault(fault.device, []).append(fault)
        found: list[Message] = self._statuses(spans, start, end)
        for stream in self._streams:
            found += stream.messages(start, end, by_device, spans)
        # Sorting is stable: what a device says twice, or at one time, stays in its order.
        found.sort(key=_time)
        return found

    def _statuses(self, spans: Spans, start: int, end: int) -> list[Message]:
        return [
            status_message(self._kind_of[device], device, word, time)
            for time, device, word in self._silence.statuses(spans, start, end)
        ]


def status_message(kind: str, device: str, word: str, time: int) -> Message:
    """The retained status that a device has from this moment on: online | offline."""
    payload = msgspec.json.encode({"status": word, "time": format_time(time)})
    return Message(time, status_topic(kind, device), payload, True)


class _Stream:
    """The telemetry of one kind."""

    def __init__(self, fleet: Fleet, model: Model) -> None:
        self.fleet = fleet
        self._model = model
        kind = fleet.kind
        self._quantities = [q for q in kind.quantities if not q.derived]
        fields: list[Any] = [("time", str), ("seq", int)]
        fields += [(q.name, float | None) for q in self._quantities]
        self._body = msgspec.defstruct(f"{kind.name}_body", fields, gc=False)
        self._encode = msgspec.json.Encoder().encode
        self._topics = [telemetry_topic(kind.name, d.id) for d in fleet.devices]

    def messages(
        self, start: int, end: int, faults: dict[str, list[Fault]], silences: Spans
    ) -> list[Message]:
        """What the devices of this kind say in [start, end), device by device."""
        rows = self.fleet.rows(start, end)
        if not len(rows):
            return []
        columns = self._model.values(rows)
        times, broken = np.ones(len(rows), dtype=np.intp), dict[int, bytes]()
        for device in faults.keys() & self.fleet.index.keys():
            for fault in faults[device]:
                columns = self._struck(fault, rows, columns, times, broken)
        for device in silences.keys() & self.fleet.index.keys():
            for begin, over in silences[device]:
                low, high = rows.span(self.fleet.index[device], begin, over)
                times[low:high] = 0
        return self._packed(rows, columns, times, broken)

    def _struck(
        self,
        fault: Fault,
        rows: Rows,
        columns: dict[str, Values],
        times: AnyArray,
        broken: dict[int, bytes],
    ) -> dict[str, Values]:
        """Let a fault change what its device says; `times` is how often each row is sent."""
        low, high = rows.span(self.fleet.index[fault.device], fault.start, fault.end)
        if low == high:
            return columns
        part = rows.slice(low, high)
        if fault.type == "duplicate":
            times[low:high] += twice(part)
        elif fault.type == "malformed":
            main = self._quantities[0].name
            broken |= {low + row: payload for row, payload in malformed(part, main).items()}
        else:
            before = {name: column[low:high] for name, column in columns.items()}
            after = change_values(fault, part, before, self.fleet, self._model)
            for name, column in after.items():
                columns[name][low:high] = column
        return columns

    def _packed(
        self, rows: Rows, columns: dict[str, Values], times: AnyArray, broken: dict[int, bytes]
    ) -> list[Message]:
        text = np.datetime_as_string(rows.time.view("datetime64[ns]"), unit="ms", timezone="UTC")
        values = [_rounded(columns[q.name], q) for q in self._quantities]
        bodies = map(self._body, text.tolist(), rows.slot.tolist(), *values)
        payloads: list[bytes] = list(map(self._encode, bodies))
        for row, payload in broken.items():
            payloads[row] = payload
        topics = [self._topics[i] for i in rows.device.tolist()]
        found = list(map(Message, rows.time.tolist(), topics, payloads))
        if (times == 1).all():
            return found
        return [found[i] for i in np.repeat(np.arange(len(found)), times).tolist()]


def _rounded(column: Values, quantity: Quantity) -> list[Any]:
    """Values at the sensor's resolution, whole numbers as such; NaN → null."""
    step = quantity.resolution
    steps = np.rint(column / step)
    if step >= 1:
        whole = steps * step
        if np.isfinite(whole).all():
            return list(whole.astype(np.int64).tolist())
    # Rounded once more in decimals, so that 312 steps of 0.1 are written 31.2.
    decimals = max(0, int(np.ceil(-np.log10(step))))
    rounded = np.round(steps * step, decimals) + 0.0
    if np.isfinite(rounded).all():
        return list(rounded.tolist())
    return [v if v == v else None for v in rounded.tolist()]


def _time(message: Message) -> int:
    return message.time
