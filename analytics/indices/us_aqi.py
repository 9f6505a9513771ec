"""US AQI by the hour, with NowCast. EPA-454/B-24-002 (May 2024), table 6.

Concentrations are cut to the table's digits before they are looked up, and the index is rounded half up.
Gases come in µg/m³ at 25 °C and 1 atm, as everywhere here, and are turned into ppb and ppm.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

import numpy as np
from numpy.typing import ArrayLike

from analytics.indices.info import Category, Confidence, IndexInfo
from analytics.indices.vn_aqi import nowcast, round_half_up
from telemetry.arrays import AnyArray, Values

# µg/m³ of one ppb (O3, SO2, NO2) or ppm (CO): M / 24.45 at 25 °C and 1 atm.
PER_UNIT = MappingProxyType(
    {"o3": 1963.0, "so2": 2.620, "no2": 1.882, "co": 1145.6}
)  # O3: of 1 ppm
EIGHT_HOURS = 6  # of 8 that a moving mean needs: 75 %
SO2_1H_TOP = 304  # ppb: above it the index goes by the mean of 24 hours


@dataclass(frozen=True, slots=True)
class Column:
    """One column of the table: the digit that is kept, and (C low, C high, I low, I high) by band."""

    step: float
    bands: tuple[tuple[float, float, int, int], ...]
    open_top: bool = True  # beyond the last band it goes on at the same slope


_I = ((0, 50), (51, 100), (101, 150), (151, 200), (201, 300), (301, 500))


def _column(step: float, bounds: str, first: int = 0, open_top: bool = True) -> Column:
    spans = [tuple(float(x) for x in s.split("–")) for s in bounds.split()]
    bands = tuple((lo, hi, *_I[first + i]) for i, (lo, hi) in enumerate(spans))
    return Column(step, bands, open_top)


TABLE: Mapping[str, Column] = MappingProxyType(
    {
        "pm25": _column(0.1, "0–9.0 9.1–35.4 35.5–55.4 55.5–125.4 125.5–225.4 225.5–325.4"),
        "pm10": _column(1, "0–54 55–154 155–254 255–354 355–424 425–604"),
        # Means of 8 hours above 0.200 ppm define no index: the hour's does.
        "o3_8h": _column(0.001, "0–.054 .055–.070 .071–.085 .086–.105 .106–.200", 0, False),
        "o3_1h": _column(0.001, ".125–.164 .165–.204 .205–.404 .405–.604", 2),
        "co": _column(0.1, "0–4.4 4.5–9.4 9.5–12.4 12.5–15.4 15.5–30.4 30.5–50.4"),
        "so2_1h": _column(1, "0–35 36–75 76–185 186–304", 0, False),
        "so2_24h": _column(1, "305–604 605–1004", 4),
        "no2": _column(1, "0–53 54–100 101–360 361–649 650–1249 1250–2049"),
    }
)
COMPONENTS = ("pm25", "pm10", "o3", "no2", "so2", "co")
CATEGORIES = (
    Category(50, "Tốt", "Good", "#00E400"),
    Category(100, "Trung bình", "Moderate", "#FFFF00"),
    Category(150, "Kém cho nhóm nhạy cảm", "Unhealthy for sensitive groups", "#FF7E00"),
    Category(200, "Xấu", "Unhealthy", "#FF0000"),
    Category(300, "Rất xấu", "Very unhealthy", "#8F3F97"),
    Category(500, "Nguy hại", "Hazardous", "#7E0023"),
)

INDEX = IndexInfo(
    quantity="us_aqi",
    kinds=("air",),
    vi="Chỉ số US AQI giờ",
    en="US AQI by the hour",
    unit="{index}",
    formula="""I = (I_hi − I_lo) / (BP_hi − BP_lo) · (C − BP_lo) + I_lo with C cut to the table's digits (PM2.5 0.1,
    PM10 1 µg/m³, O3 0.001 ppm, CO 0.1 ppm, SO2 and NO2 1 ppb), rounded half up; PM2.5 and PM10 by NowCast, O3 the larger of the
    8-hour mean's and the hour's, CO by the 8-hour mean, SO2 and NO2 by the hour; the largest. µg/m³ → ppb, ppm at 25 °C""",
    edition="EPA-454/B-24-002",
    valid_from="2024-05-06",
    source="US EPA, Technical Assistance Document for the Reporting of Daily Air Quality, EPA-454/B-24-002, May 2024",
    data_rule="""NowCast needs two of the last three hours; an 8-hour mean 6 of its 8 hours (75 %); the index needs one of
    PM2.5, PM10 and O3 (practice)""",
    derived="once the hour's window has closed, at the hour's start; corrected when an hour that it rests on is",
    confidence=Confidence.VERIFIED,
    main="us_aqi_main",
    components=COMPONENTS,
    why_not=(
        "cần PM2.5, PM10 trong hai của ba giờ gần nhất, hoặc O3",
        "needs PM2.5 or PM10 in two of the last three hours, or O3",
    ),
    categories=CATEGORIES,
    notes="""Beyond the table the last slope goes on. An hour of SO2 over 304 ppb gives 200, which is the least that the
    24-hour mean would then give: the hourly index has no 24-hour mean. The 8-hour mean stands for EPA's NowCast of ozone.""",
)


def sub_index(column: str, concentration: ArrayLike) -> Values:
    """The index of one column of TABLE, rounded. [ug/m3; ppm of O3, CO; ppb of SO2, NO2] → [{index}]

    NaN where the column defines none: below its first band, or above one that does not go on.
    """
    table = TABLE[column]
    c = np.asarray(concentration, dtype=np.float64)
    cut = np.maximum(np.floor(np.round(c / table.step, 6)) * table.step, 0.0)
    low, high, i_low, i_high = (
        np.array(x, dtype=np.float64) for x in zip(*table.bands, strict=True)
    )
    half = table.step / 2  # against float noise: `cut` and the bounds lie on one grid
    band = np.searchsorted(low - half, cut, side="right") - 1
    defined = (band >= 0) & ~np.isnan(cut)
    if not table.open_top:
        defined &= cut < high[-1] + half
    b = np.maximum(band, 0)
    index = (i_high[b] - i_low[b]) / (high[b] - low[b]) * (cut - low[b]) + i_low[b]
    return np.asarray(np.where(defined, round_half_up(index), np.nan))


def moving_mean(hours: AnyArray, need: int = EIGHT_HOURS) -> Values:
    """Mean of each row's hours where at least `need` of them are there, else NaN. [n, 8] → [n]"""
    there = ~np.isnan(hours)
    count = there.sum(axis=1)
    total = np.where(there, hours, 0.0).sum(axis=1)
    mean: Values = np.divide(total, count, out=np.full(len(hours), np.nan), where=count >= need)
    return mean


def so2(hour: ArrayLike, day: ArrayLike | None = None) -> Values:
    """SO2's index from the hour's and the 24 hours' mean. [ppb] → [{index}]

    An hour above the 1-hour column goes by the mean of 24 hours, and is 200 where that is below its own.
    """
    c = np.asarray(hour, dtype=np.float64)
    over = np.floor(np.round(c, 6)) > SO2_1H_TOP
    by_day = np.full(c.shape, np.nan) if day is None else sub_index("so2_24h", day)
    return np.where(over, np.fmax(by_day, 200.0), sub_index("so2_1h", c))


def hourly(hours: Mapping[str, AnyArray]) -> tuple[Values, AnyArray]:
    """The index of n hours and the place in COMPONENTS that it rests on; NaN and -1 where there is none.

    hours   hour means of each of COMPONENTS, [n, 12 or more] [ug/m3]: the hour itself first
    """
    eight = {g: moving_mean(hours[g][:, :8]) for g in ("o3", "co")}
    o3_8h = sub_index("o3_8h", eight["o3"] / PER_UNIT["o3"])
    o3_1h = sub_index("o3_1h", hours["o3"][:, 0] / PER_UNIT["o3"])
    table = np.stack(
        [
            sub_index("pm25", nowcast(hours["pm25"])),
            sub_index("pm10", nowcast(hours["pm10"])),
            np.fmax(o3_8h, o3_1h),
            sub_index("no2", hours["no2"][:, 0] / PER_UNIT["no2"]),
            so2(hours["so2"][:, 0] / PER_UNIT["so2"]),
            sub_index("co", eight["co"] / PER_UNIT["co"]),
        ],
        axis=1,
    )
    published = ~np.isnan(table[:, :3]).all(axis=1)
    ranked = np.where(np.isnan(table), -1.0, table)
    index = np.where(published, ranked.max(axis=1), np.nan)
    return index, np.where(published, ranked.argmax(axis=1), -1)
