"""Whole recordings of real sensors, through `urban replay`, the broker, ingest and analytics, into the store.

What is expected is worked out here from the CSV files with plain code, not with the mapping's.
"""

from __future__ import annotations

import csv
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from pathlib import Path
from zoneinfo import ZoneInfo

import numpy as np
import pytest

from commands.platform import Platform
from store.telemetry import Series
from telemetry.arrays import Mask, Times, Values
from telemetry.clock import DAY, HOUR, MINUTE, SECOND, SystemClock
from telemetry.readings import Readings
from telemetry.settings import load_settings
from tests.brokers import wait_until
from tests.replay.conftest import ROOT

pytestmark = pytest.mark.recordings

FAR = 2**62
CHICAGO = ZoneInfo("America/Chicago")
Rows = list[dict[str, str]]


@dataclass
class Running:
    """The platform as `urban up` runs it, without a simulated city and without HTTP."""

    platform: Platform

    def replay(self, path: Path, mapping: str, *more: str) -> str:
        """`urban replay`, waited for until everything it sent is in the account. Returns its summary."""
        before = self.account()["messages"]
        address = f"mqtt://127.0.0.1:{self.platform.address.port}"
        done = subprocess.run(
            [sys.executable, "-m", "cli", "replay", str(path), "--map", mapping, "--broker", address,
             *more],
            cwd=ROOT, capture_output=True, text=True, timeout=240, check=True,
        )  # fmt: skip
        sent = int(done.stdout.split(" messages with ")[0].rsplit(" ", 1)[1].replace(",", ""))
        wait_until(lambda: self.account()["messages"] >= before + sent, 60)
        return done.stdout

    def account(self, device: str = "") -> Counter[str]:
        """Outcome → records, of one device or of all."""
        counts: Counter[str] = Counter()
        for row in self.platform.telemetry.account(0, FAR):
            if device in ("", row.device):
                counts[row.outcome] += row.count
        return counts

    def stored(self, device: str, quantity: str) -> dict[int, tuple[float, int]]:
        """Time → (value, flag) of a series."""
        rows = self._raw(device, quantity)
        assert len(set(rows.time.tolist())) == len(rows), "an identity was stored twice"
        pairs = zip(rows.value.tolist(), rows.flag.tolist(), strict=True)
        return dict(zip(rows.time.tolist(), pairs, strict=True))

    def _raw(self, device: str, quantity: str) -> Readings:
        code = self.platform.catalogue.code(device)
        assert code is not None, f"{device} never arrived"
        quantities = np.array(
            [self.platform.catalogue.kinds.quantity_code[quantity]], dtype=np.int16
        )
        series = Series(np.array([code], dtype=np.int32), quantities)
        return self.platform.telemetry.raw(series, 0, FAR, 1_000_000)

    def wait_until_analysed(self) -> None:
        """Until analytics has taken in the whole log and written what follows from it."""
        wait_until(self.platform.worker.caught_up, 120)
        assert self.platform.worker.trouble() == ""


@pytest.fixture
def running(tmp_path: Path) -> Iterator[Running]:
    settings = {"DATA_DIR": str(tmp_path), "MQTT_PORT": "0", "HTTP_PORT": "0", "DEVICES": "0"}
    platform = Platform(
        load_settings({f"URBAN_{name}": value for name, value in settings.items()}), SystemClock()
    )
    platform.start()
    try:
        assert platform.receiver.wait_until_subscribed(20)
        yield Running(platform)
    finally:
        platform.stop()


def rows_of(path: Path) -> Rows:
    with path.open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def ns(moment: datetime) -> int:
    return round((moment - datetime(1970, 1, 1, tzinfo=UTC)).total_seconds()) * SECOND


def test_valencia_five_years_of_air_with_its_gaps(running: Running, recordings: Path) -> None:
    path = recordings / "valencia_air" / "air_quality_valencia.csv"
    rows = rows_of(path)
    # Central European Time the whole year; see the mapping.
    times = [ns(datetime.fromisoformat(r["datetime"] + "+01:00")) for r in rows]
    series = {
        ("valencia-air", "so2"): ("so2", 1.0),
        ("valencia-air", "no2"): ("no2", 1.0),
        ("valencia-air", "pm10"): ("pm10", 1.0),
        ("valencia-air", "pm25"): ("pm2.5", 1.0),
        ("valencia-air", "o3"): ("o3", 1.0),
        ("valencia-air", "co"): ("co", 1000.0),  # mg/m3 → ug/m3
        ("valencia-met", "wind_speed"): ("veloc.", 1.0),
        ("valencia-met", "wind_direction"): ("direc.", 1.0),
    }
    summary = running.replay(path, "valencia_air")

    total = 0
    for (device, quantity), (column, factor) in series.items():
        expected = {
            t: float(r[column]) * factor for t, r in zip(times, rows, strict=True) if r[column]
        }
        stored = running.stored(device, quantity)
        assert stored.keys() == expected.keys(), f"{quantity}: a gap was filled or a value lost"
        np.testing.assert_allclose(
            [stored[t][0] for t in expected], list(expected.values()), rtol=1e-12
        )
        total += len(expected)
    assert f"messages with {total:,} values sent" in summary
    account = running.account()
    assert (account["received"], account["stored"], account["duplicate"]) == (total, total, 0)
    # Data sets' own description: 3,269 of co missing, 618 of no2.
    assert "no2 618" in summary and "co 3,269" in summary

    # QĐ 1459/QĐ-TCMT, NowCast: an hour has an index where two of its last three hours have PM2.5 or
    # PM10. Fewer, where quality control held a particle reading that stands still for hours suspect.
    allowed = {
        times[i]
        for i in range(len(rows))
        if any(
            sum(r[pm] != "" for r in rows[max(0, i - 2) : i + 1]) >= 2 for pm in ("pm2.5", "pm10")
        )
    }
    running.wait_until_analysed()
    index = running.stored("valencia-air", "vn_aqi")
    assert index.keys() <= allowed
    assert len(index) > 0.98 * len(allowed)

    # The last year once more: everything is recognised, nothing changes.
    running.replay(path, "valencia_air", "--start", "2023-01-01T00:00:00Z")
    last_year = sum(
        1 for row in rows for column, _ in series.values()
        if row["datetime"] >= "2023-01-01 01" and row[column]
    )  # fmt: skip
    account = running.account()
    assert account["duplicate"] == last_year > 60_000
    assert (account["received"], account["stored"]) == (total + last_year, total)


def test_i94_repeats_are_counted_as_duplicates_and_the_impossible_is_kept_apart(
    running: Running, recordings: Path
) -> None:
    path = recordings / "i94_traffic" / "hourly_traffic_volume.csv"
    rows = rows_of(path)
    # Of an hour that comes twice when the clock is put back, the first.
    times = [ns(datetime.fromisoformat(r["date_time"]).replace(tzinfo=CHICAGO)) for r in rows]
    assert len(rows) - len(set(times)) == 7_629
    series = {
        ("i94-301", "car"): ("traffic_volume", 0.0),
        ("i94-met", "temperature"): ("temp", -273.15),
        ("i94-met", "rain"): ("rain_1h", 0.0),
    }
    expected: dict[tuple[str, str], dict[int, float]] = {s: {} for s in series}
    counts: Counter[tuple[str, str]] = Counter()
    for t, row in zip(times, rows, strict=True):
        for (device, quantity), (column, offset) in series.items():
            value = float(row[column]) + offset
            if (quantity == "temperature" and value < -40) or (quantity == "rain" and value > 200):
                counts[device, "quarantined:impossible_value"] += 1
            elif t in expected[device, quantity]:
                counts[device, "duplicate"] += 1
            else:
                expected[device, quantity][t] = value
                counts[device, "stored"] += 1
    assert counts["i94-301", "duplicate"] == 7_629
    assert counts["i94-met", "quarantined:impossible_value"] == 11  # ten at 0 K, one of 9,831 mm

    running.replay(path, "i94_traffic")
    for (device, quantity), wanted in expected.items():
        stored = running.stored(device, quantity)
        assert stored.keys() == wanted.keys()
        # Where repeated rows differ, the first that came is the one that stays.
        np.testing.assert_allclose(
            [stored[t][0] for t in wanted], list(wanted.values()), rtol=0, atol=1e-9
        )
    for device in ("i94-301", "i94-met"):
        account = running.account(device)
        for outcome in ("stored", "duplicate", "quarantined:impossible_value"):
            assert account[outcome] == counts[device, outcome], (device, outcome)
        quarantined = sum(n for o, n in account.items() if o.startswith("quarantined:"))
        assert account["received"] == account["stored"] + account["duplicate"] + quarantined
    items = running.platform.operations.quarantine(limit=100)
    assert {i.reason for i in items} == {"impossible_value"}
    assert sum(i.seen for i in items) == 11
    # 308 days without a counter stay without values.
    car = sorted(running.stored("i94-301", "car"))
    assert max(b - a for a, b in pairwise(car)) // DAY == 307


def test_nab_speeds_come_in_miles_and_are_kept_in_kilometres(
    running: Running, recordings: Path
) -> None:
    received = 0
    for file, device, quantity, factor in (
        ("occupancy_6005.csv", "nab-6005", "occupancy", 1.0),
        ("speed_6005.csv", "nab-6005", "speed", 1.609344),
        ("speed_7578.csv", "nab-7578", "speed", 1.609344),
        ("occupancy_t4013.csv", "nab-t4013", "occupancy", 1.0),
        ("speed_t4013.csv", "nab-t4013", "speed", 1.609344),
    ):
        path = recordings / "nab_traffic" / file
        expected: dict[int, float] = {}
        rows = rows_of(path)
        for row in rows:
            # Central daylight time, UTC-5, in all of August and September.
            moment = datetime.fromisoformat(row["timestamp"]).replace(tzinfo=UTC)
            expected.setdefault(ns(moment + timedelta(hours=5)), float(row["value"]) * factor)
        running.replay(path, "nab_traffic")
        stored = running.stored(device, quantity)
        assert stored.keys() == expected.keys()
        np.testing.assert_allclose(
            [stored[t][0] for t in expected], list(expected.values()), rtol=1e-9
        )
        received += len(rows)
    account = running.account()
    assert account["received"] == received
    assert account["duplicate"] == 2  # one in each file of detector t4013


def test_los_loop_has_a_device_a_column_and_times_by_the_row(
    running: Running, recordings: Path
) -> None:
    """Four hours of all detectors: miles an hour in the file, kilometres in the store."""
    path = recordings / "los_loop" / "los_speed.csv"
    with path.open(encoding="utf-8") as file:
        header = file.readline().strip().split(",")
        rows = [[float(v) for v in next(file).split(",")] for _ in range(48)]
    out = running.replay(path, "los_loop", "--end", "2012-03-01T12:00:00Z")
    assert f"{48 * len(header):,} messages" in out
    midnight = ns(datetime(2012, 3, 1, 8, tzinfo=UTC))  # of Los Angeles, UTC-8
    for column in (0, 100, 206):
        stored = running.stored(f"los-{header[column]}", "speed")
        assert sorted(stored) == [midnight + i * 300 * 10**9 for i in range(48)]
        np.testing.assert_allclose(
            [stored[t][0] for t in sorted(stored)], [r[column] * 1.609344 for r in rows], rtol=1e-9
        )
    assert running.account()["quarantined:impossible_value"] == 0


def test_several_recordings_on_one_clock_end_now(running: Running, recordings: Path) -> None:
    folder = recordings / "nab_traffic"
    before = SystemClock().now()
    out = running.replay(
        folder / "speed_6005.csv", "nab_traffic", str(folder / "occupancy_6005.csv"),
        str(folder / "speed_7578.csv"), "--shift-to-now",
    )  # fmt: skip
    assert out.count("rows") >= 3
    last = [
        max(running.stored(device, quantity))
        for device, quantity in (
            ("nab-6005", "speed"), ("nab-6005", "occupancy"), ("nab-7578", "speed"),
        )
    ]  # fmt: skip
    assert len(set(last)) == 1
    assert before <= last[0] <= SystemClock().now()


def faded(time: Times, level: Values) -> Mask:
    """QARTOD attenuated signal, of the kind level: within 2 cm over the twelve hours before the value's own."""
    hour = time // HOUR
    first, last = np.searchsorted(hour, hour - 12), np.searchsorted(hour, hour)
    spans = [np.ptp(level[a:b]) if b > a else np.inf for a, b in zip(first, last, strict=True)]
    return np.array(spans) < 0.02


def test_the_gauge_that_is_stuck_and_spikes_is_flagged(running: Running, recordings: Path) -> None:
    path = recordings / "ioos_qc_water_level" / "water_level_example.csv"
    rows = rows_of(path)
    time = np.array([int(r["timestamp"]) for r in rows]) * SECOND
    level = np.array([float(r["sea_surface_height_above_sea_level"]) for r in rows])
    assert np.sum(level == 1.0942) == 3_503

    running.replay(path, "ioos_qc_water_level")
    running.wait_until_analysed()
    stored = running.stored("tide-gauge", "level")
    assert list(stored) == time.tolist()
    flags = np.array([stored[t][1] for t in time.tolist()])
    np.testing.assert_array_equal([stored[t][0] for t in time.tolist()], level)

    # QARTOD flat line, of the kind level: still within 1 mm for 3 h is suspect, for 6 h fails.
    stuck = level == 1.0942
    since = time - time[stuck].min()
    assert np.all(np.diff(np.flatnonzero(stuck)) == 1)
    assert np.all(flags[stuck & (since >= 6 * HOUR)] == 4)
    assert np.all(flags[stuck & (since >= 3 * HOUR)] >= 3)
    assert np.sum(flags[stuck] == 4) > 3_400

    # QARTOD spike, average method: over 0.25 m suspect, over 0.50 m fails.
    height = np.zeros(len(level))
    height[1:-1] = np.abs(level[1:-1] - (level[:-2] + level[2:]) / 2)
    assert np.sum(height > 0.5) > 10
    assert np.all(flags[height > 0.5] == 4)
    assert np.all(flags[height > 0.25 + 1e-9] >= 3)

    # And what is neither is not accused: it moves, by no more than 5 cm a minute, and is no spike.
    step = np.abs(np.diff(level, prepend=level[0]))
    elapsed = np.diff(time, prepend=time[0] - MINUTE) / MINUTE
    innocent = (height <= 0.25) & (step > 0.001) & (step <= 0.05 * elapsed)
    assert np.sum(innocent) > 1_000
    assert np.all(flags[innocent & ~faded(time, level)] == 1)
    assert np.sum(flags[innocent] != 1) < 10
