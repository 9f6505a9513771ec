"""The same platform on InfluxDB: the whole path, killed and started again, on a real influxd."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import urllib3

from tests.brokers import publish_all, wait_until
from tests.platform_process import UpProcess
from tests.services import require
from tests.store.influxd import Influxd, influxd_present

pytestmark = [pytest.mark.influxdb, pytest.mark.timeout(180)]


@pytest.fixture
def influxd(tmp_path: Path) -> Iterator[Influxd]:
    require("influxd", influxd_present())
    server = Influxd(tmp_path / "influxd")
    server.start()
    yield server
    server.stop()


def totals(platform: UpProcess) -> dict[str, int]:
    found: dict[str, int] = platform.get("/api/v1/accounting")["totals"]
    return found


def has_figures(influxd: Influxd) -> bool:
    base = f"http://127.0.0.1:{influxd.http}/query"
    (database,) = [d for d in series(base, "SHOW DATABASES")[0]["values"] if d[0] != "_internal"]
    query = 'SELECT last("disk_used_percent") FROM "board.platform"'
    return bool(series(base, query, database[0]))


def series(base: str, query: str, database: str = "") -> list[dict[str, Any]]:
    answer = urllib3.request("GET", base, fields={"q": query, "db": database})
    found: list[dict[str, Any]] = answer.json()["results"][0].get("series", [])
    return found


def messages(start: int, count: int) -> list[tuple[str, bytes]]:
    return [
        (
            f"city/level/gauge-{n % 5}/telemetry",
            b'{"time": %d, "level": 1.%03d}' % (1_790_000_000 + 60 * n, n % 1000),
        )
        for n in range(start, start + count)
    ]


ASK = (
    "/api/v1/telemetry?device=gauge-0&quantity=level"
    "&start=2026-09-20T00:00:00Z&end=2026-09-30T00:00:00Z"
)


def good_rows(platform: UpProcess) -> int:
    """Stored readings of a gauge that count, each once."""
    rows = platform.get(f"{ASK}&limit=1000")["items"]
    assert len({r["time"] for r in rows}) == len(rows) == 200
    return sum(r["flag"] in (1, 2) for r in rows)


def good_windows(platform: UpProcess) -> int:
    """The same, as windows say it."""
    return sum(w["count"] for w in platform.get(f"{ASK}&every=1d")["items"])


def test_the_whole_path_on_influxdb_survives_a_kill(tmp_path: Path, influxd: Influxd) -> None:
    platform = UpProcess(tmp_path, devices=0, telemetry=influxd.url())
    try:
        platform.start_ready()
        publish_all(platform.mqtt, messages(0, 400))
        wait_until(lambda: totals(platform)["stored"] == 400)
        # The feed of the boards' figures writes a round at the start.
        wait_until(lambda: has_figures(influxd))
        publish_all(platform.mqtt, messages(400, 400))
        platform.kill_all()
        platform.start_ready()
        publish_all(platform.mqtt, messages(700, 300))
        wait_until(lambda: totals(platform)["stored"] == 1_000, 60)
        assert totals(platform)["balanced"] is True
        # Analytics may still correct flags: both answers are of one moment when they agree.
        wait_until(lambda: good_windows(platform) == good_rows(platform), 100)
        assert "Traceback" not in platform.interrupt()
    finally:
        platform.close()


def test_a_server_that_is_away_is_one_clear_line(tmp_path: Path) -> None:
    platform = UpProcess(tmp_path, telemetry="influx1://user:s3cret@127.0.0.1:9/city")
    platform.start()
    printed = platform.output()
    assert platform.process is not None and platform.process.returncode == 2
    assert len(printed.strip().splitlines()) == 1
    assert "127.0.0.1:9" in printed and "s3cret" not in printed
