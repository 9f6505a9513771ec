"""Devices over HTTP: registered, changed, retired, their history, import with a report per line, export."""

from __future__ import annotations

import base64
from pathlib import Path
from typing import Any

import pytest

from api.access.principal import Role
from api.access.seen import see
from api.access.trail import Done, Trail
from api.register import imported, taken
from commands import broker_files
from commands.credentials import BrokerFolder
from devices.device import Device
from tests.access.people import FOREIGN, OWN, client_for, person
from tests.api.client import Client
from tests.api.world import DEVICES, World

NEW = {"by": "Lan", "id": "lamp-2", "kind": "lamp", "lat": 10.77, "lon": 106.7, "area": "26740"}


def test_a_device_is_registered_and_found(world: World, own_client: Client) -> None:
    made = own_client.post("/api/v1/devices", json=NEW | {"limits": {"rated_power": 100}})
    assert made.status_code == 200
    assert made.json()["area_name"] == "phường Bến Thành"
    assert own_client.get("/api/v1/devices/lamp-2").json()["limits"] == {"rated_power": 100.0}
    assert world.operations.devices()[-1].id == "lamp-2"
    again = own_client.post("/api/v1/devices", json=NEW)
    assert (again.status_code, again.json()["parameter"]) == (409, "id")


def test_one_that_sends_already_is_registered_in_its_place(own_client: Client) -> None:
    own_client.post("/api/v1/devices", json={"by": "Lan", "id": "my-sensor", "kind": "air"})
    assert own_client.get("/api/v1/devices/my-sensor").json()["registered"] is True


def test_a_device_is_changed_and_the_change_kept(own_client: Client) -> None:
    body = {"by": "Tâm", "why": "dời trạm", "lat": 10.8, "lon": 106.73, "tags": ["cầu"]}
    changed = own_client.request("PATCH", "/api/v1/devices/aq-1", json=body).json()
    assert (changed["lat"], changed["name"], changed["tags"]) == (10.8, "Bến Thành", ["cầu"])
    own_client.request(
        "PATCH", "/api/v1/devices/aq-1", json={"by": "Lan", "lat": None, "lon": None}
    )
    assert own_client.get("/api/v1/devices/aq-1").json()["lat"] is None
    first = own_client.get("/api/v1/devices/aq-1/history?limit=1").json()
    assert first["items"][0]["after"] == {"lat": None, "lon": None}
    (older,) = own_client.get(f"/api/v1/devices/aq-1/history?cursor={first['next']}").json()[
        "items"
    ]
    assert older == {
        "device": "aq-1", "time": "2026-11-22T03:00:00Z", "what": "edited", "by": "Tâm", "why": "dời trạm",
        "before": {"lat": 10.772, "lon": 106.698, "tags": []},
        "after": {"lat": 10.8, "lon": 106.73, "tags": ["cầu"]},
    }  # fmt: skip


@pytest.mark.parametrize(
    ("change", "parameter"),
    [({"lat": 100, "lon": 0}, "lat"), ({"lat": 1, "lon": None}, "lat"), ({"area": "0"}, "area"),
     ({"parent": "A B"}, "parent"), ({"limits": {"a": "x"}}, "limits"), ({"kind": "air"}, "kind"),
     ({"name": "x" * 300}, "name"), ({"tags": ["a|b"]}, "tags"), ({"registered": False}, "registered")],
)  # fmt: skip
def test_what_is_wrong_is_named(
    world: World, own_client: Client, change: dict[str, Any], parameter: str
) -> None:
    answer = own_client.request("PATCH", "/api/v1/devices/aq-1", json={"by": "Lan"} | change)
    assert (answer.status_code, answer.json()["parameter"]) == (400, parameter)
    assert world.operations.device_history("aq-1") == []
    missing = own_client.request("PATCH", "/api/v1/devices/absent", json={"by": "Lan"})
    assert missing.status_code == 404


def test_a_retired_device_keeps_its_data_and_asks_nobody_to_act(
    world: World, own_client: Client, tmp_path: Path
) -> None:
    world.context.credentials = folder = BrokerFolder(tmp_path / "mq", world.kinds.code)
    folder.issue("aq-1")
    answer = own_client.post("/api/v1/devices/aq-1/retire", json={"by": "Tâm", "why": "tháo dỡ"})
    assert (answer.status_code, answer.json()["registered"]) == (200, False)
    assert answer.json()["retired"] is True
    assert len(own_client.get("/api/v1/telemetry?device=aq-1").json()["items"]) == 1_000
    assert own_client.get("/api/v1/devices/aq-1").json()["alerts"] == []
    assert [o.subject for o in world.context.alerts.out_of_service()] == ["aq-1"]
    assert folder.remove("aq-1") is False, "its password went with it"
    command = {"by": "Lan", "command": "restart", "device": ["aq-1"]}
    assert own_client.post("/api/v1/commands", json=command).status_code == 400
    back = own_client.post("/api/v1/devices/aq-1/reinstate", json={"by": "Tâm"}).json()
    assert (back["registered"], back["retired"]) == (True, False)
    assert world.context.alerts.out_of_service() == []
    again = own_client.post("/api/v1/devices/aq-1/reinstate", json={"by": "Tâm"})
    assert again.status_code == 400


def send(client: Client, text: str, query: str = "by=Lan") -> Any:
    headers = {"Content-Type": "text/csv"}
    return client.post(f"/api/v1/register?{query}", content=text.encode(), headers=headers)


CSV = """id,kind,name,lat,lon,tags
lamp-2,lamp,Nguyễn Huệ 12,10.774,106.703,trung tâm|cầu
aq-1,,Bến Thành,10.772,106.698,
aq-2,air,Thủ Đức mới,,,
aq-2,air,hai lần,,,
Bad Id,lamp,,,,
tree-9,moon,,,,
gauge-1,air,,,,
tree-8,,,,,
lamp-3,lamp,x,ninety,1,
lamp-4,lamp
my-sensor,air,Nhà tôi,,,
"""


def test_an_import_takes_what_it_can_and_reports_each_line(
    world: World, own_client: Client
) -> None:
    trial = send(own_client, CSV, "by=Lan&dry_run=true").json()
    assert trial["dry_run"] and world.operations.changed_devices() == set()
    report = send(own_client, CSV).json()
    assert report["lines"] == trial["lines"]
    told = {line["line"]: (line["device"], line["outcome"]) for line in report["lines"]}
    assert told == {
        2: ("lamp-2", "registered"), 3: ("aq-1", "unchanged"), 4: ("aq-2", "edited"), 5: ("aq-2", "refused"),
        6: ("Bad Id", "refused"), 7: ("tree-9", "refused"), 8: ("gauge-1", "refused"), 9: ("tree-8", "refused"),
        10: ("", "refused"), 11: ("", "refused"), 12: ("my-sensor", "registered"),
    }  # fmt: skip
    why = {line["line"]: line["error"] for line in report["lines"]}
    for line, words in (
        (5, "earlier line"), (6, "must look like"), (7, "must be one of"), (8, "of kind level"), (9, "must be said"),
        (10, "lat: must be a number"), (11, "must have 6 cells"),
    ):  # fmt: skip
        assert words in why[line], line
    assert (report["registered"], report["edited"], report["unchanged"], report["refused"]) == (
        2,
        1,
        1,
        7,
    )
    assert own_client.get("/api/v1/devices/lamp-2").json()["tags"] == ["trung tâm", "cầu"]
    assert own_client.get("/api/v1/devices/aq-2").json()["lat"] is None
    assert send(own_client, CSV).json()["registered"] == 0


def test_what_is_exported_is_imported_unchanged(world: World, own_client: Client) -> None:
    own_client.post("/api/v1/devices", json=NEW | {"name": "=1+1"})
    answer = own_client.get("/api/v1/register")
    assert answer.headers["content-type"] == "text/csv; charset=utf-8"
    assert "'=1+1" in answer.text
    report = send(own_client, answer.text).json()
    # my-sensor only sent so far: now it is registered.
    assert (report["unchanged"], report["registered"], report["refused"]) == (8, 1, 0)
    air = own_client.get("/api/v1/register?kind=air").text
    assert [line.partition(",")[0] for line in air.splitlines()] == [
        "id",
        "aq-1",
        "aq-2",
        "my-sensor",
    ]


@pytest.mark.parametrize(
    ("body", "headers", "status"),
    [
        (b"id\n\xff", {"Content-Type": "text/csv"}, 400),
        (b"colour\n", {"Content-Type": "text/csv"}, 400),
        (b"{}", {"Content-Type": "application/json"}, 415),
        (b"id", {"Content-Type": "text/csv", "Content-Length": str(2**30)}, 413),
    ],
)
def test_what_is_no_list_of_devices(
    own_client: Client, body: bytes, headers: dict[str, str], status: int
) -> None:
    answer = own_client.post("/api/v1/register?by=Lan", content=body, headers=headers)
    assert answer.status_code == status
    assert own_client.post("/api/v1/devices", content=b"id", headers=headers).status_code in (
        400,
        413,
        415,
    )


def test_a_password_is_shown_once_rotated_and_removed(
    world: World, own_client: Client, tmp_path: Path
) -> None:
    path = "/api/v1/devices/aq-1/credentials"
    nowhere = own_client.post(path, json={"by": "Lan"})
    assert nowhere.status_code == 503 and "URBAN_BROKER_FILES" in nowhere.json()["detail"]
    world.context.credentials = BrokerFolder(tmp_path / "mq", world.kinds.code)
    first = own_client.post(path, json={"by": "Lan"}).json()
    second = own_client.post(path, json={"by": "Lan"}).json()
    assert (first["rotated"], second["rotated"]) == (False, True)
    assert first["password"] != second["password"]
    lines = broker_files.read_passwords(tmp_path / "mq" / "passwords")
    salt = base64.b64decode(lines["aq-1"].split("$")[3])
    assert lines["aq-1"] == broker_files.password_line("aq-1", second["password"], salt)
    assert "pattern write city/air/%u/telemetry" in (tmp_path / "mq" / "acl").read_text()
    told = own_client.get("/api/v1/devices/aq-1/history").text
    assert "credentials_issued" in told and second["password"] not in told
    stranger = own_client.post("/api/v1/devices/my-sensor/credentials", json={"by": "Lan"})
    assert stranger.status_code == 409
    assert own_client.request("DELETE", f"{path}?by=Lan").json()["removed"] is True
    assert own_client.request("DELETE", f"{path}?by=Lan").json()["removed"] is False


def test_a_device_that_is_met_does_not_overwrite_what_people_said(world: World) -> None:
    """Registered while its first message was on its way to the store."""
    world.operations.meet_devices([Device(id="aq-1", kind="air", registered=False)])
    assert next(d for d in world.operations.devices() if d.id == "aq-1").name == "Bến Thành"


ENGINEER = person(Role.ENGINEER, domains={"environment"}, areas={OWN})


def test_who_sees_a_part_of_the_city_changes_that_part(world: World) -> None:
    with client_for(world.context, ENGINEER) as client:
        air = {"id": "aq-9", "kind": "air"}
        assert client.post("/api/v1/devices", json=air | {"area": OWN}).status_code == 200
        assert world.operations.device_history("aq-9")[0].by == ENGINEER.name
        for body in (air | {"id": "aq-8", "area": FOREIGN}, air | {"id": "aq-8"}, NEW | {"by": ""}):
            assert client.post("/api/v1/devices", json=body).status_code == 403, body
        moved = client.request("PATCH", "/api/v1/devices/aq-1", json={"area": FOREIGN})
        assert moved.status_code == 403
        for path in ("aq-2", "gauge-1"):
            answer = client.request("PATCH", f"/api/v1/devices/{path}", json={"name": "x"})
            assert answer.status_code == 404
            assert client.get(f"/api/v1/devices/{path}/history").status_code == 404
        text = (
            f"id,kind,area\naq-7,air,{OWN}\naq-2,air,{OWN}\naq-6,air,{FOREIGN}\nlamp-9,lamp,{OWN}\n"
        )
        headers = {"Content-Type": "text/csv"}
        report = client.post("/api/v1/register", content=text.encode(), headers=headers).json()
        assert [line["outcome"] for line in report["lines"]] == [
            "registered",
            "refused",
            "refused",
            "refused",
        ]
        listed = client.get("/api/v1/register").text.splitlines()
        assert [line.partition(",")[0] for line in listed] == ["id", "aq-1", "aq-9", "aq-7"]
    assert world.catalogue.get("aq-2") == DEVICES[1]


def test_what_is_done_is_noted_for_the_audit_log(world: World) -> None:
    done: list[Done] = []
    trail = Trail(person(Role.ENGINEER), done.append)
    seen = see(world.context, world.context.sight, trail)
    change = seen.register.editing(DEVICES[0], {"name": "Mới"})
    taken(seen, [change], "")
    assert (done[0].act, done[0].about) == ("device.edited", "aq-1")
    assert isinstance(done[0].before, dict) and done[0].before["name"] == "Bến Thành"
    assert isinstance(done[0].after, dict) and done[0].after["name"] == "Mới"
    imported(seen, "id,kind\nx-1,air\nx-2,air\n", "", dry_run=True)
    assert len(done) == 1
    imported(seen, "id,kind\nx-1,air\nx-2,air\n", "", dry_run=False)
    assert done[1].after == {"registered": ["x-1", "x-2"], "edited": []}
