"""decode → validate → deduplicate → account → write. The caller acknowledges when `write` has returned.

`prepare` changes nothing that a reader can see; `write` may be repeated until the stores take it.
"""

from __future__ import annotations

import hashlib
import logging
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

import numpy as np

from devices.device import Catalogue, Device
from devices.intake import Intake, Message, Reject
from ingest.account import Accountant, count_in_metrics
from ingest.decode import Decoder
from ingest.deduplicate import judge
from ingest.fairness import Fairness
from ingest.refusals import Refusals, Source
from ingest.validate import Limits, validate
from store.operations import OperationsStore
from store.records import QuarantineItem
from store.telemetry import TelemetryStore
from telemetry import metrics
from telemetry.arrays import AnyArray
from telemetry.clock import Clock
from telemetry.errors import StoreError
from telemetry.ledger import NOBODY, Ledger
from telemetry.readings import Readings
from telemetry.reasons import Reason

_LOG = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Prepared:
    """What one batch of messages will change.

    source      its new readings, and where they came from
    duplicates  the message of each reading that is there already
    rejects     the records that are no readings
    news        readings of our own about devices (ingest/fairness.py): nobody sent them, so no account has them
    """

    source: Source
    ledger: Ledger
    quarantine: list[QuarantineItem]
    devices: list[Device]
    news: Readings = field(default_factory=Readings.empty)
    duplicates: AnyArray = field(default_factory=lambda: np.zeros(0, dtype=np.int32))
    rejects: list[Reject] = field(default_factory=list)

    def all(self, stored: Readings) -> Readings:
        """What of the source is stored, and the news."""
        return Readings.concat([stored, self.news]) if len(self.news) else stored


@dataclass(frozen=True, slots=True)
class Written:
    """What one batch has changed: the readings that are new in the store, and the account."""

    readings: Readings
    ledger: Ledger


class Pipeline:
    """Turns messages into stored readings. Used by one thread.

    clock: says what time it is when a batch is taken; without one, the time of receipt.
    refusals: where `telemetry` tells what it refuses, if it ever does.
    fairness: what each device may send; without one, as much as it likes.
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
        fairness: Fairness | None = None,
    ) -> None:
        self.catalogue = catalogue
        self.telemetry = telemetry
        self.operations = operations
        self._decoder = decoder
        self._limits = limits or Limits()
        self._clock = clock
        self._refusals = refusals or Refusals(operations, catalogue)
        self._accountant = Accountant()
        self._fairness = fairness

    def prepare(self, messages: Sequence[Message], asked: bool = False) -> Iterator[Prepared]:
        """What the batch will change; usually one piece. Write each piece before asking for the next.

        asked  somebody sends these again by hand: no allowance is asked for
        A message that our own code stumbles over is found by taking the batch apart, and kept in quarantine.
        """
        try:
            whole = self._prepare(messages, asked)
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
            yield from self.prepare([message], asked)

    def write(self, prepared: Prepared) -> Written:
        """Make it durable: quarantine and devices first, then readings with their account in one step.

        Raises StoreError where a store does not take it; may be called again with the same batch.
        """
        if prepared.devices:
            self.operations.meet_devices(prepared.devices)
        if prepared.quarantine:
            self.operations.put_quarantine(prepared.quarantine)
        self._refusals.expect(prepared.source)
        with metrics.WRITE_SECONDS.time():
            self.telemetry.append(prepared.all(prepared.source.readings), prepared.ledger)
        if self._fairness is not None:
            self._fairness.keep()
        stored, ledger = self._refusals.written(prepared.ledger)
        count_in_metrics(ledger)
        return Written(prepared.all(stored), ledger)

    def watches(self) -> bool:
        """True while `news` must be asked for though no message comes."""
        return self._fairness is not None and self._fairness.watches()

    def news(self) -> Prepared | None:
        """What has changed with time alone: a device that fell silent is no longer limited. To be written."""
        if self._fairness is None or self._clock is None:
            return None
        self._fairness.back()
        news = self._fairness.news(self._clock.now())
        if not len(news):
            self._fairness.keep()
            return None
        return Prepared(Source.of(()), Ledger.empty(), [], [], news)

    def _prepare(self, messages: Sequence[Message], asked: bool = False) -> Prepared:
        now = self._now(messages)
        intake, news = self._decode(messages, asked, now)
        kinds, kind_of = self.catalogue.kinds, self.catalogue.kind_of
        readings, message, record = validate(intake, kinds, kind_of, self._limits, now)
        verdict = judge(readings, self.telemetry)
        ledger = self._accountant.ledger(messages, intake, readings, message, verdict, now)
        items = self._items(messages, intake)
        devices, self._decoder.new_devices = self._decoder.new_devices, []
        fresh = verdict.fresh
        source = Source(readings.take(fresh), messages, message[fresh], record[fresh])
        repeated = message[~fresh]
        return Prepared(source, ledger, items, devices, news, repeated, intake.rejects)

    def _decode(
        self, messages: Sequence[Message], asked: bool, now: int
    ) -> tuple[Intake, Readings]:
        """What the messages hold within their senders' allowance, and what is said of who is above it."""
        fairness, decoder = self._fairness, self._decoder
        if fairness is not None:
            fairness.back()
        if fairness is None or asked:
            return decoder.decode(messages), Readings.empty()
        unread = fairness.before(messages, decoder.owner, now)
        intake = decoder.decode(messages, unread.others(len(messages)))
        fairness.after(messages, decoder.owner, unread, intake, now)
        return intake, fairness.news(now)

    def _stumbled(self, messages: Sequence[Message]) -> Prepared:
        intake = Intake()
        detail = "$: our own code failed on this message; see the log"
        intake.reject(0, Reason.INTERNAL_ERROR, "$", detail)
        none = Readings.empty()
        verdict = judge(none, self.telemetry)
        ledger = self._accountant.ledger(
            messages, intake, none, none.device, verdict, self._now(messages)
        )
        items, source = self._items(messages, intake), Source.of(messages)
        return Prepared(source, ledger, items, [], rejects=intake.rejects)

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
