"""The feed of Grafana's boards, from the platform's stores."""

from __future__ import annotations

from analytics.alerts.rulebook import RuleBook
from analytics.notify.describe import Describer
from commands.stores import Stores
from devices.city import City
from grafana.feed import BoardFeed
from store.influx_store import InfluxStore
from telemetry.clock import Clock
from telemetry.settings import Settings


def make_board_feed(
    settings: Settings, stores: Stores, city: City, rules: RuleBook, clock: Clock
) -> BoardFeed | None:
    """What writes the boards' figures; None where the telemetry store is no InfluxDB."""
    if not isinstance(stores.telemetry, InfluxStore):
        return None
    return BoardFeed(
        stores.telemetry,
        stores.telemetry,
        stores.operations,
        stores.catalogue,
        city,
        Describer(stores.catalogue, city, rules),
        clock,
        settings.data_dir,
    )
