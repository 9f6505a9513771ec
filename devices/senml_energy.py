"""A SenML sum that stands alone, as the energy it is: {"n": "energy", "u": "Wh", "s": 1250.5}.

By the letter of RFC 8428, section 4.2, a sum is in the record's unit times seconds, so a power makes an
energy: u = W, s = 3600000 is 1 kW.h. Meters also write their total in a unit of energy; that is taken as
it stands, since an energy times seconds is nothing that is measured. Any other quantity has no such sum.
"""

from __future__ import annotations

from devices.intake import Refused, shown
from devices.kind import Kind
from telemetry.errors import UnitError
from telemetry.reasons import Reason
from telemetry.units import UNITS, conversion, unit

ENERGY, POWER = "energy", "power"


def energy_of(kind: Kind, name: str, total: float, given: str | None) -> float:
    """A sum as a value of the quantity `name`, in its unit. Raises Refused where it is no energy."""
    declared = kind.quantity(name)
    if declared is None or UNITS[declared.unit].dimension != ENERGY:
        need = f"alone is a reading of an energy, and {name} is none: send its value (v)"
        raise Refused(Reason.BAD_SENML, "s", need)
    if given is None:
        return total
    try:
        source = unit(given)
        if source.dimension == POWER:
            return total * source.factor / UNITS[declared.unit].factor
        factor, offset = conversion(given, declared.unit)
    except UnitError as error:
        raise Refused(Reason.BAD_UNIT, "u", f"{error.need}, got {shown(given)}") from None
    return total * factor + offset
