"""Street lights: on from civil dusk to civil dawn, dimmed at night; power by dimming and voltage; energy.

The plan is 100 % until 23:00, 50 % until 03:00, 70 % until dawn. Energy is its integral since a fixed
day, so a counter read at any time continues.
"""

from __future__ import annotations

import numpy as np

from simulators.chance import Keys, derived, keys, normal, uniform, wander
from simulators.fleet import Fleet, LocalTime, Rows
from simulators.rhythm import demand
from simulators.sun import Sun
from telemetry.arrays import Index, Times, Values
from telemetry.clock import SECOND

PLAN = ((23, 1.0), (27, 0.5), (None, 0.7))  # until this local hour after midnight of the dusk's day
COMMISSIONED = 20_089  # 2025-01-01 in days since 1970: counters start here
STANDBY_W = 0.5
NOMINAL_V = 230.0
VOLTAGE_SHARE = 0.12  # of a relative change of voltage arrives at the lamp: drivers level it out


class LightPlan:
    """When lamps burn, how strongly, and for how many full hours they have burned."""

    def __init__(self, sun: Sun, local: LocalTime) -> None:
        self._sun, self._local = sun, local
        self._nights: dict[int, tuple[tuple[float, float, float], ...]] = {}
        self._burned = np.zeros(
            1
        )  # full hours up to the beginning of each night since COMMISSIONED

    def dimming(self, rows: Rows) -> Values:
        """The commanded level at each row. [0…1]"""
        night = self._night_of(rows)
        level = np.zeros(len(rows))
        for n in np.unique(night).tolist():
            for start, end, share in self._parts(n):
                within = (night == n) & (rows.t >= start) & (rows.t < end)
                level = np.where(within, share, level)
        return level

    def full_hours(self, rows: Rows) -> Values:
        """Hours at full power that give what has been burned since the counters started. [h]"""
        night = self._night_of(rows)
        total = self._before(night)
        for n in np.unique(night).tolist():
            for start, end, share in self._parts(n):
                burned = share * np.clip((rows.t - start) / 3_600.0, 0.0, (end - start) / 3_600.0)
                total = total + np.where(night == n, burned, 0.0)
        return total

    def _night_of(self, rows: Rows) -> Times:
        """The local day on whose evening the night began that a row lies in or follows."""
        return np.asarray(np.where(rows.t < self._sun.times(rows.day).dusk, rows.day - 1, rows.day))

    def _parts(self, night: int) -> tuple[tuple[float, float, float], ...]:
        """(start, end [s since 1970], level) of each part of a night."""
        if night not in self._nights:
            midnight = self._local.midnight(night) / SECOND
            start, dawn = self._sun.of_day(night)[3], self._sun.of_day(night + 1)[0]
            parts = []
            for until_h, share in PLAN:
                end = dawn if until_h is None else min(midnight + 3_600.0 * until_h, dawn)
                if end > start:
                    parts.append((start, end, share))
                    start = end
            self._nights[night] = tuple(parts)
        return self._nights[night]

    def _before(self, night: Times) -> Values:
        last = max(int(night.max()) if len(night) else 0, COMMISSIONED) - COMMISSIONED
        while len(self._burned) <= last:
            of = self._parts(COMMISSIONED + len(self._burned) - 1)
            hours = sum(share * (end - start) for start, end, share in of) / 3_600.0
            self._burned = np.append(self._burned, self._burned[-1] + hours)
        return np.asarray(self._burned[np.clip(night - COMMISSIONED, 0, last)])


class Supply:
    """The voltage in a street's cable, by the key of its feeder."""

    def voltage(self, feeder_key: Keys, rows: Rows) -> Values:
        """Falls a little when the city draws most. [V]"""
        slow = 2.2 * wander(derived(feeder_key, 200), rows.t, 21_600.0, 3_600.0, 600.0)
        evening = 4.0 * np.exp(-(((rows.hour - 19.5) / 2.5) ** 2))
        return np.asarray(230.5 + slow - evening - 1.5 * demand(rows))


def full_power(fleet: Fleet) -> Values:
    """What each lamp draws at full level and nominal voltage: its rated power within 2 %. [W]"""
    spread = uniform(derived(fleet.key, 201)) - 0.5
    return np.asarray(fleet.limit("rated_power", 100.0) * (1.0 + 0.04 * spread))


class LampModel:
    """What the lamp controllers report."""

    def __init__(self, plan: LightPlan, fleet: Fleet, seed: int) -> None:
        self._plan = plan
        self._supply = Supply()
        self.full = full_power(fleet)
        self._feeder_key = keys(seed, [d.parent for d in fleet.devices], "feeder")
        self._drop = 3.0 * uniform(derived(fleet.key, 202))  # along the cable [V]

    def values(self, rows: Rows) -> dict[str, Values]:
        """Columns by quantity."""
        of = rows.device
        voltage = self._supply.voltage(self._feeder_key[of], rows) - self._drop[of]
        level = self._plan.dimming(rows)
        power = self.power(of, level, voltage)
        power = power * (1.0 + 0.002 * normal(derived(rows.key, 203), rows.slot))
        factor = np.where(level > 0, 0.90 + 0.07 * level, 0.45)
        return {
            "power": power,
            "voltage": voltage + 0.15 * normal(derived(rows.key, 204), rows.slot),
            "current": power / (voltage * factor),
            "power_factor": factor + 0.003 * normal(derived(rows.key, 205), rows.slot),
            "dimming": 100.0 * level,
            "energy": self.energy(of, rows),
        }

    def power(self, of: Index, level: Values, voltage: Values) -> Values:
        """What lamps draw at a level and a voltage; a driver stands by when dark. [W]"""
        strength = 1.0 + VOLTAGE_SHARE * (voltage / NOMINAL_V - 1.0)
        burning = self.full[of] * level * strength
        return np.asarray(np.where(level > 0, burning, STANDBY_W))

    def energy(self, of: Index, rows: Rows) -> Values:
        """The lamps' own counters. [kW.h]"""
        return np.asarray(self.full[of] * self._plan.full_hours(rows) / 1_000.0)
