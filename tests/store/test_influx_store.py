"""InfluxDB's own: the same answers as DuckDB to anything, reopening, big answers, many devices."""

from __future__ import annotations

from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from devices.device import Catalogue, Device
from devices.registry import Kinds, load_kinds
from store.duckdb_store import DuckDBStore
from store.influx_pack import pack, unpack
from store.telemetry import Rollups, Series, TelemetryStore, Windows
from telemetry.arrays import AnyArray
from telemetry.clock import DAY, HOUR, MINUTE, SECOND
from telemetry.errors import StoreError
from telemetry.flags import Flag
from telemetry.ledger import Ledger
from telemetry.readings import Readings
from tests.store.influx_world import T0, city, deliver, everything, open_store, pm25, totals
from tests.store.influxd import Influxd

QUANTITIES = ("pm25", "pm10", "temperature", "vn_aqi")
VALUES = st.floats(-1e6, 1e6) | st.just(float("nan"))
ROWS = st.lists(
    st.tuples(
        st.integers(0, 2),
        st.integers(0, 2),
        st.integers(0, 400),
        VALUES,
        st.sampled_from([1, 2, 3, 4]),
    ),
    max_size=12,
    unique_by=lambda r: r[:3],
)


def readings(kinds: Kinds, rows: list[tuple[int, int, int, float, int]], received: int) -> Readings:
    if not rows:
        return Readings.empty()
    device, quantity, at, value, flag = zip(*rows, strict=True)
    codes = [kinds.quantity_code[QUANTITIES[q]] for q in quantity]
    flags = np.where(np.isnan(value), Flag.MISSING, flag)
    return Readings.of(device, codes, np.array(at) * SECOND + T0, value, flags, received)


def order(rows: Any) -> AnyArray:
    time = rows.time if isinstance(rows, Readings) else rows.start
    return np.lexsort((rows.quantity, rows.device, time))


def assert_same(mine: object, theirs: object) -> None:
    """Column by column; DuckDB orders devices by its own numbers, so ties are put in one order first."""
    for name in type(theirs).__dataclass_fields__:  # type: ignore[attr-defined]
        a, b = getattr(mine, name)[order(mine)], getattr(theirs, name)[order(theirs)]
        assert a.dtype == b.dtype, name
        if a.dtype.kind == "f":
            # Sums are added up in another order: the last digits may differ.
            np.testing.assert_allclose(a, b, rtol=1e-9, atol=1e-9, err_msg=name)
        else:
            np.testing.assert_array_equal(a, b, err_msg=name)


def assert_stores_agree(mine: TelemetryStore, theirs: TelemetryStore, kinds: Kinds) -> None:
    some = Series(np.array([0, 2], np.int32), np.array([kinds.quantity_code["pm25"]], np.int16))
    for series in (Series(), some):
        assert_same(mine.latest(series), theirs.latest(series))
        low, high = T0 + 7 * SECOND, T0 + 333 * SECOND
        assert_same(mine.raw(series, low, high, 1_000), theirs.raw(series, low, high, 1_000))
        for every in (MINUTE, 17 * SECOND):
            assert_same(
                mine.windows(series, low, high, every), theirs.windows(series, low, high, every)
            )
    assert mine.account(0, 2 * T0) == theirs.account(0, 2 * T0)
    for a, b in zip(mine.since(0, 10**6), theirs.since(0, 10**6), strict=True):
        # The log keeps readings as they came; DuckDB shows flags that were corrected since.
        assert_same(a.readings.with_flag(b.readings.flag), b.readings)


@pytest.mark.influxdb
@settings(
    max_examples=15,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
    phases=[Phase.explicit, Phase.generate],  # each example takes a database: too slow to shrink
)
@given(batches=st.lists(st.tuples(ROWS, ROWS), min_size=1, max_size=4))
def test_any_history_reads_as_it_does_from_duckdb(
    influxd: Influxd,
    kinds: Kinds,
    batches: list[
        tuple[list[tuple[int, int, int, float, int]], list[tuple[int, int, int, float, int]]]
    ],
) -> None:
    catalogue, url = city(kinds), influxd.url()
    with TemporaryDirectory() as folder:
        theirs = DuckDBStore(Path(folder) / "t.duckdb", catalogue)
        mine = open_store(url, catalogue)
        try:
            for new, derived in batches:
                # One stamp for all: a point has one, whichever message of its time came last.
                measured = readings(kinds, new, T0)
                deliver(mine, measured)
                deliver(theirs, measured)
                computed = readings(kinds, [(d, 3, t, v, f) for d, _, t, v, f in derived], T0 + 1)
                asked = readings(kinds, derived, T0)
                flags = asked.with_flag(np.full(len(asked), Flag.FAIL, np.uint8))
                for store in (mine, theirs):
                    store.put_derived(computed)
                    store.correct_flags(flags.take(~np.isnan(flags.value)))
                np.testing.assert_array_equal(mine.seen(asked), theirs.seen(asked))
                start = asked.time // MINUTE * MINUTE
                named = (asked.device, asked.quantity, start)
                assert_same(mine.recompute(MINUTE, *named), theirs.recompute(MINUTE, *named))
            assert_stores_agree(mine, theirs, kinds)
            mine.close()
            mine = open_store(url, catalogue)
            assert_stores_agree(mine, theirs, kinds)
        finally:
            mine.close()
            theirs.close()


@settings(max_examples=50, deadline=None)
@given(
    rows=ROWS, lines=st.lists(st.tuples(st.integers(-1, 2), st.integers(0, 9), st.integers(-5, 5)))
)
def test_a_record_survives_a_process_with_other_codes(
    rows: list[tuple[int, int, int, float, int]], lines: list[tuple[int, int, int]]
) -> None:
    kinds = load_kinds()
    first, second = city(kinds), Catalogue(kinds)
    second.put(Device(id="aq-2", kind="air"))
    batch = readings(kinds, rows, T0)
    ledger = Ledger.of((T0, d, o, n) for d, o, n in lines)
    text = pack(batch, ledger, first)
    assert text == pack(batch, ledger, first)
    found, account = unpack(text, second, "log 1")
    names = [second.devices[d].id for d in found.device.tolist()]
    assert names == [first.devices[d].id for d in batch.device.tolist()]
    for a, b in zip(found.columns()[1:], batch.columns()[1:], strict=True):
        np.testing.assert_array_equal(a, b)
    owners = ["" if d < 0 else second.devices[d].id for d in account.device.tolist()]
    assert owners == ["" if d < 0 else first.devices[d].id for d, _, _ in lines]
    assert account.outcome.tolist() == [o for _, o, _ in lines]
    assert account.count.tolist() == [n for _, _, n in lines]
    with pytest.raises(StoreError, match="log 1.*damaged"):
        unpack(text[:-8], second, "log 1")


@pytest.mark.influxdb
def test_reopened_with_other_codes_it_still_names_the_right_device(
    influxd: Influxd, kinds: Kinds
) -> None:
    url = influxd.url()
    store = open_store(url, city(kinds))
    deliver(store, pm25(kinds, (1, 0, 22.0)))
    deliver(store, pm25(kinds, (1, 1, float("nan"))).with_flag(np.array([9], np.uint8)))
    store.close()
    other = Catalogue(kinds)
    for name in ("aq-9", "aq-1"):
        other.put(Device(id=name, kind="air"))
    store = open_store(url, other)
    newest = store.latest(Series())
    assert [other.devices[c].id for c in newest.device] == ["aq-1"]
    assert (newest.flag.tolist(), np.isnan(newest.value).tolist()) == ([9], [True])
    assert store.seen(pm25(kinds, (1, 0, 0.0), (0, 0, 0.0))).tolist() == [True, False]
    assert {r.device for r in store.account(0, 2 * T0)} == {"aq-1"}
    store.close()


@pytest.mark.influxdb
def test_a_device_that_only_the_store_knows_comes_back_unregistered(
    influxd: Influxd, kinds: Kinds
) -> None:
    url = influxd.url()
    store = open_store(url, city(kinds))
    deliver(store, pm25(kinds, (1, 0, 22.0)))
    store.close()
    empty = Catalogue(kinds)
    open_store(url, empty).close()
    assert [(d.id, d.kind, d.registered) for d in empty.devices] == [("aq-1", "air", False)]


@pytest.mark.influxdb
def test_a_device_that_was_only_ever_refused_keeps_its_account(
    influxd: Influxd, kinds: Kinds
) -> None:
    """No reading names it, so a new process does not know it; then it comes again."""
    url = influxd.url()
    store = open_store(url, city(kinds))
    store.append(Readings.empty(), Ledger.of([(T0, 2, 1, 5)]))
    store.append(Readings.empty(), Ledger.of([(T0, 0, 1, 1)]))
    store.close()
    fresh = Catalogue(kinds)
    store = open_store(url, fresh)
    store.append(Readings.empty(), Ledger.of([(T0, -1, 1, 1)]))
    code = fresh.put(Device(id="aq-2", kind="air"))
    store.append(Readings.empty(), Ledger.of([(T0, code, 1, 2)]))
    assert {r.device: r.count for r in store.account(T0, T0 + 1)} == {"": 1, "aq-0": 1, "aq-2": 7}
    store.close()


@pytest.mark.influxdb
def test_answers_longer_than_a_chunk_are_whole(influxd: Influxd, kinds: Kinds) -> None:
    store = open_store(influxd.url(), city(kinds))
    n = 25_000
    device = np.arange(n) % 3
    rows = Readings.of(
        device,
        np.full(n, kinds.quantity_code["pm25"]),
        np.arange(n) * SECOND + T0,
        np.arange(n),
        1,
        T0,
    )
    store.append(rows, Ledger.empty())
    assert store.raw(Series(), T0, T0 + DAY, n + 1).value.tolist() == list(range(n))
    assert store.seen(rows).all()
    windows = store.windows(Series(), T0, T0 + DAY, SECOND)
    assert len(windows.start) == n
    assert (windows.count == 1).all()
    store.close()


@pytest.mark.influxdb
@pytest.mark.parametrize("devices", [450, 2_100])
def test_many_devices_are_asked_for_at_once(influxd: Influxd, kinds: Kinds, devices: int) -> None:
    """More than one statement's worth, and more than are named at all; all with one and the same time."""
    catalogue = city(kinds, devices + 5)
    store = open_store(influxd.url(), catalogue)
    all_rows = pm25(kinds, *((i, 0, float(i)) for i in range(devices + 5)))
    deliver(store, all_rows)
    wanted = Series(np.arange(devices, dtype=np.int32), None)
    windows: Windows = store.windows(wanted, T0, T0 + HOUR, HOUR)
    assert windows.device.tolist() == list(range(devices))
    after, pages = None, []
    while True:
        page = store.raw(wanted, T0, T0 + HOUR, devices // 2 - 1, after)
        if not len(page):
            break
        pages.append(page)
        after = (int(page.time[-1]), int(page.device[-1]), int(page.quantity[-1]))
    assert Readings.concat(pages).device.tolist() == list(range(devices))
    assert len(pages) == 3
    account = store.account(T0, T0 + 1, wanted.devices)
    assert len({r.device for r in account}) == devices
    store.close()


@pytest.mark.influxdb
def test_a_rollup_that_lost_its_last_value_shows_none(influxd: Influxd, kinds: Kinds) -> None:
    store = open_store(influxd.url(), city(kinds))
    one, code = np.array([1]), np.array([kinds.quantity_code["pm25"]], np.int16)

    def rollup(count: int, value: float) -> Rollups:
        values = np.array([value])
        return Rollups(
            one.astype(np.int32), code, np.array([T0]), count * one, values, values, values, values
        )

    store.put_rollups(MINUTE, rollup(3, 1.5))
    store.put_rollups(MINUTE, rollup(0, float("nan")))
    found = store.rollups(MINUTE, Series(), T0, T0 + HOUR)
    assert (found.count.tolist(), np.isnan(found.sum).tolist()) == ([0], [True])
    assert len(store.raw(Series(), T0, T0 + HOUR, 9)) == 0
    store.close()


@pytest.mark.influxdb
def test_a_flag_for_what_is_not_stored_makes_no_reading(influxd: Influxd, kinds: Kinds) -> None:
    store = open_store(influxd.url(), city(kinds))
    deliver(store, pm25(kinds, (0, 0, 1.0)))
    store.correct_flags(pm25(kinds, (0, 0, 1.0), (0, 1, 1.0)))
    assert everything(store) == [(0, 0, 1.0)]
    assert totals(store) == {"received": 1, "stored": 1}
    store.close()
