"""The seam to the operations store: devices, alerts and their history, quarantine. SQLite or PostgreSQL."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Protocol

from devices.device import Device
from store.records import Alert, AlertEvent, QuarantineItem


class OperationsStore(Protocol):
    """Every method may be called from any thread and is durable on return."""

    def devices(self) -> list[Device]:
        """Every device, in the order they were first put."""
        ...

    def put_devices(self, devices: Iterable[Device]) -> None:
        """Add devices, or replace what is known of them."""
        ...

    def save_alerts(self, alerts: Sequence[Alert], events: Sequence[AlertEvent]) -> None:
        """Write alerts (new or changed) and lines of history in one transaction.

        A second standing alert for the same (rule, device) is refused with StoreError.
        """
        ...

    def alert(self, alert_id: str) -> Alert | None:
        """One alert."""
        ...

    def standing(self) -> list[Alert]:
        """Every alert that stands or has returned unacknowledged: what an operator must see."""
        ...

    def alerts(
        self,
        *,
        states: Sequence[str] = (),
        devices: Sequence[str] | None = None,
        rules: Sequence[str] = (),
        start: int | None = None,
        end: int | None = None,
        limit: int = 100,
        after: tuple[int, str] | None = None,
    ) -> list[Alert]:
        """Alerts, newest raised first; `after` is the (raised, id) of the last one of the page before."""
        ...

    def alert_events(self, alert_id: str) -> list[AlertEvent]:
        """An alert's history, oldest first."""
        ...

    def last_cleared(self) -> dict[tuple[str, str], int]:
        """(rule, device) → event time of the newest clearing: replayed transitions up to it are old news."""
        ...

    def put_quarantine(self, items: Iterable[QuarantineItem]) -> None:
        """Keep items; one whose id is there already is counted up in `seen`."""
        ...

    def quarantine(
        self,
        *,
        reasons: Sequence[str] = (),
        devices: Sequence[str] | None = None,
        limit: int = 100,
        after: tuple[int, str] | None = None,
    ) -> list[QuarantineItem]:
        """Items, newest first; `after` is the (received, id) of the last one of the page before."""
        ...

    def quarantine_item(self, item_id: str) -> QuarantineItem | None:
        """One item, with its bytes."""
        ...

    def quarantine_counts(self) -> dict[str, int]:
        """Reason → items."""
        ...

    def close(self) -> None:
        """Let go of files and connections."""
        ...
