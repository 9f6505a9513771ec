"""Scenes and messages of both cities for the tests."""

from __future__ import annotations

from functools import cache

import numpy as np

from devices.city import City, load_city
from devices.registry import load_kinds
from simulators.fleet import Rows
from simulators.messages import Messages
from simulators.models import Scene
from simulators.placement import simulated_devices
from telemetry.arrays import Values
from telemetry.clock import parse_time

KINDS = load_kinds()
SEED = 1


@cache
def city(name: str) -> City:
    return load_city(name)


@cache
def scene(name: str, count: int = 300, nature: bool = False) -> Scene:
    """A scene in which nothing happens, or what nature brings."""
    devices = simulated_devices(city(name), KINDS, count, SEED)
    return Scene(city(name), KINDS, devices, SEED, nature=nature)


@cache
def city_messages(name: str, count: int = 300, seed: int = SEED) -> Messages:
    devices = simulated_devices(city(name), KINDS, count, seed)
    return Messages(city(name), KINDS, devices, seed)


def day_of(name: str, kind: str, start: str, days: float = 1.0) -> tuple[Rows, dict[str, Values]]:
    """Rows and healthy values of a kind from `start` (RFC 3339), as devices report them: rounded."""
    of = scene(name)
    begin = parse_time(start)
    rows = of.fleets[kind].rows(begin, begin + int(days * 86_400e9))
    values = of.models[kind].values(rows)
    for quantity in KINDS[kind].quantities:
        if quantity.name in values:
            column = values[quantity.name]
            values[quantity.name] = np.rint(column / quantity.resolution) * quantity.resolution
    return rows, values


def mean_at(rows: Rows, column: Values, hour: float) -> float:
    """Mean of the hour that begins at this local time."""
    return float(column[(rows.hour >= hour) & (rows.hour < hour + 1)].mean())
