"""From `URBAN_RULES` and the stored rules to those that are in force."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from analytics.alerts.book import AlertBook
from analytics.custom.check import Surroundings, load_rules
from analytics.custom.definition import CustomRule
from analytics.custom.desk import RuleDesk
from commands.stores import Stores
from devices.city import City
from telemetry.clock import Clock
from telemetry.settings import Settings


def make_rule_desk(
    settings: Settings,
    stores: Stores,
    city: City,
    book: AlertBook,
    use: Callable[[tuple[CustomRule, ...]], None],
    clock: Clock,
) -> RuleDesk:
    """Rules of the file and of the store, in force. Raises DeclarationError where the file is not right."""
    around = Surroundings(stores.catalogue, frozenset(city.area))
    desk = RuleDesk(
        around, city.zone, stores.operations, stores.telemetry, book.rules, use, book.withdraw, clock
    )  # fmt: skip
    desk.load(load_rules(Path(settings.rules), around) if settings.rules else ())
    return desk
