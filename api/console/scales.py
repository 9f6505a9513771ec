"""How states and indices look. A state has an outline beside its colour (city_map.js, console.css), so that
colour is never alone.

Colours of VN_AQI are those of QĐ 1459/QĐ-TCMT; the others are ours, chosen for a dark room.
"""

from __future__ import annotations

from dataclasses import dataclass

from analytics.indices.vn_aqi import CATEGORIES

SEVERITIES = ("critical", "high", "medium", "low")
COLOURS = {
    "critical": "#ff5c5c",
    "high": "#ff9f45",
    "medium": "#f5d04c",
    "low": "#7cc4ff",
    "offline": "#a3adba",
    "silent": "#6c7887",
    "ok": "#3fb37f",
}

# Pictograms of the font that the console's framework carries (Material Icons).
_PICTOGRAMS = {
    "air": "air",
    "weather": "thermostat",
    "noise": "volume_up",
    "water": "water_drop",
    "level": "waves",
    "traffic": "directions_car",
    "lamp": "lightbulb",
    "feeder": "bolt",
    "waste": "delete",
    "emission": "factory",
    "tree": "park",
}


def pictogram(kind: str) -> str:
    """The pictogram of a kind; a general one for a kind that is new here."""
    return _PICTOGRAMS.get(kind, "sensors")


@dataclass(frozen=True, slots=True)
class Level:
    """One level of a scale: it reaches up to `top`, in words and colour."""

    top: float
    vi: str
    en: str
    colour: str


AIR_LEVELS = tuple(Level(c.top, c.vi, c.en, c.colour) for c in CATEGORIES)
# QĐ 05/2020/QĐ-TTg: alarm levels of water.
FLOOD_STAGES = (
    Level(0, "Dưới báo động I", "Below level I", "#3fb37f"),
    Level(1, "Báo động I", "Alarm level I", "#f5d04c"),
    Level(2, "Báo động II", "Alarm level II", "#ff9f45"),
    Level(3, "Báo động III", "Alarm level III", "#ff5c5c"),
)


def level_of(scale: tuple[Level, ...], value: float) -> Level:
    """The level that a value lies in; the last one for what is beyond."""
    return next((level for level in scale if value <= level.top), scale[-1])
