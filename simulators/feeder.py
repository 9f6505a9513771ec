"""Feeder cabinets: the sum of their lamps, the cable's losses and their own needs."""

from __future__ import annotations

import numpy as np

from simulators.chance import derived, normal
from simulators.fleet import Fleet, Rows
from simulators.lamp import NOMINAL_V, STANDBY_W, VOLTAGE_SHARE, LightPlan, Supply, full_power
from telemetry.arrays import Values

LOSS = 0.015  # of the lamps' power, in the cable
OWN_W = 18.0  # controller, modem, heater
POWER_FACTOR = 0.95
MEAN_DROP_V = 1.5


class FeederModel:
    """What the cabinets report."""

    def __init__(self, plan: LightPlan, fleet: Fleet, lamps: Fleet | None) -> None:
        self._plan = plan
        self._supply = Supply()
        # What the lamps of each feeder draw together at full level and nominal voltage. [W]
        self._full = np.zeros(len(fleet))
        self._number = np.zeros(len(fleet))
        if lamps is not None:
            parent = np.array([fleet.index.get(d.parent, -1) for d in lamps.devices])
            hung = parent >= 0
            np.add.at(self._full, parent[hung], full_power(lamps)[hung])
            np.add.at(self._number, parent[hung], 1.0)

    def values(self, rows: Rows) -> dict[str, Values]:
        """Columns by quantity."""
        of = rows.device
        voltage = self._supply.voltage(rows.key, rows)
        level = self._plan.dimming(rows)
        strength = 1.0 + VOLTAGE_SHARE * ((voltage - MEAN_DROP_V) / NOMINAL_V - 1.0)
        lamps = np.where(level > 0, self._full[of] * level * strength, self._number[of] * STANDBY_W)
        power = lamps * (1.0 + LOSS) + OWN_W
        power = power * (1.0 + 0.001 * normal(derived(rows.key, 220), rows.slot))
        burned = self._full[of] * (1.0 + LOSS) * self._plan.full_hours(rows)
        return {
            "power": power,
            "voltage": voltage + 0.15 * normal(derived(rows.key, 221), rows.slot),
            "current": power / (voltage * POWER_FACTOR),
            "energy": burned / 1_000.0,
            "door": np.zeros(len(rows)),
        }
