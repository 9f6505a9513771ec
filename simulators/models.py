"""Kinds → what their devices measure: every model of the city, wired once."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import Protocol

import numpy as np

from devices.city import City
from devices.device import Device
from devices.kind import Kind
from devices.registry import Kinds
from simulators.air import AirModel
from simulators.airshed import Airshed
from simulators.chance import derived, key, wander
from simulators.climate import Climate
from simulators.emission import EmissionModel
from simulators.events import Event, Events, Source
from simulators.feeder import FeederModel
from simulators.fleet import Fleet, LocalTime, Rows
from simulators.gateways import Gateways
from simulators.lamp import Burning, LampModel
from simulators.level import LevelModel
from simulators.light_plan import LightPlan
from simulators.nature import AfterStorms, Nature
from simulators.noise import NoiseModel
from simulators.orders import Orders
from simulators.road_traffic import road_traffic
from simulators.scenario import Scenario
from simulators.script import Script
from simulators.sun import Sun
from simulators.toml_file import TomlFile
from simulators.traffic import TrafficModel
from simulators.tree import TreeModel
from simulators.waste import WasteModel
from simulators.water import WaterModel
from simulators.weather import Weather, WeatherModel
from telemetry.arrays import Values


class Model(Protocol):
    """What the devices of one kind measure: a pure function of the rows."""

    def values(self, rows: Rows) -> dict[str, Values]:
        """Columns by quantity, in the quantities' units, not rounded yet."""
        ...


class DeclaredModel:
    """A kind without a model of its own: smooth values in the middle of what is plausible."""

    def __init__(self, kind: Kind) -> None:
        self._kind = kind

    def values(self, rows: Rows) -> dict[str, Values]:
        """Columns by quantity, of all that a device may send."""
        found = {}
        for salt, quantity in enumerate((q for q in self._kind.quantities if not q.derived), 300):
            low, high = max(quantity.plausible.low, -1e6), min(quantity.plausible.high, 1e6)
            # A day's change of a twentieth of the span stays within any believable rate.
            change = np.tanh(wander(derived(rows.key, salt), rows.t, 86_400.0, 21_600.0, 3_600.0))
            found[quantity.name] = (low + high) / 2 + (high - low) / 40 * change
        return found


class Scene:
    """A simulated city: its fleets and their models, by kind.

    `events` are forced, `scenario` (and its file) brings more of them, and faults: see `script`. `nature`:
    whether what happens by itself is there too; None: as the scenario says, and without one it is.
    """

    def __init__(
        self,
        city: City,
        kinds: Kinds,
        devices: Sequence[Device],
        seed: int,
        events: Sequence[Event] = (),
        scenario: tuple[Scenario, TomlFile] | None = None,
        nature: bool | None = None,
    ) -> None:
        self.city = city
        # Two cities of one seed are two cities.
        self.seed = key(seed, city.name)
        self.local = LocalTime(city.zone)
        self.sun = Sun(city)
        self.plan = LightPlan(self.sun, self.local)
        self.fleets: dict[str, Fleet] = {}
        for kind in kinds:
            of_kind = [d for d in devices if d.kind == kind.name]
            if of_kind:
                self.fleets[kind.name] = Fleet(kind, of_kind, self.seed, self.local)
        self.orders = Orders(self.local)
        lamps = self.fleets.get("lamp")
        self._burning = None if lamps is None else Burning(self.plan, lamps, self.seed, self.orders)
        self.gateways = Gateways(devices, self.seed)
        self.script: Script | None = None
        if scenario is not None:
            self.script = Script(*scenario, city, self.fleets, self.gateways, self.local, self.seed)
        if nature is None:
            nature = scenario is None or scenario[0].nature
        self.events = self._happening(events, nature)
        self.weather = Weather(city, self.seed, self.local, self.sun, self.events)
        self.airshed = Airshed(city, self.seed, self.local, self.weather)
        self.models = {name: self._model(name) for name in self.fleets}

    def _happening(self, forced: Sequence[Event], nature: bool) -> Events:
        """All that happens: what is forced, the scenario's, nature's own, and what storms leave behind."""
        sources: list[Source] = []
        if self.script is not None:
            sources.append(self.script.events)
        if nature:
            north = Climate(self.city).north
            sources.append(Nature(self.fleets, self.local, self.seed, north).between)
        storms = partial(Events(forced, self.fleets, *sources).between, type="storm")
        after = AfterStorms(self.fleets.get("tree"), storms)
        return Events(forced, self.fleets, *sources, after.between)

    def _model(self, name: str) -> Model:
        fleet, weather, sun, events = self.fleets[name], self.weather, self.sun, self.events
        match name:
            case "air":
                return AirModel(weather, sun, self.airshed, fleet, events)
            case "weather":
                return WeatherModel(weather, fleet)
            case "noise":
                return NoiseModel(weather, fleet, events)
            case "water":
                return WaterModel(weather, sun, fleet, events)
            case "level":
                return LevelModel(weather, fleet, self.seed, events)
            case "traffic":
                roads = road_traffic(
                    self.city, fleet.devices, weather, events, self.seed, self.local
                )
                return TrafficModel(roads, fleet)
            case "lamp":
                assert self._burning is not None
                return LampModel(self._burning, fleet)
            case "feeder":
                return FeederModel(self.plan, fleet, self._burning, self.fleets.get("lamp"))
            case "waste":
                return WasteModel(weather, sun, fleet, events)
            case "emission":
                return EmissionModel(fleet, events)
            case "tree":
                return TreeModel(weather, fleet, events)
            case _:
                return DeclaredModel(fleet.kind)
