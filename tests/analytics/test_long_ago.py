"""Readings that come days late: their indices are those that an engine in time would have told."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from analytics import long_ago
from analytics.engine import Engine
from devices.device import Device
from store.telemetry import Series
from telemetry.clock import DAY, HOUR, MINUTE
from telemetry.errors import StoreError
from telemetry.flags import Flag
from telemetry.readings import Readings
from tests.analytics.city import T0, ZONE, Row, Told, batch, catalogue
from tests.analytics.test_worker import Site, until

METER = Device(id="on-1", kind="noise")
THEN = T0 - 20 * DAY
Found = dict[tuple[str, str, int], float]


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Site]:
    found = Site(tmp_path / "site")
    found.known.put(METER)
    found.operations.put_devices(found.known.devices)
    yield found
    found.close()


def days(first: int, n: int) -> list[Row]:
    """Ten-minute values of an air station and a sound level meter over `n` days."""
    rows: list[Row] = []
    for k in range(n * 144):
        at = first + k * 10 * MINUTE
        rows += [
            ("aq-1", "pm25", at, 40.0 + 10 * np.sin(k / 20) + k % 3),
            ("aq-1", "o3", at, 60.0 + 20 * np.cos(k / 30) + k % 2),
            ("on-1", "laeq", at, 60.0 + 5 * np.sin(k / 40) + k % 2),
        ]
    return rows


def indices(site: Site) -> Found:
    """What rests on hours and days, as it is stored for the past."""
    quantities = np.array(sorted(site.worker.engine.of_hours()), np.int16)
    rows = site.telemetry.raw(Series(None, quantities), 0, T0 - 2 * DAY, 1_000_000)
    rows = rows.take(rows.flag != Flag.MISSING)
    names = site.known.kinds.quantities
    return {
        (site.known.devices[d].id, names[q], t): v
        for d, q, t, v in zip(*(c.tolist() for c in rows.columns()[:4]), strict=True)
    }


def in_time(rows: list[Row]) -> Found:
    """What an engine tells that hears them hour by hour."""
    known = catalogue()
    known.put(METER)
    engine, told = Engine(known, ZONE), Told(known)
    for start in range(0, len(rows), 180):
        part = rows[start : start + 180]
        told.take(engine.process(batch(known, part), part[-1][2]))
    told.take(engine.advance(rows[-1][2] + 2 * DAY))
    names = {known.kinds.quantities[q] for q in engine.of_hours()}
    return {key: value for key, value in told.derived.items() if key[1] in names}


def worked_off(site: Site) -> None:
    """Nothing is noted any more; the days have been quiet for long enough."""
    site.clock.advance(long_ago.QUIET)
    site.worker.wake()
    until(lambda: not site.worker._long_ago.noted)
    site.caught_up()


@pytest.mark.parametrize("seed", [0, 1])
def test_days_that_come_weeks_late_have_the_indices_that_they_would_have_had(
    site: Site, seed: int
) -> None:
    site.worker.start()
    site.append(days(T0 - 2 * HOUR, 1)[:36])  # the station is live
    site.caught_up()
    late = days(THEN, 4)
    rng = np.random.default_rng(seed)
    shuffled = [late[i] for i in rng.permutation(len(late))]
    for part in np.array_split(np.arange(len(late)), 5):
        site.append([shuffled[i] for i in part])
    site.caught_up()
    worked_off(site)
    want = in_time(late)
    assert {q for _, q, _ in want} >= {"vn_aqi", "us_aqi", "vn_aqi_day", "laeq_1h", "lden"}
    assert indices(site) == want


def test_what_no_longer_follows_is_taken_back(site: Site) -> None:
    site.worker.start()
    site.append(days(T0 - 2 * HOUR, 1)[:36])
    q = site.known.kinds.quantity_code["vn_aqi"]
    code = site.known.code("aq-1")
    assert code is not None
    site.telemetry.put_derived(Readings.of([code], [q], [THEN + HOUR], [77.0], 1, T0))
    site.append([("aq-1", "pm25", THEN + 5 * HOUR + MINUTE, 40.0)])  # one hour is no NowCast
    site.caught_up()
    worked_off(site)
    assert ("aq-1", "vn_aqi", THEN + HOUR) not in indices(site)


def test_a_kill_before_the_work_is_done_loses_no_day(site: Site) -> None:
    site.worker.start()
    site.append(days(T0 - 2 * HOUR, 1)[:36])
    late = days(THEN, 2)
    site.append(late)
    site.caught_up()
    site.worker._save()
    assert site.worker._long_ago.noted
    site.kill()
    site.new_worker().start()
    worked_off(site)
    assert indices(site) == in_time(late)


def test_a_day_that_still_gets_readings_is_left_alone(site: Site) -> None:
    site.worker.start()
    site.append(days(T0 - 2 * HOUR, 1)[:36])
    site.append(days(THEN, 1))
    site.caught_up()
    site.clock.advance(long_ago.QUIET - 1)
    assert site.worker._long_ago._due(site.clock.now()) is None
    assert site.worker._long_ago._due(site.clock.now() + 1) is not None


def test_days_that_are_kept_and_cannot_be_read_say_so(tmp_path: Path) -> None:
    snapshot = tmp_path / "analytics.npz"
    assert long_ago.load(snapshot) == {}
    long_ago.save(snapshot, {"aq-1": {20_000: 5, 19_999: 7}})
    assert long_ago.load(snapshot) == {"aq-1": {19_999: 0, 20_000: 0}}
    (tmp_path / "analytics.npz.days").write_text('{"aq-1": "never"}')
    with pytest.raises(StoreError, match="must hold days by device"):
        long_ago.load(snapshot)
    assert long_ago.restored(snapshot) == {}
