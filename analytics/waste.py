"""Hours of a container → how fast it fills, when it will be full, that it was emptied; minutes → fire.

The rate is Theil–Sen's over the hours since it was emptied, a day at most: neither a bag that blocks the
sensor for a moment nor a bad echo moves it. Levels are design values.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from analytics.framed import Framed, Input
from analytics.frames import Look
from analytics.layout import Layout
from analytics.robust import looking_back, theil_sen
from telemetry.arrays import AnyArray, Mask, Values
from telemetry.clock import HOUR, MINUTE

DAY_H = 24
KEPT_H = 60
EMPTIED_BY = 20.0  # points that the level falls from one known hour to the next
FULL = 100.0
LEAST_RATE = 0.05  # slower than that nothing can be said of when [%/h]
LONGEST_H = 720.0
LEAST_HOURS = 4

KEPT_MIN, BACK_MIN = 180, 90
HOT, WARM = 65.0, 45.0  # [Cel]
FIRE_RATE = 30.0  # [Cel/h]; the sun does not warm a container by more than 10


def time_to_full(fill: AnyArray, rate: AnyArray) -> Values:
    """(100 - fill) / rate, 0 where it is full. [%], [%/h] → [h]; NaN where it does not fill."""
    grows = np.asarray(rate) > LEAST_RATE
    hours = np.maximum(FULL - np.asarray(fill), 0.0) / np.where(grows, rate, 1.0)
    return np.where(grows, np.minimum(hours, LONGEST_H), np.nan)


def is_fire(temperature: AnyArray, rate: AnyArray) -> Mask:
    """At 65 °C or more; or warmer than 45 °C and rising by 30 °C an hour. [Cel], [Cel/h]"""
    hot: Mask = (temperature >= HOT) | ((temperature >= WARM) & (np.asarray(rate) >= FIRE_RATE))
    return hot


class Filling(Framed):
    """State per container: the last level of each of the last 60 hours."""

    def __init__(self, layout: Layout) -> None:
        super().__init__(
            "waste", layout, ["waste"], {"fill": Input("fill", "last")},
            ("fill_rate", "time_to_full", "collected"), step=HOUR, kept=KEPT_H, back=DAY_H - 1,
        )  # fmt: skip

    def judge(self, look: Look) -> Mapping[str, AnyArray]:
        """[%/h], [h], and 1 in the hour in which the container was emptied."""
        fill = looking_back(look.of("fill", DAY_H - 1), DAY_H)
        now = fill[..., -1]
        emptied = _emptied(fill)
        since = np.where(emptied, np.arange(DAY_H), -1).max(axis=-1)
        own = np.where(np.arange(DAY_H) >= since[..., None], fill, np.nan)
        rate = np.where(np.isnan(now), np.nan, theil_sen(np.arange(DAY_H), own, LEAST_HOURS))
        collected = np.where(np.isnan(now), np.nan, emptied[..., -1].astype(np.float64))
        return {
            "fill_rate": rate, "time_to_full": time_to_full(now, rate), "collected": collected,
        }  # fmt: skip


class Fire(Framed):
    """State per container: its temperatures of the last three hours, minute by minute."""

    def __init__(self, layout: Layout) -> None:
        super().__init__(
            "fire", layout, ["waste"], {"temperature": Input("temperature", "last")}, ("fire",),
            step=MINUTE, kept=KEPT_MIN, back=BACK_MIN,
        )  # fmt: skip

    def judge(self, look: Look) -> Mapping[str, AnyArray]:
        """1 where it burns, at each minute with a temperature."""
        value = look.of("temperature", BACK_MIN)
        before, ago = _last_known(value)
        now = value[:, BACK_MIN:]
        rate = 60.0 * (now - before[:, BACK_MIN:]) / ago[:, BACK_MIN:]
        rate[ago[:, BACK_MIN:] > BACK_MIN] = np.nan
        return {"fire": np.where(np.isnan(now), np.nan, is_fire(now, rate).astype(np.float64))}


def _emptied(fill: AnyArray) -> Mask:
    """Where the level fell by 20 points or more since the last hour in which it was known."""
    before, _ = _last_known(fill)
    found: Mask = before - fill >= EMPTIED_BY
    return found


def _last_known(value: AnyArray) -> tuple[AnyArray, AnyArray]:
    """(last known value before each place of the last axis, how many places ago); NaN where none is."""
    n = value.shape[-1]
    place = np.maximum.accumulate(np.where(np.isnan(value), -1, np.arange(n)), axis=-1)
    before = np.full(value.shape, -1)
    before[..., 1:] = place[..., :-1]
    found = np.take_along_axis(value, np.maximum(before, 0), axis=-1)
    ago = np.where(before >= 0, np.arange(n) - before, n).astype(np.float64)
    return np.where(before >= 0, found, np.nan), ago
