"""The same platform with its operations store on PostgreSQL: the server and the platform killed in turn."""

from __future__ import annotations

import json
import time
import urllib.request
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.brokers import publish_all, wait_until
from tests.platform_process import UpProcess
from tests.services import require
from tests.store.postgres import PASSWORD, QUOTED, Postgres, postgres_present

pytestmark = [pytest.mark.postgresql, pytest.mark.timeout(180)]

BINS = 5
BEGUN = int(time.time()) // 60 * 60 - 3_600


@pytest.fixture
def server() -> Iterator[Postgres]:
    require("postgresql", postgres_present())
    made = Postgres(fsync="on", full_page_writes="on")
    try:
        made.start()
        yield made
    finally:
        made.close()


def messages(start: int, count: int, fire: str = "") -> list[tuple[str, bytes]]:
    """Fill levels of five bins, every tenth message no JSON; then `fire`'s container is on fire."""
    found = []
    for n in range(start, start + count):
        topic = f"city/waste/bin-{n % BINS}/telemetry"
        good = b'{"time": %d, "fill": %d}' % (BEGUN + n, n % 40)
        found.append((topic, b"no JSON %d" % n if n % 10 == 0 else good))
    if fire:
        body = b'{"time": %d, "temperature": 80}' % (BEGUN + start + count)
        found.append((f"city/waste/{fire}/telemetry", body))
    return found


def totals(platform: UpProcess) -> dict[str, int]:
    found: dict[str, int] = platform.get("/api/v1/accounting")["totals"]
    return found


def fires(platform: UpProcess) -> dict[str, dict[str, Any]]:
    """Alerts of fire, by container; two of one container would be seen."""
    found = platform.get("/api/v1/alerts?rule=waste_fire&limit=1000")["items"]
    assert len({a["subject"] for a in found}) == len(found)
    return {a["subject"]: a for a in found}


def acknowledge(platform: UpProcess, alert_id: str) -> None:
    request = urllib.request.Request(
        f"http://127.0.0.1:{platform.http}/api/v1/alerts/{alert_id}/ack",
        json.dumps({"by": "Lan"}).encode(),
        {"content-type": "application/json"},
    )
    with urllib.request.urlopen(request, timeout=10) as answer:
        assert answer.status == 200


def away(platform: UpProcess) -> bool:
    """The API says that the operations store does not answer."""
    try:
        platform.get("/api/v1/quarantine/counts")
    except urllib.error.HTTPError as error:
        with error:
            return error.code == 503
    return False


def test_nothing_is_lost_and_nothing_told_twice_whoever_is_killed(
    tmp_path: Path, server: Postgres
) -> None:
    platform = UpProcess(tmp_path, rate_factor=0, operations=server.database())
    try:
        platform.start_ready()
        publish_all(platform.mqtt, messages(0, 200, fire="bin-1"))
        wait_until(lambda: "bin-1" in fires(platform), 20)
        acknowledge(platform, fires(platform)["bin-1"]["id"])

        server.stop(kill=True)
        publish_all(platform.mqtt, messages(200, 200, fire="bin-2"))
        wait_until(lambda: away(platform), 30)
        server.start()
        wait_until(lambda: "bin-2" in fires(platform), 40)
        assert fires(platform)["bin-1"]["state"] == "acknowledged"

        publish_all(platform.mqtt, messages(400, 200, fire="bin-3"))
        platform.kill_all()
        server.stop(kill=True)
        server.start()
        platform.start_ready()
        publish_all(platform.mqtt, messages(500, 200))
        wait_until(lambda: totals(platform)["stored"] == 630 + 3, 60)
        wait_until(lambda: "bin-3" in fires(platform), 30)

        account = totals(platform)
        assert account["balanced"] is True
        found = fires(platform)
        assert {n: a["state"] for n, a in found.items()} == {
            "bin-1": "acknowledged", "bin-2": "unacknowledged", "bin-3": "unacknowledged",
        }  # fmt: skip
        assert found["bin-1"]["acknowledged_by"] == "Lan"
        lines = Counter(
            (row[0], row[1])
            for row in server.run(
                "select alert, what from alert_events where what in ('raised', 'acknowledged')",
                platform.env["URBAN_OPERATIONS"].rpartition("/")[2],
            )
        )
        assert set(lines.values()) == {1} and len(lines) >= 4
        kept = platform.get("/api/v1/quarantine?limit=1000")["items"]
        assert len(kept) == 70, "each message that is no JSON, once"
        printed = platform.interrupt()
        log = (tmp_path / "data" / "urban.log").read_text()
        for secret in (PASSWORD, QUOTED):
            assert secret not in printed + log
        assert "Traceback" not in printed
    finally:
        platform.close()


def test_a_server_that_is_away_at_the_start_is_one_clear_line(tmp_path: Path) -> None:
    platform = UpProcess(tmp_path, operations="postgresql://city:s3cret@127.0.0.1:9/city")
    platform.start()
    printed = platform.output()
    assert platform.process is not None and platform.process.returncode == 2
    assert len(printed.strip().splitlines()) == 1
    assert "127.0.0.1:9" in printed and "s3cret" not in printed
