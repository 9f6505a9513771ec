"""What API and console ask of the alert book and of the maker of backups."""

from __future__ import annotations

from typing import Protocol

from analytics.alerts.rulebook import RuleBook
from api.platform_schemas import Backup
from store.records import Alert, OutOfService


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
