"""Who is online: time-outs, will messages, and the races between them and readings."""

from __future__ import annotations

import pytest

from analytics.engine import Engine
from devices.device import Catalogue, Device
from telemetry.clock import HOUR, MINUTE, SECOND, ManualClock
from tests.analytics.city import T0, ZONE, Told, batch, catalogue

TIMEOUT = 300 * SECOND  # devices/kinds/air.py
# Its time-out is its own, so that it is known from the first message on.
DEVICES = (
    Device(id="aq-1", kind="air", limits={"timeout_s": 300.0}),
    Device(id="nobody", kind="air", registered=False),
)


class Watch:
    """An engine over one station, driven by a clock that stands still."""

    def __init__(self) -> None:
        self.known: Catalogue = catalogue(DEVICES)
        self.clock = ManualClock(T0)
        self.engine = Engine(self.known, ZONE)
        self.told = Told(self.known)

    def reading(self, time: int | None = None, received: int | None = None) -> None:
        now = self.clock.now()
        row = ("aq-1", "pm25", now if time is None else time, 12.0)
        rows = batch(self.known, [row], received=now if received is None else received)
        self.told.take(self.engine.process(rows, now))

    def status(self, online: int, time: int) -> None:
        rows = batch(self.known, [("aq-1", "online", time, online)])
        self.told.take(self.engine.process(rows, self.clock.now()))

    def advance(self, ns: int = 0) -> None:
        self.clock.advance(ns)
        self.told.take(self.engine.advance(self.clock.now()))

    def refused(self, share: float) -> None:
        """What ingest tells of a device that is limited."""
        now = self.clock.now()
        rows = batch(self.known, [("aq-1", "refused_share", now, share)], received=now)
        self.told.take(self.engine.process(rows, now))

    @property
    def changes(self) -> list[str]:
        return [what for what, _ in self.told.changes("device_offline")]

    @property
    def online(self) -> list[float]:
        return [v for (d, q, _), v in self.told.derived.items() if (d, q) == ("aq-1", "online")]


@pytest.fixture
def watch() -> Watch:
    return Watch()


def test_silent_for_longer_than_its_time_out(watch: Watch) -> None:
    watch.advance()
    watch.reading()
    watch.advance(TIMEOUT)
    assert watch.changes == []
    watch.advance(1)
    assert watch.changes == ["raise"]
    assert watch.told.of("online")["aq-1", T0 + TIMEOUT] == 0
    watch.reading()
    assert watch.changes == ["raise", "clear"]
    assert watch.online == [1, 0, 1]


def test_the_same_silence_is_told_once(watch: Watch) -> None:
    watch.advance()
    for _ in range(20):
        watch.advance(MINUTE)
    assert watch.changes == ["raise"]


def test_a_registered_device_that_never_reports_is_missed(watch: Watch) -> None:
    watch.advance()
    watch.advance(TIMEOUT + 1)
    assert watch.told.changes("device_offline") == [("raise", "aq-1")]


@pytest.mark.parametrize("late_ns", [0, 1, SECOND])
def test_a_message_received_in_time_wins_over_the_time_out(watch: Watch, late_ns: int) -> None:
    """Received before the time-out, taken in after it was looked at: no alarm is left."""
    watch.advance()
    watch.reading()
    watch.clock.advance(TIMEOUT)
    received = watch.clock.now()
    watch.advance(late_ns)
    watch.reading(received, received)
    watch.advance(TIMEOUT - late_ns)
    assert watch.changes in ([], ["raise", "clear"])
    assert watch.online[-1] == 1


def test_a_message_taken_in_before_the_clock_is_looked_at_leaves_no_trace(watch: Watch) -> None:
    watch.advance()
    watch.reading()
    watch.clock.advance(TIMEOUT + 1)
    watch.reading()
    watch.advance()
    assert watch.changes == []


def test_a_will_message_takes_a_device_offline_at_once(watch: Watch) -> None:
    watch.reading()
    watch.status(0, T0 + SECOND)
    assert watch.changes == ["raise"]
    watch.clock.advance(2 * SECOND)
    watch.reading()
    assert watch.changes == ["raise", "clear"]


def test_a_reading_measured_before_the_will_does_not_bring_it_back(watch: Watch) -> None:
    watch.status(0, T0 + SECOND)
    watch.clock.advance(2 * SECOND)
    watch.reading(T0)
    assert watch.changes == ["raise"]
    watch.reading(T0 + SECOND)
    assert watch.changes == ["raise"]
    watch.reading(T0 + SECOND + 1)
    assert watch.changes == ["raise", "clear"]


def test_will_and_newer_reading_in_either_order_leave_it_online() -> None:
    for order in ((0, 1), (1, 0)):
        watch = Watch()
        watch.clock.advance(10 * SECOND)
        for step in order:
            if step == 0:
                watch.status(0, T0 + SECOND)
            else:
                watch.reading(T0 + 2 * SECOND)
        assert watch.online[-1] == 1


def test_a_clock_that_runs_ahead_does_not_hide_a_will(watch: Watch) -> None:
    watch.reading(time=T0 + 5 * MINUTE, received=T0)
    watch.status(0, T0 + SECOND)
    assert watch.changes == ["raise"]


def test_an_online_status_brings_it_back(watch: Watch) -> None:
    watch.status(0, T0)
    watch.status(1, T0 + 5 * SECOND)
    assert watch.changes == ["raise", "clear"]


def test_history_replayed_fast_raises_no_false_alarm(watch: Watch) -> None:
    watch.advance()
    for step in range(48 * 12):
        watch.reading(time=T0 - 48 * HOUR + step * 5 * MINUTE)
        watch.advance(SECOND)
    assert watch.changes == []


def test_after_a_restore_nobody_is_late_before_a_time_out(watch: Watch) -> None:
    watch.advance()
    watch.reading()
    state = watch.engine.snapshot()
    watch.clock.advance(5 * HOUR)
    watch.engine = Engine.restore(state, watch.known, watch.engine.zone)
    watch.advance()
    watch.advance(TIMEOUT)
    assert watch.changes == []
    watch.advance(1)
    assert watch.changes == ["raise"]


def test_unregistered_devices_are_missed_only_once_they_were_heard(watch: Watch) -> None:
    watch.advance()
    row = ("nobody", "pm25", T0, 12.0)
    watch.told.take(watch.engine.process(batch(watch.known, [row]), T0))
    watch.advance(4 * TIMEOUT)
    assert ("raise", "nobody") not in watch.told.changes("device_offline")
    watch.advance(1)
    assert ("raise", "nobody") in watch.told.changes("device_offline")


def test_silence_counts_from_when_we_could_hear_again(watch: Watch) -> None:
    watch.advance()
    watch.reading()
    watch.advance(TIMEOUT)
    watch.engine.count_from(watch.clock.now())
    watch.advance(TIMEOUT)
    watch.engine.count_from(watch.clock.now() - HOUR)
    assert watch.changes == []
    watch.advance(1)
    assert watch.changes == ["raise"]


def test_a_status_that_a_broker_tells_again_after_our_return_is_no_news(watch: Watch) -> None:
    watch.advance()
    watch.reading()
    watch.engine.count_from(watch.clock.now())
    watch.clock.advance(SECOND)
    watch.status(0, watch.clock.now())
    assert watch.changes == []
    watch.clock.advance(MINUTE)
    watch.status(0, watch.clock.now())
    assert watch.changes == ["raise"]


STATIONS = tuple(Device(id=f"aq-{n}", kind="air") for n in range(1, 51))


class Stations(Watch):
    """Fifty stations that report every minute, each in its own second."""

    def __init__(self) -> None:
        super().__init__()
        self.known = catalogue(STATIONS)
        self.engine = Engine(self.known, ZONE)
        self.told = Told(self.known)

    def run(self, until_s: int, speaking: frozenset[int], start_s: int = 0) -> None:
        for s in range(start_s, until_s):
            now = T0 + s * SECOND
            self.clock.advance(now - self.clock.now())
            rows = [(f"aq-{n}", "pm25", now, 12.0) for n in speaking if n % 60 == s % 60]
            if rows:
                self.told.take(self.engine.process(batch(self.known, rows), now))
            self.told.take(self.engine.advance(now))


EVERYBODY = frozenset(range(1, 51))


def test_nobody_at_all_is_heard_so_nobody_is_offline_and_who_stays_away_is_found_later() -> None:
    city = Stations()
    city.run(600, EVERYBODY)
    assert city.engine.unheard is None
    city.run(3_000, frozenset(), 600)
    since, devices = city.engine.unheard or (0, 0)
    assert devices == 50 and T0 + 540 * SECOND < since <= T0 + 600 * SECOND
    assert city.changes == []
    city.run(3_299, EVERYBODY - {7}, 3_000)
    assert city.engine.unheard is None and city.changes == []
    city.run(3_310, EVERYBODY - {7}, 3_299)
    assert city.told.changes("device_offline") == [("raise", "aq-7")]


def test_one_that_is_heard_makes_the_others_offline() -> None:
    city = Stations()
    city.run(600, EVERYBODY)
    city.run(960, frozenset({1}), 600)
    assert len(city.changes) == 49


def test_an_outage_in_a_replayed_history_is_told_when_it_was(watch: Watch) -> None:
    yesterday = T0 - 24 * HOUR
    for time, online in ((0, None), (3, 0), (70, None)):
        at = yesterday + time * MINUTE
        row = (
            ("aq-1", "pm25", at, 12.0) if online is None else ("aq-1", "online", at, float(online))
        )
        rows = batch(watch.known, [row], received=T0)
        watch.told.take(watch.engine.process(rows, T0))
    assert watch.told.of("online") == {
        ("aq-1", yesterday): 1,
        ("aq-1", yesterday + 3 * MINUTE): 0,
        ("aq-1", yesterday + 70 * MINUTE): 1,
    }


def test_what_ingest_tells_of_a_device_raises_its_alert_and_is_no_sign_of_its_life(
    watch: Watch,
) -> None:
    watch.advance()
    watch.reading()
    watch.refused(60.0)
    assert watch.told.changes("rate_limited") == [("raise", "aq-1")]
    watch.advance(TIMEOUT + 1)
    assert watch.changes == ["raise"] and watch.online == [1, 0]
    watch.refused(0.0)
    assert watch.told.changes("rate_limited") == [("raise", "aq-1"), ("clear", "aq-1")]
    assert watch.changes == ["raise"] and watch.online == [1, 0], "it is silent as before"
