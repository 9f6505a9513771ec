"""Hours of air stations → VN_AQI, US AQI and the shares of QCVN 05's limits."""

from __future__ import annotations

import numpy as np

from analytics.indices import air_limits, us_aqi, vn_aqi, vn_aqi_day
from analytics.indices.air_limits import WINDOWS
from analytics.indices.calendar import LocalCalendar
from analytics.indices.station_hours import BEFORE, Plan, Rule, StationHours, When
from analytics.indices.us_aqi import moving_mean
from analytics.indices.vn_aqi import GASES, POLLUTANTS
from analytics.indices.years import Years
from analytics.layout import Layout
from telemetry.arrays import AnyArray, Index, Values

CENTS = 100  # means are told in hundredths of µg/m³, shares in hundredths of a percent


def air_hours(layout: Layout, calendar: LocalCalendar) -> StationHours:
    """The deriver of everything that rests on an air station's hours."""
    day_of_means = {f"{p}_24h": CENTS for p in WINDOWS["24h"]}
    plan = Plan(
        name="air",
        inputs=POLLUTANTS,
        hourly=(
            Rule(tells={"vn_aqi": 1, "vn_aqi_main": 1}, judge=_vn_aqi),
            Rule(tells={"us_aqi": 1, "us_aqi_main": 1}, judge=_us_aqi),
            Rule(tells={"limit_1h": CENTS, "limit_1h_main": 1}, judge=_one_hour),
            Rule(
                tells={f"{p}_8h": CENTS for p in WINDOWS["8h"]}
                | {"limit_8h": CENTS, "limit_8h_main": 1},
                judge=_eight_hours,
            ),
        ),
        daily=(
            Rule(tells={"vn_aqi_day": 1, "vn_aqi_day_main": 1}, judge=_vn_aqi_day),
            Rule(tells=day_of_means | {"limit_24h": CENTS, "limit_24h_main": 1}, judge=_day),
        ),
        years=Years(
            day_of_means,
            tuple(f"{p}_year" for p in WINDOWS["year"]),
            {"limit_year": CENTS, "limit_year_main": 1},
            _year,
        ),
    )
    return StationHours(plan, layout, calendar)


def _column(hours: AnyArray, pollutant: str) -> AnyArray:
    found: AnyArray = hours[:, :, POLLUTANTS.index(pollutant)]
    return found


def _with_main(index: Values, main: AnyArray) -> list[Values]:
    return [index, np.where(np.isnan(index), np.nan, main)]


def _vn_aqi(hours: AnyArray, when: When) -> list[Values]:
    gases = {g: _column(hours, g)[:, 0] for g in GASES}
    return _with_main(*vn_aqi.hourly(_column(hours, "pm25"), _column(hours, "pm10"), gases))


def _us_aqi(hours: AnyArray, when: When) -> list[Values]:
    return _with_main(*us_aqi.hourly({p: _column(hours, p) for p in POLLUTANTS}))


def _one_hour(hours: AnyArray, when: When) -> list[Values]:
    means = np.stack([_column(hours, p)[:, 0] for p in WINDOWS["1h"]], axis=1)
    return list(air_limits.share("1h", means, when.day()))


def _eight_hours(hours: AnyArray, when: When) -> list[Values]:
    means = [moving_mean(_column(hours, p)[:, :8]) for p in WINDOWS["8h"]]
    return [*means, *air_limits.share("8h", np.stack(means, axis=1), when.day())]


def _vn_aqi_day(hours: AnyArray, when: When) -> list[Values]:
    by_name = {p: _column(hours, p) for p in POLLUTANTS}
    return _with_main(*vn_aqi_day.daily(by_name, when.length()))


def _day(hours: AnyArray, when: When) -> list[Values]:
    need = np.ceil(vn_aqi_day.CAPTURE * when.length())
    own = hours[:, BEFORE:]
    means = [vn_aqi_day.day_means(_column(own, p), need) for p in WINDOWS["24h"]]
    return [*means, *air_limits.share("24h", np.stack(means, axis=1), when.number)]


def _year(means: Values, year: Index) -> list[Values]:
    return list(air_limits.share("year", means, LocalCalendar.first_day(year)))
