"""Flood alarm levels of QĐ 05/2020/QĐ-TTg: the stations' levels below, at and above, and known floods."""

from __future__ import annotations

import numpy as np
import pytest

from analytics.indices.flood_stage import INDEX, stage
from devices.device import Device
from telemetry.clock import parse_time
from tests.analytics.city import T0, Row, Told, batch, catalogue, engine

PHU_AN = (1.40, 1.50, 1.60)
HA_NOI = (9.5, 10.5, 11.5)


@pytest.mark.parametrize(
    ("level", "limits", "expected"),
    [
        (1.39, PHU_AN, 0),
        (1.40, PHU_AN, 1),
        (1.41, PHU_AN, 1),
        (1.49, PHU_AN, 1),
        (1.50, PHU_AN, 2),
        (1.59, PHU_AN, 2),
        (1.60, PHU_AN, 3),
        (1.77, PHU_AN, 3),  # the flood of 6/11/2025
        (9.49, HA_NOI, 0),
        (10.49, HA_NOI, 1),
        (10.50, HA_NOI, 2),
        (11.50, HA_NOI, 3),
    ],
)
def test_stage(level: float, limits: tuple[float, ...], expected: int) -> None:
    assert stage([level], limits).tolist() == [expected]


def test_without_alarm_levels_or_a_level_there_is_no_stage() -> None:
    none = (np.nan,) * 3
    assert np.isnan(stage([1.7], none)).all()
    assert np.isnan(stage([np.nan], PHU_AN)).all()


def test_a_station_with_only_level_three_published() -> None:
    assert stage([1.55, 1.60], (np.nan, np.nan, 1.60)).tolist() == [0, 1]


@pytest.mark.parametrize(
    ("device", "time", "level", "stage_then"),
    [
        ("phu-an", "2020-03-19T16:59:00Z", 1.35, 1.0),  # 632/QĐ-TTg: 1.30, 1.40, 1.50
        ("phu-an", "2020-03-19T16:59:00Z", 1.50, 3.0),
        ("phu-an", "2020-03-19T17:00:00Z", 1.35, 0.0),  # 20/3/2020 begins in Việt Nam
        ("phu-an", "2020-03-19T17:00:00Z", 1.50, 2.0),
        ("phu-an", "2009-01-01T00:00:00Z", 1.50, None),  # no edition that is known
        ("nha-be", "2019-10-01T00:00:00Z", 1.50, None),  # not in the earlier table here
        ("kenh-te", "2019-10-01T00:00:00Z", 1.50, 1.0),  # the city's own levels have no edition
    ],
)
def test_a_level_is_judged_by_the_edition_of_its_day(
    device: str, time: str, level: float, stage_then: float | None
) -> None:
    known = catalogue(
        Device(id=name, kind="level", limits={"bd1": 1.4, "bd2": 1.55 if name == "kenh-te" else 1.5, "bd3": 1.6})
        for name in ("phu-an", "nha-be", "kenh-te")
    )  # fmt: skip
    e, told = engine(known), Told(known)
    at = parse_time(time)
    told.take(e.process(batch(known, [(device, "level", at, level)]), at))
    want = {} if stage_then is None else {(device, at): stage_then}
    assert told.of("flood_stage") == want


def test_bien_hoa_is_not_verified_and_gets_levels_from_its_city() -> None:
    known = catalogue([Device(id="bien-hoa", kind="level"), Device(id="bien-hoa-2", kind="level", limits={"bd1": 1.8, "bd2": 2.0, "bd3": 2.2})])  # fmt: skip
    e, told = engine(known), Told(known)
    rows: list[Row] = [(d, "level", T0, 2.1) for d in ("bien-hoa", "bien-hoa-2")]
    told.take(e.process(batch(known, rows), T0))
    assert told.of("flood_stage") == {("bien-hoa-2", T0): 2.0}
    assert "Biên Hòa: not verified" in INDEX.notes
