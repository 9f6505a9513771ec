"""VN_AQI: Vietnam's air quality index, hourly, with NowCast. QĐ 1459/QĐ-TCMT, 12/11/2019.

The hour mean that enters is the mean of the hour's good values; the decision asks for no share of the
hour, so one good value is enough (count and coverage tell how many there were). Functions take columns
and return columns; NaN stands for what is not there.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

import numpy as np
from numpy.typing import ArrayLike

from analytics.indices.info import Category, Confidence, IndexInfo
from telemetry.arrays import AnyArray, Values

HOURS = 12  # NowCast looks back over c1 (this hour) … c12


@dataclass(frozen=True, slots=True)
class Edition:
    """One edition of the index: its tables and where they come from."""

    name: str
    valid_from: str
    valid_to: str
    source: str
    levels: Values
    breakpoints: MappingProxyType[str, Values]


# Table 2 of the decision, BP(i) in µg/m³. From the top breakpoint on the index is 500.
EDITION = Edition(
    name="QĐ 1459/QĐ-TCMT",
    valid_from="2019-11-12",
    valid_to="",
    source="QĐ 1459/QĐ-TCMT ngày 12/11/2019, bảng 2 (thay QĐ 878/QĐ-TCMT)",
    levels=np.array([0, 50, 100, 150, 200, 300, 400, 500.0]),
    breakpoints=MappingProxyType(
        {
            "o3": np.array([0, 160, 200, 300, 400, 800, 1000, 1200.0]),
            "o3_8h": np.array([0, 100, 120, 170, 210, 400.0]),
            "co": np.array([0, 10_000, 30_000, 45_000, 60_000, 90_000, 120_000, 150_000.0]),
            "so2": np.array([0, 125, 350, 550, 800, 1600, 2100, 2630.0]),
            "no2": np.array([0, 100, 200, 700, 1200, 2350, 3100, 3850.0]),
            "pm10": np.array([0, 50, 150, 250, 350, 420, 500, 600.0]),
            "pm25": np.array([0, 25, 50, 80, 150, 250, 350, 500.0]),
        }
    ),
)

PARTICLES = ("pm25", "pm10")  # by NowCast; without one of them there is no index
GASES = ("o3", "no2", "so2", "co")  # by the hour's mean
POLLUTANTS = (*PARTICLES, *GASES)


# Table 1 of the decision.
CATEGORIES = (
    Category(50, "Tốt", "Good", "#00E400"),
    Category(100, "Trung bình", "Moderate", "#FFFF00"),
    Category(150, "Kém", "Unhealthy for sensitive groups", "#FF7E00"),
    Category(200, "Xấu", "Unhealthy", "#FF0000"),
    Category(300, "Rất xấu", "Very unhealthy", "#8F3F97"),
    Category(500, "Nguy hại", "Hazardous", "#7E0023"),
)


INDEX = IndexInfo(
    quantity="vn_aqi",
    kinds=("air",),
    vi="Chỉ số chất lượng không khí VN_AQI giờ",
    en="VN_AQI by the hour",
    unit="{index}",
    formula="""AQI_x = (I(i+1) − I(i)) / (BP(i+1) − BP(i)) · (C_x − BP(i)) + I(i); PM2.5 and PM10 by NowCast of
    12 hours (weight max(½, Cmin/Cmax)), O3, NO2, SO2 and CO by the hour's mean; the largest AQI_x, rounded half up""",
    edition=EDITION.name,
    valid_from=EDITION.valid_from,
    source=EDITION.source,
    data_rule="""NowCast needs two of the last three hours, and the index PM2.5 or PM10 (the decision's rules)""",
    derived="""once the hour's window has closed, at the hour's start; corrected when one of its twelve hours is""",
    confidence=Confidence.VERIFIED,
    main="vn_aqi_main",
    components=POLLUTANTS,
    why_not=(
        "cần bụi PM2.5 hoặc PM10 trong hai của ba giờ gần nhất",
        "needs PM2.5 or PM10 in two of the last three hours",
    ),
    categories=CATEGORIES,
)


def category(index: float) -> Category:
    """The band of a (rounded) index value, 0 … 500."""
    return next((c for c in CATEGORIES if index <= c.top), CATEGORIES[-1])


def sub_index(pollutant: str, concentration: ArrayLike) -> Values:
    """AQI_x of a pollutant, not rounded. [ug/m3] → [{index}]

    `pollutant` is one of POLLUTANTS, or "o3_8h" for the 8-hour mean (NaN above 400: the 1-hour column
    holds then). Negative concentrations, which are noise about zero, give 0.
    """
    c = np.asarray(concentration, dtype=np.float64)
    points = EDITION.breakpoints[pollutant]
    # AQI_x = (I(i+1) - I(i)) / (BP(i+1) - BP(i)) * (C_x - BP(i)) + I(i)
    index = np.interp(c, points, EDITION.levels[: len(points)])
    if pollutant == "o3_8h":
        index = np.where(c > points[-1], np.nan, index)
    return np.asarray(np.where(np.isnan(c), np.nan, index))


def nowcast(hours: ArrayLike) -> Values:
    """NowCast of each row of hour means. [n, 12] → [n], in the unit given

    Column 0 is c1, the current hour; NaN where an hour has no mean. NaN where fewer than two of
    c1, c2, c3 are there. Normalised with w = ½ too, as with w > ½: the decision's printed Σ(½)^i·c_i
    differs by less than 0.03 % with full data, and would count a missing hour as clean air.
    """
    c = np.asarray(hours, dtype=np.float64)
    there = ~np.isnan(c)
    low = np.min(np.where(there, c, np.inf), axis=1)
    high = np.max(np.where(there, c, -np.inf), axis=1)
    # w* = Cmin / Cmax, w = max(½, w*); all zero: 0/0, any weight gives 0.
    ratio = np.divide(low, high, out=np.ones(len(c)), where=there.any(axis=1) & (high > 0))
    weights = np.maximum(0.5, ratio)[:, None] ** np.arange(c.shape[1]) * there
    total = weights.sum(axis=1)
    cast = np.divide(
        (weights * np.where(there, c, 0.0)).sum(axis=1),
        total,
        out=np.full(len(c), np.nan),
        where=total > 0,
    )
    return np.asarray(np.where(there[:, :3].sum(axis=1) >= 2, cast, np.nan))


def round_half_up(index: ArrayLike) -> Values:
    """To whole numbers, halves up, after cutting float noise at six digits. [{index}]"""
    return np.asarray(np.floor(np.round(np.asarray(index, dtype=np.float64), 6) + 0.5))


def hourly(
    pm25: ArrayLike, pm10: ArrayLike, gases: Mapping[str, ArrayLike]
) -> tuple[Values, AnyArray]:
    """AQI^h of n hours: the largest AQI_x, rounded, and which pollutant it is.

    pm25, pm10   hour means as for `nowcast`, [n, 12] [ug/m3]
    gases        hour means of o3, no2, so2, co, each [n] [ug/m3]; those not measured may be left out
    Returns (index, place in POLLUTANTS); NaN and -1 where neither PM2.5 nor PM10 has a NowCast.
    """
    casts = [nowcast(pm25), nowcast(pm10)]
    n = len(casts[0])
    columns = [sub_index(p, c) for p, c in zip(PARTICLES, casts, strict=True)]
    columns += [sub_index(g, gases.get(g, np.full(n, np.nan))) for g in GASES]
    table = np.stack(columns, axis=1)
    published = ~np.isnan(table[:, : len(PARTICLES)]).all(axis=1)
    ranked = np.where(np.isnan(table), -1.0, table)
    index = np.where(published, round_half_up(ranked.max(axis=1)), np.nan)
    return index, np.where(published, ranked.argmax(axis=1), -1)
