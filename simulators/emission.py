"""Stack emissions of incinerators and landfill-gas flares that run as QCVN 61-MT:2016 asks them to.

Beside the run: a furnace that is let go out and fired again, a monitor that measures its test gases, an hour
over the limit. The events say when (`nature`).
"""

from __future__ import annotations

import numpy as np

from simulators.chance import derived, normal, uniform, wander
from simulators.events import Events
from simulators.fleet import Fleet, Rows
from telemetry.arrays import Values

BATCH = (14_400.0, 3_600.0, 900.0)  # a charge, a stirring, a flicker [s]
COOLS_S = 9_000.0  # a chamber of firebrick, by e
STARTS_S = 16_200.0  # from cold to its running temperature, on oil
COLD_O2 = 20.9
CALIBRATING = 1.0
# What each monitor is shown: nothing, then its test gas. [mg/m3]
TEST_GAS = {"dust": 60.0, "so2": 200.0, "nox": 350.0, "co": 180.0, "hcl": 45.0}


class EmissionModel:
    """What the stack monitors report. Gases and dust in mg/m3; device_status 0 measuring, 1 calibrating."""

    def __init__(self, fleet: Fleet, events: Events) -> None:
        self._events = events
        self._burden = 0.6 + 0.5 * uniform(derived(fleet.key, 160))

    def values(self, rows: Rows) -> dict[str, Values]:
        """Columns by quantity."""
        heat = wander(derived(rows.key, 161), rows.t, *BATCH)
        hot = self._fire(rows)
        # Half-burnt gas until the chamber is hot: a start-up's carbon monoxide.
        smoulder = np.clip((0.92 - hot) / 0.3, 0.0, 1.0) * np.clip(hot / 0.15, 0.0, 1.0)
        # A hot furnace burns out: less CO, more NOx, and it needs more air.
        running = 1_055.0 + 24.0 * np.tanh(heat) + 1.2 * normal(derived(rows.key, 162), rows.slot)
        air = 9.6 + 0.7 * np.tanh(heat) + 0.06 * normal(derived(rows.key, 168), rows.slot)
        feed = np.clip((hot - 0.55) / 0.4, 0.0, 1.0)  # waste is fed from 900 °C or so on
        gases = {
            "dust": self._level(rows, 163, 42.0) * (feed + 0.6 * smoulder),
            "so2": self._level(rows, 164, 95.0) * (feed + 0.3 * smoulder),
            "nox": self._level(rows, 165, 210.0) * (1.0 + 0.08 * np.tanh(heat)) * np.clip(hot, 0.0, 1.0) ** 2,
            "co": self._level(rows, 166, 75.0) * (1.0 - 0.15 * np.tanh(heat)) * (feed + 6.0 * smoulder),
            "hcl": self._level(rows, 167, 19.0) * feed,
        }  # fmt: skip
        calibrating = self._calibrate(rows, gases)
        return {
            **gases,
            "o2": COLD_O2 + (air - COLD_O2) * np.clip(1.15 * hot, 0.0, 1.0),
            "furnace_temperature": 38.0 + (running - 38.0) * hot,
            "device_status": np.where(calibrating, CALIBRATING, 0.0),
        }

    def _level(self, rows: Rows, salt: int, mean: float) -> Values:
        change = 0.16 * np.tanh(wander(derived(rows.key, salt), rows.t, *BATCH))
        noise = 0.015 * normal(derived(rows.key, salt + 20), rows.slot)
        more = np.maximum(self._events.at("exceedance", rows), 1.0)
        return np.asarray(mean * more * self._burden[rows.device] * np.exp(change + noise))

    def _fire(self, rows: Rows) -> Values:
        """How hot the furnace is, 0 cold, 1 running: it cools when it is let go out, and is fired up again."""
        began, over = self._events.last("shutdown", rows, rows.t, STARTS_S)
        out = np.minimum(rows.t, over) - began
        cooled = np.exp(-np.maximum(out, 0.0) / COOLS_S)
        fired = np.clip((rows.t - over) / STARTS_S, 0.0, 1.0)
        hot = cooled + (1.0 - cooled) * fired
        return np.asarray(np.where(np.isnan(began), 1.0, hot))

    def _calibrate(self, rows: Rows, gases: dict[str, Values]) -> Values:
        """Which rows are test gas; puts it in their place: zero gas, then span gas, then back."""
        began, over = self._events.last("calibration", rows, rows.t)
        part = (rows.t - began) / (over - began)
        calibrating = ~np.isnan(part)
        for n, (name, span) in enumerate(TEST_GAS.items()):
            noise = np.abs(normal(derived(rows.key, 190 + n), rows.slot))
            test = np.where(part < 0.45, 0.2 + 0.1 * noise, span * (1.0 + 0.002 * noise))
            gases[name] = np.where(calibrating, test, gases[name])
        return calibrating
