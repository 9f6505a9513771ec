"""The real mosquitto with mosquitto/mosquitto.conf: ports and paths of its own, nothing else changed."""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from paho.mqtt import client as paho
from paho.mqtt.enums import CallbackAPIVersion, MQTTProtocolVersion

import cli
from commands import broker_files as files
from devices.registry import load_kinds
from ingest.broker import free_port
from tests.brokers import wait_until


def urban(*words: object) -> None:
    """A command of `urban` that must succeed."""
    try:
        cli.main([str(w) for w in words])
    except SystemExit as ended:
        assert not ended.code, words


class CityBroker:
    """Certificates of server, ingestor and devices in `folder`, and a mosquitto that reads them."""

    def __init__(self, folder: Path, bind: str = "127.0.0.1") -> None:
        self.folder = folder / "certificates"
        self.data = folder / "data"
        self.data.mkdir(parents=True)
        self.ports = {port: free_port() for port in (1883, 8883, 9001)}
        self.bind = bind
        self.process: subprocess.Popen[bytes] | None = None
        place = ("--folder", self.folder)
        urban("devices", "certificates", "init", *place)
        hosts = [w for h in ("localhost", "127.0.0.1", "::1") for w in ("--host", h)]
        urban("devices", "certificates", "server", *hosts, *place)
        self.issue("urban-ingest", "air-1", "air-2", "gw-1")
        (self.folder / "acl").write_text(files.rights(load_kinds().code, ["gw-1"]))
        (self.folder / "acl").chmod(0o600)
        self.passwords = files.set_passwords(
            self.folder / "passwords", ["lamp-1", "urban-ingest", "air-1"]
        )

    def issue(self, *names: str) -> None:
        urban("devices", "certificates", "issue", *names, "--folder", self.folder)

    def start(self) -> None:
        user = "root" if os.geteuid() == 0 else ""
        conf = self.folder / "mosquitto.conf"
        conf.write_text(files.configuration(self.folder, self.data, self.ports, self.bind, user))
        program = shutil.which("mosquitto") or "/usr/sbin/mosquitto"
        self.process = subprocess.Popen([program, "-c", str(conf)], stderr=subprocess.DEVNULL)
        wait_until(self._listens, 20)

    def kill(self) -> None:
        assert self.process is not None
        self.process.kill()
        self.process.wait(10)

    def reload(self) -> None:
        assert self.process is not None
        self.process.send_signal(signal.SIGHUP)

    def stop(self) -> None:
        if self.process is not None and self.process.poll() is None:
            self.process.terminate()
            self.process.wait(10)

    def url(self, name: str, host: str = "127.0.0.1") -> str:
        at = f"{self.folder}/{name}"
        return (
            f"mqtts://{host}:{self.ports[8883]}?ca={self.folder}/ca.crt&cert={at}.crt&key={at}.key"
        )

    def _listens(self) -> bool:
        assert self.process is not None and self.process.poll() is None, "mosquitto ended"
        where = {1883: "127.0.0.1", 8883: self.bind, 9001: self.bind}
        return all(listens(host, self.ports[port]) for port, host in where.items())


def listens(host: str, port: int) -> bool:
    """Whether somebody takes connections there."""
    with socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET) as probe:
        return probe.connect_ex((host, port)) == 0


class Client:
    """A client with paho, MQTT 5: what it was answered, and what it heard."""

    def __init__(self, name: str = "", *, websockets: bool = False) -> None:
        self.heard: list[tuple[str, bytes, bool]] = []
        self.codes: dict[int, Any] = {}
        self.granted: list[str] = []
        self.connected: str = ""
        self.lost = False
        self.paho = paho.Client(
            CallbackAPIVersion.VERSION2,
            client_id=name,
            protocol=MQTTProtocolVersion.MQTTv5,
            transport="websockets" if websockets else "tcp",
        )
        self.paho.on_connect = self._on_connect
        self.paho.on_disconnect = self._on_disconnect
        self.paho.on_publish = lambda _c, _u, mid, code, _p: self.codes.update({mid: code})
        self.paho.on_subscribe = lambda _c, _u, _m, codes, _p: self.granted.extend(map(str, codes))
        self.paho.on_message = lambda _c, _u, m: self.heard.append(
            (m.topic, bytes(m.payload), m.retain)
        )

    def publish(self, topic: str, payload: bytes = b"{}", retain: bool = False) -> str:
        """The broker's answer to a publish at QoS 1."""
        mid = self.paho.publish(topic, payload, 1, retain).mid
        wait_until(lambda: mid in self.codes)
        return str(self.codes[mid])

    def subscribe(self, topic: str) -> None:
        before = len(self.granted)
        self.paho.subscribe(topic, 1)
        wait_until(lambda: len(self.granted) > before)

    def _on_connect(self, _c: Any, _u: Any, _f: Any, code: Any, _p: Any) -> None:
        self.connected = str(code)

    def _on_disconnect(self, *_: Any) -> None:
        self.lost = True


@contextmanager
def running(client: Client, host: str, port: int) -> Iterator[Client]:
    """The client connected, or refused: see `connected`."""
    client.paho.connect(host, port)
    client.paho.loop_start()
    try:
        wait_until(lambda: client.connected or client.lost)
        yield client
    finally:
        client.paho.disconnect()
        client.paho.loop_stop()
