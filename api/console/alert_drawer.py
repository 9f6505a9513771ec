"""One alert in a drawer: what it is, all that happened to it, and what can be done about it."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable

from nicegui import ui

from api.access.principal import Role
from api.alert_acts import acknowledge_alert, act_on
from api.console.login_texts import LOGIN_TEXTS
from api.console.overview import Watch
from api.console.texts import Texts
from api.console.wording import clock_text
from api.context import Context
from api.encode import rule_of, severity_name
from api.problems import Problem
from store.records import Alert, AlertEvent, AlertState
from telemetry.clock import DAY, parse_duration
from telemetry.errors import UrbanError

DURATIONS = ("30m", "2h", "8h", "1d", "7d")
LONGEST_NAME, LONGEST_TEXT = 80, 500
_NAME = "urban.operator"  # where the list of alerts keeps it in the browser


class AlertDrawer:
    """Opened from the list; reads the alert anew each time and after each act."""

    def __init__(self, context: Context, watch: Watch, texts: Texts) -> None:
        self.context = context
        self.watch = watch
        self.texts = texts
        self._id = ""
        with ui.dialog().props('position="right" full-height') as self.dialog:
            label = f'role="dialog" aria-label="{texts("details_of")}"'
            self._body = ui.element("div").classes("drawer").props(label)

    async def open(self, alert_id: str, by: str) -> str:
        """Show this alert; `by` is the name that this browser remembers, or "". Returns its device, or ""."""
        self._id = alert_id
        self._by = by
        found = await self._show()
        if found is None:
            self._notify(self.texts("no_such_alert"))
            return ""
        self.dialog.open()
        return found.device

    async def _show(self) -> Alert | None:
        store = self.context.operations
        try:
            alert = await asyncio.to_thread(store.alert, self._id)
            events = await asyncio.to_thread(store.alert_events, self._id)
        except UrbanError as error:
            self._notify(self.texts("no_data", error))
            return None
        self._body.clear()
        if alert is not None:
            with self._body:
                self._head(alert)
                if self.context.trail.principal.role >= Role.OPERATOR:
                    self._acts(alert)
                else:
                    ui.label(LOGIN_TEXTS["only_looking"][self.texts.place]).classes("drawer-note")
                self._history(events)
        return alert

    def _head(self, alert: Alert) -> None:
        texts, rule = self.texts, rule_of(self.context, alert)
        device = self.context.catalogue.get(alert.device)
        with ui.element("header"):
            title = texts.pick(rule.vi, rule.en) if rule else alert.rule
            ui.label(title).props('role="heading" aria-level="2"')
            ui.button(icon="close", on_click=self.dialog.close).props(
                f'flat dense round aria-label="{texts("close")}"'
            )
        where = (device.name if device else "") or alert.subject
        severity = texts(severity_name(alert.severity))
        state = texts(f"st_{alert.state}")
        flapping = f" · {texts('chattering')}" if alert.chattering else ""
        ui.label(f"{severity} · {where}").classes("drawer-where")
        ui.label(f"{state}{flapping}").classes("drawer-state")
        if alert.detail:
            ui.label(texts("detail", alert.detail)).classes("drawer-note")
        if alert.assigned:
            ui.label(texts("assigned_to", alert.assigned)).classes("drawer-note")
        if alert.shelved_until is not None:
            until = self._time(alert.shelved_until)
            ui.label(texts("shelved_until", until, alert.shelved_by)).classes("drawer-note")
        if rule:
            ui.label(texts.pick(rule.act_vi, rule.act_en)).classes("drawer-act")

    def _acts(self, alert: Alert) -> None:
        desk = self.context.alerts
        self._name = self._signature()
        over = alert.state is AlertState.CLEARED
        with ui.element("div").classes("drawer-row"):
            if alert.acknowledged is None and not over:
                step = lambda by: acknowledge_alert(self.context, alert.id, by)  # noqa: E731
                self._button("acknowledge", step, "ack")
            stale = self.context.clock.now() - alert.updated >= DAY
            if not over and (not alert.active or stale):
                self._button("close_alert", lambda by: desk.clear(alert.id, by))
        if not over:
            self._shelving(alert)
            with ui.element("div").classes("drawer-row"):
                to = self._field("assign_to", alert.assigned, LONGEST_NAME)
                self._button("assign", lambda by: desk.assign(alert.id, _text(to.value), by))
        with ui.element("div").classes("drawer-row"):
            note = self._field("comment", "", LONGEST_TEXT)
            self._button(
                "comment_add",
                lambda by: desk.comment(alert.id, _text(note.value), by),
                needs=lambda: _text(note.value),
            )

    def _shelving(self, alert: Alert) -> None:
        texts, desk = self.texts, self.context.alerts
        with ui.element("fieldset"):
            with ui.element("legend"):
                ui.label(texts("shelve"))
            if alert.shelved_until is not None:
                self._button("unshelve", lambda by: desk.unshelve(alert.id, by))
                return
            ui.label(texts("shelve_note")).classes("drawer-note")
            why = self._field("why", "", LONGEST_TEXT)
            with ui.element("div").classes("drawer-row"):
                for duration in DURATIONS:
                    self._shelf(alert, duration, lambda: _text(why.value))

    def _shelf(self, alert: Alert, duration: str, why: Callable[[], str]) -> None:
        words = self.texts(f"d_{duration}")

        def step(by: str) -> Alert:
            until = self.context.clock.now() + parse_duration(duration)
            return self.context.alerts.shelve(alert.id, by, until, why())

        button = ui.button(words, on_click=lambda: self._do(step)).classes("plain")
        button.props(f'flat dense no-caps aria-label="{self.texts("shelve_for", words)}"')

    def _history(self, events: list[AlertEvent]) -> None:
        ui.label(self.texts("history_of")).props('role="heading" aria-level="3"').classes(
            "drawer-heading"
        )
        with ui.element("ol").classes("drawer-history"):
            for event in reversed(events):
                with ui.element("li"):
                    ui.label(self._time(event.time)).classes("drawer-time")
                    who = f" · {event.by}" if event.by else ""
                    ui.label(self.texts(f"ev_{event.what}") + who).classes("drawer-what")
                    if event.text and event.what not in ("suppressed", "updated"):
                        ui.label(event.text).classes("drawer-note")

    def _signature(self) -> ui.input | None:
        """The field for a name; None where who is logged in signs anyway."""
        signed = self._signed
        if not signed:
            return self._field("who", self._by, LONGEST_NAME)
        ui.label(LOGIN_TEXTS["your_name"][self.texts.place].format(signed)).classes("drawer-note")
        return None

    @property
    def _signed(self) -> str:
        principal = self.context.trail.principal
        return principal.name if principal.sort == "person" else ""

    def _field(self, key: str, value: str, longest: int) -> ui.input:
        label = self.texts(key)
        found = ui.input(label=label, value=value).classes("drawer-field")
        return found.props(f'dense outlined dark maxlength={longest} aria-label="{label}"')

    def _button(
        self,
        key: str,
        step: Callable[[str], Alert],
        look: str = "plain",
        needs: Callable[[], str] | None = None,
    ) -> None:
        async def press() -> None:
            if needs is not None and not needs():
                self._notify(self.texts("text_needed"))
                return
            await self._do(step)

        ui.button(self.texts(key), on_click=press).classes(look).props("flat dense no-caps")

    async def _do(self, step: Callable[[str], Alert]) -> None:
        by = self._signed or _text(self._name.value if self._name else "")[:LONGEST_NAME]
        if not by or not by.isprintable():
            self._notify(self.texts("name_needed"))
            return
        try:
            await asyncio.to_thread(act_on, self._id, lambda: step(by))
        except (Problem, UrbanError) as error:
            self._notify(self.texts("act_failed", error))
            return
        self._by = by
        if not self._signed:
            ui.run_javascript(
                f"try {{ localStorage.setItem('{_NAME}', {json.dumps(by)}) }} catch {{}}"
            )
        self.watch.forget()
        await self._show()

    def _notify(self, words: str) -> None:
        with self._body:
            ui.notify(words, type="negative")

    def _time(self, time: int) -> str:
        return clock_text(time, self.context.clock.now(), self.context.city.zone)


def _text(value: object) -> str:
    """What was typed, as one line."""
    return " ".join(str(value or "").split())
