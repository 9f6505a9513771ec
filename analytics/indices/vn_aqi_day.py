"""VN_AQI of a local day. QĐ 1459/QĐ-TCMT, 12/11/2019: the tables are those of the hourly index."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from analytics.indices.info import Confidence, IndexInfo
from analytics.indices.us_aqi import moving_mean
from analytics.indices.vn_aqi import (
    CATEGORIES,
    EDITION,
    GASES,
    PARTICLES,
    POLLUTANTS,
    round_half_up,
    sub_index,
)
from telemetry.arrays import AnyArray, Values

CAPTURE = 0.75  # of the day's hours: practice, no rule of the decision
EIGHT = 8

INDEX = IndexInfo(
    quantity="vn_aqi_day",
    kinds=("air",),
    vi="Chỉ số chất lượng không khí VN_AQI ngày",
    en="VN_AQI by the day",
    unit="{index}",
    formula="""AQI_x as for the hour; PM2.5 and PM10 by the day's mean (hours 01:00 … 00:00, as they are named by their ends);
    NO2, SO2, CO by the largest hour; O3 the larger of the largest hour's (1-hour column) and the largest 8-hour moving
    mean's (8-hour column, not above 400 µg/m³); the largest AQI_x, rounded half up""",
    edition=EDITION.name,
    valid_from=EDITION.valid_from,
    source=EDITION.source,
    data_rule="""PM2.5 or PM10 with 75 % of the day's hours; a gas counts with 75 % of its hours too, an 8-hour mean with 6 of 8.
    The 75 % are practice, no rule of the decision""",
    derived="once the local day has ended, at its start; corrected when one of its hours is",
    confidence=Confidence.VERIFIED,
    main="vn_aqi_day_main",
    components=POLLUTANTS,
    why_not=(
        "cần bụi PM2.5 hoặc PM10 trong 75 % số giờ của ngày",
        "needs PM2.5 or PM10 in 75 % of the day's hours",
    ),
    max_age_s=2 * 86400,
    categories=CATEGORIES,
)


def day_means(hours: AnyArray, need: AnyArray) -> Values:
    """Mean of each row's hours where at least `need` [n] of them are there. [n, h] → [n]"""
    there = ~np.isnan(hours)
    count = there.sum(axis=1)
    total = np.where(there, hours, 0.0).sum(axis=1)
    mean: Values = np.divide(total, count, out=np.full(len(hours), np.nan), where=count >= need)
    return mean


def largest(hours: AnyArray, need: AnyArray | int = 1) -> Values:
    """Largest of each row where at least `need` are there, else NaN. [n, h] → [n]"""
    enough = (~np.isnan(hours)).sum(axis=1) >= need
    top = np.where(np.isnan(hours), -np.inf, hours).max(axis=1)
    return np.where(enough & np.isfinite(top), top, np.nan)


def moving_means(hours: AnyArray) -> AnyArray:
    """The 8-hour mean that ends with each hour from the eighth on. [n, h] → [n, h - 7]

    NaN where fewer than 6 of the 8 are there.
    """
    n = hours.shape[1] - EIGHT + 1
    return np.stack([moving_mean(hours[:, i : i + EIGHT]) for i in range(n)], axis=1)


def daily(hours: Mapping[str, AnyArray], length: AnyArray) -> tuple[Values, AnyArray]:
    """AQI^d of n days and the place in POLLUTANTS that it rests on; NaN and -1 where there is none.

    hours    hour means of each pollutant [ug/m3], [n, 7 + h]: seven hours before the day, then the day's;
             those not measured may be left out
    length   hours of each day, 23 to 25
    """
    n = len(length)
    need = np.ceil(CAPTURE * length)
    none = np.full((n, EIGHT), np.nan)

    def own(pollutant: str) -> AnyArray:
        return hours.get(pollutant, none)[:, EIGHT - 1 :]

    columns = [sub_index(p, day_means(own(p), need)) for p in PARTICLES]
    columns += [sub_index(g, largest(own(g), need)) for g in GASES]
    eight = largest(moving_means(hours.get("o3", none)))
    ozone = 2 + GASES.index("o3")
    # An 8-hour mean may be there where the day's hours are too few: it follows their rule.
    by_eight = np.where(np.isnan(columns[ozone]), np.nan, sub_index("o3_8h", eight))
    columns[ozone] = np.fmax(columns[ozone], by_eight)
    table = np.stack(columns, axis=1)
    published = ~np.isnan(table[:, : len(PARTICLES)]).all(axis=1)
    ranked = np.where(np.isnan(table), -1.0, table)
    index = np.where(published, round_half_up(ranked.max(axis=1)), np.nan)
    return index, np.where(published, ranked.argmax(axis=1), -1)
