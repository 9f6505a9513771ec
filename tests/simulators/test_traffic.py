"""Traffic counters: counts, speed and occupancy belong together, and follow commuters, rain and incidents."""

from __future__ import annotations

from functools import cache

import numpy as np
import pytest

from simulators.events import Event
from simulators.fleet import Rows
from simulators.flow_diagram import MEU, Diagram
from simulators.models import Scene
from simulators.placement import simulated_devices
from simulators.road_traffic import RoadTraffic, road_traffic
from simulators.traffic import LENGTH_M, LOOP_M, MIX, RIDERS_ABREAST, TrafficModel
from telemetry.arrays import Values
from telemetry.clock import DAY, HOUR, MINUTE, parse_time
from tests.simulators.cities import KINDS, SEED, city, day_of, scene

MONDAY = parse_time("2026-11-22T17:00:00Z")  # 00:00 local
DRY = parse_time("2026-02-08T17:00:00Z")  # a Monday of the dry season, 00:00 local


@cache
def struck(*events: Event) -> Scene:
    place = city("hcmc")
    devices = simulated_devices(place, KINDS, 300, SEED)
    return Scene(place, KINDS, devices, SEED, events, nature=False)


def values(of: Scene, start: int, end: int) -> tuple[Rows, dict[str, Values]]:
    rows = of.fleets["traffic"].rows(start, end)
    return rows, of.models["traffic"].values(rows)


def roads(of: Scene, everywhere: bool = False) -> RoadTraffic:
    return road_traffic(
        of.city, of.fleets["traffic"].devices, of.weather, of.events, of.seed, of.local, everywhere
    )


def first_pair(of: Scene) -> tuple[int, int]:
    """Two counters of one road, at most three kilometres apart, the second ahead of the first."""
    fleet = of.fleets["traffic"]
    road, chainage = fleet.limit("road", 0), fleet.limit("chainage_m", 0)
    return next(
        (a, b)
        for a in range(len(fleet))
        for b in range(len(fleet))
        if road[a] == road[b] and 800 < chainage[b] - chainage[a] < 3_000
    )


@pytest.mark.parametrize("name", ["hcmc", "hanoi"])
def test_flow_is_density_times_speed(name: str) -> None:
    """Σ over classes of what passed, against what the loop says stands there, within the counter's noise."""
    rows, found = day_of(name, "traffic", "2026-11-22T17:00:00Z")
    lanes = scene(name).fleets["traffic"].limit("lanes", 0)[rows.device]
    passed = sum(found[c] for c in MIX)
    metres = sum(
        found[c]
        * (LENGTH_M[c] + LOOP_M)
        / (RIDERS_ABREAST if c in ("motorcycle", "bicycle") else 1)
        for c in MIX
    )
    assert isinstance(passed, np.ndarray) and isinstance(metres, np.ndarray)
    busy = passed > 40
    density = lanes * 10.0 * found["occupancy"] / np.maximum(metres / np.maximum(passed, 1), 1e-9)
    ratio = 60.0 * passed[busy] / (density * found["speed"])[busy]
    assert busy.sum() > 20_000
    assert np.median(ratio) == pytest.approx(1.0, abs=0.01)
    assert np.quantile(np.abs(ratio - 1.0), 0.99) < 0.05


def test_counters_lie_on_the_fundamental_diagram() -> None:
    """Where the flow is steady, (k, q) in motorcycle equivalents is a point of the road's diagram."""
    rows, found = values(struck(), DRY + 5 * HOUR, DRY + 21 * HOUR)
    _, pace = roads(struck())._demand.between(DRY + 5 * HOUR, 16 * 60)
    dry = pace.reshape(-1, 32, 30).min(axis=(0, 2)) == 1.0  # half hours without rain on any road
    assert dry.sum() > 20
    fleet = struck().fleets["traffic"]
    diagram = Diagram.of(fleet.limit("lanes", 2).astype(int), fleet.limit("free_flow_kmh", 45.0))
    flow = 60.0 * sum((found[c] * MEU[c] for c in MIX), np.zeros(len(rows)))
    for device in range(len(fleet)):
        own = rows.device == device
        # Half hours: the scatter of single minutes is the counter's.
        q = flow[own].reshape(-1, 30).mean(axis=1)
        v = found["speed"][own].reshape(-1, 30).mean(axis=1)
        k = q / v
        one = Diagram(*(getattr(diagram, f)[device] for f in diagram.__dataclass_fields__))
        assert np.abs(q / one.flow(k) - 1.0)[dry].max() < 0.06


def test_motorcycles_are_the_majority_and_trucks_come_by_night() -> None:
    rows, found = values(struck(), MONDAY, MONDAY + DAY)
    total = sum((found[c] for c in MIX), np.zeros(len(rows)))
    for device in range(40):
        own = rows.device == device
        assert found["motorcycle"][own].sum() > 0.6 * total[own].sum()
    night, evening = ((rows.hour >= h) & (rows.hour < h + 1) for h in (1, 17))
    trucks = found["truck"]
    by_night = trucks[night].sum() / total[night].sum()
    assert by_night > 3 * trucks[evening].sum() / total[evening].sum()


@pytest.mark.parametrize("name", ["hcmc", "hanoi"])
def test_the_commuters_tide_turns(name: str) -> None:
    """In the morning roads are fuller towards the centre, in the evening away from it."""
    of = scene(name)
    whole = roads(of, everywhere=True)
    inbound = whole._demand._inbound[whole._demand.section]
    capacity = Diagram.of(whole.graph.lanes, whole.graph.free).capacity

    def load(hour: float) -> Values:
        cells = np.arange(len(whole.graph))
        time = np.full(len(cells), MONDAY + int(hour * HOUR))
        return 60.0 * whole.at(cells, time)[0] / capacity

    morning, evening = load(7.4), load(17.6)
    there, back = inbound > 0.7, inbound < -0.7
    assert morning[there].mean() > morning[back].mean() + 0.12
    assert evening[back].mean() > evening[there].mean() + 0.12
    assert max(morning.max(), evening.max()) <= 1.0


def test_answers_do_not_depend_on_the_order_of_questions() -> None:
    one, other = roads(scene("hcmc")), roads(scene("hcmc"))
    rng = np.random.default_rng(1)
    place = rng.integers(0, len(one.watched), 600)
    time = MONDAY + rng.integers(-DAY, DAY, 600)
    whole = one.at(place, time)
    for part in np.array_split(rng.permutation(600), 2):
        flow, density = other.at(place[part], time[part])
        assert np.array_equal(flow, whole[0][part])
        assert np.array_equal(density, whole[1][part])


def test_the_hour_at_which_days_join_has_no_seam() -> None:
    one = roads(scene("hcmc"))
    place = np.arange(len(one.watched))
    before, after = (
        one.at(place, np.full(len(place), MONDAY + 3 * HOUR + d * MINUTE)) for d in (-1, 1)
    )
    for a, b in zip(before, after, strict=True):
        assert np.abs(a / b - 1.0).max() < 0.05


def test_a_bounded_number_of_days_is_kept() -> None:
    one = roads(scene("hcmc"))
    for day in range(9):
        one.at(np.array([0]), np.array([MONDAY + day * DAY + 4 * HOUR]))
    assert len(one._days) <= 3


def test_an_incident_jams_the_road_behind_it_and_empties_it_ahead() -> None:
    up, down = first_pair(struck())
    fleet = struck().fleets["traffic"]
    start = DRY + 16 * HOUR
    event = Event(start, start + HOUR, "incident", strength=0.7, devices=(fleet.devices[up].id,))
    rows, calm = values(struck(), start - HOUR, start + 2 * HOUR)
    _, jam = values(struck(event), start - HOUR, start + 2 * HOUR)
    before = rows.time < start
    for name in calm:
        assert np.array_equal(calm[name][before], jam[name][before])

    def middle(found: dict[str, Values], device: int, name: str) -> float:
        inside = (rows.time >= start + 20 * MINUTE) & (rows.time < event.end)
        return float(found[name][inside & (rows.device == device)].mean())

    assert middle(jam, up, "speed") < 10
    assert middle(jam, up, "occupancy") > 50
    assert middle(jam, up, "motorcycle") < 0.6 * middle(calm, up, "motorcycle")
    assert middle(jam, down, "motorcycle") < 0.85 * middle(calm, down, "motorcycle")
    assert middle(jam, down, "speed") > middle(calm, down, "speed")
    later = (rows.time >= event.end + 40 * MINUTE) & (rows.device == up)
    assert jam["speed"][later].mean() > 0.8 * calm["speed"][later].mean()


def test_an_incident_at_a_place_strikes_the_roads_there() -> None:
    of = struck()
    whole = roads(of)
    cell = int(whole.watched[3])
    here = float(whole.graph.lat[cell]), float(whole.graph.lon[cell])
    event = Event(DRY, DRY + HOUR, "incident", *here, radius_m=200.0, strength=0.5)
    share = whole.open_share(event)
    assert share[cell] == pytest.approx(0.5)
    far = np.hypot(whole.graph.lat - here[0], whole.graph.lon - here[1]) > 0.01
    assert (share[far] == 1.0).all()


def test_rain_slows() -> None:
    start = DRY + 13 * HOUR
    rain = Event(start, start + 2 * HOUR, "cloudburst", *city("hcmc").centre, 30_000.0, 40.0)
    rows, dry = values(struck(), start, start + 2 * HOUR)
    _, wet = values(struck(rain), start, start + 2 * HOUR)
    inside = (rows.time > start + 40 * MINUTE) & (rows.time < start + 80 * MINUTE)
    near = np.hypot(rows.lat - city("hcmc").centre[0], rows.lon - city("hcmc").centre[1]) < 0.05
    some = inside & near
    assert some.sum() > 300
    assert 0.7 < wet["speed"][some].mean() / dry["speed"][some].mean() < 0.9
    assert wet["motorcycle"][some].mean() < dry["motorcycle"][some].mean()


def test_counters_come_in_pairs_of_one_direction() -> None:
    """So that one is ahead of the other; both directions of the city's roads are watched."""
    fleet = scene("hcmc").fleets["traffic"]
    road, chainage = fleet.limit("road", 0), fleet.limit("chainage_m", 0)
    assert sum((road == r).sum() >= 2 for r in set(road.tolist())) >= 10
    assert {int(r) % 2 for r in road.tolist()} == {0, 1}
    model = scene("hcmc").models["traffic"]
    assert isinstance(model, TrafficModel)
    graph = model._roads.graph
    for device, r, m in zip(fleet.devices, road.tolist(), chainage.tolist(), strict=True):
        cell = model._roads.places[device.id]
        assert graph.chain_of(cell) == graph.chains[int(r) - 1]
        away = m - graph.length[cell] * (cell - graph.chains[int(r) - 1].first + 0.5)
        # Its own cell, or the one before a crossroads; an incident ahead is on its own stretch of road.
        assert -0.51 <= away / graph.length[cell] <= 1.51
        assert cell in graph.on and model._roads.just_ahead(cell) == cell + 1
