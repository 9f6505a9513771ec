"""Numbers and units as people read them: 31,2 µg/m³ in Vietnamese, 31.2 µg/m³ in English."""

from __future__ import annotations

import math

# UCUM codes that people write otherwise; annotations in braces are no unit to them.
_UNITS = {
    "ug/m3": "µg/m³",
    "mg/m3": "mg/m³",
    "g/m3": "g/m³",
    "Cel": "°C",
    "deg": "°",
    "[pH]": "",
    "1": "",
    "uS/cm": "µS/cm",
    "{NTU}": "NTU",
    "{MPN}/100.mL": "MPN/100 mL",
    "dB{A}": "dB(A)",
    "kW.h": "kWh",
    "{veh}.h": "{veh}·h",
    "{index}": "",
    "{state}": "",
    "{stage}": "",
    "{los}": "",
    "{class}": "",
    "{code}": "",
}


def unit_text(unit: str, language: str) -> str:
    """A UCUM code as people write it; "" where there is nothing to write."""
    vehicles = "xe" if language == "vi" else "veh"
    return _UNITS.get(unit, unit).replace("{veh}", vehicles).replace("{", "").replace("}", "")


def number_text(value: float, language: str, digits: int | None = None) -> str:
    """About four significant digits, or `digits` decimals; the language's own separators."""
    if not math.isfinite(value):
        return "–"
    if digits is None:
        size = abs(value)
        digits = 0 if size >= 1_000 or value == int(value) else 1 if size >= 20 else 2
    text = f"{value:,.{digits}f}"
    return text.translate(str.maketrans(",.", ".,")) if language == "vi" else text


def with_unit(value: float, unit: str, language: str) -> str:
    """A number with its unit behind it, where it has one to write."""
    shown = unit_text(unit, language)
    gap = "" if shown in ("", "°") else " "
    return f"{number_text(value, language)}{gap}{shown}"
