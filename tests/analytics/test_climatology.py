"""Learned bands over years: a month begins with its own of a year ago, in the first year with the month before."""

from __future__ import annotations

import numpy as np
import pytest

from analytics.climatology import Climatology
from analytics.hourly import Hour
from analytics.layout import Layout
from analytics.snapshot import Tables
from devices.device import Device
from telemetry.clock import HOUR, parse_time
from tests.analytics.city import KINDS, T0, ZONE, catalogue, engine

DRY, WET = 8.0, 5.0  # pH; its bands are 2 to either side, or wider (devices/kinds/water.py)


class Station:
    """pH of one station, an hour each; wet from May to October."""

    def __init__(self) -> None:
        known = catalogue([Device(id="w-1", kind="water")])
        layout = Layout(known)
        layout.grow()
        self.test = Climatology(layout, ZONE)
        self.test.grow()
        self.series = layout.index(np.array([0]), np.array([KINDS.quantity_code["ph"]]))
        self.at = parse_time("2024-01-01T00:00:00+07:00")

    def learn(self, until: str, level: float | None = None) -> None:
        end = parse_time(f"{until}T00:00:00+07:00")
        while self.at < end:
            month = (
                int(np.datetime64(self.at + 7 * HOUR, "ns").astype("datetime64[M]").astype(int))
                % 12
                + 1
            )
            mean = np.array([level if level is not None else WET if 5 <= month <= 10 else DRY])
            mean += 0.1 * (self.at // HOUR % 3)
            self.test.hour(Hour(self.at // HOUR, self.series, mean, mean - 0.1, mean + 0.1))
            self.at += HOUR

    def suspects(self, ph: float, hours: float = 0) -> bool:
        """Whether this value, so many hours on, is outside of its band."""
        at = np.array([self.at + int(hours * HOUR)])
        return bool(self.test.rows(self.series, at, np.array([ph]))[0])


def test_in_the_first_year_a_month_begins_with_the_band_of_the_month_before() -> None:
    station = Station()
    station.learn("2024-05-01")
    assert station.suspects(WET) and not station.suspects(DRY)
    station.learn("2024-05-31")
    assert not station.suspects(WET)


def springs(station: Station, *years: int, until: str = "06-01") -> None:
    """April, and May up to a day, of some years."""
    for year in years:
        station.at = parse_time(f"{year}-04-01T00:00:00+07:00")
        station.learn(f"{year}-{until}")


def test_in_the_next_year_it_begins_with_its_own() -> None:
    station = Station()
    springs(station, 2023)
    springs(station, 2024, until="05-01")
    assert not station.suspects(WET), "its first hour"
    assert station.suspects(WET, -1), "the last hour of April"
    station.learn("2024-05-02")
    assert not station.suspects(WET)
    # The first May learned its band from April's; the second did not, and knows what is odd in a May.
    springs(station, 2024, 2025)
    springs(station, 2026, until="05-01")
    assert station.suspects(DRY) and not station.suspects(WET)
    station.learn("2026-05-02")
    assert station.suspects(DRY) and not station.suspects(WET)


def test_a_year_that_is_unlike_the_last_is_learned_within_weeks() -> None:
    station = Station()
    springs(station, 2023, 2024, 2025)
    springs(station, 2026, until="05-01")
    assert station.suspects(DRY)
    station.learn("2026-05-25", DRY)
    assert not station.suspects(DRY)


def test_less_than_two_weeks_of_a_month_are_not_kept_and_the_band_of_the_year_before_is() -> None:
    station = Station()
    springs(station, 2023, 2024, 2025)
    springs(station, 2026, until="05-10")
    springs(station, 2027, until="05-01")
    assert station.suspects(DRY) and not station.suspects(WET)


def test_what_is_kept_of_a_year_is_small() -> None:
    tables: Tables = Station().test.tables()
    learning = sum(q.learns is not None for q in KINDS["water"].quantities)
    assert sum(table.nbytes() for _, table in tables.values()) <= 512 * learning


@pytest.mark.parametrize("kind", [k.name for k in KINDS])
def test_no_kind_has_more_than_a_kilobyte_of_state_a_series(kind: str) -> None:
    e = engine(catalogue([Device(id=f"d-{i}", kind=kind) for i in range(100)]))
    e.advance(T0)
    assert e.state_bytes() / e.layout.n_series <= 1024
