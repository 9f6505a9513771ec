"""GET /alerts/figures over a real history: what the book wrote is what is counted."""

from __future__ import annotations

import pytest

from analytics.alerts.book import Told
from store.records import AlertState
from telemetry.clock import DAY, HOUR, MINUTE, SECOND, format_time
from tests.api.client import Client
from tests.api.world import NOW, World

FIGURES = "/api/v1/alerts/figures"


def test_what_the_book_wrote_is_counted(own_client: Client, world: World) -> None:
    book = world.context.alerts
    start = NOW + HOUR

    def tell(subject: str, stands: bool, at: int) -> None:
        told = Told(rule="broker_lost", subject=subject, stands=stands, time=at, value=1.0)
        book.tell([told])  # type: ignore[attr-defined]

    for n in range(12):
        tell(f"gateway:gw-{n:02d}", True, start + n * SECOND)
    book.take_out("gateway:gw-99", "Tâm", "thử")
    tell("gateway:gw-99", True, start)
    tell("gateway:gw-00", False, start + 10 * MINUTE)
    end = start + HOUR
    found = own_client.get(f"{FIGURES}?start={format_time(start)}&end={format_time(end)}").json()
    assert (found["count"], found["average"], found["most"]) == (12, 2.0, 12.0)
    assert found["floods"] == [
        {"start": format_time(start), "end": format_time(start + 10 * MINUTE), "count": 12}
    ]
    assert found["standing"] >= 11
    assert (found["to_clear"]["count"], found["to_clear"]["median"]) == (1, 600.0)
    assert found["by_severity"] == {"low": 0.0, "medium": 0.0, "high": 0.0, "critical": 1.0}
    assert found["top"][0]["title"]["en"] == "Broker not reached"
    assert len(found["top"]) == 10
    halved = own_client.get(
        f"{FIGURES}?start={format_time(start)}&end={format_time(end)}&operators=2"
    ).json()
    assert (halved["average"], halved["floods"]) == (1.0, [])
    benchmark = next(b for b in found["benchmarks"] if b["figure"] == "average")
    assert (benchmark["target"], benchmark["manageable"]) == (1.0, 2.0)
    assert "EEMUA 191" in benchmark["source"]


def test_the_last_day_where_nothing_is_said(own_client: Client, world: World) -> None:
    alert = world.context.alerts.acknowledge("alert-1", "Lan")
    assert alert.state is AlertState.ACKNOWLEDGED
    found = own_client.get(FIGURES).json()
    assert (found["start"], found["end"]) == (format_time(NOW - DAY), format_time(NOW))
    assert found["operators"] == 1


@pytest.mark.parametrize(
    ("query", "status", "parameter"),
    [
        ("operators=0", 400, "operators"),
        ("start=2026-11-22T00:00:00", 400, "start"),
        ("start=2020-01-01T00:00:00Z", 413, "start"),
        ("start=2026-11-23T00:00:00Z&end=2026-11-22T00:00:00Z", 400, "start"),
        ("area=1", 400, "area"),
    ],
)
def test_what_is_wrong_is_named(client: Client, query: str, status: int, parameter: str) -> None:
    answer = client.get(f"{FIGURES}?{query}")
    assert (answer.status_code, answer.json()["parameter"]) == (status, parameter)
