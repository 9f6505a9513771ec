"""The chosen device: what it is, where it stands, its newest values, and the chart of one of them."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import Any

import numpy as np
from nicegui import ui

from api.console.chart import Curve, caption, options, read_curve
from api.console.command_box import CommandBox
from api.console.overview import Overview
from api.console.scales import pictogram
from api.console.texts import Texts
from api.console.wording import FLAG_WORDS, age_text, value_text
from api.context import Context
from devices.kind import ONLINE, Kind
from store.telemetry import Series
from telemetry.clock import SECOND
from telemetry.flags import Flag
from telemetry.readings import Readings

REFRESH = 10 * SECOND  # the chart, and the values


@dataclass(slots=True)
class Chosen:
    """What is looked at. `quantity` is a name."""

    device: int
    kind: Kind
    quantity: str
    refreshed: int = 0


class DevicePanel:
    """Card and chart of one device. `show` another one; `refresh` every tick."""

    def __init__(self, context: Context, texts: Texts) -> None:
        self.context = context
        self.texts = texts
        self.chosen: Chosen | None = None
        self._lock = asyncio.Lock()
        with ui.element("section").classes("device").props(f'aria-label="{texts("device")}"'):
            self.empty = ui.label(texts("no_device")).classes("empty")
            self.card = ui.element("div").classes("device-card")
            self.plot = ui.element("div").classes("device-plot")
        self._fill_card()
        self._fill_plot()
        self.card.visible = self.plot.visible = False

    def _fill_card(self) -> None:
        with self.card:
            with ui.element("header"):
                self.icon = ui.icon("sensors").props('aria-hidden="true"')
                with ui.element("div"):
                    self.name = ui.label("").classes("device-name").props('role="heading"')
                    self.about = ui.label("").classes("device-about")
            with ui.element("div").classes("device-state"):
                self.sign = ui.element("i").classes("sign").props('aria-hidden="true"')
                self.state = ui.label("")
                self.heard = ui.label("").classes("device-heard")
            self.commands = CommandBox(self.context, self.texts)
            self.values = ui.element("dl").classes("values")

    def _fill_plot(self) -> None:
        with self.plot:
            with ui.element("header"):
                self.quantity = (
                    ui.select({}, on_change=self._on_quantity)
                    .props(
                        f'dense outlined options-dense dark aria-label="{self.texts("quantity")}"'
                    )
                    .classes("quantity")
                )
                self.caption = ui.label("").classes("caption")
            self.chart = ui.echart({}).classes("chart")
            self.chart_empty = ui.label(self.texts("chart_empty")).classes("empty")
        self.chart_empty.visible = False

    async def show(self, device_id: str, found: Overview) -> bool:
        """Look at this device. False where there is none."""
        code = self.context.catalogue.code(device_id)
        if code is None:
            return False
        device = self.context.catalogue.devices[code]
        kind = self.context.kinds[device.kind]
        self.chosen = Chosen(code, kind, kind.main)
        self.empty.visible = False
        self.card.visible = self.plot.visible = True
        self.icon.name = pictogram(kind.name)
        self.name.text = device.name or device.id
        self.about.text = self._about(code)
        self.commands.show(code)
        names = {
            q.name: self.texts.pick(q.vi, q.en) for q in kind.quantities if q.name != ONLINE.name
        }
        self.quantity.set_options(names, value=kind.main)
        await self.refresh(found, force=True)
        return True

    async def refresh(self, found: Overview, *, force: bool = False) -> None:
        """Bring state, values and chart up to date, the latter two every ten seconds."""
        chosen = self.chosen
        if chosen is None:
            return
        self._show_state(chosen, found)
        if not force and found.now - chosen.refreshed < REFRESH:
            return
        chosen.refreshed = found.now
        async with self._lock:
            latest, curve = await asyncio.to_thread(self._read, chosen)
            if self.chosen is chosen:  # else another device was chosen meanwhile
                self._show_values(chosen, latest)
                self._show_chart(chosen, curve)

    def _read(self, chosen: Chosen) -> tuple[Readings, Curve]:
        series = Series(np.array([chosen.device], dtype=np.int32), None)
        quantity = self.context.kinds.quantity_code[chosen.quantity]
        return (
            self.context.telemetry.latest(series),
            read_curve(self.context, chosen.device, quantity),
        )

    def _about(self, code: int) -> str:
        device = self.context.catalogue.devices[code]
        kind = self.context.kinds[device.kind]
        area = self.context.city.area.get(device.area)
        parts = [device.id, self.texts.pick(kind.vi, kind.en)]
        if area:
            parts.append(f"{area.type.capitalize()} {area.name}")
        elif device.lat is None:
            parts.append(self.texts("no_place"))
        if device.parent:
            parts.append(f"↳ {device.parent}")
        if not device.registered:
            parts.append(self.texts("unregistered"))
        return " · ".join(parts)

    def _show_state(self, chosen: Chosen, found: Overview) -> None:
        if chosen.device >= len(found.states.state):
            return
        state = found.states.state[chosen.device]
        self.sign.classes(replace=f"sign {state}")
        self.state.text = self.texts(state)
        newest = int(found.states.newest[chosen.device])
        age = age_text(max(0, found.now - newest), self.texts)
        self.heard.text = self.texts("last_heard", age) if newest else self.texts("no_readings")

    def _show_values(self, chosen: Chosen, latest: Readings) -> None:
        quantities = self.context.kinds.quantities
        self.values.clear()
        with self.values:
            for code, value, flag in zip(
                latest.quantity.tolist(), latest.value.tolist(), latest.flag.tolist(), strict=True
            ):
                declared = chosen.kind.quantity(quantities[code])
                if declared is None or declared.name == ONLINE.name:
                    continue
                with ui.element("div").classes("value-row"):
                    _text("dt", self.texts.pick(declared.vi, declared.en))
                    _text("dd", value_text(declared, declared.unit, value, self.texts))
                    if flag not in (Flag.GOOD, Flag.NOT_EVALUATED):
                        word = FLAG_WORDS[Flag(flag)]
                        _text("dd", self.texts(word)).classes(f"flag {word}")

    def _show_chart(self, chosen: Chosen, curve: Curve) -> None:
        quantity = chosen.kind.quantity(chosen.quantity)
        assert quantity is not None
        self.chart.visible = not curve.empty
        self.chart_empty.visible = curve.empty
        self.caption.text = caption(curve, self.texts)
        fresh = options(curve, chosen.kind, quantity, self.context.city.zone, self.texts)
        self.chart.options.clear()
        self.chart.options.update(fresh)
        self.chart.update()

    async def _on_quantity(self, event: Any) -> None:
        chosen = self.chosen
        if chosen is None or not event.value or event.value == chosen.quantity:
            return
        chosen.quantity = event.value
        chosen.refreshed = 0  # the next tick draws it


def _text(tag: str, text: str) -> ui.element:
    element = ui.element(tag)
    element._text = text
    return element
