"""Roads: where they meet, how a load stays alike on them, what a jam does, and that no vehicle is lost."""

from __future__ import annotations

from dataclasses import replace
from functools import cache

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from devices.city import City, Road
from simulators.cell_transmission import CellTransmission
from simulators.flow_diagram import AT_CAPACITY, BEND, Diagram
from simulators.places import METRES_PER_DEG, Line
from simulators.road_graph import BACKWARD, FORWARD, STEP_S, RoadGraph, road_graph
from telemetry.arrays import Values
from tests.simulators.cities import city

CITIES = ("hcmc", "hanoi")
HOURS = STEP_S / 3_600.0


@cache
def graph(name: str) -> RoadGraph:
    return road_graph(city(name))


def straight(km: float, lanes: int = 2, free_kmh: float = 45.0) -> RoadGraph:
    """One road from south to north."""
    end = 10.0 + km * 1_000 / METRES_PER_DEG
    road = Road(name="Thẳng", points=((10.0, 106.0), (end, 106.0)), lanes=lanes, free_kmh=free_kmh)
    return road_graph(replace(city("hcmc"), roads=(road,)))


# Cao & Sano 2012: motorcycle equivalents per hour that 2, 3 and 4 lanes of one direction carry in Hanoi.
@pytest.mark.parametrize(("lanes", "capacity"), [(2, 13_358), (3, 21_725), (4, 24_335)])
def test_capacities_are_the_published_ones(lanes: int, capacity: float) -> None:
    diagram = Diagram.of(lanes, 45.0)
    k = np.linspace(0, float(diagram.jam), 100_001)
    assert float(diagram.flow(k).max()) == pytest.approx(capacity, rel=1e-4)
    assert float(diagram.flow(diagram.critical)) == pytest.approx(capacity)


@given(lanes=st.integers(1, 6), free=st.floats(30, 120))
def test_the_diagram_has_its_shape(lanes: int, free: float) -> None:
    diagram = Diagram.of(lanes, free)
    k = np.linspace(0, float(diagram.jam), 2_001)
    q, v = diagram.flow(k), diagram.speed(k)
    assert (q >= 0).all() and q[0] == 0 and q[-1] == pytest.approx(0, abs=1e-6)
    assert (np.diff(v) <= 1e-9).all() and v[0] == free
    assert np.allclose(q, k * v)
    assert float(diagram.flow(BEND * diagram.capacity / free)) == pytest.approx(
        BEND * float(diagram.capacity)
    )
    assert float(diagram.speed(diagram.critical)) == pytest.approx(AT_CAPACITY * free)
    # No wave is faster than the traffic: else a step would overtake a cell.
    assert 0 < diagram.wave < free and 0 < diagram.bent < free
    some = np.linspace(0, float(diagram.capacity), 50)
    assert np.allclose(diagram.flow(diagram.free_density(some)), some)


@pytest.mark.parametrize("name", CITIES)
def test_cells_cover_the_roads_and_nobody_skips_one(name: str) -> None:
    of = graph(name)
    assert len(of.chains) == 2 * len(of.roads)
    for chain in of.chains:
        cells = slice(chain.first, chain.first + chain.count)
        line = Line(of.roads[chain.road])
        assert of.length[cells].sum() == pytest.approx(line.length, rel=0.01)
        assert (of.length[cells] >= of.free[cells] / 3.6 * STEP_S * 0.999).all()
        ends = line.at(0), line.at(line.length)
        first = ends[0] if chain.direction == FORWARD else ends[1]
        away = np.hypot(of.lat[cells] - first[0], of.lon[cells] - first[1])
        assert away[0] == away.min()


@pytest.mark.parametrize("name", CITIES)
def test_what_leaves_a_cell_goes_somewhere(name: str) -> None:
    of = graph(name)
    assert not set(of.on.tolist()) & set(of.turn_from.tolist())
    shares = np.bincount(of.turn_from, of.turn_share, len(of))
    assert np.allclose(shares[np.unique(of.turn_from)], 1.0)
    last = {c.first + c.count - 1 for c in of.chains}
    out = set(range(len(of))) - set(of.on.tolist()) - set(of.turn_from.tolist())
    assert out <= last  # only the ends of roads lead out of the city
    assert (of.turn_share >= 0).all()


# Crossroads that everybody knows: the roads that meet there.
@pytest.mark.parametrize(
    ("name", "roads"),
    [
        ("hcmc", ["Điện Biên Phủ", "Đinh Bộ Lĩnh – Quốc lộ 13"]),  # Hàng Xanh
        ("hcmc", ["Cách Mạng Tháng Tám", "Điện Biên Phủ", "Ba Tháng Hai – Hồng Bàng"]),  # Dân Chủ
        ("hcmc", ["Nguyễn Kiệm – Nguyễn Oanh", "Quang Trung"]),  # Ngã Sáu Gò Vấp
        ("hcmc", ["Quốc lộ 1", "Nguyễn Văn Linh"]),  # Bình Chánh
        ("hanoi", ["Nguyễn Trãi", "Trường Chinh", "Đường Láng", "Tây Sơn – Tôn Đức Thắng"]),  # Ngã Tư Sở
        ("hanoi", ["Giải Phóng", "Lê Duẩn", "Đại Cồ Việt – Trần Khát Chân"]),  # Kim Liên
        ("hanoi", ["Cầu Chương Dương", "Nguyễn Văn Cừ"]),
    ],
)  # fmt: skip
def test_known_crossroads_are_there(name: str, roads: list[str]) -> None:
    of = graph(name)
    numbers = [[r.name for r in of.roads].index(road) for road in roads]
    reached = {
        (of.chain_of(a).road, of.chain_of(b).road)
        for a, b in zip(of.turn_from.tolist(), of.turn_to.tolist(), strict=True)
    }
    assert all((a, b) in reached for a in numbers for b in numbers if a != b)


@pytest.mark.parametrize("name", CITIES)
@pytest.mark.parametrize("load", [0.3, 0.9])
def test_a_load_that_is_alike_everywhere_stays_alike(name: str, load: float) -> None:
    model = CellTransmission(graph(name))
    model.settle(np.full(len(model.n), load))
    for _ in range(400):
        out = model.step(load * model.supply)
    share = out / (model.diagram.capacity * HOURS)
    assert np.abs(share - load).max() < 0.05
    assert model.waiting.sum() == 0


@settings(max_examples=30, deadline=None)
@given(
    seed=st.integers(0, 2**32 - 1),
    steps=st.lists(
        st.tuples(st.floats(0, 3), st.floats(0.5, 1), st.floats(0, 1)), min_size=1, max_size=40
    ),
)
def test_no_vehicle_is_lost_or_made(seed: int, steps: list[tuple[float, float, float]]) -> None:
    """Whatever the demand, the rain and what is blocked; and no cell holds more than it can."""
    rng = np.random.default_rng(seed)
    model = CellTransmission(graph("hcmc"))
    model.settle(rng.uniform(0, 1, len(model.n)))
    full, asked = model.diagram.jam * model.km, 0.0
    for load, pace, open_ in steps:
        supply = load * rng.uniform(0, 1, len(model.n)) * model.supply
        asked += supply.sum()
        blocked = np.where(rng.uniform(0, 1, len(model.n)) < 0.1, open_, 1.0)
        model.step(supply, pace, blocked)
        assert model.n.min() >= -1e-9
        assert (model.n <= full + 1e-6).all()
        assert model.waiting.min() >= -1e-9
    total = model.n.sum()
    assert model.brought + model.entered - model.left == pytest.approx(total, rel=1e-9, abs=1e-6)
    assert model.entered + model.waiting.sum() == pytest.approx(asked, rel=1e-9, abs=1e-6)


def jammed(load: float, open_: float, lanes: int, free: float) -> tuple[CellTransmission, Values]:
    """(model, place of the queue's back in cells by step) of a long road with a block near its end."""
    of = straight(30.0, lanes, free)
    model = CellTransmission(of, trip_m=np.inf)
    count = of.chains[0].count
    model.settle(np.full(len(of), load))
    share = np.ones(len(of))
    share[count - 5] = open_
    capacity = model.diagram.capacity[0]
    before = model.diagram.free_density(load * capacity)[0]
    behind = model.diagram.jam[0] - open_ * capacity / model.diagram.wave[0]
    backs = []
    for _ in range(360):
        model.step(load * model.supply, 1.0, share)
        density = (model.n / model.km)[: count - 5]
        # Half-way from one state to the other, between two cells.
        at = int(np.flatnonzero(density < (before + behind) / 2).max())
        if at + 1 < len(density):
            low, high = density[at : at + 2].tolist()
            backs.append(at + ((before + behind) / 2 - low) / (high - low))
        else:
            backs.append(np.nan)
    return model, np.array(backs)


@pytest.mark.parametrize(
    ("load", "open_", "lanes", "free"),
    [(0.7, 0.4, 2, 45.0), (0.35, 0.1, 3, 60.0), (0.9, 0.5, 4, 50.0), (0.6, 0.0, 2, 40.0)],
)
def test_a_jam_grows_as_fast_as_rankine_and_hugoniot_say(
    load: float, open_: float, lanes: int, free: float
) -> None:
    """The shock between two states moves with (q2 - q1) / (k2 - k1)."""
    model, backs = jammed(load, open_, lanes, free)
    d = model.diagram
    capacity = float(d.capacity[0])
    before = float(d.free_density(load * d.capacity)[0])
    behind = float(d.jam[0] - open_ * capacity / d.wave[0])
    wanted = (open_ - load) * capacity / (behind - before)  # [km/h], against the traffic
    t = np.arange(len(backs)) * HOURS
    grown = np.flatnonzero(~np.isnan(backs) & (t > 0.3))
    measured = np.polyfit(t[grown], backs[grown] * model.km[0], 1)[0]
    assert measured == pytest.approx(wanted, rel=0.02)


def test_a_queue_dissolves_from_its_head_with_the_wave_of_the_diagram() -> None:
    """Opened again, the jam's head walks back at the slope of the queue's side."""
    of = straight(20.0)
    model = CellTransmission(of, trip_m=np.inf)
    count = of.chains[0].count
    share = np.ones(len(of))
    share[count - 5] = 0.0
    model.settle(np.full(len(of), 0.7))
    for _ in range(240):
        model.step(0.7 * model.supply, 1.0, share)
    middle = float(model.diagram.jam[0] + model.diagram.critical[0]) / 2
    heads = []
    for _ in range(80):
        model.step(0.7 * model.supply)
        density = model.n[:count] / model.km[:count]
        at = int(np.flatnonzero(density > middle).max())
        high, low = density[at : at + 2].tolist()
        heads.append(at + (high - middle) / (high - low))
    t = np.arange(80) * HOURS
    speed = np.polyfit(t[10:], np.array(heads)[10:] * model.km[0], 1)[0]
    assert speed == pytest.approx(-float(model.diagram.wave[0]), rel=0.05)


def test_a_blocked_road_holds_its_crossroads_but_not_the_city() -> None:
    """Where one way is closed, others turn elsewhere: after two hours most roads still flow."""
    of = graph("hanoi")
    model = CellTransmission(of)
    model.settle(np.full(len(of), 0.6))
    share = np.ones(len(of))
    share[of.cell(1, FORWARD, 2_000.0)] = 0.0
    for _ in range(360):
        out = model.step(0.6 * model.supply, 1.0, share)
    speed = out / HOURS / np.maximum(model.n / model.km, 1e-9)
    assert (speed < 0.2 * of.free).sum() > 5
    assert (speed > 0.5 * of.free).mean() > 0.9


def test_both_directions_have_cells_of_their_own() -> None:
    of = graph("hcmc")
    there, back = of.cell(3, FORWARD, 1_000.0), of.cell(3, BACKWARD, 1_000.0)
    assert of.chain_of(there).direction == FORWARD and of.chain_of(back).direction == BACKWARD
    assert np.hypot(of.lat[there] - of.lat[back], of.lon[there] - of.lon[back]) > 0.01
    mirrored = of.cell(3, BACKWARD, Line(of.roads[3]).length - 1_000.0)
    assert (of.heading[there] * of.heading[mirrored]).sum() == pytest.approx(-1.0)


def test_a_city_without_roads_has_one_through_its_centre() -> None:
    bare: City = replace(city("hanoi"), roads=())
    of = road_graph(bare)
    assert len(of.roads) == 1 and len(of) > 10


@pytest.mark.parametrize(
    ("change", "said"),
    [({"lanes": 0}, "1…6"), ({"free_kmh": 5}, "30…120"), ({"points": ((10.0, 106.0),)}, "two points")],
)  # fmt: skip
def test_a_road_that_can_be_none_is_refused(change: dict[str, object], said: str) -> None:
    with pytest.raises(ValueError, match=said):
        replace(Road(name="Đường", points=((10.0, 106.0), (10.1, 106.0))), **change)  # type: ignore[arg-type]
