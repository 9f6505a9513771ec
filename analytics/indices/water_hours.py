"""Hours of water stations → VN_WQI by both formulas, and the class of QCVN 08, of each local day."""

from __future__ import annotations

import numpy as np

from analytics.indices.calendar import LocalCalendar
from analytics.indices.station_hours import BEFORE, Plan, Rule, StationHours, When
from analytics.indices.vn_aqi_day import day_means
from analytics.indices.vn_wqi import oxygen_percent, wqi
from analytics.indices.water_class import water_class
from analytics.layout import Layout
from telemetry.arrays import AnyArray, Values

INPUTS = (
    "temperature",
    "ph",
    "dissolved_oxygen",
    "bod5",
    "cod",
    "tss",
    "ammonium",
    "coliform",
)
KEPT = 70  # hours: a sample may come up to two days after its day


def water_hours(layout: Layout, calendar: LocalCalendar) -> StationHours:
    """The deriver of everything that rests on a water station's days."""
    tells = {"vn_wqi": 1, "vn_wqi_iv2": 1, "water_class": 1, "water_class_main": 1}
    plan = Plan(
        name="water",
        inputs=INPUTS,
        daily=(Rule(tells=tells, judge=_day),),
        kept=KEPT,
        before=False,
        precise=False,
    )
    return StationHours(plan, layout, calendar)


def _day(hours: AnyArray, when: When) -> list[Values]:
    own = hours[:, BEFORE:]
    one = np.ones(len(own))
    values = {name: day_means(own[:, :, i], one) for i, name in enumerate(INPUTS)}
    # Saturation goes with the temperature of the same hour.
    oxygen, temperature = (own[:, :, INPUTS.index(q)] for q in ("dissolved_oxygen", "temperature"))
    values["do_percent"] = day_means(oxygen_percent(oxygen, temperature), one)
    return [wqi(values), wqi(values, weight_of_four=2), *water_class(values)]
