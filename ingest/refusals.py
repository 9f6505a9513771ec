"""Readings that the telemetry store refuses for good → quarantine, each with the message that it came in.

A store tells of them while it writes: the batch at hand, or the one before, which it finishes first. Their
messages are kept here until then. Where a store finishes what an earlier process left, the message is not
known any more: the item then holds the reading as line protocol.
"""

from __future__ import annotations

import hashlib
import logging
from collections import Counter, deque
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from devices.device import Catalogue
from devices.intake import MAX_PLACES, Message, value_path
from devices.topics import telemetry_topic
from store.influx_points import PointLayout, encode_readings
from store.operations import OperationsStore
from store.records import QuarantineItem
from telemetry.arrays import AnyArray
from telemetry.ledger import Ledger
from telemetry.readings import Readings
from telemetry.reasons import Reason

_LOG = logging.getLogger(__name__)
_MAX_DETAIL = 500


@dataclass(frozen=True, slots=True)
class Source:
    """Readings and where they came from.

    message  place of each reading's message in `messages`
    record   its record there, or the form of the message (devices.intake.WHOLE and others)
    """

    readings: Readings
    messages: Sequence[Message]
    message: AnyArray
    record: AnyArray

    @staticmethod
    def of(messages: Sequence[Message]) -> Source:
        """No readings from these messages."""
        nothing = np.zeros(0, dtype=np.int32)
        return Source(Readings.empty(), messages, nothing, nothing)


class Refusals:
    """Told by the pipeline what is being written, and by the telemetry store what it refuses of it."""

    def __init__(self, operations: OperationsStore, catalogue: Catalogue) -> None:
        self._operations = operations
        self._catalogue = catalogue
        # The batch at hand, and the one before where its write failed: it may still be on its way.
        self._sources: deque[Source] = deque(maxlen=2)
        self._refused: list[Readings] = []
        self._told: Counter[int] = Counter()  # values refused, by id of their message

    def expect(self, source: Source) -> None:
        """This is written next."""
        self._sources.appendleft(source)
        self._refused, self._told = [], Counter()

    def take(self, readings: Readings, reason: str) -> None:
        """Keep refused readings; on disk on return. `reason` is the server's. Raises StoreError."""
        _LOG.critical("the store refuses %d readings for good: %s", len(readings), reason)
        self._operations.put_quarantine(list(self._items(readings, reason)))
        self._refused.append(readings)

    def written(self, ledger: Ledger) -> tuple[Readings, Ledger]:
        """What was really stored of the batch at hand, now that its write is done, and its account."""
        readings = self._sources[0].readings
        self._sources.clear()  # nothing is on its way any more: its messages may go
        if not self._refused:
            return readings, ledger
        bad = np.isin(readings.identity(), Readings.concat(self._refused).identity())
        return readings.take(~bad), ledger.refused(readings.device[bad])

    def _items(self, refused: Readings, reason: str) -> Iterator[QuarantineItem]:
        came_in = self._came_in(refused)
        for i, key in enumerate(_keys(refused)):
            found = came_in.get(key)
            if found is None:
                item = self._nameless(refused.take(slice(i, i + 1)), key, reason)
                # What is kept already has the message itself, or somebody has decided about it.
                if self._operations.quarantine_item(item.id) is None:
                    yield item
                continue
            message, record = found
            self._told[id(message)] += 1
            yield self._item(key, message, record, reason)

    def _came_in(self, refused: Readings) -> dict[tuple[int, int, int], tuple[Message, int]]:
        """Message and record of each refused reading; those of which it is not known are absent."""
        found: dict[tuple[int, int, int], tuple[Message, int]] = {}
        for source in reversed(self._sources):
            there = np.flatnonzero(np.isin(source.readings.identity(), refused.identity()))
            messages = [source.messages[m] for m in source.message[there].tolist()]
            places = zip(messages, source.record[there].tolist(), strict=True)
            found.update(zip(_keys(source.readings.take(there)), places, strict=True))
        return found

    def _item(
        self, key: tuple[int, int, int], message: Message, record: int, reason: str
    ) -> QuarantineItem:
        path = value_path(record, self._catalogue.kinds.quantities[key[1]])
        told = self._told[id(message)]
        if told <= MAX_PLACES:
            return self._made(key, message, path, reason, self._id(key))
        # A pack of thousands is one thing to look at: each item is a copy of its bytes.
        whole = f"{told} values of one message; the last one at {path}: {reason}"
        digest = hashlib.blake2b(message.topic.encode() + message.payload, digest_size=16)
        return self._made(key, message, "$", whole, digest.hexdigest())

    def _nameless(self, row: Readings, key: tuple[int, int, int], reason: str) -> QuarantineItem:
        """The item of a reading whose message is not known any more: its line stands for it."""
        device = self._catalogue.devices[key[0]]
        line = encode_readings(row, PointLayout(self._catalogue)).rstrip(b"\n")
        topic = telemetry_topic(device.kind, device.id)
        message = Message(topic, line, int(row.received[0]))
        return self._made(key, message, "$", reason, self._id(key))

    def _id(self, key: tuple[int, int, int]) -> str:
        """One item a reading, however often a store is asked: after a crash it tells of it twice."""
        code, quantity, time = key
        device, kinds = self._catalogue.devices[code].id, self._catalogue.kinds
        words = f"{Reason.STORE_REFUSED} {device} {kinds.quantities[quantity]} {time}"
        return hashlib.blake2b(words.encode(), digest_size=16).hexdigest()

    def _made(
        self, key: tuple[int, int, int], message: Message, path: str, reason: str, item_id: str
    ) -> QuarantineItem:
        device = self._catalogue.devices[key[0]]
        quantity = self._catalogue.kinds.quantities[key[1]]
        return QuarantineItem(
            id=item_id,
            received=message.received,
            topic=message.topic,
            payload=message.payload,
            reason=str(Reason.STORE_REFUSED),
            path=path,
            detail=f"{path}: the telemetry store refuses {quantity}: {reason}"[:_MAX_DETAIL],
            device=device.id,
            kind=device.kind,
        )


def _keys(readings: Readings) -> list[tuple[int, int, int]]:
    """(device, quantity, time) of each."""
    columns = (readings.device, readings.quantity, readings.time)
    return list(zip(*(c.tolist() for c in columns), strict=True))
