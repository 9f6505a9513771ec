"""`urban ingest` as processes: a real broker before it, a real influxd behind it, and others of its kind beside it."""

from __future__ import annotations

import urllib.error
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from devices.device import Catalogue
from devices.registry import load_kinds
from ingest.broker import free_port
from store.duckdb_store import DuckDBStore
from store.influx import open_influx
from store.telemetry import Series, TelemetryStore
from telemetry.clock import format_time
from tests.brokers import Broker, make_broker, mosquitto_present, publish_all, wait_until
from tests.platform_process import UpProcess
from tests.services import require
from tests.store.influxd import Influxd, influxd_present

pytestmark = pytest.mark.timeout(180)
BROKERS = ["nats", pytest.param("mosquitto", marks=pytest.mark.mosquitto)]
Start = Callable[..., UpProcess]


@pytest.fixture(params=BROKERS)
def broker(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Broker]:
    if request.param == "mosquitto":
        require("mosquitto", mosquitto_present())
    made = make_broker(request.param, tmp_path / "broker")
    made.start()
    yield made
    made.stop()


@pytest.fixture(scope="module")
def influxd(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Influxd]:
    require("influxd", influxd_present())
    server = Influxd(tmp_path_factory.mktemp("influxd"))
    server.start()
    yield server
    server.stop()


@pytest.fixture
def ingest(tmp_path: Path) -> Iterator[Start]:
    """Makes ingestors, each in a folder of its own, and ends them."""
    made: list[UpProcess] = []

    def make(port: int, *words: str, **settings: Any) -> UpProcess:
        folder = tmp_path / f"ingest-{len(made)}"
        folder.mkdir()
        address = f"mqtt://127.0.0.1:{port}" if port else ""
        given = {"broker": address, **settings}
        made.append(UpProcess(folder, words=("ingest", *words), **given))
        return made[-1]

    yield make
    for process in made:
        process.close()


def messages(
    kind: str, device: str, quantity: str, start: int, count: int
) -> list[tuple[str, bytes]]:
    return [
        (f"city/{kind}/{device}/telemetry", b'{"time": %d, "%s": 2.5}' % (1_790_000_000 + 60 * n, quantity.encode()))
        for n in range(start, start + count)
    ]  # fmt: skip


def metric(process: UpProcess, name: str) -> float:
    for line in process.get("/metrics").decode().splitlines():
        if line.startswith(name + " "):
            return float(line.rpartition(" ")[2])
    raise AssertionError(f"no metric {name}")


def stored(store: TelemetryStore) -> list[tuple[str, str]]:
    """(device, time) of all that is stored."""
    rows = store.raw(Series(), 0, 2**62, 100_000)
    names = [store.catalogue.devices[d].id for d in rows.device.tolist()]  # type: ignore[attr-defined]
    return [(n, format_time(t)) for n, t in zip(names, rows.time.tolist(), strict=True)]


def account(store: TelemetryStore) -> dict[str, int]:
    totals: dict[str, int] = {}
    for row in store.account(0, 2**62):
        totals[row.outcome] = totals.get(row.outcome, 0) + row.count
    return totals


@pytest.mark.influxdb
def test_it_ingests_alone_ends_cleanly_and_goes_on_where_it_was(
    broker: Broker, influxd: Influxd, ingest: Start
) -> None:
    url = influxd.url()
    process = ingest(broker.port, telemetry=url)
    process.start_ready()
    assert process.get("/healthz") == {"status": "ok"}
    assert process.get("/readyz")["checks"] == {"ingest": ""}
    publish_all(broker.port, messages("level", "gauge-1", "level", 0, 200))
    wait_until(lambda: metric(process, "urban_records_stored_total") == 200)
    with pytest.raises(urllib.error.HTTPError, match="404"):
        process.get("/api/v1/latest")
    printed = process.interrupt()
    assert process.process is not None and process.process.returncode == 0
    assert "Traceback" not in printed and "Ended." in printed
    assert f"mqtt://127.0.0.1:{broker.port} as urban-ingest" in printed

    # What comes meanwhile is the broker's to keep, and of a kill nothing is lost.
    publish_all(broker.port, messages("level", "gauge-1", "level", 200, 100))
    process.start_ready()
    wait_until(lambda: metric(process, "urban_records_stored_total") == 100)
    process.kill_all()
    publish_all(broker.port, messages("level", "gauge-1", "level", 250, 100))
    process.start_ready()
    wait_until(lambda: metric(process, "urban_records_stored_total") == 50, 60)
    process.interrupt()
    store = open_influx(url, Catalogue(load_kinds()))
    found = stored(store)
    assert len(found) == len(set(found)) == 350
    counts = account(store)
    assert counts["received"] == counts["stored"] + counts["duplicate"] and counts["stored"] == 350
    store.close()


@pytest.mark.influxdb
def test_two_share_a_broker_by_topic(broker: Broker, influxd: Influxd, ingest: Start) -> None:
    urls = [influxd.url(), influxd.url()]
    air = ingest(
        broker.port,
        "--topics",
        "city/air/+/+, city/weather/+/+",
        telemetry=urls[0],
        client_id="air",
    )
    level = ingest(broker.port, "--topics", "city/level/+/+", telemetry=urls[1], client_id="level")
    for process in (air, level):
        process.start_ready()
    publish_all(
        broker.port,
        messages("air", "aq-1", "pm25", 0, 50)
        + messages("weather", "met-1", "temperature", 0, 50)
        + messages("level", "gauge-1", "level", 0, 70),
    )
    wait_until(lambda: metric(air, "urban_records_stored_total") == 100)
    wait_until(lambda: metric(level, "urban_records_stored_total") == 70)
    for process, url, names in ((air, urls[0], {"aq-1", "met-1"}), (level, urls[1], {"gauge-1"})):
        assert "Traceback" not in process.interrupt()
        store = open_influx(url, Catalogue(load_kinds()))
        found = stored(store)
        assert {name for name, _ in found} == names
        assert account(store).keys() <= {"messages", "received", "stored"}
        store.close()


def test_two_with_one_client_id_are_told(broker: Broker, ingest: Start) -> None:
    both = [ingest(broker.port), ingest(broker.port)]
    both[0].start_ready()
    both[1].start()

    def complaint(process: UpProcess) -> str:
        try:
            process.get("/readyz")
        except urllib.error.HTTPError as error:
            return error.read().decode()
        except OSError:
            pass
        return ""

    wait_until(lambda: "second ingestor" in complaint(both[0]), 90)
    told = complaint(both[0])
    assert "'urban-ingest'" in told and "URBAN_CLIENT_ID" in told
    # Whoever looks at the terminal sees it too.
    assert both[0].process is not None and both[0].process.stdout is not None
    assert any("second ingestor" in line for line in both[0].process.stdout)
    both[0].interrupt()


def refused(process: UpProcess) -> str:
    """The one line that a refused start prints."""
    process.start()
    printed = process.output()
    assert process.process is not None and process.process.returncode == 2, printed
    assert len(printed.strip().splitlines()) == 1, printed
    return printed


def test_a_wrong_start_is_one_clear_line(ingest: Start) -> None:
    port = free_port()
    told = refused(ingest(0))
    assert "URBAN_BROKER" in told and "urban up" in told
    assert "URBAN_CLIENT_ID" in refused(ingest(port, "--topics", "city/air/+/+"))
    assert "URBAN_CLIENT_ID" in refused(ingest(port, client_id=""))
    told = refused(ingest(port, "--topics", "city/#", client_id="one"))
    assert "--topics" in told and "city/{kind}/{device}/telemetry" in told


def test_a_store_that_another_run_holds_is_one_clear_line(tmp_path: Path, ingest: Start) -> None:
    port = free_port()
    path = tmp_path / "held.duckdb"
    store = DuckDBStore(path, Catalogue(load_kinds()))
    try:
        told = refused(ingest(port, telemetry=f"duckdb:///{path}"))
        assert str(path) in told and "in use by another run" in told
    finally:
        store.close()


@pytest.mark.parametrize("broker", ["nats"], indirect=True)
def test_a_folder_that_another_ingestor_drains_is_one_clear_line(
    tmp_path: Path, broker: Broker, ingest: Start
) -> None:
    folder = tmp_path / "shared"
    first = ingest(broker.port, data_dir=folder, client_id="one")
    first.start_ready()
    told = refused(
        ingest(
            broker.port, data_dir=folder, client_id="two",
            telemetry=f"duckdb:///{tmp_path / 'other.duckdb'}",
        )
    )  # fmt: skip
    assert "URBAN_DATA_DIR" in told and "in use by another run" in told
    first.interrupt()
