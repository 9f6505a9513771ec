"""Devices that were told another reporting interval: what they say on a beat of their own, and at once.

Their kind's stream is silent for them from the order on; here each has a stream of one device. Its interval
is another one, so its `seq` is another counter.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import lru_cache

import msgspec
import numpy as np

from simulators.faults import Fault
from simulators.fleet import Fleet, LocalTime, Rows
from simulators.gateways import Gateways
from simulators.models import Model
from simulators.orders import Orders
from simulators.silence import Spans
from simulators.stream import Message, Packs, Stream
from telemetry.arrays import Values
from telemetry.clock import SECOND

AT_ONCE = 5 * SECOND  # within which a device tells what it was just told
_FAR = 2**62


class _One:
    """A fleet's model for one of its devices, which reports at another interval."""

    def __init__(self, model: Model, fleet: Fleet, device: int, interval_s: int) -> None:
        self._model, self._device = model, device
        share = interval_s / fleet.kind.interval_s
        # What is counted within an interval is more in a longer one.
        self._times = {q.name: share for q in fleet.kind.quantities if q.additive}

    def values(self, rows: Rows) -> dict[str, Values]:
        """As the fleet's model."""
        whole = replace(rows, device=np.full(len(rows), self._device, dtype=np.intp))
        found = self._model.values(whole)
        return {name: column * self._times.get(name, 1.0) for name, column in found.items()}


class Paced:
    """The streams of single devices. `streams` are those of the kinds, by kind."""

    def __init__(
        self, orders: Orders, fleets: Mapping[str, Fleet], models: Mapping[str, Model],
        gateways: Gateways, seed: int, local: LocalTime,
    ) -> None:  # fmt: skip
        self._orders, self._fleets, self._models = orders, fleets, models
        self._gateways, self._seed, self._local = gateways, seed, local
        self._fleet_of = {d: f for f in fleets.values() for d in f.index}
        self._stream = lru_cache(maxsize=10_000)(self._made)

    def messages(
        self, start: int, end: int, faults: dict[str, list[Fault]], silences: Spans
    ) -> list[Message]:
        """What devices with an interval of their own say in [start, end). [ns]"""
        found: list[Message] = []
        for device, told in list(self._orders.paces.items()):
            ends = [p.start for p in told[1:]] + [_FAR]
            for pace, until in zip(told, ends, strict=True):
                first, last = max(start, pace.start), min(end, until)
                if first < last:
                    stream = self._stream(device, pace.interval // SECOND)
                    found += stream.messages(first, last, faults, silences, Packs())
        return [m for m in found if not self._orders.booting(_device(m), m.time)]

    def at_once(
        self, device: str, time: int, faults: dict[str, list[Fault]], silences: Spans
    ) -> Message | None:
        """What a device reports beside its beat, without a `seq`; None where it can say nothing. [ns]"""
        stream = self._stream(device, 1)
        for message in stream.messages(time, time + AT_ONCE, faults, silences, Packs()):
            try:
                body = msgspec.json.decode(message.payload)
            except msgspec.DecodeError:
                continue
            if isinstance(body, dict):
                body.pop("seq", None)
                return message._replace(payload=msgspec.json.encode(body))
        return None

    def _made(self, device: str, interval_s: int) -> Stream:
        of = self._fleet_of[device]
        at = of.index[device]
        kind = replace(of.kind, interval_s=interval_s)
        alone = Fleet(kind, [of.devices[at]], self._seed, self._local)
        model = _One(self._models[of.kind.name], of, at, interval_s)
        return Stream(alone, model, self._gateways)


def unsaid(messages: Sequence[Message], orders: Orders) -> list[Message]:
    """Without what devices with orders would have said on their kind's beat, or while they boot."""
    return [m for m in messages if m.retain or not orders.silenced(_device(m), m.time)]


def _device(message: Message) -> str:
    return message.topic.split("/", 3)[2]
