"""VN_WQI: Vietnam's water quality index. QĐ 1460/QĐ-TCMT, 12/11/2019.

Sub-indices are 0 … 100, larger is better. Groups: I pH, II pesticides, III metals, IV oxygen and nutrients,
V microbes. NaN stands for what is not measured.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType

import numpy as np
from numpy.typing import ArrayLike

from analytics.indices.info import Category, Confidence, IndexInfo
from analytics.indices.vn_aqi import round_half_up
from devices import legal
from telemetry.arrays import AnyArray, Mask, Values


@dataclass(frozen=True, slots=True)
class Curve:
    """Straight lines through (concentration, sub-index); `below` the first point and `above` the last."""

    points: tuple[float, ...]
    values: tuple[float, ...]
    below: float = 100.0
    above: float = 10.0


_Q = (100.0, 75.0, 50.0, 25.0, 10.0)


def _to_the_end(*points: float) -> Curve:
    """≤ the first point 100, at and over the last one 10."""
    return Curve(points, _Q)


def _under(*points: float) -> Curve:
    """Below the first point 100, at it 75 already; at and over the last one 10."""
    return Curve(points, _Q[1:])


def _step(*points: float) -> Curve:
    """≤ the first point 100; over the last one 10 at once."""
    return Curve(points, _Q[: len(points)])


# Tables of the decision. [mg/L; MPN/100 mL; pesticides ug/L]
CURVES: Mapping[str, Curve] = MappingProxyType(
    {
        "ph": Curve((5.5, 6, 8.5, 9), (50, 100, 100, 50), below=10),
        "do_percent": Curve(
            (20, 50, 75, 88, 112, 125, 150, 200), (25, 50, 75, 100, 100, 75, 50, 25), below=10
        ),
        "bod5": _to_the_end(4, 6, 15, 25, 50),
        "cod": _to_the_end(10, 15, 30, 50, 150),
        "toc": _to_the_end(4, 6, 15, 25, 50),
        "ammonium": _under(0.3, 0.6, 0.9, 5),
        "nitrate": _step(2, 5, 10, 15),
        "nitrite": _step(0.05),
        "phosphate": _to_the_end(0.1, 0.2, 0.3, 0.5, 4),
        "coliform": _step(2500, 5000, 7500, 10_000),
        "e_coli": _step(20, 50, 100, 200),
        "arsenic": _step(0.01, 0.02, 0.05, 0.1),
        "cadmium": _under(0.005, 0.008, 0.01, 0.1),
        "lead": _under(0.02, 0.04, 0.05, 0.5),
        "chromium_6": _to_the_end(0.01, 0.02, 0.04, 0.05, 0.1),
        "copper": _to_the_end(0.1, 0.2, 0.5, 1.0, 2.0),
        "zinc": _to_the_end(0.5, 1.0, 1.5, 2.0, 3.0),
        "mercury": _under(0.001, 0.0015, 0.002, 0.01),
        "aldrin": _step(0.1),
        "bhc": _step(0.02),
        "dieldrin": _step(0.1),
        "ddt": _step(1.0),
        "heptachlor": _step(0.2),
        "heptachlor_epoxide": _step(0.2),
    }
)
GROUPS: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {
        "I": ("ph",),
        "II": ("aldrin", "bhc", "dieldrin", "ddt", "heptachlor", "heptachlor_epoxide"),
        "III": ("arsenic", "cadmium", "lead", "chromium_6", "copper", "zinc", "mercury"),
        "IV": ("do_percent", "bod5", "cod", "toc", "ammonium", "nitrate", "nitrite", "phosphate"),
        "V": ("coliform", "e_coli"),
    }
)
_TEXT = legal.in_force("water_index")
GROUPS_NEEDED, OF_FOUR_NEEDED = 3, 3
CATEGORIES = (
    Category(9, "Ô nhiễm rất nặng", "Heavily polluted", "#7E0023"),
    Category(25, "Kém", "Poor", "#FF0000"),
    Category(50, "Xấu", "Bad", "#FF7E00"),
    Category(75, "Trung bình", "Medium", "#FFFF00"),
    Category(90, "Tốt", "Good", "#00E400"),
    Category(100, "Rất tốt", "Very good", "#3333FF"),
)


def oxygen_percent(oxygen: ArrayLike, temperature: ArrayLike) -> Values:
    """Dissolved oxygen as a share of saturation, of any shape. [mg/L], [Cel] → [%]

    DOsat = 14.652 − 0.41022·T + 0.0079910·T² − 0.000077774·T³
    """
    t = np.asarray(temperature, dtype=np.float64)
    saturation = 14.652 - 0.41022 * t + 0.0079910 * t**2 - 0.000077774 * t**3
    return np.asarray(100.0 * np.asarray(oxygen, dtype=np.float64) / saturation)


def sub_index(parameter: str, value: ArrayLike) -> Values:
    """WQI of one parameter, not rounded, of any shape; NaN where the value is. [mg/L …] → [{index}]"""
    c = np.asarray(value, dtype=np.float64)
    curve = CURVES[parameter]
    # WQI = (qi − q(i+1)) / (BP(i+1) − BPi) · (BP(i+1) − C) + q(i+1)
    index = np.interp(c, curve.points, curve.values, left=curve.below, right=curve.above)
    return np.asarray(np.where(np.isnan(c), np.nan, index))


def wqi(values: Mapping[str, AnyArray], weight_of_four: int = 1) -> Values:
    """VN_WQI of n samples, rounded; NaN where the data rule isn't met. [n] each → [n]

    values          parameters of CURVES; those not measured may be left out
    weight_of_four  1: (M4·M5)^(1/2), formula (3); 2: (M4²·M5)^(1/3), as many papers report it
    At least three of the five groups must be there, and three parameters of group IV.
    """
    return round_half_up(not_rounded(values, weight_of_four))


def not_rounded(values: Mapping[str, AnyArray], weight_of_four: int = 1) -> Values:
    """As `wqi`, before it is rounded."""
    groups = {g: _table(values, names) for g, names in GROUPS.items()}
    there = {g: ~np.isnan(t) for g, t in groups.items()}
    met: Mask = there["IV"].sum(axis=1) >= OF_FOUR_NEEDED
    met &= sum(t.any(axis=1).astype(int) for t in there.values()) >= GROUPS_NEEDED
    product = np.ones(len(met))
    for g in ("I", "II", "III"):
        product = product * _geometric(groups[g]) / 100.0
    four, five = _mean(groups["IV"]), _mean(groups["V"])
    both = (four**weight_of_four * five) ** (1.0 / (weight_of_four + 1))
    index = product * np.where(np.isnan(five), four, both)
    return np.where(met, index, np.nan)


def _table(values: Mapping[str, AnyArray], names: Sequence[str]) -> AnyArray:
    n = len(next(iter(values.values())))
    none = np.full(n, np.nan)
    return np.stack([sub_index(p, values.get(p, none)) for p in names], axis=1)


def _geometric(table: AnyArray) -> Values:
    """Geometric mean of each row; 100 where nothing is there: the group doesn't lower the index."""
    there = ~np.isnan(table)
    logs = np.where(there, np.log(np.where(there, table, 1.0)), 0.0).sum(axis=1)
    count = there.sum(axis=1)
    return np.where(count > 0, np.exp(logs / np.maximum(count, 1)), 100.0)


def _mean(table: AnyArray) -> Values:
    there = ~np.isnan(table)
    count = there.sum(axis=1)
    total = np.where(there, table, 0.0).sum(axis=1)
    mean: Values = np.divide(total, count, out=np.full(len(table), np.nan), where=count > 0)
    return mean


def _info(quantity: str, vi: str, en: str, formula: str, notes: str) -> IndexInfo:
    return IndexInfo(
        quantity=quantity,
        kinds=("water",),
        vi=vi,
        en=en,
        unit="{index}",
        formula=f"""sub-indices by straight lines between the decision's points; P = WQI_I/100 · (ΠWQI_II)^(1/n)/100 ·
        (ΠWQI_III)^(1/m)/100 with 1 for a group that is not measured, M4 and M5 means of groups IV and V; {formula}; rounded""",
        edition=_TEXT.name,
        valid_from=_TEXT.valid_from.isoformat(),
        source=_TEXT.source,
        data_rule="""three of the five groups, and three parameters of group IV (the decision's rules); each parameter by the mean
        of its day's hours, one sample is enough""",
        derived="once the local day has ended, at its start; corrected when one of its hours is",
        confidence=Confidence.VERIFIED,
        why_not=(
            "cần ba trong năm nhóm thông số và ba thông số của nhóm IV",
            "needs three of the five groups and three parameters of group IV",
        ),
        max_age_s=2 * 86400,
        categories=CATEGORIES,
        notes=notes,
    )


INDICES = (
    _info(
        "vn_wqi",
        "Chỉ số chất lượng nước VN_WQI",
        "VN_WQI",
        "VN_WQI = P·(M4·M5)^(1/2), formula (3); without group V P·M4, formula (4)",
        "The station's own quantities give groups I, IV and V: pH, DO, BOD5, COD, ammonium, coliform.",
    ),
    _info(
        "vn_wqi_iv2",
        "VN_WQI (nhóm IV trọng số 2)",
        "VN_WQI, group IV twice",
        "VN_WQI = P·(M4²·M5)^(1/3); without group V P·M4",
        "Which one a province publishes is its choice: both are told, and the name says which it is.",
    ),
)
