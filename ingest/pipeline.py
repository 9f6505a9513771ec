"""decode → validate → deduplicate → account → write. The caller acknowledges when `write` has returned.

`prepare` changes nothing that a reader can see; `write` may be repeated until the stores take it.
"""

from __future__ import annotations

import hashlib
import logging
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from devices.device import Catalogue, Device
from devices.intake import Intake, Message, Reject
from ingest.account import Accountant, count_in_metrics
from ingest.decode import Decoder
from ingest.deduplicate import judge
from ingest.refusals import Refusals, Source
from ingest.validate import Limits, validate
from store.operations import OperationsStore
from store.records import QuarantineItem
from store.telemetry import TelemetryStore
from telemetry import metrics
from telemetry.clock import Clock
from telemetry.errors import StoreError
from telemetry.ledger import NOBODY, Ledger
from telemetry.readings import Readings
from telemetry.reasons import Reason

_LOG = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Prepared:
    """What one batch of messages will change. `source`: its new readings, and where they came from."""

    source: Source
    ledger: Ledger
    quarantine: list[QuarantineItem]
    devices: list[Device]


@dataclass(frozen=True, slots=True)
class Written:
    """What one batch has changed: the readings that are new in the store, and the account."""

    readings: Readings
    ledger: Ledger


class Pipeline:
    """Turns messages into stored readings. Used by one thread.

    clock: says what time it is when a batch is taken; without one, the time of receipt.
    refusals: where `telemetry` tells what it refuses, if it ever does.
    """

    def __init__(
        self,
        catalogue: Catalogue,
        telemetry: TelemetryStore,
        operations: OperationsStore,
        decoder: Decoder,
        limits: Limits | None = None,
        clock: Clock | None = None,
        refusals: Refusals | None = None,
    ) -> None:
        self.catalogue = catalogue
        self.telemetry = telemetry
        self.operations = operations
        self._decoder = decoder
        self._limits = limits or Limits()
        self._clock = clock
        self._refusals = refusals or Refusals(operations, catalogue)
        self._accountant = Accountant()

    def prepare(self, messages: Sequence[Message]) -> Iterator[Prepared]:
        """What the batch will change; usually one piece. Write each piece before asking for the next.

        A message that our own code stumbles over is found by taking the batch apart, and kept in quarantine.
        """
        try:
            whole = self._prepare(messages)
        except StoreError:
            raise  # the store is away: no fault of the messages
        except Exception:
            _LOG.exception("a batch of %d messages could not be prepared", len(messages))
        else:
            yield whole
            return
        if len(messages) == 1:
            yield self._stumbled(messages)
            return
        for message in messages:
            yield from self.prepare([message])

    def write(self, prepared: Prepared) -> Written:
        """Make it durable: quarantine and devices first, then readings with their account in one step.

        Raises StoreError where a store does not take it; may be called again with the same batch.
        """
        if prepared.devices:
            self.operations.put_devices(prepared.devices)
        if prepared.quarantine:
            self.operations.put_quarantine(prepared.quarantine)
        self._refusals.expect(prepared.source)
        with metrics.WRITE_SECONDS.time():
            self.telemetry.append(prepared.source.readings, prepared.ledger)
        written = Written(*self._refusals.written(prepared.ledger))
        count_in_metrics(written.ledger)
        return written

    def _prepare(self, messages: Sequence[Message]) -> Prepared:
        intake = self._decoder.decode(messages)
        now = self._now(messages)
        kinds, kind_of = self.catalogue.kinds, self.catalogue.kind_of
        readings, message, record = validate(intake, kinds, kind_of, self._limits, now)
        verdict = judge(readings, self.telemetry)
        ledger = self._accountant.ledger(messages, intake, readings, message, verdict, now)
        items = self._items(messages, intake)
        devices, self._decoder.new_devices = self._decoder.new_devices, []
        fresh = verdict.fresh
        source = Source(readings.take(fresh), messages, message[fresh], record[fresh])
        return Prepared(source, ledger, items, devices)

    def _stumbled(self, messages: Sequence[Message]) -> Prepared:
        intake = Intake()
        detail = "$: our own code failed on this message; see the log"
        intake.reject(0, Reason.INTERNAL_ERROR, "$", detail)
        none = Readings.empty()
        verdict = judge(none, self.telemetry)
        ledger = self._accountant.ledger(
            messages, intake, none, none.device, verdict, self._now(messages)
        )
        return Prepared(Source.none(), ledger, self._items(messages, intake), [])

    def _now(self, messages: Sequence[Message]) -> int:
        """The hour that the account is booked on, and what retention counts from: also of the spool's messages
        it is now, as an hour that is over stays as it is."""
        return messages[0].received if self._clock is None else self._clock.now()

    def _items(self, messages: Sequence[Message], intake: Intake) -> list[QuarantineItem]:
        # One item a message and path: eight values under one wrong time are one thing to look at.
        distinct = {(r.message, r.path): r for r in intake.rejects}
        return [self._item(messages[r.message], r) for r in distinct.values()]

    def _item(self, message: Message, reject: Reject) -> QuarantineItem:
        digest = hashlib.blake2b(digest_size=16)
        for part in (message.topic.encode(), message.payload, reject.path.encode()):
            digest.update(len(part).to_bytes(8, "big") + part)
        named = reject.device != NOBODY
        device = self.catalogue.devices[reject.device] if named else None
        return QuarantineItem(
            id=digest.hexdigest(),
            received=message.received,
            topic=message.topic,
            payload=message.payload,
            reason=str(reject.reason),
            path=reject.path,
            detail=reject.detail,
            device=device.id if device else "",
            kind=device.kind if device else "",
        )
