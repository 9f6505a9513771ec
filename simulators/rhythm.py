"""How a Vietnamese city's day goes: traffic by hour and weekday, and profiles by hour in general."""

from __future__ import annotations

import numpy as np

from simulators.fleet import Rows
from telemetry.arrays import Values

# Demand relative to the peak, at each full hour of local time: early start, two peaks, a lunch break.
WEEKDAY = (
    0.08, 0.05, 0.04, 0.05, 0.12, 0.34, 0.72, 1.00, 0.86, 0.66, 0.62, 0.66,
    0.58, 0.56, 0.62, 0.70, 0.88, 1.00, 0.94, 0.74, 0.60, 0.48, 0.32, 0.17,
)  # fmt: skip
WEEKEND = (
    0.13, 0.08, 0.05, 0.05, 0.09, 0.22, 0.40, 0.55, 0.66, 0.70, 0.72, 0.68,
    0.58, 0.54, 0.58, 0.66, 0.76, 0.84, 0.88, 0.86, 0.76, 0.62, 0.42, 0.23,
)  # fmt: skip


def by_hour(profile: tuple[float, ...], hour: Values) -> Values:
    """A profile of 24 values at full hours, between them linear, midnight joined to midnight."""
    return np.asarray(np.interp(hour, np.arange(25.0), (*profile, profile[0])))


def demand(rows: Rows) -> Values:
    """Traffic demand relative to the weekday peak, 0…1.

    Both profiles meet at midnight only roughly; the step there is as small as the night's traffic.
    """
    weekday, weekend = by_hour(WEEKDAY, rows.hour), by_hour(WEEKEND, rows.hour)
    return np.asarray(np.where(rows.weekend > 0, weekend, weekday))
