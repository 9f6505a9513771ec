"""One source, two languages: whoever builds a board is handed a tongue and says everything through it."""

from __future__ import annotations

from dataclasses import dataclass

from telemetry.units import UNITS
from telemetry.wording import unit_text

LANGUAGES = ("vi", "en")

# UCUM → Grafana's own unit ids; what is not here is written behind the number as people write it.
_GRAFANA_UNITS = {
    "ug/m3": "conμgm3",
    "mg/m3": "conmgm3",
    "g/m3": "congm3",
    "Cel": "celsius",
    "%": "percent",
    "hPa": "pressurehpa",
    "m/s": "velocityms",
    "km/h": "velocitykmh",
    "deg": "degree",
    "m": "lengthm",
    "mm": "lengthmm",
    "km": "lengthkm",
    "W": "watt",
    "kW": "kwatt",
    "V": "volt",
    "A": "amp",
    "kW.h": "kwatth",
    "h": "h",
}
SEVERITIES = {
    "critical": ("Khẩn cấp", "Critical", "#ff5c5c"),
    "high": ("Cao", "High", "#ff9f45"),
    "medium": ("Trung bình", "Medium", "#f5d04c"),
    "low": ("Thấp", "Low", "#7cc4ff"),
}


@dataclass(frozen=True, slots=True)
class Tongue:
    """A language: `vi` or `en`."""

    language: str

    def __call__(self, vi: str, en: str) -> str:
        """The text in this language."""
        return vi if self.language == "vi" else en

    def uid(self, board: str) -> str:
        """The uid of a board in this language."""
        return f"urban-{self.language}-{board}"

    def unit(self, code: str) -> str:
        """A UCUM code as Grafana's unit. Raises KeyError for a code that is none of ours."""
        if code not in UNITS:
            raise KeyError(code)
        if code in _GRAFANA_UNITS:
            return _GRAFANA_UNITS[code]
        shown = unit_text(code, self.language)
        return f"suffix: {shown}" if shown else "none"

    def severity(self, name: str) -> str:
        """How bad, in words."""
        vi, en, _ = SEVERITIES[name]
        return self(vi, en)
