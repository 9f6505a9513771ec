"""Hours of a lamp from noon to noon → energy, burning hours, and what dimming saved.

Energy is the meter's counter at both noons; where it does not count, the sum of the hours' mean power.
Saving is 1 - Σ h·p / Σ h over the hours h at a dimming level p.
"""

from __future__ import annotations

from collections.abc import Mapping
from zoneinfo import ZoneInfo

import numpy as np

from analytics.framed import Framed, Input
from analytics.frames import Look
from analytics.layout import Layout
from analytics.lighting import BURNER_SHARE
from analytics.localtime import local_hour
from telemetry.arrays import AnyArray, Values
from telemetry.clock import HOUR

NIGHT_H = 24
NOON = 11  # the hour that ends at noon
ENOUGH_H = 18  # hours heard of the 24
KEPT = 30


def saving(hours: AnyArray, level: AnyArray) -> Values:
    """1 - Σ h·p / Σ h along the last axis. [h], [%] → [%]; NaN where nothing burned."""
    total = np.asarray(hours).sum(axis=-1)
    used = (np.asarray(hours) * np.asarray(level) / 100.0).sum(axis=-1)
    share = np.divide(used, total, out=np.full(np.shape(total), np.nan), where=total > 0)
    return np.asarray(100.0 * (1.0 - share))


def share_on(mean: AnyArray, low: AnyArray, high: AnyArray, off: AnyArray) -> Values:
    """Share of an hour in which something was on: 1 where it never went off, else mean / high."""
    part = np.divide(mean, high, out=np.zeros(np.shape(mean)), where=high > off)
    return np.where(low > off, 1.0, np.clip(part, 0.0, 1.0))


class LampNights(Framed):
    """State per lamp: power, dimming and counter of the last 30 hours."""

    def __init__(self, layout: Layout, zone: ZoneInfo) -> None:
        inputs = {
            f"{q}_{s}": Input(q, s) for q in ("power", "dimming") for s in ("mean", "min", "max")
        }
        inputs["energy"] = Input("energy", "last", np.float64)
        super().__init__(
            "lamp_nights", layout, ["lamp"], inputs,
            ("energy_night", "burning_hours", "dimming_saving"), step=HOUR, kept=KEPT,
            back=NIGHT_H, found=np.float32,
        )  # fmt: skip
        self._zone = zone

    def judge(self, look: Look) -> Mapping[str, AnyArray]:
        """[kW.h], [h], [%] of the night before, in the hour that ends at noon."""
        noon = local_hour(look.bins * HOUR, self._zone).astype(np.int64) == NOON
        night = {
            n: self._hours(look, n)
            for n in (f"{q}_{s}" for q in ("power", "dimming") for s in ("mean", "min", "max"))
        }
        heard = (~np.isnan(night["power_mean"])).sum(axis=-1) >= ENOUGH_H
        told = heard & noon[None, :]
        power = {s: np.nan_to_num(night[f"power_{s}"]) for s in ("mean", "min", "max")}
        level = {s: np.nan_to_num(night[f"dimming_{s}"]) for s in ("mean", "min", "max")}
        off = BURNER_SHARE * power["max"].max(axis=-1, keepdims=True)
        burned = share_on(power["mean"], power["min"], power["max"], off)
        told_on = share_on(level["mean"], level["min"], level["max"], np.zeros_like(off))
        mean_level = np.divide(
            level["mean"], told_on, out=np.zeros(told_on.shape), where=told_on > 0
        )
        counter = look.of("energy", NIGHT_H)
        counted = counter[:, NIGHT_H:] - counter[:, :-NIGHT_H]
        integrated = power["mean"].sum(axis=-1) / 1_000.0
        energy = np.where(counted >= 0, counted, integrated)
        return {
            "energy_night": np.where(told, energy, np.nan),
            "burning_hours": np.where(told, burned.sum(axis=-1), np.nan),
            "dimming_saving": np.where(told, saving(told_on, mean_level), np.nan),
        }

    @staticmethod
    def _hours(look: Look, name: str) -> AnyArray:
        """[rows, bins, 24]: the hours up to and with each."""
        hours = look.of(name, NIGHT_H - 1)
        return np.lib.stride_tricks.sliding_window_view(hours, NIGHT_H, axis=1)
