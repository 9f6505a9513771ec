"""Alerts that are open and not in the list: shelved, under their cause, out of service."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

from nicegui import ui

from api.console.texts import Texts
from api.context import Context
from api.encode import rule_of, severity_name
from store.records import SHOWN, Alert

MOST = 200


class HeldDialog:
    """Opened from the list's header; `choose` is called with an alert's id and the name that was passed."""

    def __init__(
        self, context: Context, texts: Texts, choose: Callable[[str, str], Awaitable[str]]
    ) -> None:
        self.context = context
        self.texts = texts
        self._choose = choose
        with ui.dialog() as self.dialog, ui.element("div").classes("quarantine held"):
            with ui.element("header"):
                ui.label(texts("held")).props('role="heading" aria-level="2"')
                ui.button(icon="close", on_click=self.dialog.close).props(
                    f'flat dense round aria-label="{texts("close")}"'
                )
            self._body = ui.element("div").classes("quarantine-body")

    async def open(self, by: str) -> None:
        """Show what is held back now."""
        held = [
            a for a in await asyncio.to_thread(self.context.alerts.standing) if a.state not in SHOWN
        ]
        self._body.clear()
        with self._body:
            ui.label(self.texts("held_note" if held else "held_none")).classes("empty")
            for alert in held[:MOST]:
                self._row(alert, by)
        self.dialog.open()

    def _row(self, alert: Alert, by: str) -> None:
        rule, device = rule_of(self.context, alert), self.context.catalogue.get(alert.device)
        title = self.texts.pick(rule.vi, rule.en) if rule else alert.rule
        where = (device.name if device else "") or alert.subject

        async def press() -> None:
            self.dialog.close()
            await self._choose(alert.id, by)

        with ui.element("article"):
            with ui.element("div").classes("quarantine-head"):
                ui.label(f"{title} – {where}").classes("quarantine-reason")
                ui.label(self.texts(severity_name(alert.severity)))
            with ui.element("div").classes("quarantine-head"):
                ui.label(self.texts(f"st_{alert.state}")).classes("quarantine-detail")
                ui.button(self.texts("details"), on_click=press).classes("plain").props(
                    f'flat dense no-caps aria-label="{_quoted(self.texts("details"), title, where)}"'
                )


def _quoted(*words: str) -> str:
    return " – ".join(words).replace("\\", " ").replace('"', " ")
