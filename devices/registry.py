"""All kinds at once: found by walking `devices/kinds/`, checked at start, and laid out as arrays.

Codes are small integers of this process: a kind's code is its place in `kinds`, a quantity's its place
in `quantities`. Tables are indexed [kind code, quantity code].
"""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Callable, Iterable, Iterator

import numpy as np

from devices import kinds as kinds_package
from devices.command import RESTART, interval_command
from devices.kind import (
    ONLINE,
    REFUSED_SHARE,
    Kind,
    Quantity,
    check,
    offline_rule,
    rate_limited_rule,
)
from telemetry.arrays import AnyArray
from telemetry.errors import DeclarationError

# The order in which people meet the kinds: lists, pages, legends.
_ORDER = (
    "air",
    "weather",
    "noise",
    "water",
    "level",
    "traffic",
    "lamp",
    "feeder",
    "waste",
    "emission",
    "tree",
)


class Kinds:
    """The kinds of device that this platform understands.

    Tables [kind, quantity]: `declared`, `accepted` (a device may send it), `possible_low`,
    `possible_high`, `plausible_low`, `plausible_high`, `rate_per_ns`, `spike`, `resolution`,
    `flat_ns`, `rest`, `learns`, `attenuated_suspect`,
    `attenuated_fail`, `neighbour`, `drift` (NaN or infinite where a test does not apply), `circular`
    (an angle), `energetic` (a level in decibels: its mean is that of the energy).
    """

    def __init__(self, kinds: Iterable[Kind]) -> None:
        self.kinds: list[Kind] = [_complete(k) for k in kinds]
        self._refuse_twins()
        for kind in self.kinds:
            check(kind)
        self.code: dict[str, int] = {k.name: i for i, k in enumerate(self.kinds)}
        self.quantities: list[str] = sorted({q.name for k in self.kinds for q in k.quantities})
        self.quantity_code: dict[str, int] = {n: i for i, n in enumerate(self.quantities)}
        self._fill_tables()

    def __getitem__(self, name: str) -> Kind:
        return self.kinds[self.code[name]]

    def __contains__(self, name: object) -> bool:
        return name in self.code

    def __iter__(self) -> Iterator[Kind]:
        return iter(self.kinds)

    def quantity(self, kind: int, quantity: int) -> Quantity:
        """The declaration behind a pair of codes. Raises KeyError where the kind has none."""
        found = self.kinds[kind].quantity(self.quantities[quantity])
        if found is None:
            raise KeyError(f"{self.kinds[kind].name} has no {self.quantities[quantity]}")
        return found

    def _refuse_twins(self) -> None:
        names = [k.name for k in self.kinds]
        for name in names:
            if names.count(name) > 1:
                raise DeclarationError("devices/kinds", "two kinds have the same name", name)

    def _fill_tables(self) -> None:
        def table(get: Callable[[Quantity], float | None], absent: float) -> AnyArray:
            out = np.full((len(self.kinds), len(self.quantities)), absent)
            for k, kind in enumerate(self.kinds):
                for q in kind.quantities:
                    found = get(q)
                    out[k, self.quantity_code[q.name]] = absent if found is None else found
            return out

        self.declared = table(lambda q: 1, 0).astype(bool)
        self.accepted = table(lambda q: not q.derived, 0).astype(bool)
        self.possible_low = table(lambda q: q.possible.low, np.inf)
        self.possible_high = table(lambda q: q.possible.high, -np.inf)
        self.plausible_low = table(lambda q: q.plausible.low, -np.inf)
        self.plausible_high = table(lambda q: q.plausible.high, np.inf)
        per_ns = 1 / 60e9
        self.rate_per_ns = table(lambda q: q.rate_per_min and q.rate_per_min * per_ns, np.inf)
        self.spike = table(lambda q: q.spike, np.inf)
        self.resolution = table(lambda q: q.resolution, 0.0)
        self.flat_ns = table(lambda q: q.flat_line_s and q.flat_line_s * 1e9, np.inf)
        self.rest = table(lambda q: q.rest, np.nan)
        self.learns = table(lambda q: q.learns, np.nan)
        self.attenuated_suspect = table(lambda q: q.attenuated and q.attenuated[0], np.nan)
        self.attenuated_fail = table(lambda q: q.attenuated and q.attenuated[1], np.nan)
        self.neighbour = table(lambda q: q.neighbour, np.nan)
        self.drift = table(lambda q: q.drift, np.nan)
        self.circular = table(lambda q: q.circular, 0).astype(bool)
        self.energetic = table(lambda q: q.unit.startswith("dB"), 0).astype(bool)


def _complete(kind: Kind) -> Kind:
    """A kind with what every kind has: whether its devices are online, whether they are limited, the alerts
    of both, and the commands that every device knows."""
    if kind.quantity(ONLINE.name) is not None:
        return kind
    return Kind(
        name=kind.name,
        vi=kind.vi,
        en=kind.en,
        domain=kind.domain,
        interval_s=kind.interval_s,
        timeout_s=kind.timeout_s,
        model=kind.model,
        main=kind.main,
        quantities=(*kind.quantities, ONLINE, REFUSED_SHARE),
        indices=kind.indices,
        rules=(*kind.rules, offline_rule(), rate_limited_rule()),
        pairs=kind.pairs,
        meters=kind.meters,
        commands=(*kind.commands, interval_command(kind.interval_s, kind.timeout_s), RESTART),
    )


def load_kinds() -> Kinds:
    """Every kind in `devices/kinds/`, in the order people meet them; new ones come last.

    Raises DeclarationError where a file declares something impossible or holds no KIND.
    """
    found: list[Kind] = []
    for module in pkgutil.iter_modules(kinds_package.__path__):
        kind = getattr(importlib.import_module(f"devices.kinds.{module.name}"), "KIND", None)
        if not isinstance(kind, Kind):
            raise DeclarationError(f"devices/kinds/{module.name}.py", "must hold KIND = Kind(…)")
        found.append(kind)
    rank = {name: i for i, name in enumerate(_ORDER)}
    return Kinds(sorted(found, key=lambda k: (rank.get(k.name, len(rank)), k.name)))
