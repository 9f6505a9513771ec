"""Sensors that are ill in ways that a single value does not show: drift, bias, noise, another unit.

A step is what the kind says of how far a value may stray: its `drift`, else a fraction of its spike
threshold, or of what is plausible at all.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np

from devices.kind import Kind, Quantity
from simulators.chance import derived, normal
from simulators.faults import Fault
from simulators.fleet import Fleet, Rows
from telemetry.arrays import Values
from telemetry.clock import DAY

Columns = dict[str, Values]

# The unit that a quantity has → what a firmware sends that means another: degF, mg/m3, kPa, a fraction,
# mph, km/h, cm, inch, mg/L, mS/cm, rad, kW, W.h. (factor, offset)
OTHER_UNIT: Mapping[str, tuple[float, float]] = {
    "Cel": (1.8, 32.0),
    "ug/m3": (1e-3, 0.0),
    "mg/m3": (1e3, 0.0),
    "hPa": (0.1, 0.0),
    "%": (1e-2, 0.0),
    "km/h": (0.621371, 0.0),
    "m/s": (3.6, 0.0),
    "m": (1e2, 0.0),
    "mm": (1 / 25.4, 0.0),
    "mg/L": (1e3, 0.0),
    "uS/cm": (1e-3, 0.0),
    "deg": (np.pi / 180, 0.0),
    "W": (1e-3, 0.0),
    "kW.h": (1e3, 0.0),
}


def step(quantity: Quantity) -> float:
    """How far off is clearly off. [the quantity's unit]"""
    if quantity.drift is not None:
        return quantity.drift
    if quantity.spike is not None:
        return quantity.spike / 4
    low, high = max(quantity.plausible.low, -1e6), min(quantity.plausible.high, 1e6)
    return (high - low) / 20


def suited(kind: Kind, type_: str) -> list[str]:
    """The quantities of a kind that a fault of this type can strike, the likeliest first."""
    own = [q for q in kind.quantities if not q.derived]
    if type_ == "wrong_unit":
        return [q.name for q in own if q.unit in OTHER_UNIT]
    # What is counted, switched or turns round does not drift.
    measured = [q for q in own if not q.additive and not q.circular and q.unit not in ("1", "kW.h")]
    return [q.name for q in sorted(measured, key=lambda q: q.drift is None)]


def drift(fault: Fault, rows: Rows, columns: Columns, fleet: Fleet) -> Columns:
    """Off by so many steps more every day."""
    return _moved(fault, columns, fleet, (rows.time - fault.start) / DAY)


def bias(fault: Fault, rows: Rows, columns: Columns, fleet: Fleet) -> Columns:
    """Off by so many steps."""
    return _moved(fault, columns, fleet, np.ones(len(rows)))


def noise(fault: Fault, rows: Rows, columns: Columns, fleet: Fleet) -> Columns:
    """Scattered with so many steps of standard deviation."""
    return _moved(fault, columns, fleet, normal(derived(rows.key, 407), rows.slot))


def wrong_unit(fault: Fault, rows: Rows, columns: Columns, fleet: Fleet) -> Columns:
    """The right quantity in another unit."""
    name = _struck(fault, fleet)
    quantity = fleet.kind.quantity(name) if name else None
    if quantity is None:
        return columns
    factor, offset = OTHER_UNIT[quantity.unit]
    return {**columns, name: columns[name] * factor + offset}


def _moved(fault: Fault, columns: Columns, fleet: Fleet, steps: Values) -> Columns:
    """One quantity, moved by steps times the strength; no sensor says what is impossible."""
    name = _struck(fault, fleet)
    quantity = fleet.kind.quantity(name) if name else None
    if quantity is None:
        return columns
    moved = columns[name] + fault.how_strong * step(quantity) * steps
    return {**columns, name: np.clip(moved, quantity.possible.low, quantity.possible.high)}


def _struck(fault: Fault, fleet: Fleet) -> str:
    found = suited(fleet.kind, fault.type)
    return fault.quantity if fault.quantity in found else next(iter(found), "")


SENSOR_FAULTS: Mapping[str, Callable[[Fault, Rows, Columns, Fleet], Columns]] = {
    "drift": drift,
    "bias": bias,
    "noise": noise,
    "wrong_unit": wrong_unit,
}
