"""The list of standing alerts: rows for the component in the browser, and acknowledging from it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable
from typing import Any

from nicegui import ui
from nicegui.element import Element
from nicegui.events import GenericEventArguments

from analytics.alerts.rulebook import Rule
from api.access.principal import Role
from api.alert_acts import acknowledge_alert
from api.console.alert_drawer import AlertDrawer
from api.console.held import HeldDialog
from api.console.overview import Watch
from api.console.quality import QualityDialog
from api.console.texts import Texts
from api.console.wording import age_text, clock_text, value_text
from api.context import Context
from api.encode import rule_of, severity_name
from api.problems import Problem
from store.records import SHOWN, Alert, AlertState
from telemetry.clock import format_time
from telemetry.errors import UrbanError

# Quantities that only say that the condition holds: their value adds nothing to the title.
_UNSPOKEN = frozenset({"{state}"})
_MAX_NAME = 80


class AlertList(Element, component="alert_list.js"):
    """Worst first. `choose` is called with a device's id; rows are sent only when one changed."""

    def __init__(
        self, context: Context, watch: Watch, texts: Texts, choose: Callable[[str], Any]
    ) -> None:
        """Builds its dialogs beside it: the drawer of one alert, what is held back, alarm quality."""
        super().__init__()
        self.context = context
        self.watch = watch
        self.texts = texts
        self._props["rows"] = []
        self._props["chosen"] = ""
        self._props["texts"] = texts.some(
            "alerts", "no_alerts", "severity", "what", "where", "since", "value", "acknowledge",
            "sending", "note", "note_all", "on_duty", "change", "who", "who_note", "cancel", "show",
            "details", "held", "quality", "chattering",
        ) | {"ok": texts("ok_button")}  # fmt: skip
        self._props["held"] = 0
        principal = context.trail.principal
        self._props["signed"] = principal.name if principal.sort == "person" else ""
        self._props["may"] = principal.role >= Role.OPERATOR
        self._drawer = AlertDrawer(context, watch, texts)
        self._held = HeldDialog(context, texts, self._drawer.open)
        self._quality = QualityDialog(context, texts)
        self.on("open", self._open)
        self.on("held", lambda e: self._held.open(_name(e)))
        self.on("quality", self._quality.open)
        self.on("choose", lambda e: choose(str(e.args["device"])))
        self.on("acknowledge", self._acknowledge)

    def update_rows(self, alerts: Iterable[Alert], now: int, kinds: frozenset[str] | None) -> None:
        """Show these alerts, of these kinds only (None: all)."""
        rows = [
            alert_row(self.context, alert, now, self.texts)
            for alert in alerts
            if kinds is None or alert.kind in kinds
        ]
        if rows != self._props["rows"]:
            self._props["rows"] = rows
        held = sum(a.state not in SHOWN for a in self.context.alerts.standing())
        if held != self._props["held"]:
            self._props["held"] = held

    def choose(self, device: str) -> None:
        """Mark the rows of this device."""
        if device != self._props["chosen"]:
            self._props["chosen"] = device

    async def _open(self, event: GenericEventArguments) -> None:
        await self._drawer.open(str(event.args.get("id", "")), _name(event))

    async def show(self, alert_id: str) -> str:
        """Open an alert's details. Returns the device that it is about; "" where it is about none, or none."""
        return await self._drawer.open(alert_id, "")

    async def _acknowledge(self, event: GenericEventArguments) -> None:
        by = self._props["signed"] or _name(event)
        if not by or not by.isprintable() or not self._props["may"]:
            return
        try:
            for alert_id in event.args["ids"]:
                await asyncio.to_thread(acknowledge_alert, self.context, str(alert_id), by)
        except (Problem, UrbanError) as error:
            with self:
                ui.notify(self.texts("acknowledge_failed", error), type="negative")
        self.watch.forget()


def _name(event: GenericEventArguments) -> str:
    return str(event.args.get("by", "")).strip()[:_MAX_NAME]


def alert_row(context: Context, alert: Alert, now: int, texts: Texts) -> dict[str, object]:
    """One row, in words."""
    rule = rule_of(context, alert)
    device = context.catalogue.get(alert.device)
    area = context.city.area.get(device.area) if device else None
    open_ = alert.acknowledged is None
    zone = context.city.zone
    taken = "" if alert.acknowledged is None else clock_text(alert.acknowledged, now, zone)
    return {
        "id": alert.id,
        "severity": severity_name(alert.severity),
        "severity_text": texts(severity_name(alert.severity)),
        "state": str(alert.state),
        "title": texts.pick(rule.vi, rule.en) if rule else alert.rule,
        "act": texts.pick(rule.act_vi, rule.act_en) if rule else "",
        "edition": rule.edition if rule else "",
        "device": alert.device,
        "device_name": (device.name if device else "") or alert.subject,
        "area": f"{area.type.capitalize()} {area.name}" if area else "",
        "raised": format_time(alert.raised),
        "since": clock_text(alert.raised, now, zone),
        "ago": age_text(max(0, now - alert.raised), texts),
        **_value(context, alert, rule, texts),
        "open": open_,
        "taken": f"{alert.acknowledged_by} {taken}",
        "assigned": alert.assigned,
        "chattering": alert.chattering,
        "returned": texts("returned") if alert.state == AlertState.RETURNED else "",
    }


def _value(context: Context, alert: Alert, rule: Rule | None, texts: Texts) -> dict[str, object]:
    quantity = None
    if alert.kind in context.kinds:
        quantity = context.kinds[alert.kind].quantity(alert.quantity)
    if quantity is None or rule is None or quantity.unit in _UNSPOKEN:
        return {"value": "", "limit": ""}
    value = value_text(quantity, quantity.unit, alert.value, texts)
    if quantity.unit == "{stage}":
        return {"value": value, "limit": ""}
    key = "limit_above" if rule.above else "limit_below"
    level = value_text(quantity, quantity.unit, alert.level, texts).partition(" · ")[0]
    return {"value": value, "limit": texts(key, level)}
