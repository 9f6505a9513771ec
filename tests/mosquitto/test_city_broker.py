"""The configuration of a city on the real mosquitto: who gets in, who may say and hear what, what survives."""

from __future__ import annotations

import ssl
from collections.abc import Iterator
from contextlib import AbstractContextManager
from pathlib import Path

import pytest

from commands import broker_files as files
from commands.authority import Authority
from devices.registry import load_kinds
from ingest.session import Session
from telemetry.address import broker_address
from telemetry.clock import DAY, ManualClock, SystemClock
from tests.brokers import mosquitto_present, wait_until
from tests.mosquitto.city_broker import CityBroker, Client, running, urban
from tests.platform_process import UpProcess
from tests.services import require

pytestmark = pytest.mark.mosquitto
AIR = "city/air/air-1/telemetry"
REFUSED = "Not authorized"


@pytest.fixture
def broker(tmp_path: Path) -> Iterator[CityBroker]:
    require("mosquitto", mosquitto_present())
    made = CityBroker(tmp_path)
    made.start()
    yield made
    made.stop()


def device(
    broker: CityBroker, name: str, host: str = "127.0.0.1", client: Client | None = None
) -> AbstractContextManager[Client]:
    made = client or Client(name)
    context = broker_address(broker.url(name, host)).tls_context()
    assert context is not None
    made.paho.tls_set_context(context)
    return running(made, host.strip("[]"), broker.ports[8883])


def refused(broker: CityBroker, name: str) -> bool:
    """Whether TLS is refused to who has this certificate."""
    try:
        with device(broker, name) as client:
            return client.connected != "Success"
    except OSError:
        return True


def test_a_device_writes_its_own_topics_and_no_others(broker: CityBroker) -> None:
    with device(broker, "air-1") as one:
        assert one.publish(AIR) != REFUSED
        assert one.publish("city/air/air-1/ack/reboot") != REFUSED
        for topic in (
            "city/air/air-2/telemetry",
            "city/air/air-2/status",
            "city/gateway/air-1/telemetry",
            "city/gateway/gw-1/telemetry",
            "city/nothing/air-1/telemetry",
            "city/air/air-1/cmd/reboot",
            "application/1/device/0123456789abcdef/event/up",
            "$SYS/broker/uptime",
        ):
            assert one.publish(topic) == REFUSED, topic


def test_a_gateway_writes_its_own_packs_only(broker: CityBroker) -> None:
    with device(broker, "gw-1") as gateway:
        assert gateway.publish("city/gateway/gw-1/telemetry") != REFUSED
        assert gateway.publish("city/gateway/gw-2/telemetry") == REFUSED


def test_the_name_is_the_certificates_whatever_the_client_says(broker: CityBroker) -> None:
    liar = Client("air-2")
    liar.paho.username_pw_set("air-2", "anything")
    with device(broker, "air-1", client=liar) as one:
        assert one.publish("city/air/air-2/telemetry") == REFUSED
        assert one.publish(AIR) != REFUSED


def test_who_subscribes_to_everything_hears_nothing_that_is_not_his(broker: CityBroker) -> None:
    with device(broker, "air-2") as two, device(broker, "urban-ingest") as ingest:
        two.subscribe("#")
        ingest.subscribe("#")
        with device(broker, "air-1") as one:
            one.publish(AIR, b"1")
            one.publish("city/air/air-1/status", b"online", retain=True)
        wait_until(lambda: len(ingest.heard) == 2)
        two.publish("city/air/air-2/telemetry", b"2")  # an answer behind all that came before it
        assert two.heard == []
        assert ingest.publish(AIR) == REFUSED


def test_status_is_kept_and_a_will_speaks_for_its_own_device_only(broker: CityBroker) -> None:
    honest, liar = Client("air-1"), Client("air-2")
    honest.paho.will_set("city/air/air-1/status", b"offline", 1, True)
    liar.paho.will_set("city/air/air-1/status", b"spoofed", 1, True)
    with device(broker, "urban-ingest") as ingest:
        ingest.subscribe("city/+/+/status")
        for client, name in ((liar, "air-2"), (honest, "air-1")):
            with device(broker, name, client=client) as one:
                if one.connected == "Success":
                    one.paho._sock_close()
        wait_until(lambda: ingest.heard)
        assert {payload for _, payload, _ in ingest.heard} == {b"offline"}
    with device(broker, "urban-ingest") as late:
        late.subscribe("city/+/+/status")
        wait_until(lambda: late.heard)
        assert late.heard == [("city/air/air-1/status", b"offline", True)]


def test_no_certificate_and_one_that_is_over_are_refused(broker: CityBroker) -> None:
    bare = Client("air-1")
    bare.paho.tls_set_context(ssl.create_default_context(cafile=str(broker.folder / "ca.crt")))
    try:
        with running(bare, "127.0.0.1", broker.ports[8883]) as client:
            assert client.connected != "Success"
    except OSError:
        pass
    past = ManualClock(SystemClock().now() - 30 * DAY)
    Authority(broker.folder, past).issue("air-old", 10)
    assert refused(broker, "air-old")
    assert not refused(broker, "air-1")


def test_a_revoked_certificate_is_refused_and_a_renewed_one_is_taken(broker: CityBroker) -> None:
    place = ("--folder", broker.folder)
    assert not refused(broker, "air-1")
    with device(broker, "air-1", client=Client("stays")) as connected:
        urban("devices", "certificates", "revoke", "air-1", *place)
        broker.reload()
        wait_until(lambda: refused(broker, "air-1"))
        assert not refused(broker, "air-2")
        assert connected.publish(AIR) != REFUSED  # as docs/mosquitto.md says
    broker.stop()
    broker.start()
    assert refused(broker, "air-1")
    assert not refused(broker, "air-2")
    urban("devices", "certificates", "renew", "air-1", *place)
    assert not refused(broker, "air-1")


def test_a_packet_that_is_too_large_ends_the_connection(broker: CityBroker) -> None:
    with device(broker, "urban-ingest") as ingest, device(broker, "air-1") as one:
        ingest.subscribe("city/+/+/telemetry")
        one.publish(AIR, b"x" * 65_000)
        wait_until(lambda: len(ingest.heard) == 1)
        one.lost = False
        # Past paho's own limit, which the broker told it: as a device that doesn't care would.
        one.paho._sock.sendall(b"\x30\x80\x80\x10")  # type: ignore[union-attr]
        wait_until(lambda: one.lost)


def test_a_password_opens_websockets_with_tls_and_no_password_does_not(broker: CityBroker) -> None:
    for password, success in ((broker.passwords["lamp-1"], True), ("wrong", False), ("", False)):
        lamp = Client("lamp-1", websockets=True)
        lamp.paho.tls_set_context(ssl.create_default_context(cafile=str(broker.folder / "ca.crt")))
        if password:
            lamp.paho.username_pw_set("lamp-1", password)
        with running(lamp, "127.0.0.1", broker.ports[9001]) as client:
            assert (client.connected == "Success") == success
            if success:
                assert client.publish("city/lamp/lamp-1/telemetry") != REFUSED
                assert client.publish("city/lamp/lamp-2/telemetry") == REFUSED


def test_a_password_that_is_given_while_it_runs_is_read_on_sighup(broker: CityBroker) -> None:
    made = files.set_passwords(broker.folder / "passwords", ["lamp-9"])

    def opens() -> bool:
        client = Client("lamp-9")
        client.paho.username_pw_set("lamp-9", made["lamp-9"])
        with running(client, "127.0.0.1", broker.ports[1883]) as one:
            return one.connected == "Success"

    assert not opens()
    broker.reload()
    wait_until(opens)


def test_the_listener_of_the_platform_asks_for_a_password(broker: CityBroker) -> None:
    for password, success in ((broker.passwords["urban-ingest"], True), ("", False)):
        client = Client("platform")
        if password:
            client.paho.username_pw_set("urban-ingest", password)
        with running(client, "127.0.0.1", broker.ports[1883]) as one:
            assert (one.connected == "Success") == success


def test_ipv6(tmp_path: Path) -> None:
    require("mosquitto", mosquitto_present())
    broker = CityBroker(tmp_path, "::1")
    broker.start()
    try:
        with device(broker, "air-1", "[::1]") as one:
            assert one.connected == "Success"
            assert one.publish(AIR) != REFUSED
    finally:
        broker.stop()


def test_a_kill_loses_no_more_than_the_last_thousand(broker: CityBroker) -> None:
    """A session that is away; 3,000 messages for it, confirmed; SIGKILL; it comes back for them."""
    got: list[bytes] = []

    def session() -> Session:
        return Session(
            broker_address(broker.url("urban-ingest")),
            "urban-ingest",
            ["city/+/+/telemetry"],
            5_000,
            SystemClock(),
            lambda messages: got.extend(m.payload for m in messages),
        )

    first = session()
    first.start()
    assert first.wait_until_subscribed(20)
    first.stop()
    sender = Client("air-1")
    sender.paho.max_inflight_messages_set(500)
    with device(broker, "air-1", client=sender) as one:
        for i in range(3_000):
            one.paho.publish(AIR, str(i).encode(), 1)
        wait_until(lambda: len(one.codes) == 3_000, 60)
    broker.kill()
    broker.start()
    second = session()
    second.start()
    try:
        wait_until(lambda: len(set(got)) >= 2_000, 60)
    finally:
        second.stop()


def test_from_a_device_over_tls_into_the_store(broker: CityBroker, tmp_path: Path) -> None:
    up = UpProcess(tmp_path / "up", broker=broker.url("urban-ingest"))
    try:
        up.start_ready(60)
        with device(broker, "air-1") as one:
            one.publish(AIR, b'{"pm25": 31.25}')
        wait_until(lambda: b"31.25" in str(up.get("/api/v1/latest?device=air-1")).encode(), 60)
    finally:
        up.close()


def test_only_the_command_user_tells_devices_and_hears_their_answers(broker: CityBroker) -> None:
    """A stolen name of the ingestor dims no lamp."""
    broker.issue("urban-commands")
    with (
        device(broker, "air-1") as air,
        device(broker, "urban-ingest") as ingestor,
        device(broker, "urban-commands") as commands,
    ):
        air.subscribe("city/air/air-1/cmd/+")
        for client in (ingestor, commands):
            client.subscribe("city/+/+/ack/+")
        assert ingestor.publish("city/air/air-1/cmd/restart") == REFUSED
        assert commands.publish(AIR) == REFUSED
        assert commands.publish("city/air/air-1/cmd/restart", b'{"id": "1"}') != REFUSED
        wait_until(lambda: air.heard == [("city/air/air-1/cmd/restart", b'{"id": "1"}', False)])
        air.publish("city/air/air-1/ack/restart", b'{"id": "1", "ok": true}')
        wait_until(lambda: len(commands.heard) == 1)
        assert ingestor.heard == []


def test_the_simulated_city_speaks_for_every_device_where_it_is_let(tmp_path: Path) -> None:
    """`urban up` on a city's broker, with a certificate each for the platform, its commands and the simulator."""
    require("mosquitto", mosquitto_present())
    broker = CityBroker(tmp_path / "broker")
    broker.issue("urban-simulator", "urban-commands")
    up = UpProcess(
        tmp_path / "up",
        broker=broker.url("urban-ingest"),
        command_broker=broker.url("urban-commands"),
        simulator_broker=broker.url("urban-simulator"),
        devices=20,
        history_hours=0,
    )
    try:
        broker.start()
        with device(broker, "urban-simulator") as simulator:
            assert simulator.publish(AIR) == REFUSED, "nobody let it"
        broker.stop()
        (broker.folder / "acl").write_text(files.rights(load_kinds().code, simulator=True))
        broker.start()
        up.start_ready()
        wait_until(lambda: len(up.get("/api/v1/latest?limit=1000")["items"]) > 20, 60)
        assert up.process is not None
        seen = [Path(f"/proc/{pid}/cmdline").read_bytes() for pid in up.descendants()]
        assert not any(b"urban-simulator" in words for words in seen)
        assert "Traceback" not in up.interrupt()
    finally:
        up.close()
        broker.stop()
