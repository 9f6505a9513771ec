"""Stack emissions of incinerators and landfill-gas flares that run as QCVN 61-MT:2016 asks them to."""

from __future__ import annotations

import numpy as np

from simulators.chance import derived, normal, uniform, wander
from simulators.events import Events
from simulators.fleet import Fleet, Rows
from telemetry.arrays import Values

BATCH = (14_400.0, 3_600.0, 900.0)  # a charge, a stirring, a flicker [s]


class EmissionModel:
    """What the stack monitors report. Gases and dust in mg/m3; always measuring (status 0)."""

    def __init__(self, fleet: Fleet, events: Events) -> None:
        self._events = events
        self._burden = 0.6 + 0.5 * uniform(derived(fleet.key, 160))

    def values(self, rows: Rows) -> dict[str, Values]:
        """Columns by quantity."""
        heat = wander(derived(rows.key, 161), rows.t, *BATCH)
        # A hot furnace burns out: less CO, more NOx, and it needs more air.
        furnace = 1_055.0 + 24.0 * np.tanh(heat) + 1.2 * normal(derived(rows.key, 162), rows.slot)
        return {
            "dust": self._level(rows, 163, 42.0),
            "so2": self._level(rows, 164, 95.0),
            "nox": self._level(rows, 165, 210.0) * (1.0 + 0.08 * np.tanh(heat)),
            "co": self._level(rows, 166, 75.0) * (1.0 - 0.15 * np.tanh(heat)),
            "hcl": self._level(rows, 167, 19.0),
            "o2": 9.6 + 0.7 * np.tanh(heat) + 0.06 * normal(derived(rows.key, 168), rows.slot),
            "furnace_temperature": furnace,
            "device_status": np.zeros(len(rows)),
        }

    def _level(self, rows: Rows, salt: int, mean: float) -> Values:
        change = 0.16 * np.tanh(wander(derived(rows.key, salt), rows.t, *BATCH))
        noise = 0.015 * normal(derived(rows.key, salt + 20), rows.slot)
        return np.asarray(
            mean
            * np.maximum(self._events.at("exceedance", rows), 1.0)
            * self._burden[rows.device]
            * np.exp(change + noise)
        )
