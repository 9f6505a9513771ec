"""Which conditions stand does not depend on the order in which readings came within the lateness, at any moment."""

from __future__ import annotations

import itertools
from collections.abc import Sequence

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from analytics.engine import Engine
from devices.device import Device
from telemetry.clock import HOUR, MINUTE, SECOND
from tests.analytics.arrivals import delayed
from tests.analytics.city import T0, ZONE, Row, Told, batch, catalogue

DEVICES = (
    Device(id="aq-1", kind="air"),
    Device(id="on-1", kind="noise"),
    Device(id="gio-1", kind="weather"),
    Device(id="tu-1", kind="feeder", lat=10.78, lon=106.70),
)
Standing = set[tuple[str, str]]


class City:
    """An engine, and what its transitions add up to."""

    def __init__(self) -> None:
        self.known = catalogue(DEVICES)
        self.engine = Engine(self.known, ZONE)
        self.told = Told(self.known)
        self.stands: dict[tuple[str, str], int] = {}  # (rule, device) → time of the last word

    def hear(self, rows: Sequence[Row]) -> City:
        facts = self.engine.process(batch(self.known, rows), T0 + 99 * HOUR)
        known = len(self.told.transitions)
        self.told.take(facts)
        for what, rule, device, time, _ in self.told.transitions[known:]:
            if rule == "device_offline":
                continue
            key = rule, device
            if what == "raise":
                assert key not in self.stands, "raised while it stands"
                self.stands[key] = time
            else:
                assert self.stands[key] <= time, "told backwards"
                self.stands[key] = time
                if what == "clear":
                    del self.stands[key]
        return self

    def restart(self) -> None:
        self.engine = Engine.restore(self.engine.snapshot(), self.known, ZONE)


def walk(rng: np.random.Generator, low: float, high: float, n: int) -> np.ndarray:
    """For some minutes at one value, then at another: in and out of what rules look at."""
    steps = rng.choice([low, (low + high) / 2, high], n, p=[0.3, 0.2, 0.5])
    held = np.repeat(steps, rng.integers(1, 15, n))[:n]
    return np.round(held + rng.uniform(0, (high - low) / 50, n), 2)


def readings(seed: int, minutes: int = 60) -> list[Row]:
    rng = np.random.default_rng(seed)
    rows: list[Row] = []
    for device, quantity, low, high, every in (
        ("aq-1", "pm25", 118.0, 152.0, 1),
        ("on-1", "laeq", 79.5, 85.5, 1),
        ("gio-1", "wind_speed", 12.5, 17.6, 3),
        ("tu-1", "door", 0.0, 1.0, 1),
        ("tu-1", "power", 20.0, 5000.0, 2),
    ):
        values = walk(rng, low, high, minutes // every)
        if quantity == "door":
            values = np.round(values)
        for i, value in enumerate(values.tolist()):
            if rng.random() > 0.1:
                at = T0 + 12 * HOUR + i * every * MINUTE + int(rng.integers(0, 30)) * SECOND
                rows.append((device, quantity, at, value))
    return sorted(rows, key=lambda r: r[2])


def in_order(rows: Sequence[Row]) -> Standing:
    return set(City().hear(sorted(rows, key=lambda r: r[2])).stands)


@settings(max_examples=60, deadline=None)
@given(
    st.integers(0, 2**32 - 1),
    st.lists(st.integers(0, 200), max_size=8),
    st.sampled_from([60, 300, 599]),
    st.booleans(),
)
def test_what_stands_is_what_stands_when_all_comes_in_order(
    seed: int, cuts: list[int], delay_s: int, restart: bool
) -> None:
    rows = delayed(readings(seed), seed, delay_s)
    city, heard = City(), 0
    for a, b in itertools.pairwise(sorted({0, len(rows), *(c for c in cuts if c < len(rows))})):
        city.hear(rows[a:b])
        heard = b
        assert set(city.stands) == in_order(rows[:heard]), heard
        if restart:
            city.restart()


def wind(minute: float, speed: float) -> Row:
    return ("gio-1", "wind_speed", T0 + int(minute * MINUTE), speed)


def told(*parts: list[Row]) -> list[tuple[str, str, float]]:
    city = City()
    for rows in parts:
        city.hear(rows)
    return [(w, r, (t - T0) / MINUTE) for w, r, _, t, _ in city.told.transitions]


def dust(minutes: Sequence[float], value: float) -> list[Row]:
    return [("aq-1", "pm25", T0 + int(m * MINUTE), value + m % 2 / 10) for m in minutes]


def test_a_late_reading_that_raises_what_nothing_has_cleared_since_is_told_when_it_was() -> None:
    """17.6 m/s at minute 3; what came since then is neither over 17.2 nor under 13.9."""
    assert told([wind(0, 15.0), wind(6, 15.0)], [wind(3, 17.6)]) == [
        ("raise", "weather_strong_wind", 3.0)
    ]


def test_a_late_reading_of_what_is_over_raises_nothing() -> None:
    assert told([wind(0, 15.0), wind(6, 13.0)], [wind(3, 17.6)]) == []


def test_a_late_reading_that_breaks_the_dwell_ends_the_alert_it_was_raised_for() -> None:
    first = dust([0, 1, 2, 4, 5], 160.0)
    assert told(first) == [("raise", "air_pm25_surge", 5.0)]
    assert told(first, dust([3], 130.0)) == [
        ("raise", "air_pm25_surge", 5.0), ("clear", "air_pm25_surge", 5.0 + 1 / MINUTE)
    ]  # fmt: skip


def test_later_than_the_lateness_nothing_stands_otherwise() -> None:
    last = [wind(m, 15.0) for m in range(6, 30, 3)]
    assert told([wind(0, 15.0), *last], [wind(3, 17.6)]) == []


def test_a_condition_that_the_book_knew_is_not_ended_by_an_older_reading() -> None:
    city = City()
    e = city.engine
    number = [r.code for _, r in e.rules()].index("weather_strong_wind")
    code = city.known.code("gio-1")
    assert code is not None
    seen = T0 + 10 * MINUTE
    e.adopt(
        np.array([number]), np.array([code], dtype=np.int32), np.array([seen]), np.array([20.0])
    )
    for rows in ([wind(12, 15.0)], [wind(11, 15.0)], [wind(5, 12.0)]):
        city.told.take(e.process(batch(city.known, rows), T0 + HOUR))
    assert city.told.changes("weather_strong_wind") == []
    city.told.take(e.process(batch(city.known, [wind(11.5, 13.0)]), T0 + HOUR))
    assert city.told.changes("weather_strong_wind") == [("clear", "gio-1")]
