"""The two cities' files, and where simulated devices stand."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from devices.city import City, load_city
from devices.device import DEVICE_ID, Catalogue
from devices.registry import load_kinds
from simulators.placement import absent_kinds, simulated_devices
from telemetry.errors import DeclarationError

KINDS = load_kinds()
CITIES = {name: load_city(name) for name in ("hcmc", "hanoi")}


@pytest.fixture(params=CITIES)
def city(request: pytest.FixtureRequest) -> City:
    return CITIES[request.param]


# Resolutions on the arrangement of commune-level units in force since 2025-07-01: 168 and 126 units.
@pytest.mark.parametrize(
    ("name", "types"),
    [("hcmc", {"phường": 113, "xã": 54, "đặc khu": 1}), ("hanoi", {"phường": 51, "xã": 75})],
)
def test_areas_are_the_official_ones(name: str, types: dict[str, int]) -> None:
    city = CITIES[name]
    assert Counter(a.type for a in city.areas) == types
    assert all(len(a.code) == 5 and a.code.isdigit() and a.km2 > 0 for a in city.areas)
    assert len(city.area) == len(city.areas) == len({(a.type, a.name) for a in city.areas})


def test_known_codes() -> None:
    assert CITIES["hcmc"].area["26506"].name == "Vũng Tàu"
    assert CITIES["hcmc"].area["25747"].name == "Thủ Dầu Một"


# QĐ 05/2020/QĐ-TTg, alarm levels I, II, III [m].
@pytest.mark.parametrize(
    ("name", "station", "levels"),
    [
        ("hcmc", "phu-an", (1.4, 1.5, 1.6)),
        ("hcmc", "nha-be", (1.4, 1.5, 1.6)),
        ("hcmc", "thu-dau-mot", (1.4, 1.5, 1.6)),
        ("hanoi", "long-bien", (9.5, 10.5, 11.5)),
        ("hanoi", "son-tay", (12.4, 13.4, 14.4)),
        ("hanoi", "thuong-cat", (9.0, 10.0, 11.0)),
        ("hanoi", "trung-ha", (15.0, 16.0, 17.0)),
        ("hanoi", "ba-tha", (5.5, 6.5, 7.5)),
    ],
)
def test_flood_stations_have_their_alarm_levels(
    name: str, station: str, levels: tuple[float, ...]
) -> None:
    devices = {d.id: d for d in simulated_devices(CITIES[name], KINDS, 300, 1)}
    limits = devices[station].limits
    assert (limits["bd1"], limits["bd2"], limits["bd3"]) == levels


def test_the_three_hundred(city: City) -> None:
    devices = simulated_devices(city, KINDS, 300, 1)
    assert Counter(d.kind for d in devices) == city.mix
    assert all(d.registered and d.simulated and d.area in city.area for d in devices)
    assert len({d.id for d in devices}) == len({d.name for d in devices}) == 300


@settings(max_examples=30, deadline=None)
@given(count=st.integers(11, 1500), seed=st.integers(0, 2**31 - 1))
def test_any_count_is_met_with_every_kind_and_every_parent(count: int, seed: int) -> None:
    city = CITIES["hcmc"]
    devices = simulated_devices(city, KINDS, count, seed)
    assert len(devices) == count
    assert absent_kinds(city, devices) == []
    catalogue = Catalogue(KINDS)
    for device in devices:
        assert DEVICE_ID.fullmatch(device.id)
        catalogue.put(device)
    assert len(catalogue) == count
    feeders = {d.id for d in devices if d.kind == "feeder"}
    lamps = Counter(d.parent for d in devices if d.kind == "lamp")
    assert set(lamps) <= feeders
    if count >= 150:
        assert set(lamps) == feeders
        assert all(20 <= n <= 60 for n in lamps.values())


def test_fewer_devices_than_kinds_are_named(city: City) -> None:
    devices = simulated_devices(city, KINDS, 4, 1)
    assert len(devices) == 4
    assert len(absent_kinds(city, devices)) == 7
    assert simulated_devices(city, KINDS, 0, 1) == []


def test_a_growing_city_keeps_its_devices(city: City) -> None:
    small = {d.id: d for d in simulated_devices(city, KINDS, 300, 1) if d.kind != "lamp"}
    large = {d.id: d for d in simulated_devices(city, KINDS, 900, 1)}
    assert all(large[i] == d for i, d in small.items())


def test_the_seed_decides(city: City) -> None:
    def at(seed: int) -> list[tuple[float | None, float | None]]:
        return [(d.lat, d.lon) for d in simulated_devices(city, KINDS, 100, seed)]

    assert at(1) == at(1)
    assert at(1) != at(2)


def test_a_city_of_its_own_needs_no_roads_waters_or_areas(city: City) -> None:
    bare = replace(city, areas=(), roads=(), water=(), sites=())
    devices = simulated_devices(bare, KINDS, 60, 1)
    assert len(devices) == 60
    assert all(d.area == "" for d in devices)


@pytest.mark.parametrize(
    ("mix", "said"),
    [({"robot": 1}, "robot"), ({"air": -1}, "0 or more"), ({"air": 0}, "above 0")],
)
def test_a_wrong_mix_fails_in_words(city: City, mix: dict[str, float], said: str) -> None:
    with pytest.raises(DeclarationError, match=said):
        simulated_devices(replace(city, mix=mix), KINDS, 20, 1)
