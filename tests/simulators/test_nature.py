"""What happens by itself: drawn from the seed alone, in its season, and shown by the devices that it strikes."""

from __future__ import annotations

from collections import Counter

import numpy as np
import pytest

from simulators.events import EVENT_TYPES, Event
from simulators.fleet import Rows
from simulators.models import Scene
from simulators.placement import simulated_devices
from telemetry.arrays import Values
from telemetry.clock import DAY, HOUR, parse_time
from tests.simulators.cities import KINDS, SEED, city, scene

START = parse_time("2026-04-10T17:00:00Z")  # Saturday 00:00 local


def _forced(*events: Event) -> Scene:
    place = city("hcmc")
    devices = simulated_devices(place, KINDS, 300, SEED)
    return Scene(place, KINDS, devices, SEED, events, nature=False)


def _of(of: Scene, kind: str, device: str, start: int, end: int) -> tuple[Rows, dict[str, Values]]:
    """Rows and values of one device."""
    fleet = of.fleets[kind]
    rows = fleet.rows(start, end)
    rows = rows.take(np.flatnonzero(rows.device == fleet.index[device]))
    return rows, of.models[kind].values(rows)


@pytest.mark.parametrize("name", ["hcmc", "hanoi"])
def test_any_span_tells_the_same_events(name: str) -> None:
    events = scene(name, nature=True).events
    whole = events.between(START, START + 20 * DAY)
    halves = events.between(START, START + 9 * DAY) + events.between(
        START + 9 * DAY, START + 20 * DAY
    )
    assert set(whole) == set(halves)
    for type_ in EVENT_TYPES:
        of_type = events.between(START, START + 20 * DAY, type_)
        assert of_type == [e for e in whole if e.type == type_]
    for event in whole:
        event.check("nature")


def test_events_have_their_season() -> None:
    def counted(name: str, start: str) -> Counter[str]:
        begin = parse_time(start)
        return Counter(
            e.type for e in scene(name, nature=True).events.between(begin, begin + 60 * DAY)
        )

    dry, wet = counted("hcmc", "2026-02-01T00:00:00Z"), counted("hcmc", "2026-06-01T00:00:00Z")
    assert dry["burning"] > wet["burning"]
    assert wet["storm"] > dry["storm"]
    winter, summer = (
        counted("hanoi", "2025-12-10T00:00:00Z"),
        counted("hanoi", "2026-06-01T00:00:00Z"),
    )
    assert winter["inversion"] >= 4 and summer["inversion"] == dry["inversion"] == 0
    assert summer["storm"] > winter["storm"]
    # Six stacks measure their test gases every day.
    assert dry["calibration"] == 360


def test_an_inversion_keeps_the_norths_winter_air_down() -> None:
    of, calm = scene("hanoi", nature=True), scene("hanoi")
    begin = parse_time("2025-12-10T00:00:00Z")
    capped = max(of.events.between(begin, begin + 60 * DAY, "inversion"), key=lambda e: e.strength)
    middle = (capped.start + capped.end) // 2
    rows = of.fleets["air"].rows(middle, middle + HOUR)
    dust, usual = (s.models["air"].values(rows)["pm25"].mean() for s in (of, calm))
    assert dust > 1.3 * usual
    assert dust > 50


def test_trees_lean_after_a_storm_whoever_sends_it() -> None:
    storm = Event(START, START + 2 * HOUR, "storm", strength=32.0)
    of = _forced(storm)
    leaning = of.events.between(START, START + DAY, "uproot")
    assert 1 <= len(leaning) <= 12
    assert all(START <= e.start < storm.end and e.end > storm.end for e in leaning)
    for event in leaning:
        _, now = _of(of, "tree", event.devices[0], event.end - HOUR, event.end)
        _, before = _of(of, "tree", event.devices[0], START - 3 * HOUR, START)
        assert now["tilt"].min() > before["tilt"].max() + event.strength - 2.0
    assert not scene("hcmc").events.between(START, START + DAY, "uproot")


def test_a_round_that_is_late_finds_the_container_fuller() -> None:
    late = Event(START + 17 * HOUR, START + 35 * HOUR, "late_round", devices=("bin-0003",))
    span = (START + 12 * HOUR, START + 40 * HOUR)
    rows, struck = _of(_forced(late), "waste", "bin-0003", *span)
    _, usual = _of(_forced(), "waste", "bin-0003", *span)
    emptied = [rows.time[1:][np.diff(v["fill"]) < -15] for v in (usual, struck)]
    assert len(emptied[0]) == 1 and emptied[0][0] < late.end
    assert len(emptied[1]) == 1 and 0 <= emptied[1][0] - late.end < HOUR
    assert struck["fill"].max() > usual["fill"].max()


def test_districts_fill_at_their_own_hours() -> None:
    of = scene("hcmc", 3_000)
    model, fleet = of.models["waste"], of.fleets["waste"]
    rows = fleet.rows(START + 2 * DAY, START + 3 * DAY)  # a Monday
    growth = np.diff(model.values(rows)["fill"])
    same = (np.diff(rows.device) == 0) & (growth > -5)
    district = model._district[rows.device[1:]]  # type: ignore[attr-defined]

    def by_hour(which: int, hour: int) -> float:
        at = same & (district == which) & (rows.hour[1:].astype(int) == hour)
        return float(growth[at].mean())

    assert by_hour(1, 6) > 2 * by_hour(1, 20)  # markets at dawn
    assert by_hour(3, 21) > 2 * by_hour(3, 6)  # nightlife in the evening
    assert by_hour(2, 12) > 5 * by_hour(2, 3)  # offices at noon


def test_a_furnace_that_was_let_go_out_is_fired_up_again() -> None:
    out = Event(START, START + 20 * HOUR, "shutdown", devices=("stack-0001",))
    rows, v = _of(_forced(out), "emission", "stack-0001", START - HOUR, START + 26 * HOUR)
    hours = (rows.time - START) / HOUR
    running, cold = hours < 0, (hours > 15) & (hours < 20)
    firing = (hours > 21) & (hours < 22.5)
    hot = v["furnace_temperature"]
    assert hot[running].min() > 950 and hot[cold].max() < 100 and hot[hours > 25].min() > 950
    assert v["o2"][cold].min() > 20.0 and v["dust"][cold].max() < 3.0
    assert v["co"][firing].max() > 2 * v["co"][running].max()
    limit = next(
        q.rate_per_min for q in KINDS["emission"].quantities if q.name == "furnace_temperature"
    )
    assert limit is not None and np.abs(np.diff(hot)).max() < limit


def test_a_calibrating_monitor_says_so_and_shows_its_test_gas() -> None:
    event = Event(START + 9 * HOUR, START + 10 * HOUR, "calibration", devices=("stack-0002",))
    rows, v = _of(_forced(event), "emission", "stack-0002", START + 8 * HOUR, START + 11 * HOUR)
    inside = (rows.time >= event.start) & (rows.time < event.end)
    assert np.array_equal(v["device_status"] == 1, inside)
    assert v["so2"][inside].min() < 1.0 and v["so2"][inside].max() == pytest.approx(200, rel=0.02)
    assert v["so2"][~inside].min() > 10


@pytest.mark.parametrize("name", ["hcmc", "hanoi"])
@pytest.mark.parametrize(
    "kind", ["air", "weather", "noise", "water", "level", "waste", "emission", "tree"]
)
def test_with_nature_values_stay_plausible_and_slices_join(name: str, kind: str) -> None:
    of = scene(name, nature=True)
    fleet, model = of.fleets[kind], of.models[kind]
    start = parse_time("2026-06-05T00:00:00Z")
    rows = fleet.rows(start, start + DAY)
    values = model.values(rows)
    for quantity in KINDS[kind].quantities:
        if quantity.name in values:
            column = values[quantity.name]
            assert quantity.plausible.low <= column.min(), quantity.name
            assert column.max() <= quantity.plausible.high, quantity.name
    part = fleet.rows(start + 7 * HOUR, start + 8 * HOUR)
    again = model.values(part)
    same = np.isin(rows.time * 1_000 + rows.device, part.time * 1_000 + part.device)
    for quantity_name, column in again.items():
        assert np.array_equal(values[quantity_name][same], column), quantity_name
