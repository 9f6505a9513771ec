"""What stands in the alert book → the engine: after a restart it can clear what it has not seen raised."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np

from analytics.alerts.group_rules import GROUP_CODES
from analytics.engine import Engine
from store.records import Condition


def adopt(engine: Engine, conditions: Iterable[Condition]) -> None:
    """Take over the conditions that stand at devices, of the kinds' rules and of engineers'."""
    catalogue = engine.layout.catalogue
    numbers = {(kind, rule.code): n for n, (kind, rule) in enumerate(engine.rules())}
    of_kinds: list[tuple[int, int, int, float]] = []
    custom: dict[str, list[tuple[int, int, float]]] = {}
    known = list(conditions)
    for c in known:
        device = catalogue.code(c.subject)
        if device is None or not c.stands or c.rule in GROUP_CODES:
            continue
        number = numbers.get((int(catalogue.kind_of[device]), c.rule))
        if number is not None:
            of_kinds.append((number, device, c.time, c.worst))
        else:
            custom.setdefault(c.rule, []).append((device, c.time, c.worst))
    outages = [(c.rule, c.subject, c.since) for c in known if c.stands and c.rule in GROUP_CODES]
    engine.adopt_outages(outages)
    if of_kinds:
        rule, at, seen, worst = (np.array(column) for column in zip(*of_kinds, strict=True))
        engine.adopt(rule, at.astype(np.int32), seen, worst)
    for code, rows in custom.items():
        at, seen, worst = (np.array(column) for column in zip(*rows, strict=True))
        engine.adopt_custom(code, at.astype(np.int32), seen, worst)
