"""What API and console are given: the stores, the alerts, the live stream, the clock. They own none of it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from analytics.alerts.book import Told
from analytics.custom.desk import RuleDesk
from api.access.sight import Sight
from api.access.trail import Done, Trail, forget
from api.desks import AlertDesk, BackupDesk
from api.desks_broker import CredentialDesk
from control.desk import CommandDesk
from control.register import Register
from devices.city import City
from devices.device import Catalogue
from devices.registry import Kinds
from store.operations import OperationsStore
from store.telemetry import TelemetryStore
from telemetry.clock import Clock
from telemetry.errors import StoreError
from telemetry.ledger import Outcome
from telemetry.live import Hub
from telemetry.settings import Settings


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

    What a route or a page is given is the context as its principal sees it (api.access.seen.see): stores
    that leave out what lies outside of its domains and areas, and desks that sign and note its acts.

    audit     writes an act into the audit log
    sight     which devices and subjects are seen
    trail     where acts are noted, and who acts (`trail.principal`)
    checks    name → "" when well, else what is wrong; behind /readyz and the page's warnings
    progress  history being filled in: (done, total), or None
    resend    messages through ingest once more: (topic, payload, when it first came [ns], which is the
              time of what names none) → what became of each; raises StoreError where that is not known
    commands  commands to devices; None where nobody sends any from this process
    backups   copies of the stores; None where this process makes none
    settled   event time up to which roll-ups are written [ns]
    told      takes conditions that others tell of the platform, as AlertBook.tell does
    register  what people say of devices
    credentials  passwords of devices at the broker; None where its files are not ours
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
    told: Callable[[Sequence[Told]], None] | None = None
    settled: Callable[[], int] = nothing_settled
    audit: Callable[[Done], None] = forget
    trail: Trail = field(default_factory=Trail)
    sight: Sight = field(init=False)
    credentials: CredentialDesk | None = None
    register: Register = field(init=False)

    def __post_init__(self) -> None:
        self.sight = Sight(self.catalogue)
        self.register = Register(
            self.catalogue, self.operations, self.city.area, self.clock, self.settings.max_devices
        )
