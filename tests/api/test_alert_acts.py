"""POST /alerts/{id}/…: what people do with alerts, what is refused and how, and the filters that find them."""

from __future__ import annotations

from typing import Any

import pytest

from store.records import AlertState
from telemetry.clock import DAY, HOUR, MINUTE, format_time
from tests.api.client import Client
from tests.api.world import NOW, World, alert

A1 = "/api/v1/alerts/alert-1"


def post(
    client: Client, act: str, status: int = 200, path: str = A1, **body: Any
) -> dict[str, Any]:
    answer = client.post(f"{path}/{act}", json={"by": "Lan"} | body)
    assert answer.status_code == status, answer.text
    found: dict[str, Any] = answer.json()
    return found


def history(client: Client, path: str = A1) -> list[tuple[str, str, str, str]]:
    lines = client.get(path).json()["history"]
    return [(e["what"], e["by"], e["text"], e["state"]) for e in lines][1:]


@pytest.mark.parametrize(
    "until",
    [{"duration": "8h"}, {"until": format_time(NOW + 8 * HOUR)}],
    ids=["duration", "until"],
)
def test_an_alert_is_shelved_and_taken_off(own_client: Client, until: dict[str, Any]) -> None:
    found = post(own_client, "shelve", why="đang sửa", **until)
    assert (found["state"], found["shelved_until"]) == ("shelved", format_time(NOW + 8 * HOUR))
    assert (found["shelved_by"], found["shelved_why"]) == ("Lan", "đang sửa")
    assert post(own_client, "unshelve")["state"] == "unacknowledged"
    assert [h[0] for h in history(own_client)] == ["shelved", "unshelved"]


def test_assigning_and_commenting_are_in_the_history(own_client: Client) -> None:
    assert post(own_client, "assign", to="Tổ môi trường")["assigned"] == "Tổ môi trường"
    post(own_client, "comment", text="đã gọi")
    assert history(own_client) == [
        ("assigned", "Lan", "Tổ môi trường", "unacknowledged"),
        ("commented", "Lan", "đã gọi", "unacknowledged"),
    ]
    items = own_client.get("/api/v1/alerts?assigned=Tổ môi trường").json()["items"]
    assert [a["id"] for a in items] == ["alert-1"]
    assert post(own_client, "assign", to="")["assigned"] == ""
    assert own_client.get("/api/v1/alerts?assigned=Tổ môi trường").json()["items"] == []


def test_only_what_returned_is_closed(own_client: Client, world: World) -> None:
    problem = post(own_client, "clear", 409)
    assert (problem["title"], problem["parameter"]) == ("Not in this state", "state")
    assert "acknowledge or shelve it instead" in problem["detail"]
    over = alert(
        50, "aq-2", "air", "air_pm25_surge", "pm25",
        state=AlertState.RETURNED, active=False, cleared=NOW - MINUTE,
    )  # fmt: skip
    world.operations.save_alerts([over], [])
    found = post(own_client, "clear", path="/api/v1/alerts/alert-50", why="đã xem")
    assert (found["state"], found["acknowledged_by"]) == ("cleared", "Lan")


def test_a_stale_alert_may_be_closed(own_client: Client, world: World) -> None:
    old = alert(
        51, "aq-2", "air", "air_pm25_surge", "pm25", raised=NOW - 3 * DAY, updated=NOW - DAY
    )
    world.operations.save_alerts([old], [])
    assert post(own_client, "clear", path="/api/v1/alerts/alert-51")["state"] == "cleared"


@pytest.mark.parametrize("scope", ["alert", "device"])
def test_out_of_service_until_put_back(own_client: Client, scope: str) -> None:
    found = post(own_client, "out-of-service", why="thay đầu đo", scope=scope)
    assert found["state"] == "out_of_service"
    (item,) = own_client.get("/api/v1/alerts/out-of-service").json()["items"]
    assert (item["device"], item["by"], item["why"]) == ("aq-1", "Lan", "thay đầu đo")
    assert item["rule"] == ("air_unhealthy" if scope == "alert" else "")
    listed = own_client.get("/api/v1/alerts?state=out_of_service").json()["items"]
    assert [a["id"] for a in listed] == ["alert-1"]
    assert post(own_client, "return-to-service", scope=scope)["state"] == "unacknowledged"
    assert own_client.get("/api/v1/alerts/out-of-service").json()["items"] == []


@pytest.mark.parametrize(
    ("act", "body", "parameter"),
    [
        ("shelve", {}, "until"),
        ("shelve", {"duration": "8h", "until": format_time(NOW + HOUR)}, "until"),
        ("shelve", {"duration": "8 hours"}, "duration"),
        ("shelve", {"duration": "8d"}, "until"),
        ("shelve", {"until": format_time(NOW - HOUR)}, "until"),
        ("shelve", {"until": "2026-11-22T10:00:00"}, "until"),
        ("shelve", {"duration": "1h", "why": "x" * 501}, "why"),
        ("assign", {}, "to"),
        ("assign", {"to": "a\nb"}, "to"),
        ("comment", {"text": " "}, "text"),
        ("comment", {"text": "x", "by": ""}, "by"),
        ("out-of-service", {}, "why"),
        ("out-of-service", {"why": "x", "scope": "city"}, "scope"),
        ("unshelve", {"until": "x"}, "until"),
        ("return-to-service", {"scope": 1}, "scope"),
    ],
)  # fmt: skip
def test_what_is_wrong_is_named(
    client: Client, act: str, body: dict[str, Any], parameter: str
) -> None:
    problem = post(client, act, 400, **body)
    assert problem["parameter"] == parameter
    assert client.get(A1).json()["state"] == "unacknowledged"


@pytest.mark.parametrize(
    ("act", "body"),
    [
        ("clear", {}), ("shelve", {"duration": "1h"}), ("unshelve", {}), ("assign", {"to": "x"}),
        ("comment", {"text": "x"}), ("out-of-service", {"why": "x"}), ("return-to-service", {}),
    ],
)  # fmt: skip
def test_an_alert_that_is_not_there_is_named(
    client: Client, act: str, body: dict[str, Any]
) -> None:
    problem = post(client, act, 404, path="/api/v1/alerts/ghost", **body)
    assert problem["parameter"] == "alert_id"


def test_alerts_are_found_by_domain_and_area(own_client: Client, world: World) -> None:
    area = alert(60, "area:26824", "", "broker_lost", "", level=float("nan"))
    platform = alert(61, "platform:broker", "", "broker_lost", "", value=float("nan"))
    world.operations.save_alerts([area, platform], [])

    def ids(query: str) -> set[str]:
        return {a["id"] for a in own_client.get(f"/api/v1/alerts?{query}").json()["items"]}

    assert ids("domain=flood") == {"alert-2"}
    assert ids("domain=platform") == {"alert-60", "alert-61"}
    assert "alert-60" in ids("area=26824")
    found = own_client.get("/api/v1/alerts/alert-61").json()
    assert (found["subject"], found["device"], found["value"]) == ("platform:broker", "", None)
    assert (found["domain"], found["runbook"]) == ("platform", "broker_lost")
    answer = own_client.get("/api/v1/alerts?domain=moon")
    assert (answer.status_code, answer.json()["parameter"]) == (400, "domain")


def test_a_device_is_out_of_service_before_it_has_an_alert(own_client: Client) -> None:
    device = "/api/v1/devices/aq-2"
    (item,) = post(own_client, "out-of-service", path=device, why="bảo trì")["items"]
    assert (item["device"], item["rule"], item["why"]) == ("aq-2", "", "bảo trì")
    both = post(own_client, "out-of-service?rule=air_unhealthy", path=device, why="thử")["items"]
    assert {o["rule"] for o in both} == {"", "air_unhealthy"}
    left = post(own_client, "return-to-service", path=device)["items"]
    assert [o["rule"] for o in left] == ["air_unhealthy"]
    assert post(own_client, "return-to-service?rule=air_unhealthy", path=device)["items"] == []
    post(own_client, "out-of-service", 404, path="/api/v1/devices/ghost", why="x")
    wrong = post(own_client, "out-of-service?rule=x", 400, path=device, why="x")
    assert wrong["parameter"] == "rule"
