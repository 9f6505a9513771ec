"""`urban backfill` with a platform of its own: once it is all there, twice it changes nothing, interrupted it goes on."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections import Counter
from pathlib import Path

from devices.device import Catalogue
from devices.registry import load_kinds
from ingest.broker import free_port
from store.duckdb_store import DuckDBStore
from store.sql_store import SqlOperations
from store.telemetry import Series
from telemetry.clock import DAY, SystemClock
from tests.brokers import wait_until

ROOT = Path(__file__).parent.parent.parent


def started(folder: Path, *words: str) -> subprocess.Popen[str]:
    given = {k: v for k, v in os.environ.items() if not k.startswith("URBAN_")}
    env = given | {
        "URBAN_DATA_DIR": str(folder), "URBAN_DEVICES": "14", "URBAN_MQTT_PORT": str(free_port()),
        "PYTHONUNBUFFERED": "1", "COLUMNS": "200",
    }  # fmt: skip
    return subprocess.Popen(
        [sys.executable, "-m", "cli", "backfill", "--days", "1", *words], cwd=ROOT, env=env,
        text=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
    )  # fmt: skip


def ended(folder: Path, *words: str) -> str:
    process = started(folder, *words)
    _, err = process.communicate(timeout=180)
    assert process.returncode == 0, err
    return err


def kept(folder: Path) -> tuple[int, Counter[str]]:
    """(readings that devices sent, the account) of a data folder."""
    catalogue = Catalogue(load_kinds())
    operations = SqlOperations(f"sqlite:///{folder / 'operations.db'}")
    for device in operations.devices():
        catalogue.put(device)
    store = DuckDBStore(folder / "telemetry.duckdb", catalogue)
    now = SystemClock().now()
    account: Counter[str] = Counter()
    for row in store.account(now - DAY, now + DAY):
        account[row.outcome] += row.count
    every = store.raw(Series(), now - 3 * DAY, now + DAY, 1_000_000)
    store.close()
    operations.close()
    return len(every), account


def test_interrupted_resumed_and_again(tmp_path: Path) -> None:
    folder = tmp_path / "data"
    process = started(folder)
    wait_until(lambda: (folder / "backfill.json").is_file() or process.poll() is not None, 90)
    process.send_signal(signal.SIGINT)
    _, err = process.communicate(timeout=60)
    assert process.returncode == 130, err
    assert "goes on where it stopped" in err
    [[[start, first]]] = json.loads((folder / "backfill.json").read_text()).values()
    assert 0 < first - start < DAY

    err = ended(folder)
    assert "backfill: 90 %" in err or "backfill: 100 %" in err
    readings, account = kept(folder)
    assert account["stored"] > 10_000
    # The slice that was interrupted came twice; the rest did not.
    assert account["duplicate"] < 0.2 * account["stored"]

    ended(folder, "--again")
    again, after = kept(folder)
    minutes = 24 * 10 * 8  # what the city measured meanwhile: ten minutes of it at the most
    assert abs(again - readings) <= minutes
    assert after["stored"] - account["stored"] <= minutes
    assert after["duplicate"] - account["duplicate"] > 0.9 * account["stored"]
