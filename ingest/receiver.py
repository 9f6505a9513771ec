"""Receive → keep → acknowledge: the broker's messages, acknowledged only after they are durable.

Two threads: paho's fills the inbox, ours empties it. paho-mqtt and not aiomqtt: aiomqtt acknowledges
before a message is processed (docs/decisions).
"""

from __future__ import annotations

import logging
import threading
import time
from collections import deque
from collections.abc import Sequence
from concurrent.futures import Future
from dataclasses import dataclass, field

from devices.intake import Message
from devices.topics import FEED, UPLINK
from ingest.session import Session
from ingest.sink import Sink
from telemetry import metrics
from telemetry.address import BrokerAddress
from telemetry.clock import Clock
from telemetry.errors import StoreError
from telemetry.ledger import Outcome

_LOG = logging.getLogger(__name__)
# Batches begin this far apart at least: company makes one write of many messages. Who comes after a quiet
# while doesn't wait, and neither does a batch whose company came during the write before.
LINGER_S = 0.03


@dataclass(frozen=True, slots=True)
class _Asked:
    """Messages that somebody waits for."""

    messages: list[Message]
    answer: Future[list[Outcome]] = field(default_factory=Future)


class Receiver:
    """Takes messages from a broker through a persistent session and feeds them to a sink.

    batch: messages in one write at most; twice as many may be unacknowledged.
    """

    def __init__(
        self,
        address: BrokerAddress,
        client_id: str,
        sink: Sink,
        clock: Clock,
        batch: int = 5_000,
        topics: Sequence[str] = (FEED, UPLINK),
    ) -> None:
        self._sink = sink
        self._batch = batch
        self._inbox: deque[Message] = deque()
        self._asked: deque[_Asked] = deque()
        self._filled = threading.Event()
        self._room = threading.Event()
        self._stopping = threading.Event()
        self._trouble = ""
        self._at_hand: int | None = (
            None  # when the oldest message of the batch at hand was received
        )
        self._begun = -LINGER_S  # when the last batch was taken [s, monotonic]
        self.session = Session(address, client_id, topics, 2 * batch, clock, self._take)
        self._thread = threading.Thread(target=self._run, name="ingest", daemon=True)

    def start(self) -> None:
        """Connect, and go on connecting whenever the connection is lost."""
        self.session.start()
        self._thread.start()

    def wait_until_subscribed(self, timeout_s: float) -> bool:
        """True once the broker has confirmed the subscriptions."""
        return self.session.wait_until_subscribed(timeout_s)

    def stop(self, timeout_s: float = 10.0) -> None:
        """Finish the batch at hand, close the sink and leave. The broker keeps what was not acknowledged."""
        self._stopping.set()
        self._filled.set()
        self._room.set()
        if self._thread.is_alive():
            self._thread.join(timeout_s)
        if not self._thread.is_alive():
            self._sink.close()
        self.session.stop()

    def trouble(self) -> str:
        """What is wrong, in words; "" when well."""
        if self._thread.ident is not None and not self._thread.is_alive():
            return "the ingest thread has ended; see the log"
        return self.session.trouble or self._sink.trouble or self._trouble

    def fault(self) -> str:
        """What is wrong with this part itself, whatever broker and stores do; "" when well."""
        if self._thread.ident is not None and not self._thread.is_alive():
            return "the ingest thread has ended; see the log"
        return self._trouble

    def taken(self, now: int) -> int:
        """Everything received before this time is in the stores; `now` where nothing waits. [ns]

        May be asked by any thread: asked in the order in which a message moves on, so none slips by.
        """
        try:
            waiting = self._inbox[0].received
        except IndexError:
            waiting = now
        at_hand = self._at_hand
        spooled = self._sink.oldest()
        return min(
            now, waiting, now if at_hand is None else at_hand, now if spooled is None else spooled
        )

    def waiting(self) -> int:
        """Messages taken from the broker and not yet processed."""
        return len(self._inbox)

    def submit(
        self, messages: Sequence[tuple[str, bytes, int]], timeout_s: float = 30.0
    ) -> list[Outcome]:
        """Put messages through ingest beside those of the broker, in one write, and wait for what becomes of each.

        messages: (topic, payload, when it first came: the time of what names none [ns]). Raises StoreError
        where the stores do not take them, or where it is not known in time what became of them.
        """
        asked = _Asked([Message(topic, payload, at, qos=0) for topic, payload, at in messages])
        self._asked.append(asked)
        self._filled.set()
        try:
            return asked.answer.result(timeout_s)
        except TimeoutError:
            raise StoreError(
                "resend", f"is not done after {timeout_s:g} s", remedy="look again in a while"
            ) from None

    def _take(self, messages: list[Message]) -> None:
        """Called by paho's thread."""
        self._inbox.extend(messages)
        if not self._filled.is_set():
            self._filled.set()
        # At QoS 1 the broker stops at its in-flight limit; QoS 0 knows none, so the socket waits instead.
        while len(self._inbox) >= 4 * self._batch and not self._stopping.is_set():
            self._room.clear()
            self._room.wait(0.1)

    def _run(self) -> None:
        """One batch of what arrives, one of what waits on disk: neither starves the other."""
        drained = False
        while not self._stopping.is_set():
            messages = self._next_batch(0.0 if drained else self._patience())
            if messages and self._keep(messages):
                self.session.acknowledge(messages)
                metrics.WAITING.set(len(self._inbox))
            self._at_hand = None
            drained = self._sink.drain()
            self._sink.look()
            while self._asked:
                self._answer(self._asked.popleft())

    def _answer(self, asked: _Asked) -> None:
        try:
            asked.answer.set_result(self._sink.judge(asked.messages))
        except Exception as error:  # whoever asked is told; the thread goes on
            asked.answer.set_exception(error)

    def _patience(self) -> float | None:
        """How long to wait for messages: for ever, or until it is time to look after other things. [s]"""
        if self._sink.waits():
            return 0.1
        return 1.0 if self._sink.watches() else None

    def _next_batch(self, patience_s: float | None) -> list[Message]:
        if not self._filled.wait(patience_s):
            return []
        pause = self._begun + LINGER_S - time.monotonic()
        if pause > 0 and len(self._inbox) < self._batch and not self._asked:
            self._stopping.wait(pause)
        self._begun = time.monotonic()
        self._filled.clear()
        # Noted before they leave the inbox; a look at another thread's last message may find none.
        self._at_hand = self._inbox[0].received if self._inbox else None
        messages = [self._inbox.popleft() for _ in range(min(self._batch, len(self._inbox)))]
        if self._inbox:
            self._filled.set()
        self._room.set()
        metrics.WAITING.set(len(self._inbox) + len(messages))
        return messages

    def _keep(self, messages: list[Message]) -> bool:
        """Try until the batch is durable; False where we are stopped before: it comes again."""
        delay_s = 0.1
        while not self._try(messages):
            if self._stopping.wait(delay_s):
                return False
            delay_s = min(2 * delay_s, 5.0)
        return True

    def _try(self, messages: list[Message]) -> bool:
        try:
            kept = self._sink.keep(messages)
        except Exception as error:  # a fault of ours must not end the thread, nor lose the batch
            _LOG.exception("a batch could not be kept")
            self._trouble = f"{type(error).__name__} in ingest; see the log"
            return False
        self._trouble = ""
        return kept
