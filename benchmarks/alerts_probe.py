"""Probes in a process of their own: publish → alert on the live stream, or publish → bare receiver."""

from __future__ import annotations

import http.client
import json
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from paho.mqtt import client as paho
from paho.mqtt.enums import CallbackAPIVersion

from benchmarks.alerts_load import gauge, probe
from devices.topics import TELEMETRY

_PATIENCE_S = 60.0  # after the last probe
_STREAM = "/api/v1/stream?types=alerts"


@dataclass(frozen=True, slots=True)
class Task:
    """So many probes at an even pace, the first at `begin` (monotonic clock, which processes share). [s]

    http  port of the platform; 0: a bare receiver takes the messages
    """

    broker: int
    http: int
    probes: int
    rate: float
    begin: float


@dataclass(frozen=True, slots=True)
class Probed:
    """Latency of the probes that came. [s]"""

    p50: float
    p99: float
    worst: float
    missing: int


def measure(task: Task) -> Probed:
    """Publish the probes and wait for what becomes of each."""
    arrivals = _Arrivals(task.probes)
    end = _live(task.http, arrivals) if task.http else _bare(task.broker, arrivals)
    sent = _publish(task)
    arrivals.all.wait(_PATIENCE_S)
    end()
    late = np.array([arrivals.at[d] - at for d, at in sent.items() if d in arrivals.at])
    if not len(late):
        raise TimeoutError("no probe came back")
    p50, p99, worst = (float(q) for q in np.quantile(late, [0.5, 0.99, 1.0]))
    return Probed(p50, p99, worst, task.probes - len(late))


class _Arrivals:
    """When each device's probe was first seen."""

    def __init__(self, wanted: int) -> None:
        self.at: dict[str, float] = {}
        self.all = threading.Event()
        self._wanted = wanted

    def note(self, device: str) -> None:
        self.at.setdefault(device, time.monotonic())
        if len(self.at) == self._wanted:
            self.all.set()


def _publish(task: Task) -> dict[str, float]:
    client = paho.Client(CallbackAPIVersion.VERSION2, client_id="bench-probe")
    client.connect("127.0.0.1", task.broker)
    client.loop_start()
    sent: dict[str, float] = {}
    receipts = []
    for i in range(task.probes):
        time.sleep(max(0.0, task.begin + i / task.rate - time.monotonic()))
        sent[gauge(i)] = time.monotonic()
        receipts.append(client.publish(*probe(i), qos=1))
    for receipt in receipts:
        receipt.wait_for_publish(_PATIENCE_S)
    client.disconnect()
    client.loop_stop()
    return sent


def _live(port: int, arrivals: _Arrivals) -> Callable[[], None]:
    """Follow the live stream; returns how to leave it."""
    connection = http.client.HTTPConnection("127.0.0.1", port)
    connection.request("GET", _STREAM)
    answer = connection.getresponse()

    def read() -> None:
        while not arrivals.all.is_set() and (line := answer.readline()):
            if line.startswith(b"data: "):
                arrivals.note(json.loads(line[6:])["device"])

    threading.Thread(target=read, daemon=True).start()
    return lambda: None


def _bare(port: int, arrivals: _Arrivals) -> Callable[[], None]:
    """Take every message as paho does, and throw it away; returns how to end that."""
    client = paho.Client(CallbackAPIVersion.VERSION2, client_id="bench-bare", clean_session=False)
    client.on_connect = lambda c, *_: c.subscribe(TELEMETRY, 1)
    client.on_message = lambda _c, _u, m: (
        arrivals.note(m.topic.split("/")[2]) if m.topic.startswith("city/level/") else None
    )
    client.connect("127.0.0.1", port)
    client.loop_start()

    def end() -> None:
        client.disconnect()
        client.loop_stop()

    return end
