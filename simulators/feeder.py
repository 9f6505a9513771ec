"""Feeder cabinets: the sum of their lamps, the cable's losses and their own needs."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from simulators.chance import derived, normal
from simulators.fleet import Fleet, Rows
from simulators.lamp import Burning, Supply, drawn, full_power
from simulators.light_plan import LightPlan, programme_of
from simulators.orders import Level
from telemetry.arrays import Index, Values

LOSS = 0.015  # of the lamps' power, in the cable
OWN_W = 18.0  # controller, modem, heater
POWER_FACTOR = 0.95
MEAN_DROP_V = 1.5


class FeederModel:
    """What the cabinets report. `burning` and `lamps` are what hangs on them, where there is anything."""

    def __init__(
        self, plan: LightPlan, fleet: Fleet, burning: Burning | None, lamps: Fleet | None
    ) -> None:
        self._plan, self._burning, self._fleet = plan, burning, fleet
        self._programme = programme_of(fleet.key)
        self._supply = Supply()
        # What the lamps of each feeder draw together at full level and nominal voltage. [W]
        self._full = np.zeros(len(fleet))
        self._number = np.zeros(len(fleet))
        self._each = np.zeros(0)
        if lamps is not None:
            self._each = full_power(lamps)
            parent = np.array([fleet.index.get(d.parent, -1) for d in lamps.devices])
            hung = parent >= 0
            np.add.at(self._full, parent[hung], self._each[hung])
            np.add.at(self._number, parent[hung], 1.0)

    def values(self, rows: Rows) -> dict[str, Values]:
        """Columns by quantity."""
        of = rows.device
        voltage = self._supply.voltage(rows.key, rows)
        power = self.lamps_power(of, rows, voltage - MEAN_DROP_V) * (1.0 + LOSS) + OWN_W
        power = power * (1.0 + 0.001 * normal(derived(rows.key, 220), rows.slot))
        return {
            "power": power,
            "voltage": voltage + 0.15 * normal(derived(rows.key, 221), rows.slot),
            "current": power / (voltage * POWER_FACTOR),
            "energy": (1.0 + LOSS) * self._watt_hours(of, rows) / 1_000.0,
            "door": np.zeros(len(rows)),
        }

    def lamps_power(self, of: Index, rows: Rows, voltage: Values) -> Values:
        """What the lamps of each row's feeder draw together. [W]"""
        level = self._plan.dimming(rows, self._programme[of])
        mean = self._full[of] / np.maximum(self._number[of], 1.0)
        power = self._number[of] * drawn(mean, level, voltage)
        for mine, lamp, _, burning in self._told(of):
            told = burning.level(np.full(len(mine), lamp, dtype=np.intp), rows.take(mine))
            full = np.full(len(mine), self._each[lamp])
            power[mine] += drawn(full, told, voltage[mine]) - drawn(
                full, level[mine], voltage[mine]
            )
        return power

    def _watt_hours(self, of: Index, rows: Rows) -> Values:
        energy = self._full[of] * self._plan.full_hours(rows, self._programme[of])
        for mine, lamp, orders, burning in self._told(of):
            energy[mine] += self._each[lamp] * burning.more_hours(lamp, orders, rows.take(mine))
        return energy

    def _told(self, of: Index) -> Iterator[tuple[Index, int, list[Level], Burning]]:
        """(rows of its feeder, lamp, its orders) of each lamp that was told anything."""
        burning = self._burning
        if burning is None or not burning.ordered:
            return
        for feeder in np.unique(of).tolist():
            for lamp, orders in burning.told(self._fleet.devices[feeder].id):
                yield np.flatnonzero(of == feeder), lamp, orders, burning
