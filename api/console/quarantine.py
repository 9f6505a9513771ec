"""The newest items of quarantine in a dialog: what came, why it could not be stored, where it is wrong."""

from __future__ import annotations

import asyncio

from nicegui import ui

from api.console.reasons import reason_text
from api.console.texts import Texts
from api.console.wording import clock_text
from api.context import Context
from api.routes.quarantine import encode_item
from store.records import QuarantineItem
from telemetry.errors import UrbanError

SHOWN = 50
PREVIEW = 200  # bytes of each payload


class QuarantineDialog:
    """Opened from the figure; reads anew each time."""

    def __init__(self, context: Context, texts: Texts) -> None:
        self.context = context
        self.texts = texts
        with ui.dialog() as self.dialog, ui.element("div").classes("quarantine"):
            with ui.element("header"):
                ui.label(texts("quarantine")).props('role="heading" aria-level="2"')
                ui.button(icon="close", on_click=self.dialog.close).props(
                    f'flat dense round aria-label="{texts("close")}"'
                )
            self.body = ui.element("div").classes("quarantine-body")

    async def open(self) -> None:
        """Show what lies there now."""
        self.body.clear()
        try:
            items = await asyncio.to_thread(self.context.operations.quarantine, limit=SHOWN)
        except UrbanError as error:
            with self.body:
                ui.label(self.texts("no_data", error)).classes("empty")
            items = None
        with self.body:
            if items == []:
                ui.label(self.texts("quarantine_empty")).classes("empty")
            for item in items or ():
                self._item(item)
        self.dialog.open()

    def _item(self, item: QuarantineItem) -> None:
        now, zone = self.context.clock.now(), self.context.city.zone
        seen = f" · ×{item.seen}" if item.seen > 1 else ""
        shown = encode_item(item, PREVIEW)
        with ui.element("article"):
            with ui.element("div").classes("quarantine-head"):
                ui.label(reason_text(item.reason, self.texts)).classes("quarantine-reason")
                ui.label(f"{clock_text(item.received, now, zone)}{seen}")
            ui.label(item.topic).classes("quarantine-topic")
            if item.detail:
                ui.label(item.detail).classes("quarantine-detail")
            with ui.element("code"):
                ui.label(shown.payload if shown.encoding == "utf-8" else f"base64 {shown.payload}")
