"""The row of figures: how many devices are there, what is wrong, how bad the air and the water are, does it add up."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from nicegui import ui

from api.console.overview import Overview, Point
from api.console.reasons import reason_text
from api.console.scales import AIR_LEVELS, FLOOD_STAGES, SEVERITIES, level_of
from api.console.texts import Texts
from api.console.wording import clock_text, number_text
from api.context import Context
from api.encode import severity_name
from store.records import AlertState


class Tile:
    """One figure: title, value, and a note under it. Sends only what changed."""

    def __init__(self, key: str, title: str, on_click: Callable[[], Any] | None = None) -> None:
        self.box = ui.element("button" if on_click else "div").classes("tile")
        if on_click is not None:
            self.box.props('type="button"').on("click", on_click)
        with self.box.props(f'data-figure="{key}"'):
            ui.label(title).classes("tile-title")
            with ui.element("div").classes("tile-value"):
                self.swatch = ui.element("i").classes("swatch").props('aria-hidden="true"')
                self.value = ui.label("…")
                self.word = ui.label("").classes("tile-word")
            self.note = ui.label("").classes("tile-note")
        self.swatch.visible = False
        self._tone = ""

    def show(
        self, value: str, note: str = "", tone: str = "", colour: str = "", word: str = ""
    ) -> None:
        """`tone` is good, warn or bad; `colour` paints a swatch before the value, `word` follows it."""
        self.value.text, self.note.text, self.word.text = value, note, word
        if tone != self._tone:
            self.box.classes(remove=self._tone, add=tone)
            self._tone = tone
        self.swatch.visible = bool(colour)
        if colour:
            self.swatch.style(f"background: {colour}")


class Figures:
    """The row. `update` with each overview."""

    def __init__(
        self, context: Context, texts: Texts, open_quarantine: Callable[[], Any] | None
    ) -> None:
        self.context = context
        self.texts = texts
        label = texts("figures")
        with ui.element("section").classes("figures").props(f'aria-label="{label}"'):
            self.devices = Tile("devices", texts("devices_online"))
            self._make_alerts()
            self.rate = Tile("rate", texts("message_rate"))
            self.air = Tile("air", texts("worst_air"))
            self.stage = Tile("stage", texts("highest_stage"))
            self.quarantined = Tile("quarantined", texts("quarantined_today"), open_quarantine)
            self.account = Tile("account", texts("account"))
            self.history = Tile("history", texts("history"))
            with self.history.box:
                self.bar = ui.linear_progress(0, show_value=False).props(
                    f'aria-label="{texts("history")}"'
                )
        self.history.box.visible = False

    def _make_alerts(self) -> None:
        with ui.element("div").classes("tile alerts-tile").props('data-figure="alerts"'):
            ui.label(self.texts("standing_alerts")).classes("tile-title")
            with ui.element("div").classes("tile-value severities"):
                self.counts = {name: self._severity(name) for name in SEVERITIES}
            self.unacknowledged = ui.label("").classes("tile-note")

    def _severity(self, name: str) -> ui.label:
        with ui.element("span").classes(f"severity-count {name}"):
            ui.element("i").classes(f"sign {name}").props('aria-hidden="true"')
            count = ui.label("–")
            ui.label(self.texts(name)).classes("severity-name")
        return count

    def update(self, found: Overview) -> None:
        """Show this overview."""
        self._devices(found)
        self._alerts(found)
        rate = found.rate
        self.rate.show(
            self.texts("measuring_rate") if rate is None else number_text(rate, self.texts, 0),
            self.texts("received_today", number_text(found.today.received, self.texts, 0)),
        )
        self._indices(found)
        self._account(found)
        self._history(found.progress)

    def _devices(self, found: Overview) -> None:
        codes = found.codes[found.codes < len(found.states.state)]
        total, online = len(codes), int(found.states.online[codes].sum())
        silent = int((found.states.newest[codes] == 0).sum())
        self.devices.show(
            f"{number_text(online, self.texts, 0)} / {number_text(total, self.texts, 0)}",
            self.texts("devices_silent", silent) if silent else "",
            "" if total and online >= 0.95 * total else "warn",
        )

    def _alerts(self, found: Overview) -> None:
        standing = [a for a in found.standing if a.state != AlertState.RETURNED]
        severities = [severity_name(alert.severity) for alert in standing]
        for name, label in self.counts.items():
            label.text = str(severities.count(name))
            label.classes(add="none") if name not in severities else label.classes(remove="none")
        waiting = sum(alert.acknowledged is None for alert in standing)
        notes = [self.texts("unacknowledged", waiting)] if waiting else []
        if standing and not waiting:
            notes.append(self.texts("all_acknowledged"))
        if len(found.standing) > len(standing):
            notes.append(self.texts("over", len(found.standing) - len(standing)))
        self.unacknowledged.text = " · ".join(notes)

    def _indices(self, found: Overview) -> None:
        if found.air is None:
            self.air.show("–", self.texts("no_air"))
        else:
            level = level_of(AIR_LEVELS, found.air.value)
            words = self.texts.pick(level.vi, level.en)
            value, at = f"{found.air.value:.0f}", self._at(found.air, found.now)
            self.air.show(value, at, colour=level.colour, word=words)
        if found.stage is None:
            self.stage.show("–", self.texts("no_stage"))
        else:
            level = level_of(FLOOD_STAGES, round(found.stage.value))
            words = self.texts.pick(level.vi, level.en)
            self.stage.show(words, self._at(found.stage, found.now), colour=level.colour)

    def _at(self, point: Point, now: int) -> str:
        device = self.context.catalogue.devices[point.device]
        moment = clock_text(point.time, now, self.context.city.zone)
        return f"{moment} · {device.name or device.id}"

    def _account(self, found: Overview) -> None:
        line, texts = found.account, self.texts
        self.quarantined.show(
            number_text(found.today.quarantined, texts, 0),
            _commonest(found.today.reasons, texts),
            "warn" if found.today.quarantined else "",
        )
        off = line.received - line.stored - line.duplicate - line.quarantined
        self.account.show(
            texts("balanced") if line.balanced else texts("unbalanced", off),
            texts("account_note"),
            "good" if line.balanced else "bad",
        )

    def _history(self, progress: tuple[int, int] | None) -> None:
        self.history.box.visible = progress is not None
        if progress is not None:
            done, total = progress
            share = done / total if total else 0.0
            self.history.show(f"{share:.0%}")
            self.bar.value = share


def _commonest(reasons: dict[str, int], texts: Texts) -> str:
    """The reason that most were put in quarantine for."""
    return reason_text(max(reasons, key=reasons.__getitem__), texts) if reasons else ""
