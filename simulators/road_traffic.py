"""What flows and stands on a city's main roads at any time: the cell-transmission model, day by day.

A function of time in spite of the model's state: a day is run on its own, from quiet roads at two in the
morning, and answers from three to three. It is run no further than it was asked for, and the last days
that were asked for are kept; whatever the order of the questions, the answers are the same.
"""

from __future__ import annotations

from collections import OrderedDict

import numpy as np
from numpy.typing import NDArray

from devices.city import City
from devices.device import Device
from simulators.cell_transmission import CellTransmission
from simulators.events import Event, Events, nearness
from simulators.fleet import LocalTime
from simulators.places import METRES_PER_DEG
from simulators.road_demand import RoadDemand
from simulators.road_graph import STEP_S, RoadGraph, road_graph
from simulators.weather import Weather
from telemetry.arrays import Index, Times, Values
from telemetry.clock import HOUR, MINUTE

BEGINS, ANSWERS = 2 * HOUR, 3 * HOUR  # local time at which a day is begun, and answers
DAYS_KEPT = 3
STEPS = round(60 / STEP_S)  # a minute
ON_ITS_ROAD_M = 1_500.0  # further off, a counter's entry speaks of other roads than ours
AHEAD_CELLS = (
    1  # an incident at a counter lies just ahead of it, so that its queue passes the counter
)


class RoadTraffic:
    """Flow and density at watched cells. `watched` are cells of `graph`, sorted, each once."""

    def __init__(
        self, graph: RoadGraph, demand: RoadDemand, events: Events, local: LocalTime,
        watched: Index, places: dict[str, int],
    ) -> None:  # fmt: skip
        self.graph, self.watched, self.places = graph, watched, places
        self._demand, self._events, self._local = demand, events, local
        self._days: OrderedDict[int, _Day] = OrderedDict()

    def at(self, watched: Index, time: Times) -> tuple[Values, Values]:
        """(flow [MEU in the minute before], mean density [MEU/km]) at watched cells, by their place."""
        flow, density = np.zeros(len(time)), np.zeros(len(time))
        hours, where = np.unique((time - ANSWERS) // HOUR, return_inverse=True)
        day = np.array([self._local.day(h * HOUR) for h in hours.tolist()], dtype=np.int64)[where]
        for number in np.unique(day).tolist():
            rows = np.flatnonzero(day == number)
            flow[rows], density[rows] = self._day(number).at(watched[rows], time[rows])
        return flow, density

    def open_share(self, event: Event) -> Values:
        """The share of its capacity that an incident leaves each cell of the graph."""
        if event.devices:
            struck = np.zeros(len(self.graph))
            for device in event.devices:
                struck[self.just_ahead(self.places[device])] = 1.0
        else:
            struck = nearness(event, self.graph.lat, self.graph.lon)
        return np.asarray(1.0 - event.strength * struck)

    def just_ahead(self, cell: int) -> int:
        """The cell just ahead of a counter's, on its road."""
        chain = self.graph.chain_of(cell)
        return min(cell + AHEAD_CELLS, chain.first + chain.count - 1)

    def _day(self, number: int) -> _Day:
        if number in self._days:
            self._days.move_to_end(number)
        else:
            start = self._local.midnight(number) + BEGINS
            end = self._local.midnight(number + 1) + ANSWERS
            self._days[number] = _Day(self, start, (end - start) // MINUTE)
            while len(self._days) > DAYS_KEPT:
                self._days.popitem(last=False)
        return self._days[number]


class _Day:
    """One run of the model: minutes by watched cells, as far as it was asked for."""

    def __init__(self, of: RoadTraffic, start: int, minutes: int) -> None:
        self._of, self._start = of, start
        self._load, self._pace = of._demand.between(start, minutes)
        self._wet = self._pace.min(axis=0) < 1.0
        self._blocks = [
            (e.start, e.end, of.open_share(e))
            for e in of._events.between(start, start + minutes * MINUTE, "incident")
        ]
        self._model = CellTransmission(of.graph)
        self._model.settle(self._load[of._demand.section, 0])
        shape = (minutes, len(of.watched))
        # Half of the bytes of a float64: three days of all cells of a city are tens of megabytes.
        self._flow: NDArray[np.float32] = np.zeros(shape, dtype=np.float32)
        self._density: NDArray[np.float32] = np.zeros(shape, dtype=np.float32)
        self._done = 0

    def at(self, watched: Index, time: Times) -> tuple[Values, Values]:
        """As RoadTraffic.at: the two minutes of the run that a minute overlaps, by their parts."""
        since = time - self._start
        minute = since // MINUTE
        self._run(int(minute.max()) + 1)
        part = (since - minute * MINUTE) / MINUTE
        before, now = (minute - 1, watched), (minute, watched)
        flow = (1.0 - part) * self._flow[before] + part * self._flow[now]
        density = (1.0 - part) * self._density[before] + part * self._density[now]
        return flow, density

    def _run(self, until: int) -> None:
        """Run it on to this minute."""
        of, model = self._of, self._model
        section, watched = of._demand.section, of.watched
        per_km = 1.0 / (STEPS * model.km[watched])
        for minute in range(self._done, until):
            supply = self._load[:, minute][section] * model.supply
            pace = self._pace[:, minute][section] if self._wet[minute] else 1.0
            open_ = self._open(self._start + minute * MINUTE)
            stood, went = np.zeros(len(watched)), np.zeros(len(watched))
            for _ in range(STEPS):
                stood += model.n[watched]
                went += model.step(supply, pace, open_)[watched]
            self._flow[minute], self._density[minute] = went, stood * per_km
        self._done = max(self._done, until)

    def _open(self, time: int) -> Values | float:
        share: Values | float = 1.0
        for start, end, left in self._blocks:
            if start <= time < end:
                share = share * left
        return share


def road_traffic(
    city: City, devices: list[Device], weather: Weather, events: Events, seed: int,
    local: LocalTime, everywhere: bool = False,
) -> RoadTraffic:  # fmt: skip
    """The traffic of a city's roads, watched where these counters stand, or everywhere."""
    graph = road_graph(city)
    places = {d.id: cell_of(graph, d) for d in devices}
    cells = range(len(graph)) if everywhere else sorted(set(places.values()))
    demand = RoadDemand(graph, city.centre, weather, seed, local)
    return RoadTraffic(graph, demand, events, local, np.array(cells, dtype=np.intp), places)


def cell_of(graph: RoadGraph, device: Device) -> int:
    """The cell that a counter watches: its own, or the one before where a crossroads follows.

    A counter stands before the place where queues fill up and turn off; so what blocks the road just ahead
    of it is felt there.
    """
    cell = _standing_on(graph, device)
    on = set(graph.on.tolist())
    return cell - 1 if cell not in on and cell - 1 in on else cell


def _standing_on(graph: RoadGraph, device: Device) -> int:
    """The cell that a counter stands on: by its road and chainage where they are ours, else the nearest."""
    lat, lon = device.lat or 0.0, device.lon or 0.0
    road, direction = divmod(int(device.limits.get("road", 0)) - 1, 2)
    if 0 <= road < len(graph.roads):
        cell = graph.cell(road, direction, device.limits.get("chainage_m", 0.0))
        squeeze = np.cos(np.radians(lat))
        far = np.hypot(graph.lat[cell] - lat, (graph.lon[cell] - lon) * squeeze)
        if far * METRES_PER_DEG < ON_ITS_ROAD_M:
            return cell
    return graph.nearest(lat, lon)
