"""Hours of simulated and of recorded air side by side: the same columns, so that one statistic serves both."""

from __future__ import annotations

import csv
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date
from functools import lru_cache
from pathlib import Path

import numpy as np

from devices.city import load_city
from devices.registry import load_kinds
from simulators.fleet import Rows
from simulators.models import Scene
from simulators.placement import simulated_devices
from telemetry.arrays import Mask, Values
from telemetry.clock import HOUR, parse_time

SEED = 1
YEAR_START = "2025-12-31T17:00:00Z"  # a year from its first local midnight
HOURS = 365 * 24
PARTS = 4  # of an hour, whose mean is the hour's value, as an analyser's


@dataclass(frozen=True)
class Series:
    """Columns by hour, NaN where nothing was measured. hour: local, 0…23; month: 1…12."""

    hour: Values
    month: Values
    weekend: Mask
    columns: Mapping[str, Values]

    def __getitem__(self, name: str) -> Values:
        return self.columns[name]

    def only(self, months: tuple[int, ...]) -> Series:
        """The same hours, empty but in these months."""
        inside = np.isin(self.month, months)
        kept = {name: np.where(inside, c, np.nan) for name, c in self.columns.items()}
        return Series(self.hour, self.month, self.weekend, kept)


@lru_cache(maxsize=4)
def scene(city: str, nature: bool = True) -> Scene:
    """A city of 300 devices."""
    place, kinds = load_city(city), load_kinds()
    return Scene(place, kinds, simulated_devices(place, kinds, 300, SEED), SEED, nature=nature)


def rows_of(of: Scene, kind: str, number: int, start: int, count: int, step: int) -> Rows:
    """`count` rows of the kind's device of this number, from `start` on, every `step` ns."""
    fleet = of.fleets[kind]
    time = start + np.arange(count, dtype=np.int64) * step
    return fleet.at_times(np.full(count, number, dtype=np.intp), time // fleet.interval, time)


@lru_cache(maxsize=4)
def simulated_air(city: str, station: int) -> Series:
    """A year of one air station, hourly means, with the city's wind, temperature and pressure."""
    of = scene(city)
    start = parse_time(YEAR_START)
    rows = rows_of(of, "air", station, start, HOURS * PARTS, HOUR // PARTS)
    columns = {
        name: column.reshape(-1, PARTS).mean(axis=1)
        for name, column in of.models["air"].values(rows).items()
    }
    first = rows.take(np.arange(0, len(rows), PARTS))
    sky = of.weather.sky.at(first.t)
    columns |= {"wind": sky.wind_speed, "pressure": sky.pressure}
    month = first.day.astype("datetime64[D]").astype("datetime64[M]").astype(np.int64) % 12 + 1
    return Series(
        np.floor(first.hour), np.asarray(month, dtype=np.float64), first.weekend > 0, columns
    )


VALENCIA = {
    "pm25": "pm2.5", "pm10": "pm10", "no2": "no2", "o3": "o3", "so2": "so2", "co": "co",
    "wind": "veloc.",
}  # fmt: skip
BEIJING = {"pm25": "pm2.5", "temperature": "TEMP", "pressure": "PRES", "wind": "Iws"}


def valencia(folder: Path) -> Series:
    """The station of valencia_air, 2019–2023, as recorded (local hours)."""

    def when(row: Mapping[str, str]) -> tuple[date, int]:
        return date.fromisoformat(row["datetime"][:10]), int(row["datetime"][11:13])

    return _recorded(folder / "valencia_air" / "air_quality_valencia.csv", VALENCIA, when)


def beijing(folder: Path) -> Series:
    """The site of beijing_pm25, 2010–2014, as recorded (local hours); its wind is cumulated while it blows on."""

    def when(row: Mapping[str, str]) -> tuple[date, int]:
        return date(int(row["year"]), int(row["month"]), int(row["day"])), int(row["hour"])

    return _recorded(folder / "beijing_pm25" / "hourly_beijing_pm.csv", BEIJING, when)


def _recorded(
    path: Path,
    names: Mapping[str, str],
    when: Callable[[Mapping[str, str]], tuple[date, int]],
) -> Series:
    with path.open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    moments = [when(row) for row in rows]
    columns = {
        name: np.array([_number(row[column]) for row in rows]) for name, column in names.items()
    }
    return Series(
        np.array([float(hour) for _, hour in moments]),
        np.array([float(day.month) for day, _ in moments]),
        np.array([day.weekday() >= 5 for day, _ in moments]),
        columns,
    )


def _number(text: str) -> float:
    return float(text) if text not in ("", "NA", "nan") else np.nan
