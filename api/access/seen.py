"""The context as one principal sees it: narrowed stores, signing desks. The one place where scope is applied."""

from __future__ import annotations

import copy
from collections.abc import Callable
from functools import partial
from typing import cast

from api.access.metered import Metered
from api.access.principal import Principal
from api.access.seen_desks import SeenAlerts, SeenRules
from api.access.seen_stores import SeenCatalogue, SeenOperations, SeenTelemetry
from api.access.sight import Sight
from api.access.trail import Trail
from api.context import Context
from store.operations import OperationsStore
from store.telemetry import TelemetryStore


class Eyes:
    """Makes the context of each principal; keeps what is the same for all who see the same part."""

    def __init__(
        self, context: Context, charge: Callable[[Principal, int], None] | None = None
    ) -> None:
        self._context = context
        self._charge = charge
        self._parts: dict[tuple[frozenset[str] | None, frozenset[str] | None], Sight] = {}

    def see(self, principal: Principal, trail: Trail | None = None) -> Context:
        """The context for one request, or one visitor."""
        trail = trail or Trail(principal, self._context.audit)
        seen = see(self._context, self._sight(principal), trail)
        if self._charge is not None:
            paid = Metered(seen.telemetry, partial(self._charge, principal))
            seen.telemetry = cast(TelemetryStore, paid)
        return seen

    def _sight(self, principal: Principal) -> Sight:
        if principal.whole:
            return self._context.sight
        part = (principal.domains, principal.areas)
        found = self._parts.get(part)
        if found is None:
            if len(self._parts) >= 1_000:  # accounts come and go
                self._parts.clear()
            found = self._parts[part] = Sight(self._context.catalogue, *part)
        return found


def see(context: Context, sight: Sight, trail: Trail) -> Context:
    """`context` without what lies out of sight, and with acts that `trail` notes."""
    seen = copy.copy(context)
    seen.trail, seen.sight = trail, sight
    seen.alerts = SeenAlerts(context.alerts, context.operations, sight, trail)
    seen.rules = SeenRules(context.rules, sight, trail)
    if not sight.whole:
        seen.catalogue = SeenCatalogue(sight)
        seen.telemetry = cast(TelemetryStore, SeenTelemetry(context.telemetry, sight))
        seen.operations = cast(OperationsStore, SeenOperations(context.operations, sight))
    return seen
