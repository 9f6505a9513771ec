"""The stack as compose would start it, on this machine: a device's message with a certificate → store → alert → API."""

from __future__ import annotations

import json
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from store.influx import influx_server
from telemetry.address import broker_address
from tests.api.test_platform_alerts import BODY
from tests.brokers import mosquitto_present, wait_until
from tests.compose.composed import urban
from tests.compose.machine import Machine
from tests.mosquitto.city_broker import Client, running
from tests.platform_process import UpProcess
from tests.services import require
from tests.store.influxd import Influxd, influxd_present
from tests.store.postgres import Postgres

pytestmark = [
    pytest.mark.mosquitto, pytest.mark.influxdb, pytest.mark.postgresql, pytest.mark.timeout(240),
]  # fmt: skip
HOT = b'{"fill": 97.0, "temperature": 81.0}'


@pytest.fixture
def influxd(tmp_path: Path) -> Iterator[Influxd]:
    require("mosquitto", mosquitto_present())
    require("influxd", influxd_present())
    server = Influxd(tmp_path / "influxd")
    server.start()
    yield server
    server.stop()


@pytest.fixture
def machine(
    request: pytest.FixtureRequest, tmp_path: Path, influxd: Influxd, postgres: Postgres
) -> Iterator[Machine]:
    made = Machine(tmp_path, request.param, influxd, postgres)
    yield made
    made.close()


def issue(machine: Machine, *names: str) -> None:
    urban("devices", "certificates", "issue", *names, "--folder", machine.stack / "certificates")


def publish(machine: Machine, name: str, topic: str, payload: bytes) -> str:
    """A device with a certificate of its own says something; the broker's answer."""
    at = machine.stack / "certificates"
    url = (
        f"mqtts://127.0.0.1:{machine.mqtts}?ca={at}/ca.crt&cert={at}/{name}.crt&key={at}/{name}.key"
    )
    context = broker_address(url).tls_context()
    assert context is not None
    device = Client(name)
    device.paho.tls_set_context(context)
    with running(device, "127.0.0.1", machine.mqtts):
        return device.publish(topic, payload)


def alerts(platform: UpProcess) -> dict[str, dict[str, Any]]:
    return {a["rule"]: a for a in platform.get("/api/v1/alerts")["items"]}


def tell(platform: UpProcess, token: str) -> int:
    """What Grafana's contact point sends."""
    asked = urllib.request.Request(
        f"http://127.0.0.1:{platform.http}/api/v1/platform-alerts/grafana",
        json.dumps(BODY).encode(),
        {"Content-Type": "application/json", "Authorization": f"Webhook {token}"},
    )
    try:
        with urllib.request.urlopen(asked, timeout=10) as answer:
            return int(answer.status)
    except urllib.error.HTTPError as error:
        error.close()
        return error.code


@pytest.mark.parametrize("machine", ["city"], indirect=True)
def test_a_devices_message_becomes_a_reading_an_alert_and_a_figure_for_grafana(
    machine: Machine, tmp_path: Path
) -> None:
    machine.start_broker()
    machine.start_databases()
    for again in (False, True):  # a second start finds all that it needs
        done = machine.run("setup")
        assert done.returncode == 0, done.stderr
        assert ("nothing had to be changed" in done.stdout) is again
    platform = machine.platform("platform")
    platform.start_ready(60)
    with pytest.raises(urllib.error.HTTPError, match="401"):
        platform.get("/api/v1/latest")
    machine.let_in("platform", platform)
    issue(machine, "bin-1", "bin-2")
    assert publish(machine, "bin-1", "city/waste/bin-1/telemetry", HOT) == "Success"
    assert publish(machine, "bin-2", "city/waste/bin-1/telemetry", HOT) == "Not authorized"
    wait_until(lambda: "waste_fire" in alerts(platform), 30)
    assert alerts(platform)["waste_fire"]["device"] == "bin-1"
    (latest,) = platform.get("/api/v1/latest?device=bin-1&quantity=temperature")["items"]
    assert latest["value"] == 81.0
    assert platform.get("/api/v1/accounting")["totals"]["balanced"] is True
    # Grafana: with its own token it reads what the platform wrote, and its alerts come back.
    secrets = machine.stack / "secrets"
    grafana = (secrets / "influxdb" / "grafana.token").read_text().strip()
    server = influx_server(machine.influxdb.url("city", grafana).replace("city-org", "city"))
    wait_until(
        lambda: bool(server.query(['SELECT last("disk_used_percent") FROM "board.platform"'])[0])
    )
    ((series,),) = server.query(["SELECT last(temperature) FROM waste WHERE device = 'bin-1'"])
    assert series.values[0][1] == 81.0
    server.close()
    token = (secrets / "grafana_webhook_token").read_text().strip()
    assert (tell(platform, "wrong" * 8), tell(platform, token)) == (401, 200)
    assert alerts(platform)["grafana_critical"]["subject"] == "grafana:bc97ff14869b13e3"
    # A copy of both servers' stores while all runs.
    copy = tmp_path / "copy"
    done = machine.run("platform", "doctor", "backup", str(copy))
    assert done.returncode == 0, done.stderr
    rows = json.loads((copy / "manifest.json").read_text())["files"]
    assert {f["path"]: f["rows"] for f in rows}["telemetry/readings/waste.lp.gz"] >= 1
    # Nobody's arguments or log show a secret.
    shown = platform.interrupt(40)
    logged = (machine.stack / "data" / "platform" / "urban.log").read_text()
    for file in (*secrets.glob("*.password"), secrets / "influxdb" / "writer.token"):
        assert file.read_text().strip() not in shown + logged
    assert "Traceback" not in shown


@pytest.mark.parametrize("machine", ["scale"], indirect=True)
def test_two_platforms_take_each_their_own_kinds(machine: Machine) -> None:
    machine.start_broker()
    machine.start_databases()
    for name in ("setup", "setup-b"):
        done = machine.run(name)
        assert done.returncode == 0, done.stderr
    one, other = machine.platform("platform-a"), machine.platform("platform-b")
    one.start_ready(60)
    other.start_ready(60)
    machine.let_in("platform-a", one)
    machine.let_in("platform-b", other)
    issue(machine, "bin-1", "lamp-1")
    assert publish(machine, "bin-1", "city/waste/bin-1/telemetry", HOT) == "Success"
    lamp = b'{"power": 40.0, "voltage": 220.0}'
    assert publish(machine, "lamp-1", "city/lamp/lamp-1/telemetry", lamp) == "Success"
    wait_until(lambda: "waste_fire" in alerts(one), 30)
    wait_until(lambda: bool(other.get("/api/v1/latest?device=lamp-1")["items"]), 30)
    assert one.get("/api/v1/latest?kind=lamp")["items"] == []
    assert other.get("/api/v1/latest?kind=waste")["items"] == []
    assert "Traceback" not in one.interrupt(40) + other.interrupt(40)
