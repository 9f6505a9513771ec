"""The live stream over a real socket: filters, resuming without loss, heartbeats, cutting the slow, leaving."""

from __future__ import annotations

import json
import socket
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import httpx
import pytest

import api.sse
from api.app import create_app
from telemetry.clock import MINUTE
from telemetry.readings import Readings
from tests.api.world import NOW, World, alert
from tests.browser.server import Server

Frame = dict[str, str]


@pytest.fixture
def server(world: World) -> Iterator[Server]:
    with Server(create_app(world.context, console=False)) as made:
        yield made


class Reader:
    """Reads frames of an open stream."""

    def __init__(self, answer: httpx.Response) -> None:
        self.lines = answer.iter_lines()
        self.welcome = self.frame()

    def frame(self) -> Frame:
        """The next frame: its fields; comments under ""."""
        found: Frame = {}
        for line in self.lines:
            if not line:
                return found
            name, _, value = line.partition(":")
            found[name] = value.removeprefix(" ")
        raise AssertionError("the stream has ended")

    def event(self) -> tuple[str, Any, str]:
        """The next event: type, data, id."""
        while True:
            found = self.frame()
            if "data" in found:
                return found["event"], json.loads(found["data"]), found.get("id", "")


@contextmanager
def listen(server: Server, query: str = "", last: str = "") -> Iterator[Reader]:
    headers = {"Last-Event-ID": last} if last else {}
    with httpx.stream(
        "GET", f"{server.url}/api/v1/stream{query}", headers=headers, timeout=10
    ) as answer:
        assert answer.status_code == 200
        assert answer.headers["content-type"].startswith("text/event-stream")
        yield Reader(answer)


def until(holds: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 10
    while not holds():
        assert time.monotonic() < deadline, "it did not come to hold"
        time.sleep(0.01)


def clients(world: World) -> int:
    return world.hub.clients()  # the gauge is the process's, and other hubs set it too


def publish(world: World, device: str, quantity: str, value: float) -> None:
    world.hub.publish("readings", world.readings(device, quantity, [NOW], [value]))


def test_readings_and_alerts_arrive(world: World, server: Server) -> None:
    with listen(server) as stream:
        publish(world, "aq-1", "pm25", 41.5)
        world.hub.publish("alert", alert(1, "aq-1", "air", "air_unhealthy", "vn_aqi"))
        what, data, _ = stream.event()
        assert what == "readings"
        assert data["items"] == [
            {
                "device": "aq-1",
                "kind": "air",
                "quantity": "pm25",
                "value": 41.5,
                "unit": "ug/m3",
                "flag": 1,
                "time": "2026-11-22T03:00:00Z",
            }
        ]
        what, data, _ = stream.event()
        assert (what, data["rule"], data["device"]) == ("alert", "air_unhealthy", "aq-1")


@pytest.mark.parametrize(
    ("query", "heard"),
    [
        ("?device=gauge-1", ["level"]),
        ("?kind=level", ["level"]),
        ("?quantity=level", ["level"]),
        ("?area=26824", ["pm10"]),
        ("?types=readings&device=aq-2", ["pm10"]),
        ("?types=alerts", ["alert"]),
        ("?types=alerts&kind=air", ["alert"]),
        ("?kind=air&quantity=vn_aqi", ["alert"]),
    ],
)
def test_filters(world: World, server: Server, query: str, heard: list[str]) -> None:
    with listen(server, query) as stream:
        publish(world, "aq-2", "pm10", 1.0)
        publish(world, "gauge-1", "level", 1.0)
        world.hub.publish("alert", alert(1, "aq-1", "air", "air_unhealthy", "vn_aqi"))
        for device, quantity in (("aq-2", "pm10"), ("gauge-1", "level")):
            publish(
                world, device, quantity, 2.0
            )  # what follows shows that nothing else came before
        got = []
        for _ in heard:
            what, data, _ = stream.event()
            got.append(what if what == "alert" else data["items"][0]["quantity"])
        assert got == heard


def test_a_device_that_joins_later_is_heard_of(world: World, server: Server) -> None:
    from devices.device import Device

    with listen(server, "?kind=level") as stream:
        publish(world, "gauge-1", "level", 1.0)
        assert stream.event()[1]["items"][0]["device"] == "gauge-1"
        world.catalogue.put(Device(id="gauge-2", kind="level"))
        publish(world, "gauge-2", "level", 2.0)
        assert stream.event()[1]["items"][0]["device"] == "gauge-2"


def test_resuming_loses_nothing_and_repeats_nothing(world: World, server: Server) -> None:
    with listen(server) as stream:
        for value in (1.0, 2.0):
            publish(world, "aq-1", "pm25", value)
        stream.event()
        last = stream.event()[2]
    assert last
    for value in (3.0, 4.0):
        publish(world, "aq-1", "pm25", value)
    with listen(server, last=last) as stream:
        publish(world, "aq-1", "pm25", 5.0)
        values = [stream.event()[1]["items"][0]["value"] for _ in range(3)]
    assert values == [3.0, 4.0, 5.0]


def test_what_is_no_longer_kept_is_told(world: World, server: Server) -> None:
    with listen(server) as stream:
        publish(world, "aq-1", "pm25", 0.0)
        last = stream.event()[2]
    world.hub._keep = 2_000
    for value in range(2_100):
        publish(world, "aq-1", "pm25", float(value))
    with listen(server, last=last) as stream:
        what, data, _ = stream.event()
        assert (what, data) == ("lost", {"after": last})
        assert stream.event()[1]["items"][0]["value"] == 100.0


def test_a_new_run_is_told(world: World, server: Server) -> None:
    publish(world, "aq-1", "pm25", 1.0)
    with listen(server, last="0badcafe.17") as stream:
        assert stream.event()[0] == "lost"
        assert stream.event()[1]["items"][0]["value"] == 1.0


@pytest.mark.parametrize("last", ["17", "x.1", "0badcafe.-1"])
def test_an_id_that_is_none_of_ours_is_refused(server: Server, last: str) -> None:
    answer = httpx.get(f"{server.url}/api/v1/stream", headers={"Last-Event-ID": last})
    assert answer.status_code == 400
    assert answer.json()["parameter"] == "Last-Event-ID"


@pytest.mark.parametrize(
    ("query", "status"), [("?kind=robot", 400), ("?device=ghost", 404), ("?types=all", 400)]
)
def test_wrong_filters_are_refused_before_the_stream(
    server: Server, query: str, status: int
) -> None:
    assert httpx.get(f"{server.url}/api/v1/stream{query}").status_code == status


def test_heartbeats_keep_the_line_open(server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(api.sse, "HEARTBEAT_S", 0.05)
    with listen(server) as stream:
        first = stream.frame()
        assert first[""] == "still here"
        assert stream.frame()["id"] == first["id"]


def test_a_client_that_leaves_is_noticed(world: World, server: Server) -> None:
    with listen(server) as stream:  # named: a reader that nobody holds hangs up
        until(lambda: clients(world) == 1)
        assert stream.welcome[""] == "welcome"
    until(lambda: clients(world) == 0)


def test_a_client_that_does_not_read_is_cut_and_others_go_on(
    world: World, server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(api.sse, "SEND_TIMEOUT_S", 0.3)
    host, port = server.url.removeprefix("http://").split(":")
    lazy = socket.socket()
    lazy.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4_096)
    lazy.connect((host, int(port)))
    request = f"GET /api/v1/stream HTTP/1.1\r\nHost: {host}\r\n\r\n"
    lazy.sendall(request.encode())
    until(lambda: clients(world) == 1)
    wide = world.readings("aq-1", "pm25", [NOW + i * MINUTE for i in range(2_000)], [1.0] * 2_000)
    deadline = time.monotonic() + 20
    while clients(world):
        assert time.monotonic() < deadline, "the client was not cut"
        world.hub.publish("readings", wide)
        time.sleep(0.01)
    lazy.close()
    with listen(server) as stream:
        publish(world, "aq-1", "pm25", 7.0)
        assert stream.event()[1]["items"][0]["value"] == 7.0


def test_who_hears_nothing_for_long_has_missed_nothing(
    world: World, server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(api.sse, "HEARTBEAT_S", 0.05)
    with listen(server, "?kind=level") as stream:
        for value in range(5):
            publish(world, "aq-1", "pm25", float(value))
        until(lambda: stream.frame().get("id", "").endswith(".5"))


def test_a_reading_is_sent_once_as_the_most_special_that_is_asked_for(
    world: World, server: Server
) -> None:
    parts = [("aq-1", "pm25"), ("aq-1", "vn_aqi"), ("aq-1", "online")]
    batch = Readings.concat([world.readings(d, q, [NOW], [1.0]) for d, q in parts])
    for query, expected in (
        ("", [("readings", ["pm25", "vn_aqi", "online"])]),
        ("?types=indices", [("indices", ["vn_aqi"])]),
        ("?types=status&types=readings", [("status", ["online"]), ("readings", ["pm25", "vn_aqi"])]),
        ("?types=readings&types=indices&types=status", [
            ("status", ["online"]), ("indices", ["vn_aqi"]), ("readings", ["pm25"]),
        ]),
    ):  # fmt: skip
        with listen(server, query) as stream:
            world.hub.publish("readings", batch)
            got, ids = [], []
            for _ in expected:
                what, data, event_id = stream.event()
                got.append((what, [r["quantity"] for r in data["items"]]))
                ids.append(event_id)
            assert got == expected
            assert ids[:-1] == [""] * (len(ids) - 1) and ids[-1]  # the last part has the id
