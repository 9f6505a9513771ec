"""The map: sends the component in the browser each device once, and afterwards only what changed."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import nicegui
from nicegui import ui
from nicegui.element import Element

from api.console.overview import Overview
from api.console.scales import COLOURS, pictogram
from api.console.texts import Texts
from api.console.wording import value_text
from api.context import Context
from devices.city import City

_LEAFLET = Path(nicegui.__file__).parent / "elements" / "leaflet" / "dist"
Item = tuple[str, float, float, str, str, str, str]  # id, lat, lon, kind, state, title, note


class CityMap(Element, component="city_map.js", esm={"nicegui-leaflet": str(_LEAFLET)}):
    """Devices on a sketch of the city. `choose` is called with a device's id."""

    def __init__(self, context: Context, texts: Texts, choose: Callable[[str], Any]) -> None:
        super().__init__()
        self.add_resource(_LEAFLET)
        self.context = context
        self.texts = texts
        self._sent: dict[str, Item] = {}
        city = context.city
        west, south, east, north = city.bbox
        self._props["centre"] = list(city.centre)
        self._props["bounds"] = [[south, west], [north, east]]
        self._props["basemap"] = basemap(city)
        self._props["glyphs"] = {kind.name: pictogram(kind.name) for kind in context.kinds}
        self._props["colours"] = COLOURS
        self._props["texts"] = texts.some("map_label", "map_note", "zoom_in", "zoom_out")
        self.on("choose", lambda e: choose(str(e.args["device"])))

    def update_devices(self, found: Overview) -> None:
        """Send the devices that are new or look different."""
        changed = [
            item
            for item in items(self.context, found, self.texts)
            if self._sent.get(item[0]) != item
        ]
        if changed:
            self._sent.update((item[0], item) for item in changed)
            self.run_method("put", changed)

    def hide(self, kinds: Iterable[str]) -> None:
        """Take the devices of these kinds off the map, and only these."""
        self.run_method("hide", list(kinds))

    def choose(self, device: str, *, travel: bool) -> None:
        """Mark a device; with `travel`, bring it into view."""
        self.run_method("choose", device, travel)


def basemap(city: City) -> dict[str, object]:
    """What is drawn under the devices."""
    return {
        "water": [{"name": line.name, "points": line.points} for line in city.water],
        "roads": [{"name": line.name, "points": line.points} for line in city.roads],
        "wards": [{"name": a.name, "lat": a.lat, "lon": a.lon} for a in city.areas],
    }


def items(context: Context, found: Overview, texts: Texts) -> Iterable[Item]:
    """Every device that has a place, as it looks now."""
    kinds = context.kinds
    titles = {kind.name: texts.pick(kind.vi, kind.en) for kind in kinds}
    mains = {kind.name: kind.quantity(kind.main) for kind in kinds}
    devices = context.catalogue.devices
    for code in found.codes[found.codes < len(found.states.state)].tolist():
        state, device = found.states.state[code], devices[code]
        if device.lat is None or device.lon is None:
            continue
        note = f"{titles[device.kind]} · {texts(state)}"
        point, main = found.mains.get(code), mains[device.kind]
        if point is not None and main is not None:
            note += f" · {value_text(main, main.unit, point.value, texts)}"
        yield device.id, device.lat, device.lon, device.kind, state, device.name or device.id, note


def legend(texts: Texts) -> None:
    """The states in words, with the outline and colour that they have on the map."""
    label = texts("legend")
    with ui.element("ul").classes("legend").props(f'aria-label="{label}"'):
        for state in COLOURS:
            with ui.element("li"):
                ui.element("i").classes(f"sign {state}").props('aria-hidden="true"')
                ui.label(texts(state))
