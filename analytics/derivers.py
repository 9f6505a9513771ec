"""The derivers of the platform. A new index or detector is a file of its own and a line here."""

from __future__ import annotations

from zoneinfo import ZoneInfo

from analytics.deriver import Deriver
from analytics.emission import Emissions
from analytics.feeder_load import FeederLoad
from analytics.gauge import Gauge
from analytics.indices.air_hours import air_hours
from analytics.indices.calendar import LocalCalendar
from analytics.indices.flood_stage import FloodStage
from analytics.indices.noise_hours import NoiseHours
from analytics.indices.water_hours import water_hours
from analytics.lamp_nights import LampNights
from analytics.lamp_quality import LampQuality
from analytics.layout import Layout
from analytics.lighting import Lighting
from analytics.limits import Limits
from analytics.traffic.bottleneck import Bottleneck
from analytics.traffic.health import Health
from analytics.traffic.incidents import Incidents
from analytics.traffic.performance import Performance
from analytics.trees import Trees
from analytics.waste import Filling, Fire


def all_derivers(layout: Layout, limits: Limits, zone: ZoneInfo) -> tuple[Deriver, ...]:
    """One of each, in the order in which what they derive is told. `zone` is the city's: for local days."""
    bottleneck = Bottleneck(layout, limits, zone)
    calendar = LocalCalendar(zone)
    return (
        FloodStage(layout.kinds, limits, calendar),
        Lighting(layout, limits),
        FeederLoad(layout, limits),
        air_hours(layout, calendar),
        NoiseHours(layout, limits, calendar),
        water_hours(layout, calendar),
        Performance(layout, limits, zone),
        bottleneck,
        Incidents(layout, limits, bottleneck),
        Health(layout, limits),
        Emissions(layout, zone),
        Filling(layout),
        Fire(layout),
        Trees(layout),
        Gauge(layout),
        LampQuality(layout, limits),
        LampNights(layout, zone),
    )
