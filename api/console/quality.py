"""Alarm quality in a dialog: the figures of EEMUA 191 and ISA-18.2, with the benchmarks beside them."""

from __future__ import annotations

import asyncio

from nicegui import ui

from api.alert_schemas import AlarmQualityInfo, SpreadInfo
from api.console.texts import Texts
from api.console.wording import number_text
from api.context import Context
from api.routes.alert_figures import figures_of
from telemetry.clock import DAY
from telemetry.errors import UrbanError

SPANS = (1, 7, 30)  # days
_SHARES = frozenset({"over_ten", "flooded", "top_share"})
FIGURES = (
    "average",
    "most",
    "over_ten",
    "flooded",
    "standing",
    "stale",
    "chattering",
    "top_share",
)


class QualityDialog:
    """Opened from the list's header; counts anew for the span that is chosen."""

    def __init__(self, context: Context, texts: Texts) -> None:
        self.context = context
        self.texts = texts
        with ui.dialog() as self.dialog, ui.element("div").classes("quarantine quality"):
            with ui.element("header"):
                ui.label(texts("quality")).props('role="heading" aria-level="2"')
                ui.button(icon="close", on_click=self.dialog.close).props(
                    f'flat dense round aria-label="{texts("close")}"'
                )
            with ui.element("div").classes("drawer-row spans"):
                for days in SPANS:
                    self._span(days)
            self._body = ui.element("div").classes("quarantine-body")

    async def open(self) -> None:
        """Show the last 24 hours."""
        await self._show(SPANS[0])
        self.dialog.open()

    def _span(self, days: int) -> None:
        async def press() -> None:
            await self._show(days)

        ui.button(self.texts(f"span_{days}"), on_click=press).classes("plain").props(
            "flat dense no-caps"
        )

    async def _show(self, days: int) -> None:
        now = self.context.clock.now()
        try:
            found = await asyncio.to_thread(figures_of, self.context, now - days * DAY, now)
        except UrbanError as error:
            self._body.clear()
            with self._body:
                ui.label(self.texts("no_data", error)).classes("empty")
            return
        self._body.clear()
        with self._body:
            ui.label(f"{self.texts(f'span_{days}')} · {self.texts('quality_note')}").classes(
                "empty"
            )
            self._table(found)
            self._top(found)

    def _table(self, found: AlarmQualityInfo) -> None:
        texts = self.texts
        with ui.element("table"):
            with ui.element("thead"), ui.element("tr"):
                for key in ("figure", "measured", "benchmark"):
                    with ui.element("th").props('scope="col"'):
                        ui.label(texts(key))
            with ui.element("tbody"):
                self._row(texts("q_count"), str(found.count), "", "")
                for name in FIGURES:
                    self._figure(found, name)
                self._row(texts("q_to_acknowledge"), self._spread(found.to_acknowledge), "", "")
                self._row(texts("q_to_clear"), self._spread(found.to_clear), "", "")
                for severity, share in found.by_severity.items():
                    target = next(
                        b for b in found.benchmarks if b.figure == f"by_severity.{severity}"
                    )
                    words = texts("about", _percent(target.target))
                    title = texts("q_severity", texts(severity).lower())
                    self._row(title, _percent(share), words, target.source)

    def _figure(self, found: AlarmQualityInfo, name: str) -> None:
        value = float(getattr(found, name))
        target = next(b for b in found.benchmarks if b.figure == name)
        shown, limit = self._number(name, value), self._number(name, target.target)
        self._row(
            self.texts(f"q_{name}"),
            shown,
            self.texts("at_most", limit),
            target.source,
            bad=value > target.target,
        )

    def _number(self, name: str, value: float) -> str:
        if name in _SHARES:
            return _percent(value)
        return number_text(value, self.texts, 0 if value == int(value) else 2)

    def _row(self, title: str, value: str, target: str, source: str, *, bad: bool = False) -> None:
        with ui.element("tr"):
            with ui.element("th").props('scope="row"'):
                ui.label(title)
            with ui.element("td").classes("bad" if bad else ""):
                ui.label(("▲ " if bad else "") + value)
            with ui.element("td"):
                ui.label(target)
                ui.label(source).classes("source")

    def _top(self, found: AlarmQualityInfo) -> None:
        if not found.top:
            return
        ui.label(self.texts("top_ten")).classes("drawer-heading").props(
            'role="heading" aria-level="3"'
        )
        with ui.element("ol").classes("top-ten"):
            for share in found.top:
                title = self.texts.pick(share.title.vi, share.title.en)
                words = f"{title} – {share.subject}: {share.count} ({_percent(share.share)})"
                with ui.element("li"):
                    ui.label(words)

    def _spread(self, found: SpreadInfo) -> str:
        if found.median is None or found.p95 is None:
            return "–"
        return f"{self._time(found.median)} · {self._time(found.p95)}"

    def _time(self, seconds: float) -> str:
        for key, unit in (("hours", 3600.0), ("minutes", 60.0)):
            if seconds >= unit:
                return self.texts(key, number_text(seconds / unit, self.texts, 1))
        return self.texts("seconds", number_text(seconds, self.texts, 0))


def _percent(share: float) -> str:
    return f"{100 * share:.3g} %"
