"""From `URBAN_NOTIFY` to the threads that tell people, or nothing where it is not set."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from analytics.alerts.group_rules import OUR_RULES
from analytics.alerts.platform_rules import DOMAIN
from analytics.alerts.rulebook import RuleBook
from analytics.notify.delivery import AppriseDelivery
from analytics.notify.describe import Describer
from analytics.notify.notifier import Notifier
from analytics.notify.plan import Known, Plan, load_plan
from analytics.notify.post import Post
from analytics.notify.texts import Writer
from devices.city import City
from devices.device import Catalogue
from devices.registry import Kinds
from store.operations import OperationsStore
from telemetry.clock import Clock


def read_plan(path: Path, kinds: Kinds, city: City, rules: RuleBook | None = None) -> Plan:
    """The notification file, checked against what this city knows. Raises DeclarationError."""
    known = Known(
        domains=frozenset({DOMAIN, *(k.domain for k in kinds)}),
        kinds=frozenset(kinds.code),
        areas=frozenset(city.area),
        rules=(rules or RuleBook(kinds, OUR_RULES)).codes(),
    )
    return load_plan(path, known)


def make_notifier(
    path: Path,
    catalogue: Catalogue,
    city: City,
    store: OperationsStore,
    clock: Clock,
    on_trouble: Callable[[str, str], None],
    rules: RuleBook,
) -> Notifier:
    """A post for each channel of the file. Raises DeclarationError where the file is not right."""
    plan = read_plan(path, catalogue.kinds, city, rules)
    delivery = AppriseDelivery(str(path), plan.channels)
    describe = Describer(catalogue, city, rules)
    posts = [
        Post(
            name, plan, Writer(channel.language or plan.language, city.zone, plan.link),
            store, describe, delivery, clock,
        )
        for name, channel in plan.channels.items()
    ]  # fmt: skip
    return Notifier(posts, on_trouble)
