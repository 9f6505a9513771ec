"""Street lights: power by level and voltage, and their meters. Levels come from programmes and from orders."""

from __future__ import annotations

import numpy as np

from simulators.chance import Keys, derived, keys, normal, uniform, wander
from simulators.fleet import Fleet, Instants, Rows
from simulators.light_plan import LightPlan, programme_of
from simulators.orders import Level, Orders
from simulators.rhythm import demand
from telemetry.arrays import Index, Values
from telemetry.clock import SECOND

STANDBY_W = 0.5
NOMINAL_V = 230.0
VOLTAGE_SHARE = 0.12  # of a relative change of voltage arrives at the lamp: drivers level it out


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


class Burning:
    """How strongly lamps burn: their cabinet's programme, and what they were told since."""

    def __init__(self, plan: LightPlan, fleet: Fleet, seed: int, orders: Orders) -> None:
        self._plan, self._orders, self._fleet = plan, orders, fleet
        self.feeder_key = keys(seed, [d.parent for d in fleet.devices], "feeder")
        self._programme = programme_of(self.feeder_key)

    def level(self, of: Index, rows: Rows) -> Values:
        """The level that each row's lamp is told. [0…1]"""
        level = self._plan.dimming(rows, self._programme[of])
        for lamp, orders in self._told():
            for order in orders:
                hit = (of == lamp) & (rows.time >= order.start) & (rows.time < order.end)
                level = np.where(hit, order.level, level)
        return level

    def full_hours(self, of: Index, rows: Rows) -> Values:
        """Hours at full power that give what each row's lamp has burned. [h]"""
        hours = self._plan.full_hours(rows, self._programme[of])
        for lamp, orders in self._told():
            mine = np.flatnonzero(of == lamp)
            if len(mine):
                hours[mine] += self.more_hours(lamp, orders, rows.take(mine))
        return hours

    def more_hours(self, lamp: int, orders: list[Level], rows: Rows) -> Values:
        """What a lamp has burned beyond its programme, up to each row's time. [h]"""
        programme, total = self._programme[lamp], np.zeros(len(rows))
        for order in orders:
            until = np.clip(rows.time, order.start, order.end)
            edges = Instants(np.append(until, order.start), rows.local)
            planned = self._plan.full_hours(edges, programme)
            total += order.level * (until - order.start) / SECOND / 3_600.0
            total -= planned[:-1] - planned[-1]
        return total

    @property
    def ordered(self) -> bool:
        """Whether any lamp was told anything."""
        return bool(self._orders.levels)

    def told(self, feeder: str) -> list[tuple[int, list[Level]]]:
        """The lamps of a feeder that have orders."""
        return [(n, o) for n, o in self._told() if self._fleet.devices[n].parent == feeder]

    def _told(self) -> list[tuple[int, list[Level]]]:
        index = self._fleet.index
        return [(index[d], list(o)) for d, o in list(self._orders.levels.items()) if d in index]


class LampModel:
    """What the lamp controllers report."""

    def __init__(self, burning: Burning, fleet: Fleet) -> None:
        self._burning = burning
        self._supply = Supply()
        self.full = full_power(fleet)
        self._drop = 3.0 * uniform(derived(fleet.key, 202))  # along the cable [V]

    def values(self, rows: Rows) -> dict[str, Values]:
        """Columns by quantity."""
        of = rows.device
        voltage = self._supply.voltage(self._burning.feeder_key[of], rows) - self._drop[of]
        level = self._burning.level(of, rows)
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
        return drawn(self.full[of], level, voltage)

    def energy(self, of: Index, rows: Rows) -> Values:
        """The lamps' own counters. [kW.h]"""
        return np.asarray(self.full[of] * self._burning.full_hours(of, rows) / 1_000.0)


def drawn(full: Values, level: Values, voltage: Values) -> Values:
    """What a lamp draws that takes `full` at its best. [W], [0…1], [V] → [W]"""
    strength = 1.0 + VOLTAGE_SHARE * (voltage / NOMINAL_V - 1.0)
    return np.asarray(np.where(level > 0, full * level * strength, STANDBY_W))
