"""A telemetry store whose answers are paid for: see api.access.limits."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from store.telemetry import TelemetryStore

_PAID = frozenset({"raw", "latest", "changed", "windows", "rollups", "uncounted"})


class Metered:
    """`TelemetryStore`; `charge` is told how many readings, or windows, were given."""

    def __init__(self, store: TelemetryStore, charge: Callable[[int], None]) -> None:
        self._store = store
        self._charge = charge

    def __getattr__(self, name: str) -> Any:
        found = getattr(self._store, name)
        return self._paid(found) if name in _PAID else found

    def _paid(self, read: Callable[..., Any]) -> Callable[..., Any]:
        def reading(*args: Any, **more: Any) -> Any:
            given = read(*args, **more)
            self._charge(_rows(given))
            return given

        return reading


def _rows(given: Any) -> int:
    """Rows of an answer: columns of readings or windows, with a revision beside them or not."""
    table = given[0] if isinstance(given, tuple) else given
    return len(table.device)
