"""Durable ingest against a bare receiver: how many messages a second, from one broker's queue.

Both drain the same number of QoS 1 messages (four values each) from a persistent session that was
filled before the clock starts, so that the publisher is not what is measured. The reference takes each
message and throws it away; ours decodes, validates, deduplicates, writes to DuckDB and its account, and
then acknowledges. The broker is a process of its own and shares the machine's cores with both.
"""

from __future__ import annotations

import argparse
import json
import resource
import shutil
import socket
import statistics
import subprocess
import tempfile
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from paho.mqtt import client as paho
from paho.mqtt.enums import CallbackAPIVersion

from devices.device import Catalogue, Device
from devices.registry import load_kinds
from devices.topics import FEED, UPLINK
from ingest.broker import EmbeddedBroker, free_port
from ingest.decode import Decoder
from ingest.pipeline import Pipeline
from ingest.receiver import Receiver
from ingest.sink import Sink
from ingest.spool import Spool
from store.duckdb_store import DuckDBStore
from store.sql_store import SqlOperations
from telemetry.address import BrokerAddress
from telemetry.clock import SystemClock

DEVICES = 1_000
_PATIENCE_S = 120.0
_MOSQUITTO = """\
listener {port} 127.0.0.1
allow_anonymous true
max_inflight_messages 0
max_queued_messages 1000000
"""


def run(messages: int, runs: int, broker: str) -> Iterator[dict[str, Any]]:
    """One JSON line a run, then one of medians. `lost` must be 0."""
    rows = []
    for number in range(runs):
        with tempfile.TemporaryDirectory() as folder:
            reference = _drain_bare(Path(folder) / "a", messages, broker)
            ours = _drain_ours(Path(folder) / "b", messages, broker)
        row = {
            "bench": "ingest", "run": number, "broker": broker, "store": "duckdb",
            "messages": messages, "values": 4 * messages,
            "reference_messages_per_s": round(reference),
            **ours,
            "ratio": round(ours["messages_per_s"] / reference, 3),
        }  # fmt: skip
        rows.append(row)
        yield row
    medians = {
        k: statistics.median(r[k] for r in rows)
        for k in ("messages_per_s", "readings_per_s", "reference_messages_per_s", "ratio")
    }
    peak_mb = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    yield {
        "bench": "ingest", "broker": broker, "median_of": runs, "target_ratio": 0.6, **medians,
        "lost": sum(r["lost"] for r in rows), "peak_mb": round(peak_mb),
    }  # fmt: skip


def _drain_bare(folder: Path, messages: int, broker: str) -> float:
    """A receiver that throws away what it takes. [messages/s]"""
    port, stop = _start_broker(folder, broker)
    try:
        client_id = "bench-bare"
        _open_session(port, client_id)
        _publish(port, messages)
        done, seen = threading.Event(), [0]

        def on_message(*_: Any) -> None:
            seen[0] += 1
            if seen[0] == messages:
                done.set()

        client = _client(client_id)
        client.on_message = on_message
        start = time.perf_counter()
        client.connect("127.0.0.1", port)
        client.loop_start()
        if not done.wait(_PATIENCE_S):
            raise TimeoutError(f"the bare receiver got {seen[0]} of {messages} messages")
        elapsed = time.perf_counter() - start
        client.disconnect()
        client.loop_stop()
    finally:
        stop()
    return messages / elapsed


def _drain_ours(folder: Path, messages: int, broker: str) -> dict[str, Any]:
    """Our receiver and pipeline on DuckDB, until every reading is stored."""
    port, stop = _start_broker(folder, broker)
    try:
        client_id = "bench-ours"
        _open_session(port, client_id)
        _publish(port, messages)
        catalogue = Catalogue(load_kinds())
        for i in range(DEVICES):
            catalogue.put(Device(id=f"aq-{i:04d}", kind="air"))
        telemetry = DuckDBStore(folder / "t.duckdb", catalogue)
        operations = SqlOperations(f"sqlite:///{folder / 'o.db'}")
        pipeline = Pipeline(catalogue, telemetry, operations, Decoder(catalogue))
        stored, done = [0], threading.Event()

        def on_stored(readings: Any) -> None:
            stored[0] += len(readings)
            if stored[0] >= 4 * messages:
                done.set()

        sink = Sink(pipeline, Spool(folder / "spool", 2**30), on_stored)
        receiver = Receiver(BrokerAddress("127.0.0.1", port), client_id, sink, SystemClock())
        cpu = time.process_time()
        start = time.perf_counter()
        receiver.start()
        done.wait(_PATIENCE_S)
        elapsed, cpu = time.perf_counter() - start, time.process_time() - cpu
        receiver.stop()
        telemetry.close()
        operations.close()
    finally:
        stop()
    return {
        "messages_per_s": round(messages / elapsed),
        "readings_per_s": round(stored[0] / elapsed),
        "cpu_s_per_million_readings": round(cpu / stored[0] * 1e6, 2) if stored[0] else None,
        "lost": 4 * messages - stored[0],
    }


def _client(client_id: str) -> paho.Client:
    client = paho.Client(CallbackAPIVersion.VERSION2, client_id=client_id, clean_session=False)
    topics = [(FEED, 1), (UPLINK, 1)]
    client.on_connect = lambda c, *_: c.subscribe(topics)
    return client


def _open_session(port: int, client_id: str) -> None:
    """Subscribe once, so that the broker keeps what comes."""
    subscribed = threading.Event()
    client = _client(client_id)
    client.on_subscribe = lambda *_: subscribed.set()
    client.connect("127.0.0.1", port)
    client.loop_start()
    if not subscribed.wait(10):
        raise TimeoutError("the broker did not confirm the subscription")
    client.disconnect()
    client.loop_stop()


def _publish(port: int, messages: int) -> None:
    """Fill the session's queue; each message is confirmed before this returns."""
    client = paho.Client(CallbackAPIVersion.VERSION2, client_id="bench-publisher")
    client.max_inflight_messages_set(1_000)
    client.max_queued_messages_set(0)
    left, done = [messages], threading.Event()

    def on_publish(*_: Any) -> None:
        left[0] -= 1
        if left[0] == 0:
            done.set()

    client.on_publish = on_publish
    client.connect("127.0.0.1", port)
    client.loop_start()
    start = int(time.time()) - 86_400
    for i in range(messages):
        payload = b'{"time": %d, "seq": %d, "pm25": %d.2, "pm10": 55.0, "no2": 12.5, "o3": %d}' % (
            start + i // DEVICES, i // DEVICES, i % 100, i % 60,
        )  # fmt: skip
        client.publish(f"city/air/aq-{i % DEVICES:04d}/telemetry", payload, qos=1)
    if not done.wait(_PATIENCE_S):
        raise TimeoutError(f"{left[0]} of {messages} messages were not confirmed")
    client.disconnect()
    client.loop_stop()


def _start_broker(folder: Path, name: str) -> tuple[int, Any]:
    folder.mkdir(parents=True)
    if name == "nats":
        embedded = EmbeddedBroker(folder / "broker", 0)
        embedded.start()
        return embedded.port, embedded.stop
    port = free_port()
    config = folder / "mosquitto.conf"
    config.write_text(_MOSQUITTO.format(port=port))
    program = shutil.which("mosquitto") or "/usr/sbin/mosquitto"
    process = subprocess.Popen([program, "-c", str(config)], stderr=subprocess.DEVNULL)
    end = time.monotonic() + 10
    while not _listens(port) and time.monotonic() < end:
        time.sleep(0.05)

    def stop() -> None:
        process.terminate()
        process.wait(10)

    return port, stop


def _listens(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


def main() -> None:
    """Print JSON lines; nats always, mosquitto where it is installed."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--messages", type=int, default=60_000)
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--broker", choices=["nats", "mosquitto"], action="append")
    options = parser.parse_args()
    there = shutil.which("mosquitto") or Path("/usr/sbin/mosquitto").exists()
    for broker in options.broker or (["nats", "mosquitto"] if there else ["nats"]):
        for row in run(options.messages, options.runs, broker):
            print(json.dumps(row), flush=True)


if __name__ == "__main__":
    main()
