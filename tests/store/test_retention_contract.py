"""What every telemetry store promises of retention: each resolution goes at its own time, and takes nothing along.

An InfluxDB removes by its own clock, so these tests live in the present.
"""

from __future__ import annotations

import numpy as np

from devices.registry import Kinds
from store.latest import NEVER
from store.telemetry import Rollups, Series, TelemetryStore
from telemetry.clock import DAY, HOUR, MINUTE, SystemClock
from telemetry.ledger import OUTCOME_CODE, Ledger
from telemetry.readings import Readings
from telemetry.retention import Retention
from tests.brokers import wait_until

NOW = SystemClock().now() // HOUR * HOUR
AGES = (60, 20, 0)  # days; two shards of a week lie between any two of them
NONE = Ledger.empty()


def of(kinds: Kinds, device: int, quantity: str, *times: int, value: float = 1.0) -> Readings:
    code = kinds.quantity_code[quantity]
    count = len(times)
    return Readings.of([device] * count, [code] * count, list(times), [value] * count, 1, NOW)


def rollups(kinds: Kinds, *starts: int, count: int = 1) -> Rollups:
    n = len(starts)
    code = np.full(n, kinds.quantity_code["pm25"], dtype=np.int16)
    of_values = np.full(n, 5.0)
    return Rollups(
        np.zeros(n, np.int32), code, np.array(starts), np.full(n, count),
        of_values * count, of_values, of_values, of_values,
    )  # fmt: skip


def ages(times: np.typing.NDArray[np.int64]) -> list[int]:
    found: list[int] = ((NOW - times) // DAY).tolist()
    return found


def expire(store: TelemetryStore, retention: Retention, analysed: int | None = None) -> set[str]:
    """As housekeeping does it; what went."""
    upto = store.position() if analysed is None else analysed
    went: set[str] = set()
    while removed := store.expire(retention, NOW, upto):
        assert all(count > 0 for count in removed.values())
        went |= removed.keys()
    return went


def raw_ages(store: TelemetryStore) -> list[int]:
    return ages(store.raw(Series(), 0, NOW + HOUR, 1_000).time)


def rollup_ages(store: TelemetryStore, step: int) -> list[int]:
    return ages(store.rollups(step, Series(), 0, NOW + HOUR).start)


def account_ages(store: TelemetryStore) -> list[int]:
    return ages(np.array(sorted({row.hour for row in store.account(0, NOW + HOUR)})))


def filled(store: TelemetryStore, kinds: Kinds) -> None:
    """Readings, an index, roll-ups and account of each age, in a batch of its own."""
    received, stored = OUTCOME_CODE["received"], OUTCOME_CODE["stored"]
    for age in AGES:
        at = NOW - age * DAY
        lines = Ledger.of([(at, 0, received, 1), (at, 0, stored, 1)])
        store.append(of(kinds, 0, "pm25", at), lines)
        store.put_derived(of(kinds, 1, "vn_aqi", at))
        for step in (MINUTE, HOUR):
            store.put_rollups(step, rollups(kinds, at))


def test_each_resolution_goes_at_its_own_time(telemetry: TelemetryStore, kinds: Kinds) -> None:
    filled(telemetry, kinds)
    expire(telemetry, Retention.of_days(30, 0, 0))
    wait_until(lambda: raw_ages(telemetry) == [20, 20, 0, 0])
    assert rollup_ages(telemetry, MINUTE) == rollup_ages(telemetry, HOUR) == [60, 20, 0]
    expire(telemetry, Retention.of_days(30, 45, 0))
    wait_until(lambda: rollup_ages(telemetry, MINUTE) == [20, 0])
    assert rollup_ages(telemetry, HOUR) == account_ages(telemetry) == [60, 20, 0]
    expire(telemetry, Retention.of_days(8, 45, 50))
    wait_until(lambda: rollup_ages(telemetry, HOUR) == account_ages(telemetry) == [20, 0])
    wait_until(lambda: raw_ages(telemetry) == [0, 0])
    assert rollup_ages(telemetry, MINUTE) == [20, 0]


def test_for_ever_removes_nothing(telemetry: TelemetryStore, kinds: Kinds) -> None:
    filled(telemetry, kinds)
    assert expire(telemetry, Retention()) == set()
    assert raw_ages(telemetry) == [60, 60, 20, 20, 0, 0]


def test_a_series_that_is_gone_is_gone_from_latest_and_comes_back_with_its_next_reading(
    telemetry: TelemetryStore, kinds: Kinds
) -> None:
    telemetry.append(of(kinds, 0, "pm25", NOW - 60 * DAY), NONE)
    telemetry.append(of(kinds, 1, "pm25", NOW - 60 * DAY, NOW), NONE)
    expire(telemetry, Retention.of_days(30, 0, 0))
    assert telemetry.latest(Series()).device.tolist() == [1]
    old = of(kinds, 0, "pm25", NOW)
    assert telemetry.newest_times(old.device, old.quantity).tolist() == [NEVER]
    telemetry.append(old, NONE)
    assert telemetry.latest(Series()).time.tolist() == [NOW, NOW]


def test_the_log_stays_until_analytics_has_saved_it(
    telemetry: TelemetryStore, kinds: Kinds
) -> None:
    for age in (60, 50, 40):
        telemetry.append(of(kinds, 0, "pm25", NOW - age * DAY), NONE)
    expire(telemetry, Retention.of_days(8, 0, 0), analysed=1)
    assert [s.position for s in telemetry.since(1, 100)] == [2, 3]
    assert ages(Readings.concat([s.readings for s in telemetry.since(1, 100)]).time) == [50, 40]


def test_positions_go_on_where_all_readings_have_left(
    telemetry: TelemetryStore, kinds: Kinds
) -> None:
    telemetry.append(of(kinds, 0, "pm25", NOW - 60 * DAY), NONE)
    telemetry.append(of(kinds, 0, "pm25", NOW - 59 * DAY), NONE)
    expire(telemetry, Retention.of_days(30, 0, 0))
    wait_until(lambda: raw_ages(telemetry) == [])
    assert telemetry.position() == 2
    assert telemetry.append(of(kinds, 0, "pm25", NOW), NONE) == 3
    assert [s.position for s in telemetry.since(2, 100)] == [3]


def test_a_window_that_lost_readings_to_its_age_keeps_its_roll_up(
    telemetry: TelemetryStore, kinds: Kinds
) -> None:
    """Retention was lengthened, and one reading of a window that is long gone comes again."""
    old, young = NOW - 60 * DAY, NOW - 3 * DAY
    telemetry.append(of(kinds, 0, "pm25", old, old + 1, old + 2, young), NONE)
    telemetry.put_rollups(HOUR, rollups(kinds, old, young, count=3))
    expire(telemetry, Retention.of_days(30, 0, 0))
    wait_until(lambda: raw_ages(telemetry) == [3])
    expire(telemetry, Retention())
    telemetry.append(of(kinds, 0, "pm25", old + 1, value=7.0), NONE)
    telemetry.append(of(kinds, 0, "pm25", old + HOUR, value=8.0), NONE)
    pm25 = np.full(3, kinds.quantity_code["pm25"], dtype=np.int16)
    starts = np.array([old, old + HOUR, young])
    anew = telemetry.recompute(HOUR, np.zeros(3, np.int32), pm25, starts)
    assert anew.start.tolist() == starts.tolist()
    # Three were counted before; of a window that holds all that it ever did, what it holds counts.
    assert (anew.count.tolist(), anew.sum.tolist()) == ([3, 1, 1], [15.0, 8.0, 1.0])
