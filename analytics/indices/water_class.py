"""Class of surface water A … D by QCVN 08:2023/BTNMT, table 2 (rivers): the worst parameter decides."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import ArrayLike

from analytics.indices.info import Category, Confidence, IndexInfo
from devices import legal
from telemetry.arrays import AnyArray, Values

SUBJECT = "water_limits"
_TABLE = legal.in_force(SUBJECT).table["classes"]
PARAMETERS = tuple(_TABLE)
CLASSES = ("A", "B", "C", "D")
NEEDED = 3  # parameters: ours, the text has no rule

INDEX = IndexInfo(
    quantity="water_class",
    kinds=("water",),
    vi="Mức phân loại nước mặt",
    en="Class of surface water",
    unit="{class}",
    formula="1 A, 2 B, 3 C, 4 D: the first class whose bounds hold the day's mean, the worst parameter: "
    + "; ".join(
        f"{p} " + ", ".join(f"{c} {low:g} … {high:g}" for c, (low, high) in bounds.items())
        for p, bounds in _TABLE.items()
    ),
    edition=legal.edition(SUBJECT),
    valid_from=legal.in_force(SUBJECT).valid_from.isoformat(),
    source=legal.in_force(SUBJECT).source,
    data_rule="three of the parameters on the day (ours: the text has no rule)",
    derived="once the local day has ended, at its start; corrected when one of its hours is",
    confidence=Confidence.VERIFIED,
    main="water_class_main",
    components=PARAMETERS,
    why_not=("cần ba thông số trong ngày", "needs three parameters on the day"),
    max_age_s=2 * 86400,
    subject=SUBJECT,
    categories=(
        Category(1, "Mức A", "Class A", "#3333FF"),
        Category(2, "Mức B", "Class B", "#00E400"),
        Category(3, "Mức C", "Class C", "#FFFF00"),
        Category(4, "Mức D", "Class D", "#FF7E00"),
    ),
    notes="""TSS over 100 mg/L is C: a sensor sees no floating trash, which would make it D. Oxygen below 2 mg/L, under
    class D's own bound, is D. Bounds are those of rivers; table 3 (lakes) is not used.""",
)


def class_of(parameter: str, value: ArrayLike) -> Values:
    """1 … 4 for A … D of one parameter, NaN where the value is. [mg/L …] → [{class}]"""
    c = np.asarray(value, dtype=np.float64)
    found = np.full(c.shape, float(len(CLASSES)))
    for place, (low, high) in reversed(list(enumerate(_TABLE[parameter].values(), 1))):
        found = np.where((c >= low) & (c <= high), float(place), found)
    return np.asarray(np.where(np.isnan(c), np.nan, found))


def water_class(values: Mapping[str, AnyArray]) -> tuple[Values, Values]:
    """Class of n samples, and the place in PARAMETERS that decides; NaN where fewer than three are there."""
    n = len(next(iter(values.values())))
    none = np.full(n, np.nan)
    table = np.stack([class_of(p, values.get(p, none)) for p in PARAMETERS], axis=1)
    enough = (~np.isnan(table)).sum(axis=1) >= NEEDED
    ranked = np.where(np.isnan(table), 0.0, table)
    worst = np.where(enough, ranked.max(axis=1), np.nan)
    return worst, np.where(enough, ranked.argmax(axis=1), np.nan)
