"""A city: its areas, its time zone, the editions of limits in force, and where its devices may stand.

Read from `cities/{name}.toml`, or from any path. Another city is another file.
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import numpy as np

from devices.open_data import OpenData, open_data
from devices.tide import TideStation, tide_station
from telemetry.errors import DeclarationError

FOLDER = Path(__file__).parent.parent / "cities"


@dataclass(frozen=True, slots=True, kw_only=True)
class Area:
    """A ward or commune. `code` is its official code, `type` phường | xã | đặc khu; km2 its area."""

    code: str
    type: str
    name: str
    lat: float
    lon: float
    km2: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Site:
    """A place where a device of `kind` stands or may stand.

    id      the device's id where it is one that people know by name, else ""
    limits, tags  as in Device
    """

    kind: str
    name: str
    lat: float
    lon: float
    id: str = ""
    limits: Mapping[str, float]
    tags: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Road:
    """A main road as a line of (lat, lon) points; counters, feeders and lamps stand along it.

    Roads that come within a short way of each other meet there. A river is one too, without traffic.

    lanes      in each direction, 1…6
    free_kmh   speed while the road is empty, 30…120 [km/h]
    """

    name: str
    points: tuple[tuple[float, float], ...]
    lanes: int = 2
    free_kmh: float = 45.0

    def __post_init__(self) -> None:
        if len(self.points) < 2:
            raise ValueError(f"{self.name} needs two points or more")
        if self.lanes not in range(1, 7):
            raise ValueError(f"lanes of {self.name} must lie in 1…6, got {self.lanes}")
        if not 30 <= self.free_kmh <= 120:
            raise ValueError(f"free_kmh of {self.name} must lie in 30…120, got {self.free_kmh}")


@dataclass(frozen=True, kw_only=True)
class City:
    """A city file, read and checked.

    bbox      west, south, east, north [deg]
    centre    (lat, lon) that a map opens at
    editions  what is in force: {"air_index": "QĐ 1459/QĐ-TCMT", …}
    mix       share of each kind among simulated devices
    water     courses of rivers and canals to draw on the map, as lines of (lat, lon): a sketch
    open_data what everybody may have; None: nothing
    tide      where on the coast its tide comes from; None: it has none
    """

    name: str
    vi: str
    en: str
    province: str
    zone: ZoneInfo
    bbox: tuple[float, float, float, float]
    centre: tuple[float, float]
    editions: Mapping[str, str]
    areas: tuple[Area, ...]
    sites: tuple[Site, ...]
    roads: tuple[Road, ...]
    mix: Mapping[str, float]
    water: tuple[Road, ...] = ()
    open_data: OpenData | None = None
    tide: TideStation | None = None

    @cached_property
    def area(self) -> dict[str, Area]:
        """Areas by code."""
        return {a.code: a for a in self.areas}

    def area_at(self, lat: float, lon: float) -> str:
        """Code of the area whose centroid is nearest; "" for a city without areas."""
        if not self.areas:
            return ""
        squeeze = np.cos(np.radians(lat))
        far = (self._centroids[:, 0] - lat) ** 2 + (squeeze * (self._centroids[:, 1] - lon)) ** 2
        return self.areas[int(np.argmin(far))].code

    @cached_property
    def _centroids(self) -> np.ndarray[Any, np.dtype[np.float64]]:
        return np.array([(a.lat, a.lon) for a in self.areas])


def load_city(name: str) -> City:
    """The city of this name in `cities/`, or of this path. Raises DeclarationError in words."""
    path = Path(name) if name.endswith(".toml") else FOLDER / f"{name}.toml"
    try:
        table = tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError:
        known = ", ".join(sorted(p.stem for p in FOLDER.glob("*.toml")))
        raise DeclarationError(
            "URBAN_CITY", f"must be a .toml file or one of {known}", name
        ) from None
    except tomllib.TOMLDecodeError as error:
        raise DeclarationError(str(path), f"must be TOML: {error}") from None
    try:
        return _city(table)
    except ZoneInfoNotFoundError:
        raise DeclarationError(
            f"{path}: time_zone", "must be an IANA name", table["time_zone"]
        ) from None
    except KeyError as error:
        raise DeclarationError(str(path), f"needs the key {error}") from None
    except (TypeError, ValueError) as error:
        raise DeclarationError(str(path), f"holds a value of the wrong form: {error}") from None


def _city(table: dict[str, Any]) -> City:
    west, south, east, north = (float(x) for x in table["bbox"])
    lat, lon = (float(x) for x in table["centre"])
    city = City(
        name=table["name"],
        vi=table["vi"],
        en=table["en"],
        province=table["province"],
        zone=ZoneInfo(table["time_zone"]),
        bbox=(west, south, east, north),
        centre=(lat, lon),
        editions=table["editions"],
        areas=tuple(Area(**a) for a in table["areas"]),
        sites=tuple(
            Site(**{"limits": {}, **s, "tags": tuple(s.get("tags", ()))})
            for s in table.get("sites", [])
        ),
        roads=_lines(table.get("roads", [])),
        mix=table["mix"],
        water=_lines(table.get("water", [])),
        open_data=open_data(table.get("open_data"), (a["code"] for a in table["areas"])),
        tide=tide_station(table.get("tide")),
    )
    places: tuple[Area | Site, ...] = (*city.areas, *city.sites)
    for place in places:
        if not (south <= place.lat <= north and west <= place.lon <= east):
            raise ValueError(f"{place.name} lies outside bbox")
    return city


def _lines(rows: list[dict[str, Any]]) -> tuple[Road, ...]:
    return tuple(
        Road(**{**r, "points": tuple((float(a), float(b)) for a, b in r["points"])}) for r in rows
    )
