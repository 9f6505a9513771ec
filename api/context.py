"""What API and console are given: the stores, the alerts, the live stream, the clock. They own none of it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from analytics.alerts.rulebook import RuleBook
from analytics.custom.desk import RuleDesk
from api.platform_schemas import Backup
from control.desk import CommandDesk
from devices.city import City
from devices.device import Catalogue
from devices.registry import Kinds
from store.operations import OperationsStore
from store.records import Alert, OutOfService
from store.telemetry import TelemetryStore
from telemetry.clock import Clock
from telemetry.errors import StoreError
from telemetry.ledger import Outcome
from telemetry.live import Hub
from telemetry.settings import Settings


class AlertDesk(Protocol):
    """What API and console ask of `analytics.alerts.book.AlertBook`."""

    rules: RuleBook

    def acknowledge(self, alert_id: str, by: str) -> Alert:
        """Note that `by` has the alert. As every act: raises QueryError where it can't be done."""
        ...

    def clear(self, alert_id: str, by: str, why: str = "") -> Alert:
        """Close it."""
        ...

    def shelve(self, alert_id: str, by: str, until: int, why: str = "") -> Alert:
        """Put it aside until a time [ns]."""
        ...

    def unshelve(self, alert_id: str, by: str) -> Alert:
        """Take it off the shelf."""
        ...

    def assign(self, alert_id: str, to: str, by: str) -> Alert:
        """Note whose it is."""
        ...

    def comment(self, alert_id: str, text: str, by: str) -> Alert:
        """Write into its history."""
        ...

    def take_out(self, subject: str, by: str, why: str, rule: str = "") -> OutOfService:
        """Take a subject, or one rule at it, out of service."""
        ...

    def put_back(self, subject: str, by: str, rule: str = "") -> None:
        """Put it back into service."""
        ...

    def out_of_service(self) -> list[OutOfService]:
        """What is out of service."""
        ...

    def standing(self) -> list[Alert]:
        """Every alert that stands, or has returned unacknowledged."""
        ...


class BackupDesk(Protocol):
    """What the API asks of `commands.backups.Backups`."""

    def start(self, by: str) -> Backup | None:
        """Begin a backup; None where one is being made."""
        ...

    def all(self) -> list[Backup]:
        """Every backup: the newest first."""
        ...


def no_progress() -> tuple[int, int] | None:
    """No history is being filled in."""
    return None


def nothing_settled() -> int:
    """No analytics runs beside the API, so no roll-up is known to be whole."""
    return 0


def no_resend(messages: Sequence[tuple[str, bytes, int]]) -> list[Outcome]:
    """Where no ingest runs beside the API, nothing can be sent through it."""
    raise StoreError(
        "resend", "is not possible here: no ingest runs in this process",
        remedy="ask the process that runs it",
    )  # fmt: skip


@dataclass(kw_only=True)
class Context:
    """Everything that a request may need.

    checks    name → "" when well, else what is wrong; behind /readyz and the page's warnings
    progress  history being filled in: (done, total), or None
    resend    messages through ingest once more: (topic, payload, when it first came [ns], which is the
              time of what names none) → what became of each; raises StoreError where that is not known
    commands  commands to devices; None where nobody sends any from this process
    backups   copies of the stores; None where this process makes none
    settled   event time up to which roll-ups are written [ns]
    """

    settings: Settings
    kinds: Kinds
    catalogue: Catalogue
    city: City
    telemetry: TelemetryStore
    operations: OperationsStore
    alerts: AlertDesk
    rules: RuleDesk
    hub: Hub
    clock: Clock
    checks: Mapping[str, Callable[[], str]] = field(default_factory=dict)
    progress: Callable[[], tuple[int, int] | None] = no_progress
    resend: Callable[[Sequence[tuple[str, bytes, int]]], list[Outcome]] = no_resend
    commands: CommandDesk | None = None
    backups: BackupDesk | None = None
    settled: Callable[[], int] = nothing_settled
