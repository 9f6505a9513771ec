"""Minutes of a lamp → power too low or high, power factor, supply voltage, cycling (names of TALQ 2.7.1).

Design values: a warm lamp draws 85 to 115 % of its rated power times its dimming level; its power factor
is 0.9 at full level, 0.7 dimmed; its voltage 207 to 253 V (230 V ± 10 %, EN 50160); it switches less
than three times in three quarters of an hour (four an hour). Told once the minute's window has closed; failure and day burner are told at
once (lighting.py).
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from analytics.framed import Framed, Input
from analytics.frames import Look
from analytics.layout import Layout
from analytics.lighting import BURNER_SHARE, FAILURE_SHARE
from analytics.limits import RATED_POWER, Limits
from analytics.robust import looking_back
from telemetry.arrays import AnyArray, Mask
from telemetry.clock import MINUTE

LOW_PERCENT, HIGH_PERCENT = 85.0, 115.0
FULL = 99.5  # [%]
FACTOR_FULL, FACTOR_DIMMED = 0.9, 0.7
VOLTAGE = 207.0, 253.0  # [V]
SWITCHES, LOOK_BACK = 3, 45
WARM_MIN, LIT_MIN = 5, 23
KEPT = 57


def power_low(power: AnyArray, dimming: AnyArray, rated: AnyArray) -> Mask:
    """Under 85 % of what is expected, and no failure yet. [W], [%], [W]; NaN anywhere: False."""
    expected = rated * dimming / 100
    found: Mask = (dimming > 0) & (100 * power < LOW_PERCENT * expected)
    return found & (power >= FAILURE_SHARE * expected)


def power_high(power: AnyArray, dimming: AnyArray, rated: AnyArray) -> Mask:
    """Over 115 % of what is expected. [W], [%], [W]; NaN anywhere: False."""
    found: Mask = (dimming > 0) & (100 * power > HIGH_PERCENT * rated * dimming / 100)
    return found


def factor_low(factor: AnyArray, dimming: AnyArray) -> Mask:
    """Under 0.9 at full level, under 0.7 dimmed. [1], [%]"""
    found: Mask = (dimming > 0) & (factor < np.where(dimming >= FULL, FACTOR_FULL, FACTOR_DIMMED))
    return found


class LampQuality(Framed):
    """State per lamp: its messages of the last 57 minutes."""

    def __init__(self, layout: Layout, limits: Limits) -> None:
        inputs = {n: Input(n) for n in ("power", "dimming", "power_factor", "voltage")}
        outputs = (
            "lamp_power_low", "lamp_power_high", "power_factor_low", "supply_voltage_low",
            "supply_voltage_high", "cycling_failure",
        )  # fmt: skip
        super().__init__(
            "lamp_quality", layout, ["lamp"], inputs, outputs, step=MINUTE, kept=KEPT,
            back=LOOK_BACK, found=np.float16,
        )  # fmt: skip
        self._limits = limits

    def judge(self, look: Look) -> Mapping[str, AnyArray]:
        """1 or 0 at each minute with what it is judged by."""
        rated = self._limits.of(RATED_POWER, self.frames.members.device[look.rows])[:, None]
        levels, powers = look.of("dimming", LIT_MIN), look.of("power", LOOK_BACK)
        power, dimming = powers[:, LOOK_BACK:], levels[:, LIT_MIN:]
        known = ~np.isnan(power) & ~np.isnan(rated)
        draws = known & _warm(levels)
        factor, voltage = look.of("power_factor"), look.of("voltage")
        # What draws nothing has failed; its power factor says nothing more.
        drawing = draws & (power >= FAILURE_SHARE * rated * dimming / 100)
        supplied = ~np.isnan(voltage)
        return {
            "lamp_power_low": _told(power_low(power, dimming, rated), draws),
            "lamp_power_high": _told(power_high(power, dimming, rated), draws),
            "power_factor_low": _told(factor_low(factor, dimming), drawing & ~np.isnan(factor)),
            "supply_voltage_low": _told(voltage < VOLTAGE[0], supplied),
            "supply_voltage_high": _told(voltage > VOLTAGE[1], supplied),
            "cycling_failure": _told(_cycles(powers, rated), known),
        }


def _told(state: AnyArray, known: Mask) -> AnyArray:
    return np.where(known, state.astype(np.float64), np.nan)


def _warm(levels: AnyArray) -> Mask:
    """[rows, 23 + bins] → [rows, bins]: told to burn now, and at every message of the last 23 minutes,
    one of them at least five minutes ago.
    """
    warm: Mask = levels[:, LIT_MIN:] > 0
    some = np.flatnonzero(warm.any(axis=1))
    seen = looking_back(levels[some], LIT_MIN + 1)
    lit = (seen[..., :-WARM_MIN] > 0).any(axis=-1) & ~(seen == 0).any(axis=-1)
    warm[some] &= lit
    return warm


def _cycles(power: AnyArray, rated: AnyArray) -> Mask:
    """[rows, 45 + bins] → [rows, bins]: three switches or more in the 45 minutes up to each."""
    found = np.zeros((len(power), power.shape[1] - LOOK_BACK), dtype=bool)
    on, off = power > BURNER_SHARE * rated, power <= BURNER_SHARE * rated
    # Most lamps were on, or off, all the while.
    some = np.flatnonzero(on.any(axis=1) & off.any(axis=1))
    if len(some):
        state = np.where(on[some], 1.0, np.where(off[some], 0.0, np.nan))
        found[some] = _switches(looking_back(state, LOOK_BACK + 1)) >= SWITCHES
    return found


def _switches(on: AnyArray) -> AnyArray:
    """How often the known states along the last axis change."""
    n = on.shape[-1]
    place = np.maximum.accumulate(np.where(np.isnan(on), -1, np.arange(n)), axis=-1)
    filled = np.take_along_axis(on, np.maximum(place, 0), axis=-1)
    steps = np.diff(filled, axis=-1)
    return np.asarray((np.nan_to_num(steps) != 0).sum(axis=-1))
