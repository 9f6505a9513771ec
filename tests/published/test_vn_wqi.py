"""VN_WQI against QĐ 1460/QĐ-TCMT: sub-indices, both aggregations, the data rule; classes of QCVN 08:2023."""

from __future__ import annotations

import numpy as np
import pytest

from analytics.indices.vn_wqi import (  # fmt: skip
    CURVES,
    GROUPS,
    INDICES,
    not_rounded,
    oxygen_percent,
    sub_index,
    wqi,
)
from analytics.indices.water_class import PARAMETERS, class_of, water_class
from telemetry.arrays import AnyArray

N = np.nan


@pytest.mark.parametrize(
    ("temperature", "saturation"), [(20, 9.0218), (25, 8.1757), (28, 7.7235), (30, 7.4374)]
)
def test_saturation(temperature: float, saturation: float) -> None:
    assert oxygen_percent(saturation, temperature) == pytest.approx(100.0, abs=1e-3)


@pytest.mark.parametrize(
    ("parameter", "value", "index"),
    [
        ("bod5", 5, 87.5), ("bod5", 10, 63.889), ("bod5", 40, 16.0), ("cod", 22, 63.333), ("cod", 100, 17.5),
        ("ammonium", 0.2, 100), ("ammonium", 0.45, 62.5), ("ammonium", 2, 20.976), ("phosphate", 0.25, 62.5),
        ("nitrate", 7, 65), ("coliform", 6000, 65), ("coliform", 12000, 10), ("arsenic", 0.03, 66.667),
        ("lead", 0.03, 62.5), ("mercury", 0.0012, 65), ("zinc", 1.25, 62.5), ("cadmium", 0.006, 66.667),
        ("e_coli", 70, 65), ("ph", 5.4, 10), ("ph", 5.8, 80), ("ph", 8.7, 80), ("do_percent", 15, 10),
        ("do_percent", 35, 37.5), ("do_percent", 64, 64), ("do_percent", 80, 84.615),
        ("do_percent", 118, 88.462), ("do_percent", 140, 60), ("do_percent", 180, 35),
    ],
)  # fmt: skip
def test_sub_index(parameter: str, value: float, index: float) -> None:
    assert sub_index(parameter, value) == pytest.approx(index, abs=5e-4)


# The decision's tables as printed: (at the bound, just above it, just below it).
ENDS = [
    ("ammonium", 0.3, 75, 75, 100), ("cadmium", 0.005, 75, 75, 100), ("lead", 0.02, 75, 75, 100),
    ("mercury", 0.001, 75, 75, 100), ("nitrate", 15, 25, 10, 25), ("nitrite", 0.05, 100, 10, 100),
    ("coliform", 10_000, 25, 10, 25), ("e_coli", 200, 25, 10, 25), ("arsenic", 0.1, 25, 10, 25),
    ("bod5", 4, 100, 100, 100), ("bod5", 50, 10, 10, 10), ("cod", 150, 10, 10, 10), ("phosphate", 4, 10, 10, 10),
    ("aldrin", 0.1, 100, 10, 100), ("bhc", 0.02, 100, 10, 100), ("dieldrin", 0.1, 100, 10, 100),
    ("ddt", 1.0, 100, 10, 100), ("heptachlor", 0.2, 100, 10, 100), ("heptachlor_epoxide", 0.2, 100, 10, 100),
    ("ph", 5.5, 50, 50, 10), ("ph", 9.0, 50, 10, 50), ("do_percent", 20, 25, 25, 10), ("do_percent", 200, 25, 10, 25),
]  # fmt: skip


@pytest.mark.parametrize(("parameter", "bound", "at", "above", "below"), ENDS)
def test_the_ends_of_each_table(
    parameter: str, bound: float, at: float, above: float, below: float
) -> None:
    tiny = bound * 1e-9
    assert sub_index(parameter, bound) == pytest.approx(at)
    assert sub_index(parameter, bound + tiny) == pytest.approx(above, abs=1e-3)
    assert sub_index(parameter, bound - tiny) == pytest.approx(below, abs=1e-3)


@pytest.mark.parametrize("parameter", list(CURVES))
def test_each_point_of_each_table(parameter: str) -> None:
    curve = CURVES[parameter]
    for point, value in zip(curve.points, curve.values, strict=True):
        assert sub_index(parameter, point) == value
    assert np.isnan(sub_index(parameter, N))
    assert parameter in [p for names in GROUPS.values() for p in names]


def one(**values: float) -> dict[str, AnyArray]:
    return {name: np.array([value]) for name, value in values.items()}


SECOND = one(ph=6.9, do_percent=54.608, bod5=9, cod=22, ammonium=0.45, nitrate=3, nitrite=0.03, phosphate=0.25,
             coliform=6000, arsenic=0.015, lead=0.01, copper=0.05)  # fmt: skip


def test_the_worked_examples() -> None:
    clean = one(ph=7, do_percent=100, bod5=2, cod=5, ammonium=0.1, coliform=100)
    assert wqi(clean).tolist() == [100]
    assert oxygen_percent(4.1, 29.5) == pytest.approx(54.608, abs=1e-3)
    assert not_rounded(SECOND)[0] == pytest.approx(65.255, abs=1e-3)
    assert not_rounded(SECOND, 2)[0] == pytest.approx(66.317, abs=1e-3)
    assert (wqi(SECOND)[0], wqi(SECOND, 2)[0]) == (65, 66)


def test_without_group_five_the_fourth_formula_holds() -> None:
    without = {k: v for k, v in SECOND.items() if k != "coliform"}
    assert not_rounded(without)[0] == pytest.approx(0.95647 * 71.6107, abs=1e-3)
    assert not_rounded(without, 2)[0] == not_rounded(without)[0]


@pytest.mark.parametrize(
    ("left_out", "published"),
    [
        (set(), True),
        ({"ph"}, True),  # III, IV, V
        ({"ph", "coliform"}, False),  # III and IV
        ({"arsenic", "lead", "copper"}, True),
        ({"arsenic", "lead", "copper", "ph"}, False),
        ({"nitrate", "nitrite", "phosphate"}, True),  # four of group IV
        ({"nitrate", "nitrite", "phosphate", "cod"}, True),
        ({"nitrate", "nitrite", "phosphate", "cod", "bod5"}, False),  # two of group IV
    ],
)
def test_the_data_rule(left_out: set[str], published: bool) -> None:
    found = wqi({k: np.array([N]) if k in left_out else v for k, v in SECOND.items()})
    assert np.isnan(found[0]) != published


@pytest.mark.parametrize(
    ("index", "vi"),
    [(9, "Ô nhiễm rất nặng"), (10, "Kém"), (25, "Kém"), (26, "Xấu"), (50, "Xấu"), (51, "Trung bình"),
     (75, "Trung bình"), (76, "Tốt"), (90, "Tốt"), (91, "Rất tốt"), (100, "Rất tốt")],
)  # fmt: skip
def test_categories(index: float, vi: str) -> None:
    found = INDICES[0].category(index)
    assert found is not None and found.vi == vi


# QCVN 08:2023/BTNMT, table 2: parameter → (value, class) below, at and above each bound.
TABLE_2 = [
    ("ph", 6.5, 1), ("ph", 6.49, 2), ("ph", 6.0, 2), ("ph", 5.99, 4), ("ph", 8.5, 1), ("ph", 8.51, 4),
    ("bod5", 4, 1), ("bod5", 4.01, 2), ("bod5", 6, 2), ("bod5", 6.01, 3), ("bod5", 10, 3), ("bod5", 10.01, 4),
    ("cod", 10, 1), ("cod", 10.1, 2), ("cod", 15, 2), ("cod", 15.1, 3), ("cod", 20, 3), ("cod", 20.1, 4),
    ("tss", 25, 1), ("tss", 25.1, 2), ("tss", 100, 2), ("tss", 100.1, 3),
    ("dissolved_oxygen", 6, 1), ("dissolved_oxygen", 5.99, 2), ("dissolved_oxygen", 5, 2),
    ("dissolved_oxygen", 4.99, 3), ("dissolved_oxygen", 4, 3), ("dissolved_oxygen", 3.99, 4), ("dissolved_oxygen", 1, 4),
    ("coliform", 1000, 1), ("coliform", 1001, 2), ("coliform", 5000, 2), ("coliform", 5001, 3),
    ("coliform", 7500, 3), ("coliform", 7501, 4),
]  # fmt: skip


@pytest.mark.parametrize(("parameter", "value", "expected"), TABLE_2)
def test_class_of_one_parameter(parameter: str, value: float, expected: int) -> None:
    assert class_of(parameter, value) == expected


def test_the_worst_parameter_decides() -> None:
    found, main = water_class(one(bod5=5.2, dissolved_oxygen=4.6, coliform=6200))
    assert found.tolist() == [3]  # B, C, C
    assert PARAMETERS[int(main[0])] in ("dissolved_oxygen", "coliform")
    found, main = water_class(one(bod5=5.2, ph=7.0, coliform=N))
    assert np.isnan(found[0]) and np.isnan(main[0])
