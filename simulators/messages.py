"""A simulated city → the messages its devices publish, in the order in which they leave, for any slice of time.

Stateless: between(a, c) is between(a, b) and then between(b, c), byte by byte, and a restart says the
same again. Payload: flat JSON, {"time": RFC 3339, "seq": number of the interval since 1970, quantities…};
what a gateway sends is SenML.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import msgspec

from devices.city import City
from devices.device import Device
from devices.registry import Kinds
from devices.topics import GATEWAY, status_topic
from simulators.faults import Fault, Faults, no_plan
from simulators.gateways import packs
from simulators.models import Scene
from simulators.paced import Paced, unsaid
from simulators.scenario import Scenario
from simulators.silence import Silence, Spans
from simulators.stream import Message, Packs, Stream
from simulators.toml_file import TomlFile
from telemetry.clock import HOUR, MINUTE, SECOND, format_time

CHUNK_MESSAGES = 20_000
MARGIN = 10 * MINUTE  # longer than a silence takes to be noticed, and than a burst lasts

__all__ = ["Message", "Messages", "status_message"]


class Messages:
    """The messages of a simulated city. `devices` are those of `placement.simulated_devices`.

    scenario  what happens there (simulators/scenario.py); None: the faults of an ordinary city
    """

    def __init__(
        self,
        city: City,
        kinds: Kinds,
        devices: Sequence[Device],
        seed: int,
        scenario: tuple[Scenario, TomlFile] | None = None,
    ) -> None:
        scene = Scene(city, kinds, devices, seed, scenario=scenario)
        self.devices = list(devices)
        self.gateways = scene.gateways
        self._events = scene.events
        plan = scene.script.faults if scene.script is not None else no_plan
        ordinary = scenario is None or scenario[0].ordinary
        self._faults = Faults(scene.fleets, scene.local, scene.seed, self.gateways, plan, ordinary)
        self._silence = Silence(scene.fleets, self.gateways, scene.seed)
        self._kind_of = {d.id: d.kind for d in devices}
        self.kinds, self.orders = kinds, scene.orders
        self._paced = Paced(
            scene.orders, scene.fleets, scene.models, self.gateways, scene.seed, scene.local
        )
        self._streams = [Stream(f, scene.models[n], self.gateways) for n, f in scene.fleets.items()]
        self._per_second = sum(len(f) / f.kind.interval_s for f in scene.fleets.values())

    def senders(self) -> list[Device]:
        """Who holds a session with the broker: devices that speak by themselves, and gateways."""
        alone = [d for d in self.devices if d.id not in self.gateways.of]
        return alone + [Device(id=g, kind=GATEWAY) for g in self.gateways.behind]

    def count(self, start: int, end: int) -> int:
        """Messages due in [start, end) where nothing fails: what progress is measured by."""
        return sum(stream.fleet.count(start, end) for stream in self._streams)

    def truth(self, start: int, end: int) -> list[Fault]:
        """What is wrong in [start, end), by device, type and time."""
        return self._faults.truth(start, end)

    def happened(self, start: int, end: int) -> list[Fault]:
        """What really happens in [start, end), in the form of the truth: an event at each device that shows it."""
        return sorted(
            Fault(e.start, e.end, e.type, device, e.strength)
            for e in self._events.between(start, end)
            for device in self._events.devices(e)
        )

    def silent_at(self, time: int) -> set[str]:
        """Devices that say nothing at this moment. [ns]"""
        spans = self._silence.spans(self._faults.truth(time, time + 1), kept=True)
        return {device for device, of in spans.items() if any(s <= time < e for s, e in of)}

    def at_once(self, device: str, time: int) -> Message | None:
        """What a device reports now, beside its beat; None where it is silent. [ns]"""
        faults = self._faults.truth(time - MARGIN, time + MARGIN)
        mine = {device: [f for f in faults if f.device == device]}
        return self._paced.at_once(device, time, mine, self._silence.spans(faults))

    def between(self, start: int, end: int) -> Iterator[list[Message]]:
        """Messages that leave in [start, end), in order of time, by chunks of about 20,000. [ns]"""
        seconds = CHUNK_MESSAGES / max(self._per_second, 1e-9)
        step = int(min(max(seconds, 1.0), 24 * HOUR / SECOND) * SECOND)
        for begin in range(start, end, step):
            chunk = self._chunk(begin, min(begin + step, end))
            if chunk:
                yield chunk

    def _chunk(self, start: int, end: int) -> list[Message]:
        faults = self._faults.truth(start - MARGIN, end)
        by_device: dict[str, list[Fault]] = {}
        for fault in faults:
            by_device.setdefault(fault.device, []).append(fault)
        found = self._statuses(self._silence.spans(faults, kept=True), start, end)
        spans, gathered = self._silence.spans(faults), Packs()
        for stream in self._streams:
            found += stream.messages(start, end, by_device, spans, gathered)
        for (time, gateway), records in gathered.items():
            found += [Message(time, *pack) for pack in packs(gateway, records)]
        if self.orders:
            found = unsaid(found, self.orders) + self._paced.messages(start, end, by_device, spans)
            found += [
                status_message(self._kind_of[d], d, "online", at)
                for d, at in self.orders.booted(start, end)
            ]
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


def _time(message: Message) -> int:
    return message.time
