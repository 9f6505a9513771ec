"""Units by their UCUM codes (The Unified Code for Units of Measure), and conversion within a dimension.

A unit is `value_in_base = value * factor + offset`. Units of different dimensions never convert:
ppb to ug/m3 needs the substance and the temperature, so it is refused here.
SenML registry names (RFC 8428, table 2; RFC 8798) that differ from UCUM are in `SENML_NAMES`.
"""

from __future__ import annotations

from dataclasses import dataclass

from telemetry.errors import UnitError


@dataclass(frozen=True, slots=True)
class Unit:
    """One unit. `factor` and `offset` lead to the dimension's base unit."""

    code: str
    dimension: str
    factor: float = 1.0
    offset: float = 0.0


_UNITS = [
    Unit("ug/m3", "mass concentration in gas", 1e-9),
    Unit("mg/m3", "mass concentration in gas", 1e-6),
    Unit("g/m3", "mass concentration in gas", 1e-3),
    Unit("mg/L", "mass concentration in liquid", 1e-3),
    Unit("ug/L", "mass concentration in liquid", 1e-6),
    Unit("g/L", "mass concentration in liquid", 1.0),
    Unit("Cel", "temperature", 1.0, 273.15),
    Unit("K", "temperature"),
    Unit("[degF]", "temperature", 5 / 9, 459.67 * 5 / 9),
    Unit("%", "fraction", 0.01),
    Unit("1", "fraction"),
    Unit("hPa", "pressure", 100.0),
    Unit("kPa", "pressure", 1_000.0),
    Unit("Pa", "pressure"),
    Unit("mbar", "pressure", 100.0),
    Unit("m/s", "speed"),
    Unit("km/h", "speed", 1 / 3.6),
    Unit("[mi_i]/h", "speed", 0.44704),
    Unit("[kn_i]", "speed", 1852 / 3600),
    Unit("deg", "angle", 0.017453292519943295),
    Unit("rad", "angle"),
    Unit("m", "length"),
    Unit("cm", "length", 0.01),
    Unit("mm", "length", 0.001),
    Unit("km", "length", 1_000.0),
    Unit("[ft_i]", "length", 0.3048),
    Unit("dB{A}", "A-weighted sound level"),
    Unit("[pH]", "acidity"),
    Unit("uS/cm", "conductivity", 1e-4),
    Unit("mS/cm", "conductivity", 0.1),
    Unit("S/m", "conductivity"),
    Unit("{NTU}", "turbidity"),
    Unit("{MPN}/100.mL", "most probable number"),
    Unit("{veh}", "vehicles"),
    Unit("{veh}/h", "vehicle flow"),
    Unit("{PCU}", "passenger car units"),
    Unit("{PCU}/h", "passenger car flow"),
    Unit("{MEU}/h", "motorcycle equivalent flow"),
    Unit("{veh}/km", "vehicle density"),
    Unit("{veh}.h", "vehicle time", 3_600.0),
    Unit("s", "time"),
    Unit("h", "time", 3_600.0),
    Unit("%/h", "fraction rate", 0.01 / 3_600.0),
    Unit("Cel/h", "temperature rate", 1 / 3_600.0),
    Unit("deg/d", "angle rate", 0.017453292519943295 / 86_400.0),
    Unit("W", "power"),
    Unit("kW", "power", 1_000.0),
    Unit("mW", "power", 0.001),
    Unit("V", "voltage"),
    Unit("kV", "voltage", 1_000.0),
    Unit("mV", "voltage", 0.001),
    Unit("A", "current"),
    Unit("mA", "current", 0.001),
    Unit("W.h", "energy", 3_600.0),
    Unit("kW.h", "energy", 3_600_000.0),
    Unit("MW.h", "energy", 3_600_000_000.0),
    Unit("J", "energy"),
    Unit("{index}", "index"),
    Unit("{stage}", "flood stage"),
    Unit("{state}", "state"),
    Unit("{los}", "level of service"),
    Unit("{class}", "class"),
    Unit("{code}", "place in a list"),
]
UNITS: dict[str, Unit] = {u.code: u for u in _UNITS}

# SenML's own names for units → UCUM.
SENML_NAMES: dict[str, str] = {
    "%RH": "%",
    "/": "1",
    "%EL": "%",
    "pH": "[pH]",
    "kWh": "kW.h",
    "Wh": "W.h",
    "count": "{veh}",
    "µg/m3": "ug/m3",
}


def unit(code: str, place: str = "unit") -> Unit:
    """The unit of a UCUM code, or of SenML's name for it. Raises UnitError where unknown."""
    found = UNITS.get(SENML_NAMES.get(code, code))
    if found is None:
        raise UnitError(
            place, "must be a UCUM code that is known here", code, f"one of {' '.join(UNITS)}"
        )
    return found


def conversion(given: str, wanted: str, place: str = "unit") -> tuple[float, float]:
    """(a, b) so that `value_wanted = a * value_given + b`.

    Raises UnitError where a unit is unknown or the two measure different things.
    """
    source, target = unit(given, place), unit(wanted, place)
    if source.dimension != target.dimension:
        raise UnitError(place, f"must be a unit of {target.dimension}, like {wanted}", given)
    return source.factor / target.factor, (source.offset - target.offset) / target.factor
