"""Every index, found by walking `analytics`: a new one is a module with INDEX or INDICES in it."""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Iterable
from functools import cache

import analytics
from analytics.indices.info import IndexInfo
from devices.registry import Kinds
from telemetry.errors import DeclarationError
from telemetry.units import UNITS


@cache
def all_indices() -> tuple[IndexInfo, ...]:
    """Every index, in the order of modules. Raises DeclarationError for twins."""
    found: list[IndexInfo] = []
    for module in sorted(m.name for m in pkgutil.walk_packages(analytics.__path__, "analytics.")):
        held = importlib.import_module(module)
        found += getattr(held, "INDICES", ())
        found += [held.INDEX] if hasattr(held, "INDEX") else []
    seen: set[tuple[str, str]] = set()
    for info in found:
        for kind in info.kinds:
            if (kind, info.quantity) in seen:
                raise DeclarationError("analytics", "two indices are one", info.quantity)
            seen.add((kind, info.quantity))
    return tuple(found)


def index_of(kind: str, quantity: str) -> IndexInfo | None:
    """The index that this derived quantity of this kind is, or None."""
    return _by_name().get((kind, quantity))


def component(quantity: str, value: float) -> str:
    """What the value of a `main` quantity stands for; "" where it is no such quantity, or no place."""
    found = _by_main().get(quantity, ())
    return found[int(value)] if 0 <= value < len(found) else ""


@cache
def _by_main() -> dict[str, tuple[str, ...]]:
    return {i.main: i.components for i in all_indices() if i.main}


@cache
def _by_name() -> dict[tuple[str, str], IndexInfo]:
    return {(kind, i.quantity): i for i in all_indices() for kind in i.kinds}


def check(indices: Iterable[IndexInfo], kinds: Kinds) -> None:
    """Raise DeclarationError where an index and the kinds do not agree on what is derived."""
    for info in indices:
        place = f"index {info.quantity}"
        if not info.edition or not info.source:
            raise DeclarationError(place, "needs an edition and a source", info.edition)
        if info.unit not in UNITS:
            raise DeclarationError(place, "unit must be a UCUM code that is known", info.unit)
        for kind in info.kinds:
            if kind not in kinds or info.quantity not in kinds[kind].indices:
                raise DeclarationError(place, f"must be among the indices of {kind}", kind)
            for name in (info.quantity, *info.also, *([info.main] if info.main else [])):
                quantity = kinds[kind].quantity(name)
                if quantity is None or not quantity.derived:
                    raise DeclarationError(place, f"must be a derived quantity of {kind}", name)
