"""What a fault does to what its device says: to the values, to whether it speaks, to the bytes.

Each effect is a pure function of the rows that the fault covers, like the values themselves.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np

from simulators.chance import derived, normal, uniform
from simulators.faults import Fault
from simulators.feeder import OWN_W, POWER_FACTOR
from simulators.fleet import MS, Fleet, Rows
from simulators.models import Model
from simulators.sensor_faults import SENSOR_FAULTS, Columns
from simulators.silence import BATTERY_LASTS
from telemetry.arrays import Mask, Times, Values
from telemetry.clock import HOUR, MINUTE

THEFT_LASTS = 40 * MINUTE
SPIKES_SHARE = 0.08  # of every other message, so that no two follow each other
# Bytes that nobody can read as readings: a word for a number, half a message, a naive time, no JSON.
MALFORMED = (
    b'{"%s": "n/a"}',
    b'{"time": "2026-11-22T03:0',
    b'{"time": "2026-11-22 03:00", "%s": 12.5}',
    b"%s=12.5;ok",
)


def change_values(
    fault: Fault, rows: Rows, columns: Columns, fleet: Fleet, model: Model
) -> Columns:
    """The columns as the device reports them; rows are those of the fault's device within its time."""
    if (ill := SENSOR_FAULTS.get(fault.type)) is not None:
        return ill(fault, rows, columns, fleet)
    effect = _EFFECTS.get(fault.type)
    return columns if effect is None else effect(fault, rows, columns, fleet, model)


def twice(fault: Fault, rows: Rows) -> Mask:
    """Which of these rows' messages are sent again."""
    return np.asarray(uniform(derived(rows.key, 400), rows.slot) < fault.how_strong)


def lost(fault: Fault, rows: Rows) -> Mask:
    """Which of these rows' messages never arrive."""
    return np.asarray(uniform(derived(rows.key, 406), rows.slot) < fault.how_strong)


def said_time(fault: Fault, rows: Rows) -> Times:
    """What a clock that is wrong says at these rows. [ns]"""
    return np.asarray(rows.time + round(fault.how_strong * HOUR / MS) * MS)


def malformed(fault: Fault, rows: Rows, main: str) -> dict[int, bytes]:
    """Row → the bytes that are sent in place of a reading."""
    draw = uniform(derived(rows.key, 401), rows.slot)
    which = np.flatnonzero(draw < fault.how_strong)
    found = {}
    for row in which.tolist():
        text = MALFORMED[int(draw[row] / fault.how_strong * len(MALFORMED))]
        found[row] = text.replace(b"%s", main.encode())
    return found


def _stuck(fault: Fault, rows: Rows, columns: Columns, fleet: Fleet, model: Model) -> Columns:
    """The last values before the fault, again and again."""
    at = int(rows.device[0])
    last = fleet.slots_of(at, fault.start - 2 * fleet.interval, fault.start)[-1:]
    frozen = model.values(fleet.at(rows.device[:1], last))
    return {name: np.full(len(rows), frozen[name][0]) for name in columns}


def _spikes(fault: Fault, rows: Rows, columns: Columns, fleet: Fleet, model: Model) -> Columns:
    """Single values some spike thresholds off; never two in a row, or it would be a step."""
    hit = (uniform(derived(rows.key, 402), rows.slot) < SPIKES_SHARE) & (rows.slot % 2 == 0)
    out = dict(columns)
    for quantity in fleet.kind.quantities:
        if quantity.spike is not None and quantity.name in columns:
            off = np.where(hit, fault.how_strong * quantity.spike, 0.0)
            high = quantity.possible.high
            out[quantity.name] = np.minimum(columns[quantity.name] + off, high)
    return out


def _episode(fault: Fault, rows: Rows, columns: Columns, fleet: Fleet, model: Model) -> Columns:
    """Smoke lies over the place: up within an hour, 150 ug/m3 more, and away again."""
    rise = np.clip((rows.time - fault.start) / HOUR, 0.0, 1.0)
    fall = np.clip((fault.end - rows.time) / HOUR, 0.0, 1.0)
    more = 150.0 * np.minimum(rise, fall) * (1.0 + 0.03 * normal(derived(rows.key, 403), rows.slot))
    return {**columns, "pm25": columns["pm25"] + more, "pm10": columns["pm10"] + 1.3 * more}


def _current(power: Values, voltage: Values, factor: float) -> Values:
    """What flows; nothing where another fault has taken the voltage away. [A]"""
    nothing = np.zeros(len(power))
    return np.divide(power, voltage * factor, out=nothing, where=voltage > 0)


def _lamp_failure(
    fault: Fault, rows: Rows, columns: Columns, fleet: Fleet, model: Model
) -> Columns:
    """The controller lives, the lamp does not; its counter stands until the repair."""
    start = fleet.at_times(rows.device[:1], rows.slot[:1], np.array([fault.start]))
    power = 1.1 + 0.1 * uniform(derived(rows.key, 404), rows.slot)
    return {
        **columns,
        "power": power,
        "current": power / (columns["voltage"] * 0.4),
        "power_factor": np.full(len(rows), 0.4),
        "energy": np.full(len(rows), model.values(start)["energy"][0]),
    }


def _day_burner(fault: Fault, rows: Rows, columns: Columns, fleet: Fleet, model: Model) -> Columns:
    """A relay that sticks: told to be dark, and burning at full power."""
    dark = columns["dimming"] == 0
    full = fleet.limit("rated_power", 100.0)[rows.device] * columns["voltage"] / 230.0
    power = np.where(dark, full, columns["power"])
    factor = np.where(dark, 0.97, columns["power_factor"])
    current = power / (columns["voltage"] * factor)
    return {**columns, "power": power, "current": current, "power_factor": factor}


def _supply_loss(fault: Fault, rows: Rows, columns: Columns, fleet: Fleet, model: Model) -> Columns:
    """The cabinet's battery still reports: no voltage, no current; its counter stands."""
    start = fleet.at_times(rows.device[:1], rows.slot[:1], np.array([fault.start]))
    nothing = np.zeros(len(rows))
    energy = np.full(len(rows), model.values(start)["energy"][0])
    return {**columns, "power": nothing, "voltage": nothing, "current": nothing, "energy": energy}


def _breaker_trip(
    fault: Fault, rows: Rows, columns: Columns, fleet: Fleet, model: Model
) -> Columns:
    """The grid is there, the lamps are not: what is left is the cabinet's own; its counter stands."""
    return _unloaded(fault, rows, columns, fleet, model, 1.0)


def _cable_theft(fault: Fault, rows: Rows, columns: Columns, fleet: Fleet, model: Model) -> Columns:
    """Lamps behind the cut draw nothing any more; the door stands open while the cable is taken away."""
    left = _unloaded(fault, rows, columns, fleet, model, fault.how_strong)
    return {**left, "door": (rows.time < fault.start + THEFT_LASTS).astype(np.float64)}


def _unloaded(
    fault: Fault, rows: Rows, columns: Columns, fleet: Fleet, model: Model, share: float
) -> Columns:
    """A feeder that has lost this share of its lamps."""
    start = fleet.at_times(rows.device[:1], rows.slot[:1], np.array([fault.start]))
    energy = model.values(start)["energy"][0]
    power = OWN_W + (1.0 - share) * np.maximum(columns["power"] - OWN_W, 0.0)
    power = power * (1.0 + 0.002 * normal(derived(rows.key, 406), rows.slot))
    return {
        **columns,
        "power": power,
        "current": _current(power, columns["voltage"], POWER_FACTOR),
        "energy": energy + (1.0 - share) * (columns["energy"] - energy),
    }


def _door_open(fault: Fault, rows: Rows, columns: Columns, fleet: Fleet, model: Model) -> Columns:
    return {**columns, "door": np.ones(len(rows))}


def _leaning(fault: Fault, rows: Rows, columns: Columns, fleet: Fleet, model: Model) -> Columns:
    """It gives way within two hours, and is braced at the end."""
    part = np.clip((rows.time - fault.start) / (2 * HOUR), 0.0, 1.0)
    return {**columns, "tilt": columns["tilt"] + 17.0 * part}


def _overfull(fault: Fault, rows: Rows, columns: Columns, fleet: Fleet, model: Model) -> Columns:
    """The round went by: it goes on filling, 12 % an hour, until bags lie on its lid."""
    hours = (rows.time - fault.start) / HOUR
    return {**columns, "fill": np.clip(40.0 + 12.0 * hours, columns["fill"], 101.0)}


def _congestion(fault: Fault, rows: Rows, columns: Columns, fleet: Fleet, model: Model) -> Columns:
    """Walking pace within ten minutes: fewer vehicles pass, and they stand over the loop."""
    rise = np.clip((rows.time - fault.start) / (10 * MINUTE), 0.0, 1.0)
    fall = np.clip((fault.end - rows.time) / (10 * MINUTE), 0.0, 1.0)
    part = np.minimum(rise, fall)
    crawl = 6.0 + 0.6 * normal(derived(rows.key, 405), rows.slot)
    out: Columns = {
        name: np.floor(column * (1.0 - 0.45 * part))
        for name, column in columns.items()
        if name not in ("speed", "occupancy")
    }
    out["speed"] = columns["speed"] + part * (crawl - columns["speed"])
    out["occupancy"] = columns["occupancy"] + part * (62.0 - columns["occupancy"])
    return out


def _flat_battery(
    fault: Fault, rows: Rows, columns: Columns, fleet: Fleet, model: Model
) -> Columns:
    """Down to 3 % in the first part of the fault; then the device is silent (see silence.py)."""
    start = fleet.at_times(rows.device[:1], rows.slot[:1], np.array([fault.start]))
    full = float(model.values(start)["battery"][0])
    part = (rows.time - fault.start) / (BATTERY_LASTS * (fault.end - fault.start))
    return {**columns, "battery": full + (3.0 - full) * np.clip(part, 0.0, 1.0)}


Effect = Callable[[Fault, Rows, Columns, Fleet, Model], Columns]
_EFFECTS: Mapping[str, Effect] = {
    "stuck": _stuck,
    "spikes": _spikes,
    "flat_battery": _flat_battery,
    "episode": _episode,
    "lamp_failure": _lamp_failure,
    "day_burner": _day_burner,
    "supply_loss": _supply_loss,
    "breaker_trip": _breaker_trip,
    "cable_theft": _cable_theft,
    "door_open": _door_open,
    "leaning": _leaning,
    "overfull": _overfull,
    "congestion": _congestion,
}
