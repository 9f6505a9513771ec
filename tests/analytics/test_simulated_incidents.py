"""Incidents on the simulated roads are found by the detectors; days without one, wet or dry, raise none."""

from __future__ import annotations

import numpy as np
import pytest

from analytics.engine import Engine
from simulators.events import Event
from simulators.models import Scene
from simulators.placement import simulated_devices
from telemetry.clock import HOUR, MINUTE, parse_time
from telemetry.flags import Flag
from telemetry.readings import Readings
from tests.analytics.city import ZONE, Told, catalogue
from tests.simulators.cities import KINDS, SEED, city
from tests.simulators.test_traffic import first_pair, struck

DRY = parse_time("2026-02-08T17:00:00Z")  # Monday 00:00 local
TRAFFIC = [d for d in simulated_devices(city("hcmc"), KINDS, 300, SEED) if d.kind == "traffic"]


def told_of(scene: Scene, start: int, end: int, step: int = 10 * MINUTE) -> Told:
    """What the engine tells of the counters' own values from `start` to `end`."""
    known = catalogue(TRAFFIC)
    fleet = scene.fleets["traffic"]
    rows = fleet.rows(start, end)
    values = scene.models["traffic"].values(rows)
    code = np.array([known.code(d.id) for d in fleet.devices])[rows.device]
    parts = []
    for quantity in KINDS["traffic"].quantities:
        if quantity.name in values:
            value = np.rint(values[quantity.name] / quantity.resolution) * quantity.resolution
            named = np.full(len(rows), KINDS.quantity_code[quantity.name])
            parts.append(Readings.of(code, named, rows.time, value, Flag.GOOD, rows.time))
    whole = Readings.concat(parts)
    whole = whole.take(np.argsort(whole.time, kind="stable"))
    e, told = Engine(known, ZONE), Told(known)
    for begin in range(start, end, step):
        first, last = np.searchsorted(whole.time, (begin, begin + step))
        told.take(e.process(whole.take(slice(first, last)), min(begin + step, end)))
    told.take(e.process(whole.take(slice(0, 1)), end + HOUR))
    return told


@pytest.mark.parametrize(("hour", "strength"), [(6.5, 0.6), (10.0, 0.8), (16.0, 0.7)])
def test_an_incident_between_two_stations_is_found_at_the_upper_one(
    hour: float, strength: float
) -> None:
    up, down = (struck().fleets["traffic"].devices[n].id for n in first_pair(struck()))
    start = DRY + int(hour * HOUR)
    event = Event(start, start + 40 * MINUTE, "incident", strength=strength, devices=(up,))
    told = told_of(struck(event), start - HOUR, start + 2 * HOUR)
    raised = [
        (d, t) for w, r, d, t, _ in told.transitions if (w, r) == ("raise", "traffic_incident")
    ]
    assert up in dict(raised)
    assert down not in dict(raised)
    assert start < dict(raised)[up] <= start + 10 * MINUTE
    cleared = [(r, d) for w, r, d, _, _ in told.transitions if w == "clear"]
    assert ("traffic_incident", up) in cleared


@pytest.mark.parametrize("day", ["2026-02-10", "2026-09-14"])
def test_a_day_without_incidents_raises_none(day: str) -> None:
    start = parse_time(f"{day}T17:00:00Z")
    told = told_of(struck(), start + 4 * HOUR, start + 22 * HOUR, HOUR)
    assert {(r, d) for w, r, d, _, _ in told.transitions if w == "raise"} == set()
