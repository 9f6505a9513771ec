"""The seam to the operations store: devices, alerts and their history, quarantine. SQLite or PostgreSQL."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from typing import Protocol

from devices.device import Device
from store.access import AccessStore
from store.alert_history import AlertHistory
from store.alert_records import Alert, AlertEvent, Condition, OutOfService
from store.command_records import CommandFilter, CommandRecord, CommandState
from store.device_records import DeviceEvent
from store.records import (
    QualityFailure,
    QuarantineAct,
    QuarantineFilter,
    QuarantineItem,
    RuleRecord,
)


class OperationsStore(AccessStore, Protocol):
    """Every method may be called from any thread and is durable on return."""

    def devices(self) -> list[Device]:
        """Every device, in the order they were first put."""
        ...

    def put_devices(self, devices: Iterable[Device]) -> None:
        """Add devices, or replace what is known of them."""
        ...

    def meet_devices(self, devices: Iterable[Device]) -> None:
        """Add devices that sent something; those that are there already stay as they are."""
        ...

    def change_devices(self, changes: Sequence[tuple[Device, DeviceEvent]]) -> None:
        """Write devices as they are now, each with its line of history, all in one step."""
        ...

    def device_history(
        self, device: str, limit: int = 100, after: int | None = None
    ) -> list[DeviceEvent]:
        """What people changed of a device, newest first; `after` is the number of the last line before."""
        ...

    def place_history(self) -> list[DeviceEvent]:
        """Lines of history of all devices that tell of a place, in order of writing."""
        ...

    def changed_devices(self) -> set[str]:
        """Devices that people have changed."""
        ...

    def save_alerts(
        self,
        alerts: Sequence[Alert],
        events: Sequence[AlertEvent],
        conditions: Sequence[Condition] = (),
    ) -> None:
        """Write alerts and conditions (new or changed) and lines of history in one transaction.

        A second open alert for the same (family, subject) is refused with StoreError.
        """
        ...

    def alert(self, alert_id: str) -> Alert | None:
        """One alert."""
        ...

    def alerts_by_id(self, ids: Iterable[str]) -> dict[str, Alert]:
        """Several alerts; ids that are unknown are left out."""
        ...

    def standing(self) -> list[Alert]:
        """Every alert that is open, also those that are held back: newest raised first."""
        ...

    def alerts(
        self,
        *,
        states: Sequence[str] = (),
        subjects: Sequence[str] | None = None,
        rules: Sequence[str] = (),
        severities: Sequence[int] = (),
        kinds: Sequence[str] = (),
        assigned: Sequence[str] = (),
        causes: Sequence[str] = (),
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

    def alert_history(self, start: int, end: int) -> AlertHistory:
        """What happened to alerts in start <= time < end, and how they stood at its end."""
        ...

    def conditions(self) -> list[Condition]:
        """What was last told of each rule at each subject."""
        ...

    def out_of_service(self) -> list[OutOfService]:
        """What is out of service, in the order in which it was taken out."""
        ...

    def put_out_of_service(
        self,
        what: OutOfService,
        *,
        back: bool = False,
        alerts: Sequence[Alert] = (),
        events: Sequence[AlertEvent] = (),
    ) -> None:
        """Take out of service, or put `back`, and what follows for alerts, in one transaction."""
        ...

    def custom_rules(self) -> list[RuleRecord]:
        """Rules that engineers added, by code."""
        ...

    def put_custom_rule(self, record: RuleRecord) -> None:
        """Add a rule, or replace the one of its code."""
        ...

    def remove_custom_rule(self, code: str) -> bool:
        """Forget a rule. False where there was none."""
        ...

    def last_alert_event(self) -> int:
        """The number of the newest line of history; 0 where there is none. Numbers only grow."""
        ...

    def alert_events_after(self, number: int, limit: int) -> list[tuple[int, AlertEvent]]:
        """(number, line of history) behind `number`, in order, of all alerts."""
        ...

    def notify_cursor(self, channel: str) -> int | None:
        """Up to which line of history a channel has been told; None for a channel that is new."""
        ...

    def notified(self, channel: str) -> set[str]:
        """Alerts that a channel was told of, and not of their end."""
        ...

    def save_notified(
        self, channel: str, number: int, told: Collection[str] = (), over: Collection[str] = ()
    ) -> None:
        """Note in one step that a channel was told up to `number`: of alerts, and of the end of others."""
        ...

    def put_quarantine(self, items: Iterable[QuarantineItem]) -> None:
        """Keep items. One whose id is there already is counted up in `seen`, told anew, and waits again."""
        ...

    def quarantine(
        self,
        which: QuarantineFilter = ...,
        *,
        limit: int = 100,
        after: tuple[int, str] | None = None,
        untried_first: bool = False,
        preview: int | None = None,
    ) -> list[QuarantineItem]:
        """Items, newest first; `after` is the (received, id) of the last one of the page before.

        untried_first  those first that nobody acted on, then those acted on longest ago; each oldest
                       first, and without `after`: so that one call after the other gets through all
        preview        bytes of each payload at most; None: whole
        """
        ...

    def quarantine_item(self, item_id: str) -> QuarantineItem | None:
        """One item, with its bytes."""
        ...

    def quarantine_message(self, item: QuarantineItem) -> list[QuarantineItem]:
        """Every waiting item of the message that this one came with, itself too in whatever state."""
        ...

    def quarantine_counts(self, which: QuarantineFilter = ...) -> dict[str, int]:
        """Reason → items."""
        ...

    def act_on_quarantine(self, act: QuarantineAct, items: Sequence[QuarantineItem]) -> int:
        """Note an act on items; returns how many took its state.

        One that was seen again since it was read waits on, with the act noted: what came later is
        nothing that anybody decided about.
        """
        ...

    def purge_quarantine(self, older_than: int, max_bytes: int) -> int:
        """Remove what was received before `older_than` [ns], then until the rest fits into `max_bytes`.

        First goes what was refused of single devices for their rate, beyond a sixteenth of `max_bytes` each,
        then resent and discarded items, then waiting ones; of each the oldest. Returns how many were removed.
        """
        ...

    def put_quality(self, failures: Sequence[QualityFailure]) -> None:
        """Keep how many readings failed which test; what is there for the hour already is replaced.

        What is more than 92 days older is removed.
        """
        ...

    def quality(
        self,
        device: str,
        start: int,
        end: int,
        limit: int = 1_000,
        after: tuple[int, str, str] | None = None,
    ) -> list[QualityFailure]:
        """Failures of the hours with start <= hour < end, ordered by hour, quantity, test.

        `after` is the (hour, quantity, test) of the last row of the page before.
        """
        ...

    def add_commands(self, commands: Iterable[CommandRecord]) -> None:
        """Note commands that are asked for, all or none."""
        ...

    def settle_commands(
        self, commands: Iterable[CommandRecord], expected: Sequence[CommandState]
    ) -> list[str]:
        """Write state, sent, answered, applied and error of those that are in one of the `expected` states.

        In one step; returns the ids of those that took it: what came first stands.
        """
        ...

    def commands(
        self,
        which: CommandFilter = ...,
        *,
        limit: int = 100,
        after: tuple[int, str] | None = None,
    ) -> list[CommandRecord]:
        """Commands, newest first; `after` is the (requested, id) of the last one of the page before."""
        ...

    def commands_by_id(self, ids: Iterable[str]) -> dict[str, CommandRecord]:
        """Several commands; ids that are unknown are left out."""
        ...

    def open_commands(self) -> list[CommandRecord]:
        """Every command that is requested or sent, oldest first."""
        ...

    def last_commands(
        self, device: str
    ) -> tuple[dict[str, CommandRecord], dict[str, CommandRecord]]:
        """By command: the newest that the device has not refused, and the newest whose value it says it applied."""
        ...

    def purge_commands(self, older_than: int) -> int:
        """Remove settled commands of before this time [ns]; returns how many."""
        ...

    def close(self) -> None:
        """Let go of files and connections."""
        ...
