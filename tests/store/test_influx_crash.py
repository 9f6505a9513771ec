"""InfluxDB has no transaction: a process that dies, or a server that goes away, between any two writes."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from devices.registry import Kinds
from store import influx_log
from store.influx_http import Patience
from store.influx_store import InfluxStore
from store.telemetry import Series
from telemetry.errors import StoreBusy, StoreError
from telemetry.ledger import Ledger
from telemetry.readings import Readings
from tests.services import require
from tests.store.influx_world import (
    AT_ONCE,
    T0,
    city,
    deliver,
    everything,
    ledger_of,
    logged,
    open_store,
    pm25,
    totals,
)
from tests.store.influxd import Influxd, influxd_present
from tests.store.scripted import CUT_AFTER, CUT_BEFORE, Scripted

pytestmark = pytest.mark.influxdb


@pytest.fixture
def proxy(influxd: Influxd) -> Iterator[Scripted]:
    made = Scripted(influxd.http)
    yield made
    made.close()


@pytest.fixture
def url(influxd: Influxd) -> str:
    return influxd.url()


def through(proxy: Scripted, url: str) -> str:
    return f"influx1://127.0.0.1:{proxy.port}/{url.rpartition('/')[2]}"


def stop_at(proxy: Scripted, write: int, how: str) -> None:
    """The `write`-th write from now on, and all behind it, fail."""
    proxy.script.clear()
    proxy.script.extend([None] * write)
    proxy.rule = lambda path, body: how


def let_pass(proxy: Scripted) -> None:
    proxy.script.clear()
    proxy.rule = lambda path, body: None


def in_three_pieces(monkeypatch: pytest.MonkeyPatch) -> None:
    """Make pieces so small that the record of some thirty readings has three."""
    monkeypatch.setattr(influx_log, "PIECE", 240)


@pytest.mark.parametrize("how", [CUT_BEFORE, CUT_AFTER])
@pytest.mark.parametrize("write", range(5))
def test_a_crash_between_any_two_writes_loses_nothing_and_counts_once(
    proxy: Scripted, url: str, kinds: Kinds, write: int, how: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A batch of three pieces of a record, points and account is five writes: each fails once."""
    in_three_pieces(monkeypatch)
    first, second = (
        pm25(kinds, (0, 0, 1.0)),
        pm25(kinds, *((i % 3, i, 2.5 * i) for i in range(1, 30))),
    )
    doomed = open_store(through(proxy, url), city(kinds), AT_ONCE)
    deliver(doomed, first)
    stop_at(proxy, write, how)
    with pytest.raises(StoreError):
        deliver(doomed, second)
    before = len(proxy.writes)

    # The process is gone; the broker delivers again what was not acknowledged.
    store = open_store(url, city(kinds))
    deliver(store, second)
    rows = sorted([(0, 0, 1.0), *((i % 3, i, 2.5 * i) for i in range(1, 30))])
    assert sorted(everything(store)) == rows
    assert sorted(logged(store)) == rows
    counts = totals(store)
    assert counts["stored"] == 30
    assert counts["received"] == counts["stored"] + counts.get("duplicate", 0)
    assert counts.get("duplicate", 0) in (0, 29)
    assert len(proxy.writes) == before
    store.close()
    doomed.close()


def test_those_were_all_the_writes_of_a_batch(
    proxy: Scripted, url: str, kinds: Kinds, monkeypatch: pytest.MonkeyPatch
) -> None:
    in_three_pieces(monkeypatch)
    store = open_store(through(proxy, url), city(kinds))
    deliver(store, pm25(kinds, (0, 0, 1.0)))
    proxy.writes.clear()
    deliver(store, pm25(kinds, *((i % 3, i, 2.5 * i) for i in range(1, 30))))
    names = [body.replace(b",", b" ").split()[0] for _, body in proxy.writes]
    assert names == [b"log_piece", b"log_piece", b"log", b"air", b"account"]
    store.close()


@pytest.mark.parametrize("how", [CUT_BEFORE, CUT_AFTER])
@pytest.mark.parametrize("write", range(3))
@pytest.mark.parametrize("same", [True, False])
def test_an_outage_in_the_middle_is_finished_by_the_next_call(
    proxy: Scripted, url: str, kinds: Kinds, write: int, how: str, same: bool
) -> None:
    store = open_store(through(proxy, url), city(kinds), AT_ONCE)
    one, two = pm25(kinds, (0, 1, 1.0), (1, 1, 2.0)), pm25(kinds, (0, 2, 3.0))
    everyone = one.time > 0
    stop_at(proxy, write, how)
    with pytest.raises(StoreError):
        store.append(one, ledger_of(one, everyone))
    with pytest.raises(StoreError):
        store.newest_times(one.device, one.quantity)
    assert store.position() == 0
    let_pass(proxy)
    if same:
        assert store.append(one, ledger_of(one, everyone)) == 1
    deliver(store, two)
    assert store.position() == 2
    assert everything(store) == [(0, 1, 1.0), (1, 1, 2.0), (0, 2, 3.0)]
    assert [s.position for s in store.since(0, 1)] == [1]
    assert totals(store) == {"received": 3, "stored": 3}
    # Asked again from the start: everything is there already.
    deliver(store, Readings.concat([one, two]))
    assert totals(store) == {"received": 6, "stored": 3, "duplicate": 3}
    store.close()


@settings(
    max_examples=12,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
    phases=[Phase.explicit, Phase.generate],  # each example takes a database: too slow to shrink
)
@given(
    plan=st.lists(
        st.tuples(
            st.lists(st.tuples(st.integers(0, 2), st.integers(0, 15)), min_size=1, max_size=8),
            st.sampled_from(["fine", CUT_BEFORE, CUT_AFTER]),
            st.integers(0, 3),
            st.booleans(),
        ),
        min_size=1,
        max_size=6,
    )
)
def test_any_history_of_crashes_and_repeats_adds_up(
    influxd: Influxd, kinds: Kinds, plan: list[tuple[list[tuple[int, int]], str, int, bool]]
) -> None:
    proxy, url = Scripted(influxd.http), influxd.url()
    store = open_store(through(proxy, url), city(kinds), AT_ONCE)
    truth: dict[tuple[int, int], float] = {}
    try:
        for keys, how, write, crash in plan:
            rows = {key: 100.0 * key[0] + key[1] for key in keys}
            truth |= rows
            batch = pm25(kinds, *((d, t, v) for (d, t), v in rows.items()))
            if how != "fine":
                stop_at(proxy, write, how)
            try:
                deliver(store, batch)
            except StoreError:
                let_pass(proxy)
                if crash:
                    store.close()
                    store = open_store(through(proxy, url), city(kinds), AT_ONCE)
                deliver(store, batch)
            let_pass(proxy)
        wanted = sorted((d, t, v) for (d, t), v in truth.items())
        assert sorted(everything(store)) == wanted
        assert sorted(logged(store)) == wanted
        counts = totals(store)
        assert counts["stored"] == len(truth)
        assert counts["received"] == counts["stored"] + counts.get("duplicate", 0)
    finally:
        store.close()
        proxy.close()


def test_a_second_run_takes_over_and_the_first_is_told(url: str, kinds: Kinds) -> None:
    first = open_store(url, city(kinds))
    deliver(first, pm25(kinds, (0, 0, 1.0)))
    second = open_store(url, city(kinds))
    with pytest.raises(StoreBusy, match=r"another run.*stop that run"):
        deliver(first, pm25(kinds, (0, 1, 2.0)))
    deliver(second, pm25(kinds, (0, 1, 2.0)))
    assert everything(second) == [(0, 0, 1.0), (0, 1, 2.0)]
    assert logged(second) == everything(second)
    first.close()
    second.close()


def test_a_late_write_of_a_dead_run_changes_no_record(
    proxy: Scripted, url: str, kinds: Kinds
) -> None:
    """The server sat on a request while the process died, restarted and went on."""
    dead = open_store(through(proxy, url), city(kinds), AT_ONCE)
    stop_at(proxy, 0, CUT_BEFORE)
    with pytest.raises(StoreError):
        deliver(dead, pm25(kinds, (0, 0, 1.0)))
    late = proxy.writes[-1]
    store = open_store(url, city(kinds))
    deliver(store, pm25(kinds, (0, 0, 1.0), (1, 0, 5.0)))
    answer = proxy.pass_on(*late, headers={})
    assert answer is not None and answer.status == 204
    assert logged(store) == [(0, 0, 1.0), (1, 0, 5.0)]
    store.close()
    again = open_store(url, city(kinds))
    assert logged(again) == [(0, 0, 1.0), (1, 0, 5.0)]
    assert totals(again) == {"received": 2, "stored": 2}
    again.close()
    dead.close()


def test_a_damaged_record_is_said_in_words(url: str, kinds: Kinds) -> None:
    store = open_store(url, city(kinds))
    deliver(store, pm25(kinds, (0, 0, 1.0)))
    lines = b'log rows=1i,pieces=0i,data="AAAA" 1000000001'
    store._server.write("log", lines)
    with pytest.raises(StoreError, match="damaged"):
        store.since(0, 10)
    store._server.write("log", b"log pieces=2i 1000000001")
    with pytest.raises(StoreError, match="lacks one of 2 pieces"):
        store.since(0, 10)
    store.close()


def test_the_account_of_nobody_and_of_batches_without_readings(url: str, kinds: Kinds) -> None:
    store = open_store(url, city(kinds))
    store.append(Readings.empty(), Ledger.of([(T0, -1, 1, 2), (T0, 0, 1, 1)]))
    assert store.position() == 0
    assert store.since(0, 10) == []
    deliver(store, pm25(kinds, (0, 0, 1.0)))
    store.append(Readings.empty(), Ledger.of([(T0, -1, 1, 2)]))
    position = store.position()
    assert [s.position for s in store.since(0, 10)] == [position]
    store.close()
    again = open_store(url, city(kinds))
    assert again.position() == position
    assert totals(again) == {"received": 6, "stored": 1}
    assert [r.count for r in again.account(T0, T0 + 1) if not r.device] == [4]
    again.close()


def test_a_killed_server_has_what_it_confirmed(tmp_path: Path, kinds: Kinds) -> None:
    require("influxd", influxd_present())
    server = Influxd(tmp_path / "influxd")
    server.start()
    url = server.url()
    store = open_store(url, city(kinds), Patience(total_s=60.0))
    confirmed: list[int] = []
    killing = threading.Event()
    writer = threading.Thread(target=_write_on, args=(store, kinds, confirmed, killing))
    writer.start()
    try:
        for _ in range(3):
            assert killing.wait(30)
            killing.clear()
            server.stop(kill=True)
            server.start()
    finally:
        writer.join(60)
        found = everything(store)
        counts = totals(store)
        store.close()
        server.stop()
    assert confirmed == list(range(60))
    assert found == [(0, i, float(i)) for i in range(60)]
    assert counts == {"received": 60, "stored": 60}


def _write_on(
    store: InfluxStore, kinds: Kinds, confirmed: list[int], killing: threading.Event
) -> None:
    for i in range(60):
        if i % 20 == 10:
            killing.set()
        deliver(store, pm25(kinds, (0, i, float(i))))
        confirmed.append(i)


def test_reopening_leaves_corrected_flags_alone(url: str, kinds: Kinds) -> None:
    store = open_store(url, city(kinds))
    batch = pm25(kinds, (0, 0, 1.0), (1, 0, 2.0))
    deliver(store, batch)
    store.correct_flags(batch.with_flag(np.array([3, 4], np.uint8)))
    store.close()
    store = open_store(url, city(kinds))
    assert store.latest(Series()).flag.tolist() == [3, 4]
    store.close()
