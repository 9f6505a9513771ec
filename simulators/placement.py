"""City, kinds, a count and a seed → the simulated devices: where each stands, its name, what it hangs on.

The n-th device of a kind is the same whatever the count, so a city that grows keeps the devices it had;
only which feeder the last lamps hang on depends on how many feeders there are.
"""

from __future__ import annotations

from collections.abc import Sequence

from devices.city import City, Site
from devices.device import Device
from devices.kind import Kind
from devices.registry import Kinds
from simulators.places import Places, Spot
from simulators.road_graph import BACKWARD
from simulators.shares import LAMPS_PER_FEEDER, shares

# The beginning of a device's id, by kind; a kind that is not here begins with its own name.
PREFIX = {
    "air": "aq",
    "weather": "wx",
    "noise": "noise",
    "water": "wq",
    "level": "level",
    "traffic": "traffic",
    "lamp": "lamp",
    "feeder": "feeder",
    "waste": "bin",
    "emission": "stack",
    "tree": "tree",
}
# How a device is named, before its place. A kind that is not here is named by its Vietnamese word.
LABEL = {
    "air": "Không khí",
    "weather": "Khí tượng",
    "noise": "Tiếng ồn",
    "water": "Nước mặt",
    "level": "Mực nước",
    "traffic": "Đếm xe",
    "lamp": "Đèn",
    "feeder": "Tủ chiếu sáng",
    "waste": "Thùng rác",
    "emission": "Khí thải lò đốt",
    "tree": "Cây xanh",
}
ALONG_ROADS = ("traffic", "feeder", "noise", "tree")
ALONG_WATERS = ("water", "level")
LAMP_SPACING_M = 35.0  # both sides of a road together
KERB_M = 12.0
RATED_POWER_W = (90.0, 120.0, 150.0)  # LED luminaires of main roads


def simulated_devices(city: City, kinds: Kinds, count: int, seed: int) -> list[Device]:
    """`count` devices, kinds in the order people meet them; the same arguments give the same devices.

    Every kind of the city's mix is there from as many devices on as there are kinds (see `absent_kinds`).
    A lamp's `parent` is its feeder. Raises DeclarationError for a mix that can't be read.
    """
    wanted = shares(city, kinds, count)
    places = Places(city, seed)
    found: dict[str, list[Device]] = {}
    for kind in kinds:
        if kind.name != "lamp":
            found[kind.name] = _placed(places, kind, wanted.get(kind.name, 0))
    found["lamp"] = _lamps(places, found.get("feeder", []), wanted.get("lamp", 0))
    return [device for kind in kinds for device in found.get(kind.name, [])]


def absent_kinds(city: City, devices: Sequence[Device]) -> list[str]:
    """Kinds of the city's mix that no device is of: a city with fewer devices than kinds."""
    present = {device.kind for device in devices}
    return [name for name, share in city.mix.items() if share > 0 and name not in present]


def _placed(places: Places, kind: Kind, count: int) -> list[Device]:
    """Devices of a kind: first at the sites that the city file names, then where such devices stand."""
    sites = [site for site in places.city.sites if site.kind == kind.name]
    devices = [_at_site(places, kind, n, site) for n, site in enumerate(sites[:count])]
    named: dict[str, int] = {}
    for n in range(len(devices), count):
        spot = _spot(places, kind.name, n)
        named[spot.name] = named.get(spot.name, 0) + 1
        label = LABEL.get(kind.name, kind.vi)
        name = f"{label} {spot.name} {named[spot.name]}"
        if kind.name == "traffic" and places.roads:
            devices.append(_counter(places, n, name))
        else:
            devices.append(_device(places, kind.name, n, name, spot.lat, spot.lon))
    return devices


def _counter(places: Places, n: int, name: str) -> Device:
    """A traffic counter at the kerb of the direction that it watches, with what the city knows of its place.

    Each direction of a road has a number of its own, and its distances run as the traffic does. Counters
    come to a road in pairs of one direction, so that one is ahead of the other.
    """
    road, metres = places.on_road("traffic", n)
    number = places.roads.index(road)
    turned = n // len(places.roads) // 2 + int(2 * places.draw("direction", road.name))
    backward = turned % 2 == BACKWARD
    lat, lon = road.at(metres, -KERB_M if backward else KERB_M)
    of = places.city.roads[number]
    limits = {
        "road": float(2 * number + 1 + backward),
        "chainage_m": round(road.length - metres if backward else metres),
        "lanes": float(of.lanes),
        "free_flow_kmh": float(of.free_kmh),
    }
    return _device(places, "traffic", n, name, lat, lon, limits=limits)


def _at_site(places: Places, kind: Kind, n: int, site: Site) -> Device:
    device_id = site.id or _id(kind.name, n)
    return _device(
        places, kind.name, n, site.name, site.lat, site.lon, device_id, limits=dict(site.limits),
        tags=site.tags,
    )  # fmt: skip


def _spot(places: Places, kind: str, n: int) -> Spot:
    # Of stations that serve people and traffic alike, every other one stands at a road.
    by_road = kind in ALONG_ROADS or (kind == "air" and n % 2 == 1)
    if by_road and places.roads:
        road, metres = places.on_road(kind, n)
        return Spot(road.name, *road.at(metres, KERB_M))
    if kind in ALONG_WATERS and places.waters:
        water, metres = places.on_water(kind, n)
        return Spot(water.name, *water.at(metres))
    return _in_area(places, kind, n)


def _in_area(places: Places, kind: str, n: int) -> Spot:
    if not places.city.areas:
        lat, lon = places.city.centre
        return Spot(places.city.vi, lat, lon)
    area, lat, lon = places.in_area(kind, n)
    return Spot(f"{area.type} {area.name}", lat, lon)


def _lamps(places: Places, feeders: Sequence[Device], count: int) -> list[Device]:
    """Lamps in a row along the road of their feeder, on both sides."""
    lamps: list[Device] = []
    for n in range(count):
        if not feeders:
            spot = _spot(places, "feeder", n)
            lamps.append(_lamp(places, n, f"Đèn {spot.name} {n + 1}", spot.lat, spot.lon, ""))
            continue
        at = min(n // LAMPS_PER_FEEDER, len(feeders) - 1)
        place = n - at * LAMPS_PER_FEEDER
        feeder = feeders[at]
        lat, lon = _beside(places, at, place)
        name = f"Đèn {feeder.name.removeprefix(LABEL['feeder']).strip()}/{place + 1:02d}"
        lamps.append(_lamp(places, n, name, lat, lon, feeder.id))
    return lamps


def _lamp(places: Places, n: int, name: str, lat: float, lon: float, parent: str) -> Device:
    # A road has one type of luminaire: what hangs on a feeder is alike.
    watts = RATED_POWER_W[int(places.draw("rated", parent) * len(RATED_POWER_W))]
    return _device(places, "lamp", n, name, lat, lon, parent=parent, limits={"rated_power": watts})


def _beside(places: Places, feeder: int, place: int) -> tuple[float, float]:
    if not places.roads:
        return places.in_area("feeder", feeder)[1:] if places.city.areas else places.city.centre
    road, metres = places.on_road("feeder", feeder)
    # Walk on from the feeder, or back from it where the road would end.
    ahead = metres + LAMP_SPACING_M * 2 * LAMPS_PER_FEEDER <= road.length
    step = LAMP_SPACING_M if ahead else -LAMP_SPACING_M
    return road.at(metres + step * (place + 1), KERB_M if place % 2 else -KERB_M)


def _id(kind: str, n: int) -> str:
    return f"{PREFIX.get(kind, kind.replace('_', '-'))}-{n + 1:04d}"


def _device(
    places: Places,
    kind: str,
    n: int,
    name: str,
    lat: float,
    lon: float,
    device_id: str = "",
    parent: str = "",
    limits: dict[str, float] | None = None,
    tags: tuple[str, ...] = (),
) -> Device:
    lat, lon = _inside(places.city, lat, lon)
    return Device(
        id=device_id or _id(kind, n),
        kind=kind,
        name=name,
        lat=lat,
        lon=lon,
        area=places.city.area_at(lat, lon),
        parent=parent,
        registered=True,
        simulated=True,
        limits=limits or {},
        tags=tags,
    )


def _inside(city: City, lat: float, lon: float) -> tuple[float, float]:
    west, south, east, north = city.bbox
    return round(min(max(lat, south), north), 6), round(min(max(lon, west), east), 6)
