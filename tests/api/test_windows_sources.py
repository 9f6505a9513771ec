"""Windows from roll-ups say the same as windows from readings, and which they were made from."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from api.scan import scan
from store.telemetry import Series
from telemetry.clock import DAY, HOUR, MINUTE, format_time
from telemetry.flags import Flag
from tests.api.client import Client
from tests.api.world import NOW, World

LONG_AGO = NOW - 11 * DAY


@pytest.fixture
def rolled(world: World) -> World:
    """Eleven days of five-minute levels with gaps and rejects, and their roll-ups up to an hour ago."""
    rng = np.random.default_rng(7)
    times = np.arange(LONG_AGO, NOW - 3 * HOUR, 5 * MINUTE)
    times = times[rng.random(len(times)) > 0.1]
    values = np.round(rng.normal(1, 0.3, len(times)), 3)
    good = rng.random(len(times)) > 0.05
    for flag, which in ((Flag.GOOD, good), (Flag.SUSPECT, ~good)):
        world.store("gauge-1", "level", times[which].tolist(), values[which].tolist(), flag)
    everything = Series()
    for step in (MINUTE, HOUR):
        found = world.telemetry.windows(everything, LONG_AGO, NOW, step)
        rows = (found.device, found.quantity, found.start)
        world.telemetry.put_rollups(step, world.telemetry.recompute(step, *rows))
    return world


def windows(client: Client, **params: Any) -> dict[str, Any]:
    asked = {"device": "gauge-1", "start": format_time(LONG_AGO + 7 * MINUTE), **params}
    answer = client.get("/api/v1/telemetry", params=asked)
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()
    return found


def close(a: Any, b: Any) -> bool:
    return a == b if a is None or b is None else bool(abs(a - b) < 1e-9)


@pytest.mark.parametrize("every", ["1h", "3h", "7d"])
def test_rollups_say_the_same_as_readings(rolled: World, own_client: Client, every: str) -> None:
    for agg in ("mean", "min", "max", "sum", "count", "last", "p90"):
        rolled.context.settled = lambda: 0
        read = windows(own_client, every=every, agg=agg)
        assert read["source"] == ["raw"]
        rolled.context.settled = lambda: NOW - HOUR
        quick = windows(own_client, every=every, agg=agg)
        assert quick["source"] == ["rollup_1h", "raw"]
        for one, other in zip(read["items"], quick["items"], strict=True):
            assert close(one.pop("value"), other.pop("value")), (agg, one, other)
            assert one == other


def test_points_come_from_hours(rolled: World, own_client: Client) -> None:
    rolled.context.settled = lambda: NOW - HOUR
    found = windows(own_client, points=100)
    assert (found["every"], found["source"]) == ("10800s", ["rollup_1h", "raw"])
    assert found["complete"] is True and found["next"] is None


@pytest.mark.parametrize("every", ["30s", "7m", "90m"])
def test_what_hours_do_not_fit_into_is_read(rolled: World, own_client: Client, every: str) -> None:
    rolled.context.settled = lambda: NOW - HOUR
    assert windows(own_client, every=every, start=format_time(NOW - DAY))["source"] == ["raw"]


def test_what_readings_no_longer_reach_comes_from_minutes(
    rolled: World, own_client: Client
) -> None:
    rolled.context.settled = lambda: NOW - HOUR
    gone = (NOW - 9 * DAY) // DAY * DAY
    before = windows(own_client, every="5m", end=format_time(gone))
    rolled.context.settings = replace(rolled.context.settings, retention_raw_days=8)
    rolled.telemetry._db.execute("delete from readings where time < ?", [gone])
    after = windows(own_client, every="5m", end=format_time(gone))
    assert after["source"] == ["rollup_1m", "raw"]
    assert sum(w["count"] for w in after["items"]) > 300
    # The first minutes of the range are cut by nothing: they are whole minutes.
    assert [w["count"] for w in after["items"]] == [w["count"] for w in before["items"]]


def test_the_mean_of_levels_is_that_of_their_energy(world: World, own_client: Client) -> None:
    # ISO 1996-1: half an hour of 60 dB and half an hour of 70 dB are 67.4 dB, not 65.
    world.store("noise-1", "laeq", [NOW - 2 * HOUR, NOW - 2 * HOUR + 30 * MINUTE], [60.0, 70.0])
    asked = {"device": "noise-1", "quantity": "laeq", "every": "1h"}
    for agg, value in (("mean", 67.4036), ("max", 70.0), ("p50", 65.0)):
        items = own_client.get("/api/v1/telemetry", params={**asked, "agg": agg}).json()["items"]
        assert [w["value"] for w in items if w["count"]] == [pytest.approx(value, abs=1e-4)], agg


@pytest.mark.parametrize("agg", ["p0", "p100.5", "p101", "p", "median", "mean;drop table", "P95"])
def test_an_aggregate_that_is_none_is_refused(client: Client, agg: str) -> None:
    answer = client.get("/api/v1/telemetry", params={"every": "1h", "agg": agg})
    assert (answer.status_code, answer.json()["parameter"]) == (400, "agg")


def test_percentiles_are_linear_between_values(world: World, own_client: Client) -> None:
    values = [10.0, 20.0, 30.0, 40.0]
    world.store("noise-1", "laeq", [NOW - HOUR + i * MINUTE for i in range(4)], values)
    asked = {"device": "noise-1", "every": "1h", "start": format_time(NOW - HOUR)}
    for agg, share in (("p50", 50), ("p95", 95), ("p99.9", 99.9), ("p100", 100)):
        (found,) = own_client.get("/api/v1/telemetry", params={**asked, "agg": agg}).json()["items"]
        assert found["value"] == pytest.approx(np.percentile(values, share))


def test_many_series_come_in_pages_of_whole_series(
    client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: dict[str, Any] = {"every": "1h"}
    whole = client.get("/api/v1/telemetry", params=asked).json()
    assert whole["complete"] is True
    monkeypatch.setattr("api.windows.MAX_WINDOWS", 60)  # two series of 24 or 25 windows
    items, pages = [], 0
    while True:
        page = client.get("/api/v1/telemetry", params=asked).json()
        items += page["items"]
        pages += 1
        assert page["complete"] is (page["next"] is None)
        if page["next"] is None:
            break
        asked["cursor"] = page["next"]
    assert items == whole["items"]
    assert pages >= 5


def test_scanning_gives_what_one_question_gives(
    shared_world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = shared_world.telemetry
    whole = store.raw(Series(), NOW - 2 * DAY, NOW, 1_000_000)
    for rows in (40, 1_000, 10_000):
        monkeypatch.setattr("api.scan.ROWS", rows)
        pieces = list(scan(store, Series(), NOW - 2 * DAY, NOW))
        assert all(0 < len(p) <= rows for p in pieces)
        for name in ("device", "quantity", "time", "value"):
            joined = np.concatenate([getattr(p, name) for p in pieces])
            np.testing.assert_array_equal(joined, getattr(whole, name))


def test_a_tag_selects_devices(client: Client) -> None:
    for tags, found in ((["park"], {"tree-1"}), (["nowhere"], set()), (["x", "old"], {"tree-1"})):
        items = client.get("/api/v1/latest", params={"tag": tags}).json()["items"]
        assert {r["device"] for r in items} == found
