"""A shock wave in space and time: a crash on a main road, the queue that walks back from it, and its diagram."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from benchmarks.likeness_series import Series
from devices.city import load_city
from devices.registry import load_kinds
from simulators.events import Event
from simulators.flow_diagram import Diagram
from simulators.models import Scene
from simulators.placement import simulated_devices
from simulators.road_graph import FORWARD
from simulators.road_traffic import RoadTraffic, road_traffic
from telemetry.arrays import Index, Values
from telemetry.clock import HOUR, MINUTE, parse_time

ROAD, CRASH_KM = "Võ Văn Kiệt", 7.5
MIDNIGHT = parse_time("2026-02-08T17:00:00Z")  # Monday 00:00 local, the dry season
CRASH = MIDNIGHT + 17 * HOUR, MIDNIGHT + 17 * HOUR + 40 * MINUTE
SHOWN = MIDNIGHT + 16 * HOUR + 40 * MINUTE, 150  # from then on [min]
SETTLED = 3  # minutes until there is a queue that has a state
LOST = 0.7  # of the road's capacity


def shock_wave(_: Mapping[str, Series]) -> Figure:
    """Speed by place and minute, with the slope that Rankine and Hugoniot give; flow by density there."""
    traffic, cells = crash()
    count, shape = SHOWN[1], (SHOWN[1], len(cells))
    time = SHOWN[0] + MINUTE * np.arange(count)
    flow, density = traffic.at(np.tile(cells, count), np.repeat(time, len(cells)))
    flow, density = 60.0 * flow.reshape(shape), density.reshape(shape)
    figure = Figure(figsize=(12.0, 4.2), layout="constrained")
    plane, points = figure.subplots(1, 2, width_ratios=(2, 1))
    km = np.append(0.0, np.cumsum(traffic.graph.length[cells])) / 1_000.0
    hours = (time - MIDNIGHT) / HOUR
    speed = flow / np.maximum(density, 1e-9)
    mesh = plane.pcolormesh(
        np.append(hours, hours[-1] + 1 / 60), km, speed.T, cmap="RdYlGn", vmin=0
    )
    figure.colorbar(mesh, ax=plane, label="km/h")
    at = int(np.searchsorted(km, CRASH_KM)) - 1
    block = [(t - MIDNIGHT) / HOUR for t in CRASH]
    plane.plot(block, [CRASH_KM, CRASH_KM], color="black", lw=3, label="the crash")
    minutes, back = front(flow, density, km)
    label = "its queue's back by (q2 - q1) / (k2 - k1)"
    plane.plot(block[0] + minutes / 60.0, back, "k--", lw=1.2, label=label)
    plane.set(
        title=f"{ROAD}, a crash at km {CRASH_KM}", xlabel="local hour", ylabel="km, as one drives"
    )
    plane.legend(loc="upper right", fontsize=7)
    _diagram(points, traffic, cells[at - 6 : at + 3], flow, density, at)
    return figure


def crash() -> tuple[RoadTraffic, Index]:
    """(the roads of a city with a crash, the cells of the road's direction)."""
    city, kinds = load_city("hcmc"), load_kinds()
    devices = simulated_devices(city, kinds, 300, 1)
    calm = Scene(city, kinds, devices, 1, nature=False)
    counters = calm.fleets["traffic"].devices
    graph = road_traffic(city, counters, calm.weather, calm.events, calm.seed, calm.local).graph
    road = [r.name for r in graph.roads].index(ROAD)
    cell = graph.cell(road, FORWARD, 1_000.0 * CRASH_KM)
    place = float(graph.lat[cell]), float(graph.lon[cell])
    event = Event(*CRASH, "incident", *place, radius_m=120.0, strength=LOST)
    of = Scene(city, kinds, devices, 1, [event], nature=False)
    traffic = road_traffic(
        city, counters, of.weather, of.events, of.seed, of.local, everywhere=True
    )
    chain = graph.chains[2 * road + FORWARD]
    return traffic, np.arange(chain.first, chain.first + chain.count)


def front(flow: Values, density: Values, km: Values) -> tuple[Values, Values]:
    """(minutes since the crash, place) of the queue's back, by the states before and behind it. [min], [km]

    Rankine and Hugoniot: a shock moves with (q2 - q1) / (k2 - k1).
    """
    begins, ends = ((t - SHOWN[0]) // MINUTE for t in CRASH)
    crash = int(np.searchsorted(km, CRASH_KM)) - 1
    place, path = float(km[crash]), [float(km[crash])]
    for minute in range(begins + SETTLED, ends):
        cell = int(np.searchsorted(km, place)) - 1
        before, behind = (minute, cell - 2), (minute, min(cell + 2, crash - 1))
        wave = (flow[behind] - flow[before]) / (density[behind] - density[before])
        place += float(wave) / 60.0
        path.append(place)
    return np.arange(SETTLED, SETTLED + len(path), dtype=np.float64), np.array(path)


def _diagram(
    points: Axes, traffic: RoadTraffic, cells: Index, flow: Values, density: Values, at: int
) -> None:
    one = Diagram.of(traffic.graph.lanes[cells[:1]], traffic.graph.free[cells[:1]])
    k = np.linspace(0.0, float(one.jam[0]), 400)
    points.plot(k, one.flow(k), color="#999", label="the diagram")
    near = slice(at - 6, at + 3)
    points.plot(density[:, near].ravel(), flow[:, near].ravel(), ".", ms=2, color="#1f6fb4", label="minutes of the cells around the crash")  # fmt: skip
    points.set(title="Flow by density", xlabel="motorcycle equivalents / km", ylabel="motorcycle equivalents / h")  # fmt: skip
    points.grid(alpha=0.25)
    points.legend(fontsize=7)
