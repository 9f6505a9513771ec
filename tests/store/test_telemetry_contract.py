"""What every telemetry store promises (store/telemetry.py). New stores join by a line in conftest."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from devices.device import Catalogue, Device
from devices.registry import Kinds
from store.latest import LatestTable
from store.telemetry import Rollups, Series, TelemetryStore
from telemetry.clock import DAY, HOUR, MINUTE, SECOND
from telemetry.flags import Flag
from telemetry.ledger import OUTCOME_CODE, Ledger
from telemetry.readings import Readings

T0 = 1_790_000_000 * SECOND // HOUR * HOUR
NONE = Ledger.empty()


def batch(kinds: Kinds, *rows: tuple[int, str, int, float, int]) -> Readings:
    device, quantity, time, value, flag = zip(*rows, strict=True)
    codes = [kinds.quantity_code[q] for q in quantity]
    return Readings.of(device, codes, np.array(time) + T0, value, flag, T0)


def test_appended_readings_come_back_as_they_were(telemetry: TelemetryStore, kinds: Kinds) -> None:
    rows = batch(
        kinds, (0, "pm25", 0, 31.2, 1), (2, "level", 5, 1.402, 3), (1, "pm25", 9, np.nan, 9)
    )
    assert telemetry.append(rows, NONE) == 1
    found = telemetry.raw(Series(), T0, T0 + 10, 100)
    for mine, theirs in zip(rows.columns(), found.columns(), strict=True):
        np.testing.assert_array_equal(mine, theirs)


def test_ranges_are_half_open(telemetry: TelemetryStore, kinds: Kinds) -> None:
    telemetry.append(batch(kinds, (0, "pm25", 0, 1, 1), (0, "pm25", 10, 2, 1)), NONE)
    assert telemetry.raw(Series(), T0, T0 + 10, 9).value.tolist() == [1]
    assert telemetry.raw(Series(), T0 + 10, T0 + 11, 9).value.tolist() == [2]


def test_seen_names_exactly_what_is_stored(telemetry: TelemetryStore, kinds: Kinds) -> None:
    telemetry.append(batch(kinds, (0, "pm25", 0, 1, 1), (1, "pm25", 7, 1, 1)), NONE)
    asked = batch(
        kinds,
        (0, "pm25", 0, 5, 1),
        (0, "pm10", 0, 5, 1),
        (1, "pm25", 6, 5, 1),
        (1, "pm25", 7, 5, 1),
    )
    assert telemetry.seen(asked).tolist() == [True, False, False, True]


def test_latest_never_goes_back(telemetry: TelemetryStore, kinds: Kinds) -> None:
    telemetry.append(batch(kinds, (0, "pm25", 100, 2, 1)), NONE)
    telemetry.append(batch(kinds, (0, "pm25", 50, 1, 1)), NONE)
    assert telemetry.latest(Series()).value.tolist() == [2]


def test_latest_selects_by_device_and_quantity(telemetry: TelemetryStore, kinds: Kinds) -> None:
    telemetry.append(
        batch(kinds, (0, "pm25", 1, 1, 1), (0, "pm10", 1, 2, 1), (1, "pm25", 1, 3, 1)), NONE
    )
    pm25 = np.array([kinds.quantity_code["pm25"]], dtype=np.int16)
    assert telemetry.latest(Series(None, pm25)).value.tolist() == [1, 3]
    assert telemetry.latest(Series(np.array([1], dtype=np.int32), None)).value.tolist() == [3]
    assert len(telemetry.latest(Series(np.array([], dtype=np.int32), None))) == 0


def test_the_log_returns_whole_batches_in_order(telemetry: TelemetryStore, kinds: Kinds) -> None:
    for i in range(5):
        telemetry.append(batch(kinds, *((0, "pm25", 10 * i + j, i, 1) for j in range(3))), NONE)
    assert telemetry.position() == 5
    assert [s.position for s in telemetry.since(0, 7)] == [1, 2]
    assert [s.position for s in telemetry.since(2, 1)] == [3]
    assert [s.position for s in telemetry.since(3, 100)] == [4, 5]
    assert telemetry.since(5, 100) == []
    assert telemetry.since(4, 100)[0].readings.value.tolist() == [4, 4, 4]


def test_derived_readings_replace_and_stay_out_of_the_log(
    telemetry: TelemetryStore, kinds: Kinds
) -> None:
    telemetry.put_derived(batch(kinds, (0, "vn_aqi", 0, 40, 1)))
    telemetry.put_derived(batch(kinds, (0, "vn_aqi", 0, 41, 1), (0, "vn_aqi", HOUR, 50, 1)))
    assert telemetry.raw(Series(), T0, T0 + 2 * HOUR, 9).value.tolist() == [41, 50]
    assert telemetry.since(0, 100) == []
    assert telemetry.latest(Series()).value.tolist() == [50]


def test_corrected_flags_show_everywhere(telemetry: TelemetryStore, kinds: Kinds) -> None:
    rows = batch(kinds, (0, "pm25", 0, 1, 1), (0, "pm25", 60, 2, 1))
    telemetry.append(rows, NONE)
    telemetry.correct_flags(rows.take(slice(1, 2)).with_flag(np.array([Flag.FAIL], np.uint8)))
    assert telemetry.raw(Series(), T0, T0 + 61, 9).flag.tolist() == [1, 4]
    assert telemetry.latest(Series()).flag.tolist() == [4]
    assert telemetry.windows(Series(), T0, T0 + 61, MINUTE).count.tolist() == [1]


def test_windows_count_good_and_unevaluated_values_only(
    telemetry: TelemetryStore, kinds: Kinds
) -> None:
    telemetry.append(
        batch(
            kinds,
            (0, "pm25", 1, 10, 1),
            (0, "pm25", 2, 20, 2),
            (0, "pm25", 3, 900, 3),
            (0, "pm25", 4, np.nan, 9),
            (0, "pm25", MINUTE + 1, 900, 4),
        ),
        NONE,
    )
    w = telemetry.windows(Series(), T0, T0 + HOUR, MINUTE)
    assert w.start.tolist() == [T0, T0 + MINUTE]
    assert (w.count.tolist(), w.total.tolist()) == ([2, 0], [4, 1])
    assert (w.mean[0], w.sum[0], w.min[0], w.max[0], w.last[0]) == (15, 30, 10, 20, 20)
    assert np.isnan([w.mean[1], w.sum[1], w.min[1], w.max[1], w.last[1]]).all()


def test_rollups_replace_what_is_there(telemetry: TelemetryStore, kinds: Kinds) -> None:
    def rollup(total: float) -> Rollups:
        one = np.array([0], dtype=np.int32)
        value = np.array([total])
        pm25 = np.array([kinds.quantity_code["pm25"]], dtype=np.int16)
        return Rollups(one, pm25, np.array([T0]), np.array([1]), value, value, value, value)

    telemetry.append(batch(kinds, (0, "pm25", 0, 1, 1)), NONE)
    telemetry.put_rollups(HOUR, rollup(1))
    telemetry.put_rollups(HOUR, rollup(2))
    assert telemetry.rollups(HOUR, Series(), T0, T0 + HOUR).sum.tolist() == [2]
    assert len(telemetry.rollups(MINUTE, Series(), T0, T0 + HOUR)) == 0


def test_recompute_aggregates_only_the_named_windows(
    telemetry: TelemetryStore, kinds: Kinds
) -> None:
    telemetry.append(
        batch(
            kinds,
            (0, "pm25", 1, 10, 1),
            (0, "pm25", 2, 30, 1),
            (0, "pm25", MINUTE, 7, 1),
            (1, "pm25", 1, 9, 1),
        ),
        NONE,
    )
    pm25 = kinds.quantity_code["pm25"]
    asked = Readings.of([0], [pm25], [T0], [0])
    found = telemetry.recompute(MINUTE, asked.device, asked.quantity, asked.time)
    assert (found.count.tolist(), found.sum.tolist(), found.last.tolist()) == ([2], [40], [30])


def test_account_adds_up_over_batches(telemetry: TelemetryStore, catalogue: Catalogue) -> None:
    stored, bad = OUTCOME_CODE["stored"], OUTCOME_CODE["quarantined:not_json"]
    telemetry.append(Readings.empty(), Ledger.of([(T0, 0, stored, 3), (T0, -1, bad, 1)]))
    telemetry.append(Readings.empty(), Ledger.of([(T0, 0, stored, 4), (T0 + HOUR, 1, stored, 5)]))
    rows = [(r.hour, r.device, r.outcome, r.count) for r in telemetry.account(T0, T0 + HOUR)]
    assert rows == [(T0, "", "quarantined:not_json", 1), (T0, "aq-1", "stored", 7)]
    assert len(telemetry.account(T0, T0 + 2 * HOUR)) == 3
    assert [r.count for r in telemetry.account(T0, T0 + 2 * HOUR, np.array([1], np.int32))] == [5]


def test_pages_of_raw_readings_join_without_overlap(
    telemetry: TelemetryStore, kinds: Kinds
) -> None:
    telemetry.append(
        batch(kinds, *((i % 3, "rain" if i % 3 == 2 else "pm25", i // 2, i, 1) for i in range(20))),
        NONE,
    )
    whole = telemetry.raw(Series(), T0, T0 + HOUR, 100)
    after, pages = None, []
    while True:
        page = telemetry.raw(Series(), T0, T0 + HOUR, 3, after)
        if not len(page):
            break
        pages.append(page)
        after = (int(page.time[-1]), int(page.device[-1]), int(page.quantity[-1]))
    np.testing.assert_array_equal(Readings.concat(pages).value, whole.value)


def test_a_device_met_after_opening_is_stored(
    telemetry: TelemetryStore, catalogue: Catalogue, kinds: Kinds
) -> None:
    code = catalogue.put(Device(id="late-1", kind="air", registered=False))
    telemetry.append(batch(kinds, (code, "pm25", 0, 5, 1)), Ledger.of([(T0, code, 0, 1)]))
    assert telemetry.latest(Series()).device.tolist() == [code]
    assert telemetry.account(T0, T0 + 1)[0].device == "late-1"


@settings(
    max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(st.lists(st.tuples(st.integers(0, 2), st.integers(0, 3), st.integers(0, 50)), min_size=1))
def test_latest_table_agrees_with_a_dictionary(rows: list[tuple[int, int, int]]) -> None:
    table, truth = LatestTable(4), dict[tuple[int, int], tuple[int, float]]()
    for start in range(0, len(rows), 3):
        part = [(d, q, t, float(start + i)) for i, (d, q, t) in enumerate(rows[start : start + 3])]
        table.update(Readings.of(*zip(*part, strict=True)))
        for d, q, t, v in part:
            if t >= truth.get((d, q), (-1, 0.0))[0]:
                truth[d, q] = (t, v)
    found = table.select(Series())
    keys = zip(found.device.tolist(), found.quantity.tolist(), strict=True)
    assert (
        dict(zip(keys, zip(found.time.tolist(), found.value.tolist(), strict=True), strict=True))
        == truth
    )


def test_an_unknown_series_has_no_newest_time() -> None:
    table = LatestTable(4)
    assert table.times(np.array([7_000], np.int32), np.array([1], np.int16))[0] < 0
    with pytest.raises(IndexError):
        table.times(np.array([0], np.int32), np.array([99], np.int16))


def test_changed_tells_what_changed_since_and_nothing_else(
    telemetry: TelemetryStore, kinds: Kinds
) -> None:
    telemetry.append(batch(kinds, (0, "pm25", 0, 1, 1), (1, "pm25", 0, 2, 1)), NONE)
    everything, first = telemetry.changed(Series())
    assert everything.value.tolist() == [1, 2]
    assert len(telemetry.changed(Series(), first)[0]) == 0
    telemetry.append(batch(kinds, (1, "pm25", 5, 3, 1)), NONE)
    telemetry.append(batch(kinds, (0, "pm25", -5, 9, 1)), NONE)  # late: the newest stays
    found, second = telemetry.changed(Series(), first)
    assert (found.device.tolist(), found.value.tolist()) == ([1], [3])
    assert second > first
    fail = batch(kinds, (0, "pm25", 0, 1, Flag.FAIL))
    telemetry.correct_flags(fail)
    assert telemetry.changed(Series(), second)[0].flag.tolist() == [Flag.FAIL]
    only = Series(np.array([1], dtype=np.int32), None)
    assert len(telemetry.changed(only, second)[0]) == 0


def test_uncounted_are_what_windows_leave_out(telemetry: TelemetryStore, kinds: Kinds) -> None:
    flags = [(0, 1), (1, 2), (2, 3), (3, 4), (4, 9), (60, 1), (120, 3)]
    telemetry.append(
        batch(kinds, *((0, "pm25", s * SECOND, np.nan if f == 9 else 1, f) for s, f in flags)),
        NONE,
    )
    windows = telemetry.windows(Series(), T0, T0 + HOUR, MINUTE)
    left_out = (windows.total - windows.count).tolist()
    found = telemetry.uncounted(Series(), T0, T0 + HOUR, MINUTE)
    counts = dict(zip(found.start.tolist(), found.count.tolist(), strict=True))
    assert [counts.get(t, 0) for t in windows.start.tolist()] == left_out == [3, 0, 1]
    for devices in ([2], []):
        nobody = Series(np.array(devices, dtype=np.int32), None)
        assert len(telemetry.uncounted(nobody, T0, T0 + HOUR, MINUTE).count) == 0


def test_one_window_of_a_century_counts_everything(telemetry: TelemetryStore, kinds: Kinds) -> None:
    """So SensorThings counts observations; the range is all that a store can hold."""
    rows = [(d, "pm25", i * MINUTE, float(i), 1 + 2 * d) for d in (0, 1) for i in range(50)]
    telemetry.append(batch(kinds, *rows), NONE)
    far = 9_000_000_000 * SECOND
    found = telemetry.windows(Series(), 0, far, 36_500 * DAY)
    assert found.total.sum() == 100 and found.count.sum() == 50
    assert len(telemetry.raw(Series(), 0, far, 70)) == 70
