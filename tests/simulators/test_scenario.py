"""Scenarios: each that ships is sound in both cities, repeats, and does what it says; mistakes name their line."""

from __future__ import annotations

from functools import cache
from pathlib import Path

import pytest

from devices.city import load_city
from simulators.events import EVENT_TYPES
from simulators.fault_types import FAULT_TYPES
from simulators.messages import Messages
from simulators.placement import simulated_devices
from simulators.scenario import find_scenario, known_scenarios, load_scenario
from telemetry.clock import DAY, HOUR, MINUTE, parse_time
from telemetry.errors import DeclarationError
from tests.simulators.cities import KINDS, SEED, city
from tests.simulators.test_messages import said

NAMES = [p.stem for p in known_scenarios()]
MIDNIGHT = parse_time("2025-11-05T17:00:00Z")  # of 6 November 2025 in Ho Chi Minh City


@cache
def messages(scenario: str, name: str = "hcmc", count: int = 300) -> Messages:
    devices = simulated_devices(city(name), KINDS, count, SEED)
    path = find_scenario(scenario)
    return Messages(city(name), KINDS, devices, SEED, load_scenario(path))


def test_the_scenarios_of_the_issue_are_there() -> None:
    assert set(NAMES) == {
        "quiet-day", "burning-season", "king-tide", "blackout", "rush-hour-incident", "storm",
        "bad-firmware", "everything",
    }  # fmt: skip


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("place", ["hcmc", "hanoi"])
def test_each_is_sound_and_the_same_seed_gives_the_same_bytes(name: str, place: str) -> None:
    found = messages(name, place, 100)
    start = MIDNIGHT + 17 * HOUR + 20 * MINUTE
    whole = said(found, start, start + 20 * MINUTE)
    halves = said(found, start, start + 7 * MINUTE) + said(
        found, start + 7 * MINUTE, start + 20 * MINUTE
    )
    assert whole == halves
    messages.cache_clear()
    assert said(messages(name, place, 100), start, start + 20 * MINUTE) == whole


def test_everything_holds_every_type_there_is() -> None:
    found = messages("everything")
    span = MIDNIGHT - DAY, MIDNIGHT + 3 * DAY
    assert {f.type for f in found.truth(*span)} == set(FAULT_TYPES)
    assert {f.type for f in found.happened(*span)} >= set(EVENT_TYPES)


def test_a_quiet_day_is_quiet() -> None:
    found = messages("quiet-day")
    assert found.truth(MIDNIGHT, MIDNIGHT + 5 * DAY) == []
    assert found.happened(MIDNIGHT, MIDNIGHT + 5 * DAY) == []


def test_a_scenario_repeats_by_its_cycle_with_devices_drawn_anew() -> None:
    found = messages("king-tide")
    first = found.truth(MIDNIGHT, MIDNIGHT + 2 * DAY)
    next_ = found.truth(MIDNIGHT + 2 * DAY, MIDNIGHT + 4 * DAY)
    assert [(f.start + 2 * DAY, f.type) for f in first] == [(f.start, f.type) for f in next_]
    assert {f.device for f in first} != {f.device for f in next_}
    hours = {
        f for h in range(96) for f in found.truth(MIDNIGHT + h * HOUR, MIDNIGHT + (h + 1) * HOUR)
    }
    assert hours >= {*first, *next_}


def test_a_blackout_strikes_what_stands_near_the_centre() -> None:
    found = messages("blackout")
    evening = MIDNIGHT + 20 * HOUR
    dark = {f.device for f in found.truth(evening, evening + 1) if f.type == "supply_loss"}
    feeders = {d.id for d in found.devices if d.kind == "feeder"}
    assert dark and dark < feeders
    silent = found.silent_at(evening)
    assert {d.id for d in found.devices if d.parent in dark} <= silent
    assert found.silent_at(MIDNIGHT + 12 * HOUR) == set()


GOOD = """text = "x"
days = 2
begins = "2026-03-01"

[[faults]]
type = "stuck"
kind = "air"
at = "06:00"
lasts = "6h"
count = 1

[[events]]
type = "fire"
at = ["07:00", "17:00"]
until = "18:30"
device = "bin-0001"
strength = 50
"""
MISTAKES = [
    ("count = 1", "cuont = 1", 10, "faults[0].cuont: is no key; allowed are type, at"),
    ('text = "x"', 'txet = "x"', 1, "txet: is no key; allowed are text, days"),
    ("days = 2", "days = 99", 2, "days: must be 1…31"),
    ('"2026-03-01"', '"2026-02-30"', 3, "begins: must be a date"),
    ('"stuck"', '"sticky"', 6, "faults[0].type: must be one of stuck, spikes"),
    ('"stuck"', '"fire"', 6, "write it under [[events]]"),
    ('kind = "air"', 'kind = "airs"', 7, "faults[0].kind: must be one of air, weather"),
    ('kind = "air"\n', "", 5, "faults[0].kind: is needed, or `device`"),
    ('at = "06:00"', 'at = "6 am"', 8, "faults[0].at: must be a local time"),
    ('lasts = "6h"', 'lasts = "sechs"', 9, "faults[0].lasts: must be a duration"),
    ('lasts = "6h"', 'lasts = "9d"', 9, "must be no longer than the scenario, 2d"),
    ('lasts = "6h"\n', "", 5, "faults[0].lasts: is needed, or `until`"),
    ('until = "18:30"', 'until = "16:30"', 15, "must lie after its beginning, 17:00"),
    ('device = "bin-0001"', 'device = "aq-0001"', 16, "events[0].device: must be of waste here, like bin-0001"),
    ("strength = 50\n", "", 12, "events[0].strength: is needed, 0…300 Cel"),
    ("strength = 50", "strength = 5000", 17, "must lie in 0…300 Cel"),
    ("count = 1", 'count = 1\nquantity = "pm25"', 11, "is for drift, bias, noise, wrong_unit only"),
    ("count = 1", "count = 1\nshare = 0.5", 11, "and `count` exclude each other"),
    ("count = 1", 'count = "one"', 10, "Expected `int`"),
    ("count = 1", "days = [3]", 10, "must be of 1…2"),
    ("count = 1", "lat = 48.1\nlon = 11.5\nradius_m = 500", 10, "must lie in Ho Chi Minh City: 8.64…11.52"),
    ("count = 1", "lat = 10.7", 10, "a place needs both lat and lon"),
    ("count = 1", 'area = "00000"', 10, "must be the code of an area of Ho Chi Minh City"),
    ('"stuck"', '"drift"\nquantity = "rain"', 7, "faults[0].quantity: must be one of pm25"),
    ("[[events]]", "[[events]", 12, "must be TOML"),
]  # fmt: skip


@pytest.mark.parametrize(("old", "new", "line", "words"), MISTAKES)
def test_a_mistake_is_refused_with_file_line_and_what_is_allowed(
    tmp_path: Path, old: str, new: str, line: int, words: str
) -> None:
    assert old in GOOD
    path = tmp_path / "x.toml"
    path.write_text(GOOD.replace(old, new, 1), encoding="utf-8")
    devices = simulated_devices(city("hcmc"), KINDS, 60, SEED)
    with pytest.raises(DeclarationError) as caught:
        Messages(load_city("hcmc"), KINDS, devices, SEED, load_scenario(path))
    said_ = str(caught.value)
    assert words in said_
    assert f"line {line}" in said_
    assert "x.toml" in said_


def test_the_good_one_is_good(tmp_path: Path) -> None:
    path = tmp_path / "x.toml"
    path.write_text(GOOD, encoding="utf-8")
    devices = simulated_devices(city("hcmc"), KINDS, 60, SEED)
    found = Messages(load_city("hcmc"), KINDS, devices, SEED, load_scenario(path))
    start = parse_time("2026-02-28T17:00:00Z")
    fires = found.happened(start, start + DAY)
    assert [(f.start, f.end) for f in fires] == [
        (start + 7 * HOUR, start + 18 * HOUR + 30 * MINUTE),
        (start + 17 * HOUR, start + 18 * HOUR + 30 * MINUTE),
    ]


def test_an_unknown_scenario_names_the_known() -> None:
    with pytest.raises(DeclarationError, match="--scenario: must be a .toml file or one of bad-fi"):
        find_scenario("flood")
