"""A load of numbered messages, and the judgement afterwards: what became of every one of them.

Message n is of device n % 10 at second n // 10, with two values that follow from n; every 50th is poison.
So each can be found again in the store or in quarantine, and a wrong, half or second one is seen.
"""

from __future__ import annotations

import threading
from contextlib import suppress
from dataclasses import dataclass

import duckdb
import msgspec

from store.sql_store import SqlOperations
from telemetry.clock import SECOND
from tests.brokers import Publisher, wait_until
from tests.chaos.ingestor import IngestProcess, Place
from tests.chaos.order import assert_order_kept_in

T0 = 1_790_000_000
DEVICES = 10
_POISON_EVERY = 50


def is_poison(number: int) -> bool:
    """True where the message of this number can't be stored."""
    return number % _POISON_EVERY == 17


def message(number: int) -> tuple[str, bytes]:
    """Topic and payload of message `number`."""
    topic = f"city/air/load-{number % DEVICES}/telemetry"
    time = T0 + number // DEVICES
    if is_poison(number):
        return topic, b'{"time": %d, "pm25": "poison %d"}' % (time, number)
    return topic, b'{"time": %d, "pm25": %d, "pm10": %d}' % (time, number % 400, number % 300)


class Load:
    """A thread that publishes message 0, 1, 2, … until told to stop.

    burst: messages every 5 ms. padding: white space behind each payload. [bytes]
    """

    def __init__(
        self, port: int, burst: int = 6, unconfirmed: int = 2_000, padding: int = 0
    ) -> None:
        self.publisher = Publisher(port, "test-load")
        self.sent = 0
        self._burst, self._unconfirmed = burst, unconfirmed
        self._padding = b" " * padding
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    @property
    def confirmed(self) -> int:
        """How many messages the broker has confirmed."""
        return len(self.publisher.confirmed)

    def wait_for(self, more: int, timeout_s: float = 60) -> None:
        """Until so many more are confirmed."""
        goal = self.confirmed + more
        wait_until(lambda: self.confirmed >= goal, timeout_s)

    def finish(self, timeout_s: float = 60) -> set[int]:
        """Stop, wait for the last confirmations, and leave. Returns the numbers confirmed: all that were sent."""
        self.stop()
        self.publisher.wait_all(timeout_s)
        self.publisher.close()
        assert len(self.publisher.confirmed) == self.sent
        return set(self.publisher.confirmed)

    def stop(self) -> None:
        """Send no more."""
        self._stop.set()
        self._thread.join()

    def _run(self) -> None:
        while not self._stop.wait(0.005):
            # A confirmation that does not come stops the load: memory stays bounded while all is down.
            if self.sent - self.confirmed > self._unconfirmed:
                continue
            for _ in range(self._burst):
                topic, payload = message(self.sent)
                self.publisher.send(self.sent, topic, payload + self._padding)
                self.sent += 1


@dataclass(frozen=True, slots=True)
class Verdict:
    """What was found on disk. Numbers of messages."""

    stored: set[int]
    quarantined: set[int]

    @property
    def kept(self) -> set[int]:
        """In the store or in quarantine."""
        return self.stored | self.quarantined


def settle(ingestor: IngestProcess, count: int, timeout_s: float = 30) -> Verdict:
    """Let the ingestor go on until it has `count` messages and nothing waits on its disk; stop it and judge.

    Where the time is over before, the verdict says which messages are missing.
    """
    with suppress(AssertionError):
        wait_until(lambda: _kept(ingestor) >= count and _idle(ingestor), timeout_s)
    ingestor.stop()
    return judge(ingestor.place)


def judge(place: Place) -> Verdict:
    """Read the files of an ingestor that has ended. Fails where a reading is there twice, wrong or half, out
    of its device's order, or where the account does not agree with the rows."""
    assert_order_kept_in(place.telemetry)
    with duckdb.connect(str(place.telemetry), read_only=True) as db:
        rows = db.execute(
            "select d.name, q.name, r.time, r.value from readings r join device d on d.number = r.device "
            "join quantity q on q.number = r.quantity"
        ).fetchall()
        account: dict[str, int] = dict(
            db.execute(
                "select o.name, sum(l.count)::bigint from ledger l join outcome o on o.number = l.outcome "
                "group by all"
            ).fetchall()
        )
    _check_account(account, len(rows))
    return Verdict(_numbers(rows), _poison(place))


def _check_account(account: dict[str, int], rows: int) -> None:
    assert account["stored"] == rows, "the account and the rows disagree"
    quarantined = sum(n for name, n in account.items() if name.startswith("quarantined:"))
    ended = rows + account.get("duplicate", 0) + quarantined
    assert account["received"] == ended, f"out of balance: {account}"
    assert account.get("quarantined:internal_error", 0) == 0


def _numbers(rows: list[tuple[str, str, int, float]]) -> set[int]:
    found: dict[str, set[int]] = {"pm25": set(), "pm10": set()}
    for device, quantity, time, value in rows:
        number = (time // SECOND - T0) * DEVICES + int(device.removeprefix("load-"))
        assert number not in found[quantity], f"{quantity} of message {number} is stored twice"
        assert value == number % (400 if quantity == "pm25" else 300), f"message {number} is wrong"
        assert not is_poison(number)
        found[quantity].add(number)
    assert found["pm25"] == found["pm10"], "a message is stored by half"
    return found["pm25"]


def _poison(place: Place) -> set[int]:
    operations = SqlOperations(place.operations, read_only=True)
    items = operations.quarantine(limit=1_000_000)
    operations.close()
    words = [str(msgspec.json.decode(item.payload)["pm25"]) for item in items]
    numbers = [int(word.removeprefix("poison ")) for word in words]
    assert len(numbers) == len(set(numbers)), "one message is two items"
    assert all(is_poison(n) for n in numbers), "a good message is in quarantine"
    return set(numbers)


def _kept(ingestor: IngestProcess) -> int:
    """Distinct messages that are kept. Poison that came twice is one item, and counts twice in the account."""
    stored = ingestor.report()["account"].get("stored", 0)
    return int(stored // 2 + len(_poison(ingestor.place)))


def _idle(ingestor: IngestProcess) -> bool:
    report = ingestor.report()
    return bool(report["spool"] == 0 and report["trouble"] == "")
