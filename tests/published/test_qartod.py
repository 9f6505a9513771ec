"""QARTOD tests against ioos_qc 3.0.0's results on one series (IOOS manual for water level, version 2.1)."""

from __future__ import annotations

from zoneinfo import ZoneInfo

import numpy as np
import pytest

from analytics import qartod
from analytics.engine import Engine
from analytics.flat import still_since
from devices.device import Catalogue, Device
from devices.kind import Kind, Quantity, Span
from devices.registry import Kinds, load_kinds
from telemetry.clock import SECOND
from telemetry.flags import Flag, worst
from telemetry.readings import Readings

VALUES = np.array([1.00, 1.02, 1.05, 1.30, 1.10, 1.12, 1.12, 1.12, 1.12, 1.12, 5.2, 1.15])
STEP_S = 360
TIMES = 1_700_000_000 * SECOND + np.arange(len(VALUES)) * STEP_S * SECOND
NAN = np.array([np.nan])

GROSS = [1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 3, 1]
SPIKE = [2, 1, 3, 4, 3, 1, 1, 1, 1, 4, 4, 2]
RATE = [1, 1, 1, 3, 3, 1, 1, 1, 1, 1, 3, 3]
FLAT = [1, 1, 1, 1, 1, 1, 1, 3, 3, 4, 1, 1]
GROSS_AND_SPIKE = [1, 1, 3, 4, 3, 1, 1, 1, 1, 4, 4, 1]


def spike_flags() -> np.ndarray:
    return qartod.spike(
        np.concatenate((NAN, VALUES[:-1])), VALUES, np.concatenate((VALUES[1:], NAN)), 0.1, 0.2
    )


def test_gross_range_fail_below_minus_half_or_over_10_suspect_over_5() -> None:
    assert qartod.gross_range(VALUES, (-0.5, 5), (-0.5, 10)).tolist() == GROSS


def test_spike_average_method_suspect_over_0_1_fail_over_0_2() -> None:
    assert spike_flags().tolist() == SPIKE


def test_rate_of_change_over_0_1_in_360_s() -> None:
    step = np.diff(VALUES, prepend=np.nan)
    fast = qartod.rate_of_change(step, np.full(len(step), STEP_S), 0.1 / STEP_S)
    assert np.where(fast, 3, 1).tolist() == RATE


def test_flat_line_suspect_after_720_s_fail_after_1440_s() -> None:
    jump = ~(np.abs(np.diff(VALUES, prepend=np.nan)) <= 0.001)
    carried = np.array([0]), NAN, np.array([0]), np.array([0])
    never = np.zeros(len(VALUES), dtype=bool)
    _, since, length = still_since(VALUES, TIMES, jump, carried, np.full(len(VALUES), 0.001), never)
    assert qartod.flat_line(TIMES - since, length, 720 * SECOND, 1440 * SECOND).tolist() == FLAT


def test_roll_up_of_gross_range_and_spike() -> None:
    gross = qartod.gross_range(VALUES, (-0.5, 5), (-0.5, 10))
    assert worst(gross, spike_flags()).tolist() == GROSS_AND_SPIKE


@pytest.mark.parametrize(
    ("values", "flag"),
    [((1.20, 1.42, 1.24), 3), ((1.20, 1.23, 1.24), 1), ((1.0, 1.35, 1.1), 4)],
    ids=["0.200 is not above 0.2", "0.01", "0.30"],
)
def test_spike_heights(values: tuple[float, float, float], flag: int) -> None:
    before, value, after = (np.array([v]) for v in values)
    assert qartod.spike(before, value, after, 0.1, 0.2).tolist() == [flag]


def gauge(**thresholds: object) -> Catalogue:
    level = Quantity(
        name="level",
        unit="m",
        vi="Mực nước",
        en="Water level",
        possible=Span(-0.5, 10),
        plausible=Span(-0.5, 5),
        **thresholds,  # type: ignore[arg-type]
    )
    kind = Kind(
        name="gauge",
        vi="Trạm đo",
        en="Gauge",
        domain="flood",
        interval_s=360,
        timeout_s=1200,
        model="",
        main="level",
        quantities=(level,),
    )
    catalogue = Catalogue(Kinds([kind]))
    catalogue.put(Device(id="gauge-1", kind="gauge"))
    return catalogue


def final_flags(catalogue: Catalogue, cut: int) -> list[int]:
    """The flags that a store would hold after the engine has seen VALUES in batches of `cut`."""
    engine = Engine(catalogue, ZoneInfo("Asia/Ho_Chi_Minh"))
    quantity = catalogue.kinds.quantity_code["level"]
    flags = dict.fromkeys(TIMES.tolist(), int(Flag.NOT_EVALUATED))
    for start in range(0, len(VALUES), cut):
        time, value = TIMES[start : start + cut], VALUES[start : start + cut]
        n = len(time)
        batch = Readings.of(np.zeros(n), np.full(n, quantity), time, value, 2, time)
        found = engine.process(batch, int(time.max())).flags
        flags |= dict(zip(found.time.tolist(), found.flag.tolist(), strict=True))
    return list(flags.values())


@pytest.mark.parametrize("cut", [1, 2, 5, 12])
def test_the_engine_gives_the_roll_up_in_any_cut(cut: int) -> None:
    assert final_flags(gauge(spike=0.1), cut) == GROSS_AND_SPIKE


@pytest.mark.parametrize("cut", [1, 2, 5, 12])
def test_the_engine_gives_rate_of_change(cut: int) -> None:
    assert (
        final_flags(gauge(rate_per_min=0.1 / 6), cut)
        == worst(np.array(GROSS, np.uint8), np.array(RATE, np.uint8)).tolist()
    )


@pytest.mark.parametrize("cut", [1, 2, 5, 12])
def test_the_engine_gives_flat_line(cut: int) -> None:
    flags = final_flags(gauge(flat_line_s=720, resolution=0.001), cut)
    assert flags == worst(np.array(GROSS, np.uint8), np.array(FLAT, np.uint8)).tolist()


def test_a_constant_series_is_flagged_with_the_kind_s_own_defaults() -> None:
    catalogue = Catalogue(load_kinds())
    catalogue.put(Device(id="phu-an", kind="level"))
    engine = Engine(catalogue, ZoneInfo("Asia/Ho_Chi_Minh"))
    level = catalogue.kinds.quantity_code["level"]
    time = TIMES[0] + np.arange(100) * 300 * SECOND
    batch = Readings.of(np.zeros(100), np.full(100, level), time, np.full(100, 1.2), 1, time)
    found = engine.process(batch, int(time[-1])).flags
    after_s = (found.time - time[0]) // SECOND
    # devices/kinds/level.py: flat_line_s=10800
    assert after_s[found.flag == Flag.SUSPECT].min() == 10_800
    assert after_s[found.flag == Flag.FAIL].min() == 21_600
    assert len(found) == 100 - 36


def test_two_equal_values_on_either_side_of_a_gap_are_no_flat_line() -> None:
    assert qartod.flat_line(np.full(5, 10.0), np.arange(1, 6), 5, 9).tolist() == [1, 1, 3, 3, 4]
