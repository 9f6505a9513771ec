"""A device gone mad, before the whole platform: it is refused, named and let in again, and nobody else notices."""

from __future__ import annotations

import multiprocessing
import time
import urllib.error
from collections.abc import Iterator
from multiprocessing.synchronize import Event
from pathlib import Path
from typing import Any

import pytest

from tests.brokers import Publisher, wait_until
from tests.chaos.live import Live
from tests.platform_process import UpProcess

RATE = 1_000  # messages a second of a kind that reports every minute; all others together send a hundred
CALM_S = 3.0
# Publish → on the live stream, of the others, with the mad device beside them and without it. On two cores
# that the publishers, the broker and others' work share, a tenth of a second is no difference.
RATIO, NOISE_S = 3.0, 0.3
_FORKS = multiprocessing.get_context("forkserver")


@pytest.fixture
def platform(tmp_path: Path) -> Iterator[UpProcess]:
    made = UpProcess(tmp_path, rate_calm_s=CALM_S)
    made.start_ready()
    yield made
    made.close()


def go_mad(port: int, stop: Event, sent: Any) -> None:
    """In a process of its own: the same device again and again, without times, until told to stop."""
    publisher = Publisher(port, "mad")
    number = 0
    while not stop.wait(0.01):
        for _ in range(RATE // 100):
            body = b'{"seq": %d, "pm25": %d.%06d}' % (number, 1 + number % 300, number)
            publisher.send(number, "city/air/mad/telemetry", body)
            number += 1
    publisher.wait_all()
    publisher.close()
    sent.value = number


def alerts(platform: UpProcess) -> dict[str, dict[str, Any]]:
    """Device → its alert of being limited, whether it stands or has returned."""
    items = platform.get("/api/v1/alerts?rule=rate_limited")["items"]
    assert len({i["device"] for i in items}) == len(items), "one device, one alert"
    return {i["device"]: i for i in items}


def account(platform: UpProcess, device: str) -> dict[str, Any]:
    """The account of one device; empty while it is not known."""
    try:
        found: dict[str, Any] = platform.get(f"/api/v1/accounting?device={device}")["totals"]
    except urllib.error.HTTPError as error:
        error.close()
        return {}
    return found


@pytest.mark.timeout(200)
def test_it_is_refused_and_named_and_the_others_keep_their_latency(platform: UpProcess) -> None:
    live = Live(platform)
    wait_until(lambda: len(live.seen) > 100)
    calm = time.monotonic()
    wait_until(lambda: len(live.seen) > 800)  # the measure of an undisturbed platform
    begun = time.monotonic()
    stop, sent = _FORKS.Event(), _FORKS.Value("q", 0)
    mad = _FORKS.Process(target=go_mad, args=(platform.mqtt, stop, sent), daemon=True)
    mad.start()
    wait_until(lambda: "mad" in alerts(platform), 30)
    raised = alerts(platform)["mad"]
    assert (raised["quantity"], raised["severity"], raised["cleared"]) == (
        "refused_share",
        "medium",
        None,
    )
    assert raised["title"]["vi"] == "Thiết bị gửi quá dày, bị hạn chế"
    assert 0 < raised["value"] <= 100
    wait_until(lambda: account(platform, "mad")["messages"] > 8 * RATE, 60)
    stop.set()
    mad.join(60)
    assert mad.exitcode == 0
    ended = time.monotonic()
    wait_until(lambda: account(platform, "mad")["messages"] == sent.value, 60)
    wait_until(lambda: alerts(platform)["mad"]["cleared"] is not None, 30)
    live.stop()
    before, during = live.p99(calm, begun), live.p99(begun, ended)
    share = platform.get("/api/v1/latest?device=mad&quantity=refused_share")["items"][0]["value"]
    totals = account(platform, "mad")
    print(f"p99 {before:.3f} s before, {during:.3f} s with {totals}")

    assert set(alerts(platform)) == {"mad"}
    assert share == 0
    assert totals["balanced"] and set(totals["reasons"]) == {"rate_limited"}
    assert totals["messages"] == totals["received"] == sent.value
    # An hour of its rate times ten at once, and as many of the hour that it spoke of.
    assert totals["stored"] + totals["duplicate"] <= 1_200 + 60
    assert totals["gap"] == 0, "what was refused did arrive"
    everybody = platform.get("/api/v1/accounting")["totals"]
    assert everybody["quarantined"] == totals["quarantined"]
    assert everybody["stored"] == totals["stored"] + len(live.sent)
    assert during < max(RATIO * before, before + NOISE_S), f"{before:.3f} s → {during:.3f} s"
