"""Kinds, devices, map, alerts, quarantine, accounting and health: what they answer."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import msgspec
import pytest

from api.app import create_app
from api.quarantine_schemas import QuarantineInfo
from api.schemas import (
    Accounting,
    AlertDetail,
    AlertInfo,
    DeviceDetail,
    DeviceInfo,
    KindInfo,
    Readiness,
)
from store.records import AlertState, QualityFailure
from telemetry.clock import HOUR
from telemetry.ledger import OUTCOME_CODE, Ledger
from telemetry.readings import Readings
from tests.api.client import Client
from tests.api.world import NOW, World, alert


@pytest.mark.parametrize(
    ("path", "shape"),
    [
        ("kinds", KindInfo),
        ("devices", DeviceInfo),
        ("alerts", AlertInfo),
        ("quarantine", QuarantineInfo),
    ],
)
def test_lists_have_the_shape_that_openapi_tells(
    client: Client, path: str, shape: type[msgspec.Struct]
) -> None:
    body = client.get(f"/api/v1/{path}").json()
    assert set(body) == {"items", "next"}
    found = msgspec.convert(body["items"], type=list[shape], strict=True)  # type: ignore[valid-type]
    assert found
    assert msgspec.json.decode(msgspec.json.encode(found)) == body["items"]


@pytest.mark.parametrize(
    ("path", "shape"),
    [
        ("devices/aq-1", DeviceDetail),
        ("alerts/alert-1", AlertDetail),
        ("quarantine/q-text", QuarantineInfo),
        ("accounting", Accounting),
    ],
)
def test_single_answers_have_the_shape_too(
    client: Client, path: str, shape: type[msgspec.Struct]
) -> None:
    body = client.get(f"/api/v1/{path}").json()
    assert msgspec.to_builtins(msgspec.convert(body, type=shape, strict=True)) == body


def test_every_kind_is_told_whole(client: Client, shared_world: World) -> None:
    found = {k["name"]: k for k in client.get("/api/v1/kinds").json()["items"]}
    assert list(found) == [k.name for k in shared_world.kinds]
    for kind in shared_world.kinds:
        assert {q["name"] for q in found[kind.name]["quantities"]} == {
            q.name for q in kind.quantities
        }
        assert {r["code"] for r in found[kind.name]["rules"]} == {r.code for r in kind.rules}
    assert found["air"]["devices"] == 3
    ph = next(q for q in found["water"]["quantities"] if q["name"] == "ph")
    assert ph["possible"] == [0, 14]
    assert ph["unit"] == "[pH]"


def test_the_state_of_each_device(client: Client) -> None:
    found = {
        d["id"]: (d["state"], d["online"]) for d in client.get("/api/v1/devices").json()["items"]
    }
    assert found == {
        "aq-1": ("high", True),
        "aq-2": ("ok", True),
        "gauge-1": ("medium", True),
        "wx-1": ("ok", True),
        "lamp-1": ("ok", True),
        "tree-1": ("offline", False),
        "noise-1": ("silent", False),
        "my-sensor": ("silent", False),
    }


def test_silence_past_the_time_out_is_offline(own_client: Client, world: World) -> None:
    world.clock.advance(HOUR)
    found = {d["id"]: d["state"] for d in own_client.get("/api/v1/devices").json()["items"]}
    assert found["aq-2"] == "offline"
    assert found["aq-1"] == "high"  # an alert weighs more


def test_one_device(client: Client) -> None:
    found = client.get("/api/v1/devices/gauge-1").json()
    assert found["area_name"] == "phường Bến Thành"
    assert found["limits"] == {"bd1": 1.4, "bd2": 1.5, "bd3": 1.6}
    assert {r["quantity"]: r["value"] for r in found["latest"]} == {
        "flood_stage": 1.0,
        "level": pytest.approx(1.66),
    }
    assert [a["rule"] for a in found["alerts"]] == ["flood_bd1"]


def test_a_device_without_data_or_place(client: Client) -> None:
    found = client.get("/api/v1/devices/my-sensor").json()
    assert (found["latest"], found["alerts"], found["lat"]) == ([], [], None)
    assert found["registered"] is False


def test_the_map(client: Client) -> None:
    answer = client.get("/api/v1/map")
    assert answer.headers["content-type"] == "application/geo+json"
    body = answer.json()
    assert body["unplaced"] == 1
    assert len(body["features"]) == 7
    gauge = next(f for f in body["features"] if f["id"] == "gauge-1")
    assert gauge["geometry"] == {"type": "Point", "coordinates": [106.707, 10.776]}
    shown = {k: gauge["properties"][k] for k in ("state", "quantity", "unit", "alerts")}
    assert shown == {"state": "medium", "quantity": "level", "unit": "m", "alerts": 1}
    inside = client.get("/api/v1/map?bbox=106.64,10.81,106.66,10.83").json()["features"]
    assert [f["id"] for f in inside] == ["wx-1"]


def test_alert_filters(client: Client) -> None:
    def ids(query: str) -> list[str]:
        return [a["id"] for a in client.get(f"/api/v1/alerts?{query}").json()["items"]]

    assert ids("") == ["alert-1", "alert-2", "alert-3", "alert-4"]
    assert ids("state=cleared") == ["alert-4"]
    assert ids("severity=high") == ["alert-1"]
    assert ids("severity=medium&severity=high&state=unacknowledged") == [
        "alert-1",
        "alert-2",
        "alert-3",
    ]
    assert ids("kind=level") == ["alert-2"]
    assert ids("area=26824") == ["alert-4"]
    assert ids("rule=device_offline") == ["alert-3"]
    assert ids("start=2026-11-22T02:40:00Z") == ["alert-1", "alert-2"]
    assert ids("end=2026-11-22T02:40:00Z") == ["alert-3", "alert-4"]


@pytest.mark.parametrize(
    ("query", "parameter"),
    [
        ("state=open", "state"),
        ("severity=5", "severity"),
        ("rule=x", "rule"),
        ("limit=1001", "limit"),
    ],
)
def test_alert_filters_that_are_wrong(client: Client, query: str, parameter: str) -> None:
    answer = client.get(f"/api/v1/alerts?{query}")
    assert answer.status_code == 400
    assert answer.json()["parameter"] == parameter


def test_a_severity_is_found_behind_many_others(own_client: Client, world: World) -> None:
    many = [
        alert(n, "aq-2", "air", "air_pm25_surge", "pm25", state=AlertState.CLEARED)
        for n in range(10, 1_300)
    ]
    rare = alert(2_000, "aq-2", "air", "air_very_unhealthy", "vn_aqi", severity=4)
    world.operations.save_alerts([*many, rare], [])
    body = own_client.get("/api/v1/alerts?severity=critical&limit=1").json()
    assert [a["id"] for a in body["items"]] == ["alert-2000"]
    assert body["next"] is None


def test_acknowledging(own_client: Client) -> None:
    path = "/api/v1/alerts/alert-1/ack"
    answer = own_client.post(path, json={"by": "  Nguyễn Văn An "})
    assert answer.status_code == 200
    taken = answer.json()
    assert (taken["state"], taken["acknowledged_by"]) == ("acknowledged", "Nguyễn Văn An")
    assert taken["acknowledged"] == "2026-11-22T03:00:00Z"
    history = own_client.get("/api/v1/alerts/alert-1").json()["history"]
    assert [(e["what"], e["by"]) for e in history] == [
        ("raised", ""),
        ("acknowledged", "Nguyễn Văn An"),
    ]
    again = own_client.post(path, json={"by": "Lan"})
    assert (again.status_code, again.json()["acknowledged_by"]) == (200, "Nguyễn Văn An")
    assert own_client.post("/api/v1/alerts/ghost/ack", json={"by": "An"}).status_code == 404


@pytest.mark.parametrize(
    "body", [{}, {"by": ""}, {"by": "   "}, {"by": 5}, {"by": "a\nb"}, {"by": "x" * 81}, {"by": "An", "x": 1}, []]
)  # fmt: skip
def test_acknowledging_needs_a_name(client: Client, body: Any) -> None:
    answer = client.post("/api/v1/alerts/alert-1/ack", json=body)
    assert answer.status_code == 400
    assert answer.json()["parameter"] in ("by", "x", "body")


def test_quarantine_shows_bytes_as_they_are(client: Client) -> None:
    text = client.get("/api/v1/quarantine/q-text").json()
    assert (text["encoding"], text["payload"]) == ("utf-8", '{"pm25": "n/a"}')
    raw = client.get("/api/v1/quarantine/q-bytes").json()
    assert (raw["encoding"], raw["payload"], raw["bytes"]) == ("base64", "//4A", 3)
    by_reason = client.get("/api/v1/quarantine?reason=not_utf8&device=ghost").json()["items"]
    assert [i["id"] for i in by_reason] == ["q-bytes"]
    assert client.get("/api/v1/quarantine?device=nobody").json()["items"] == []
    counts = client.get("/api/v1/quarantine/counts").json()
    assert counts == {"total": 2, "reasons": {"not_a_number": 1, "not_utf8": 1}}


def test_a_long_payload_is_cut_in_lists_between_characters() -> None:
    from api.routes.quarantine import encode_item
    from store.records import QuarantineItem

    payload = "ấ".encode() * 1_000
    item = QuarantineItem(id="x", received=NOW, topic="t", payload=payload, reason="empty")
    for length in range(10, 20):
        cut = encode_item(item, length)
        assert cut.encoding == "utf-8"
        assert cut.bytes == 3_000
        assert cut.payload == "ấ" * (length // 3)
    assert encode_item(item).payload == "ấ" * 1_000


def test_the_account_adds_up(client: Client) -> None:
    body = client.get("/api/v1/accounting").json()
    totals = body["totals"]
    assert (
        totals["received"] == 125 == totals["stored"] + totals["duplicate"] + totals["quarantined"]
    )
    assert totals["balanced"] is True
    assert totals["reasons"] == {"not_a_number": 2, "not_json": 1}
    assert [line["hour"] for line in body["items"]] == [
        "2026-11-22T01:00:00Z",
        "2026-11-22T02:00:00Z",
    ]
    kinds = {
        line["kind"]: line["received"]
        for line in client.get("/api/v1/accounting?by=kind").json()["items"]
    }
    assert kinds == {"air": 100, "level": 24, "": 1}
    one = client.get("/api/v1/accounting?device=gauge-1").json()["totals"]
    assert (one["received"], one["stored"]) == (24, 24)


def test_an_account_that_does_not_add_up_says_so(own_client: Client, world: World) -> None:
    lost = (NOW - HOUR, world.code("aq-1"), OUTCOME_CODE["received"], 1)
    world.telemetry.append(Readings.empty(), Ledger.of([lost]))
    body = own_client.get("/api/v1/accounting").json()
    assert body["totals"]["balanced"] is False
    assert [line["balanced"] for line in body["items"]] == [True, False]


def test_health(client: Client) -> None:
    assert client.get("/healthz").json() == {"status": "ok"}
    ready = client.get("/readyz")
    assert ready.status_code == 200
    assert msgspec.convert(ready.json(), type=Readiness).ready
    metrics = client.get("/metrics")
    assert metrics.headers["content-type"].startswith("text/plain")
    assert "urban_messages_total" in metrics.text


def test_not_ready_says_what_is_missing(world: World) -> None:
    def broken() -> str:
        raise OSError("gone")

    world.context.checks = {"broker": lambda: "not connected", "store": lambda: "", "spool": broken}
    world.context.progress = lambda: (3, 10)
    with Client(create_app(world.context, console=False)) as client:
        answer = client.get("/readyz")
    assert answer.status_code == 503
    body = answer.json()
    assert body["detail"] == "broker: not connected; spool: OSError: gone"
    assert body["checks"] == {"broker": "not connected", "store": "", "spool": "OSError: gone"}
    assert body["history"] == [3, 10]


def test_why_readings_of_a_device_are_flagged(own_client: Client, world: World) -> None:
    failures = [
        QualityFailure("aq-1", NOW - 2 * HOUR, "pm25", test, count, flag)
        for test, count, flag in (("range", 1, 3), ("spike", 7, 4))
    ]
    world.operations.put_quality([*failures, replace(failures[0], hour=NOW - 30 * HOUR)])
    first = own_client.get("/api/v1/devices/aq-1/quality?limit=1").json()
    assert first["items"] == [
        {
            "hour": "2026-11-22T01:00:00Z",
            "quantity": "pm25",
            "test": "range",
            "count": 1,
            "worst": 3,
        }
    ]
    rest = own_client.get(f"/api/v1/devices/aq-1/quality?limit=1&cursor={first['next']}").json()
    assert [(i["test"], i["count"]) for i in rest["items"]] == [("spike", 7)]
    assert rest["next"] is None
    assert own_client.get("/api/v1/devices/aq-2/quality").json() == {"items": [], "next": None}
    assert own_client.get("/api/v1/devices/nobody/quality").status_code == 404


def test_an_alert_lists_what_is_held_back_under_it(world: World, own_client: Client) -> None:
    cause = world.context.operations.alert("alert-1")
    assert cause is not None
    held = [
        cause.but(
            id=f"held-{n}", family="device_offline", rule="device_offline", subject=f"aq-9{n}",
            cause="alert-1", state=AlertState.SUPPRESSED, raised=cause.raised + n,
        )
        for n in range(3)
    ]  # fmt: skip
    world.context.operations.save_alerts(held, [])
    children = own_client.get("/api/v1/alerts/alert-1").json()["children"]
    assert [c["id"] for c in children] == ["held-2", "held-1", "held-0"]
    assert {c["cause"] for c in children} == {"alert-1"}
    listed = own_client.get("/api/v1/alerts?cause=alert-1&limit=2").json()
    assert [a["id"] for a in listed["items"]] == ["held-2", "held-1"]
    assert listed["next"]
    assert own_client.get("/api/v1/alerts?cause=ghost").json()["items"] == []
    assert own_client.get("/api/v1/alerts/held-0").json()["children"] == []
