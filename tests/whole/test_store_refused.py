"""Somebody else has written our field with another type: the whole path on a real influxd, and the way out."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import pytest
import urllib3

from telemetry.clock import SECOND
from tests.brokers import publish_all, wait_until
from tests.platform_process import UpProcess
from tests.services import require
from tests.store.influxd import Influxd, influxd_present

pytestmark = [pytest.mark.influxdb, pytest.mark.timeout(120)]
AT = 1_790_000_000
COUNT = 40


@pytest.fixture
def influxd(tmp_path: Path) -> Iterator[Influxd]:
    require("influxd", influxd_present())
    server = Influxd(tmp_path / "influxd")
    server.start()
    yield server
    server.stop()


def message(number: int) -> tuple[str, bytes]:
    body = b'{"time": %d, "pm25": %d.5, "pm10": 7}' % (AT + number // 4, number % 100)
    return f"city/air/aq-{number % 4}/telemetry", body


def totals(platform: UpProcess) -> dict[str, Any]:
    found: dict[str, Any] = platform.get("/api/v1/accounting")["totals"]
    return found


def items(platform: UpProcess) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = platform.get("/api/v1/quarantine?limit=1000")["items"]
    return found


def ask(influxd: Influxd, path: str, body: bytes = b"", **query: str) -> None:
    url = f"http://127.0.0.1:{influxd.http}{path}?{urlencode({'db': 'city', **query})}"
    assert urllib3.request("POST", url, body=body).status in (200, 204)


def test_a_type_conflict_is_quarantine_with_the_message_and_ends_when_it_is_mended(
    tmp_path: Path, influxd: Influxd
) -> None:
    ask(influxd, "/query", q="CREATE DATABASE city")
    ask(influxd, "/write", b"air,device=stranger pm25=1i %d" % (AT * SECOND))
    platform = UpProcess(tmp_path, telemetry=influxd.url("city"), rate_factor=0)
    try:
        platform.start_ready()
        sent = [message(n) for n in range(COUNT)]
        publish_all(platform.mqtt, sent)
        wait_until(lambda: totals(platform)["received"] == 2 * COUNT)
        assert totals(platform)["reasons"] == {"store_refused": COUNT}
        _assert_refused(platform, sent)
        # After a SIGKILL the last batch is written once more, and messages may come once more.
        platform.kill_all()
        platform.start_ready()
        _assert_refused(platform, sent)
        # What the runbook says: the next shard is free of it, and this one when the measurement is gone.
        publish_all(platform.mqtt, [message(4 * 8 * 86_400)])
        wait_until(lambda: totals(platform)["stored"] == COUNT + 2)
        ask(influxd, "/query", q="DROP MEASUREMENT air")
        _resend_all(platform)
        assert totals(platform)["stored"] == 3 * COUNT + 2
        assert totals(platform)["balanced"] is True
        assert items(platform) == []
        assert "Traceback" not in platform.interrupt()
    finally:
        platform.close()


def _assert_refused(platform: UpProcess, sent: list[tuple[str, bytes]]) -> None:
    account = totals(platform)
    assert account["stored"] == COUNT and account["balanced"] is True
    assert set(account["reasons"]) == {"store_refused"}
    found = items(platform)
    kept = [(i["topic"], i["payload"].encode()) for i in found]
    assert sorted(kept) == sorted(sent)
    for item in found:
        assert item["device"] == item["topic"].split("/")[2] and item["path"] == "$.pm25"
        assert "field type conflict" in item["detail"]


def _resend_all(platform: UpProcess) -> None:
    url = f"http://127.0.0.1:{platform.http}/api/v1/quarantine/resend?reason=store_refused"
    answer = urllib3.request(
        "POST", url, json={"by": "test"}, headers={"Content-Type": "application/json"}
    )
    assert answer.status == 200, answer.data
