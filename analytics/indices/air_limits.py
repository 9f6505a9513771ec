"""QCVN 05:2023/BTNMT: means over its windows, and the largest share of a limit. Limits are dated data.

Windows: 1 hour, 8 hours moving, 24 hours (the local day), the calendar year.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from analytics.indices.info import Category, Confidence, IndexInfo
from devices.legal import edition, editions, in_force, limit
from telemetry.arrays import AnyArray, Values

SUBJECT = "air_limits"
WINDOWS: Mapping[str, tuple[str, ...]] = {
    "1h": ("o3", "no2", "so2", "co"),
    "8h": ("o3", "co"),
    "24h": ("pm25", "pm10", "no2", "so2"),
    "year": ("pm25", "pm10", "no2", "so2"),
}
LIMITS = {(w, p): limit(SUBJECT, w, p) for w, names in WINDOWS.items() for p in names}
_RULES = {
    "1h": ("giờ", "hour", "the hour has a mean", "hour", 3 * 3600),
    "8h": ("8 giờ", "8 hours", "6 of the 8 hours have a mean (75 %, practice)", "hour", 3 * 3600),
    "24h": ("24 giờ", "24 hours", "75 % of the day's hours have a mean (practice)", "local day", 2 * 86400),
    "year": ("năm", "year", "75 % of the year's days have a mean (practice)", "calendar year", 400 * 86400),
}  # fmt: skip


def share(window: str, means: AnyArray, day: AnyArray) -> tuple[Values, Values]:
    """The largest share of a limit, and the place of its pollutant in WINDOWS[window]. [ug/m3] → [%]

    means   [n, pollutants of the window], NaN for none; day: local days [n], for the edition in force
    Rounded up to hundredths, so that what is over a limit is over 100. NaN and NaN where no pollutant
    has a mean or no edition was in force.
    """
    limits = np.stack([LIMITS[window, p].on(day) for p in WINDOWS[window]], axis=1)
    shares = 100.0 * means / limits
    ranked = np.where(np.isnan(shares), -1.0, shares)
    top = ranked.max(axis=1)
    there = top >= 0
    up = np.ceil(np.round(top * 100.0, 6)) / 100.0
    return np.where(there, up, np.nan), np.where(there, ranked.argmax(axis=1), np.nan)


def _table(window: str) -> str:
    lines = []
    for table in editions(SUBJECT):
        values = table.table["limits"][window]
        named = ", ".join(f"{p} {v}" for p, v in values.items() if p in WINDOWS[window])
        mark = "" if table.confidence == "verified" else f" ({table.confidence})"
        lines.append(f"from {table.valid_from} {table.name}{mark}: {named} µg/m³")
    return "; ".join(lines)


def _info(window: str) -> IndexInfo:
    vi, en, rule, start, age = _RULES[window]
    means = () if window == "1h" else tuple(f"{p}_{window}" for p in WINDOWS[window])
    return IndexInfo(
        quantity=f"limit_{window}",
        kinds=("air",),
        vi=f"Mức so với giới hạn {vi} (chất cao nhất)",
        en=f"Share of the {en} limit (largest pollutant)",
        unit="%",
        formula="100 · mean over the window / limit in force on the day, the largest pollutant, rounded up to 0.01; "
        f"over 100 exceeds. Limits {_table(window)}",
        edition=edition(SUBJECT),
        valid_from=editions(SUBJECT)[-2].valid_from.isoformat(),
        source=in_force(SUBJECT).source,
        data_rule=f"a pollutant counts where {rule}",
        derived=f"at the start of the {start}"
        + (
            ", again with each day once the rule is met"
            if window == "year"
            else ", once it has ended"
        ),
        confidence=Confidence.VERIFIED,
        also=means,
        main=f"limit_{window}_main",
        components=WINDOWS[window],
        max_age_s=age,
        subject=SUBJECT,
        categories=(
            Category(100, "Trong giới hạn", "Within the limit", "#3fb37f"),
            Category(1e9, "Vượt giới hạn", "Over the limit", "#ff5c5c"),
        ),
    )


INDICES = tuple(_info(window) for window in WINDOWS)
