"""Events as data: where and when they are, whom they strike, what can be none, and that models show them."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from simulators.events import EVENT_TYPES, Event, course, nearness
from simulators.models import Scene
from simulators.placement import simulated_devices
from telemetry.arrays import Values
from telemetry.clock import HOUR, MINUTE, parse_time
from telemetry.errors import DeclarationError
from tests.simulators.cities import KINDS, SEED, city

START = parse_time("2026-03-10T02:00:00Z")
# Each type, a strength that is felt, the quantities that must rise by it, in a kind.
SHOWN = [
    ("burning", 120.0, "air", "pm25", 80.0),
    ("inversion", 0.6, "air", "co", 200.0),
    ("surge", 0.5, "level", "level", 0.4),
    ("cloudburst", 60.0, "weather", "rain", 2.0),
    ("storm", 15.0, "weather", "wind_speed", 8.0),
    ("spill", 30.0, "water", "bod5", 20.0),
    ("party", 84.0, "noise", "laeq", 3.0),
    ("fire", 60.0, "waste", "temperature", 40.0),
    ("exceedance", 3.0, "emission", "dust", 40.0),
    ("uproot", 20.0, "tree", "tilt", 15.0),
]


def _scene(*events: Event) -> Scene:
    place = city("hcmc")
    return Scene(
        place, KINDS, simulated_devices(place, KINDS, 120, SEED), SEED, events, nature=False
    )


def _column(scene: Scene, kind: str, quantity: str, start: int, end: int) -> Values:
    rows = scene.fleets[kind].rows(start, end)
    return scene.models[kind].values(rows)[quantity]


@pytest.mark.parametrize(("type", "strength", "kind", "quantity", "more"), SHOWN)
def test_models_show_an_event_and_nothing_outside_of_it(
    type: str, strength: float, kind: str, quantity: str, more: float
) -> None:
    event = Event(START, START + 14 * HOUR, type, strength=strength)
    calm, struck = _scene(), _scene(event)
    middle = (event.start + 6 * HOUR, event.start + 8 * HOUR)
    rise = _column(struck, kind, quantity, *middle) - _column(calm, kind, quantity, *middle)
    assert rise.mean() > more
    before = (event.start - 3 * HOUR, event.start)
    assert np.array_equal(
        _column(struck, kind, quantity, *before), _column(calm, kind, quantity, *before)
    )


def test_an_event_at_a_device_strikes_it_alone() -> None:
    event = Event(START, START + 4 * HOUR, "fire", strength=80.0, devices=("bin-0002",))
    scene = _scene(event)
    rows = scene.fleets["waste"].rows(START + HOUR, START + 2 * HOUR)
    hot = scene.models["waste"].values(rows)["temperature"] > 80
    assert set(rows.device[hot].tolist()) == {scene.fleets["waste"].index["bin-0002"]}
    assert scene.events.devices(event) == ["bin-0002"]


def test_an_event_at_a_place_strikes_what_stands_within_its_radius() -> None:
    scene = _scene()
    fleet = scene.fleets["air"]
    at = Event(START, START + HOUR, "burning", fleet.lat[0], fleet.lon[0], 3_000.0, 50.0)
    struck = scene.events.devices(at)
    assert fleet.devices[0].id in struck and len(struck) < len(fleet)
    near = nearness(at, fleet.lat, fleet.lon)
    assert near[0] == pytest.approx(1.0)
    assert near.min() == 0.0


@given(st.integers(-7_200, 20_000), st.sampled_from(sorted(EVENT_TYPES)))
def test_an_event_has_its_time(offset: int, type: str) -> None:
    event = Event(START, START + 4 * HOUR, type)
    share = float(course(event, np.array([START / 1e9 + offset]))[0])
    assert 0.0 <= share <= 1.0
    if not 0 <= offset < 4 * 3_600:
        assert share == 0.0


def test_events_that_meet_add_up_and_slices_of_time_join() -> None:
    one = Event(START, START + 4 * HOUR, "burning", strength=40.0)
    scene = _scene(one, one)
    rows = scene.fleets["air"].rows(START + 90 * MINUTE, START + 100 * MINUTE)
    assert scene.events.at("burning", rows) == pytest.approx(80.0)
    whole = scene.events.at("burning", scene.fleets["air"].rows(START - HOUR, START + HOUR))
    assert np.count_nonzero(whole)
    assert scene.events.between(START - HOUR, START) == []


@pytest.mark.parametrize(
    ("event", "message"),
    [
        (Event(START, START + HOUR, "earthquake"), "type: must be one of burning"),
        (Event(START, START, "fire"), "end: must lie after its start"),
        (Event(START, START + HOUR, "fire", strength=9e9), "strength: must lie in 0…300 Cel"),
        (Event(START, START + HOUR, "burning", lat=10.0), "needs both lat and lon"),
        (Event(START, START + HOUR, "burning", 10.0, 106.0), "radius_m: must be above 0"),
        (Event(START, START + HOUR, "fire", devices=("aq-0001",)), "must name devices of waste"),
    ],
)
def test_what_can_be_no_event_is_refused(event: Event, message: str) -> None:
    with pytest.raises(DeclarationError, match=message):
        _scene(event)
