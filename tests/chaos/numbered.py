"""Numbered messages for the whole platform, and what the platform says became of them.

Message n of a run is of device n % 10 at second n // 10, with two values that follow from n; every 50th is
poison. So ten messages are a second of event time, and each can be found again. (More often than its kind
declares: the platform under test is told not to mind, URBAN_RATE_FACTOR=0.)
"""

from __future__ import annotations

import json
import urllib.error
from datetime import datetime
from pathlib import Path
from typing import Any

from tests.brokers import publish_all
from tests.platform_process import UpProcess

T0 = 1_790_000_000
DEVICES = 10
MINUTE = 60 * DEVICES  # messages in a minute of event time
_POISON_EVERY = 50
_SPAN = "start=2026-09-01T00:00:00Z&end=2026-10-31T00:00:00Z"


def is_poison(number: int) -> bool:
    """True where the message of this number can't be stored."""
    return number % _POISON_EVERY == 17


def message(run: str, number: int) -> tuple[str, bytes]:
    """Topic and payload of message `number` of a run."""
    topic, at = f"city/air/{run}-{number % DEVICES}/telemetry", T0 + number // DEVICES
    if is_poison(number):
        return topic, b'{"time": %d, "pm25": "poison %d"}' % (at, number)
    return topic, b'{"time": %d, "pm25": %d, "pm10": %d}' % (at, number % 400, number % 300)


def publish(platform: UpProcess, run: str, first: int, end: int) -> None:
    """Publish messages first … end - 1; each is confirmed when this returns."""
    publish_all(platform.mqtt, (message(run, n) for n in range(first, end)))


def names(run: str) -> str:
    """The devices of a run, as a query."""
    return "&".join(f"device={run}-{i}" for i in range(DEVICES))


def account(platform: UpProcess, run: str) -> dict[str, Any]:
    """The run's account, or nothing while its devices are not known yet."""
    try:
        found: dict[str, Any] = platform.get(f"/api/v1/accounting?{names(run)}")["totals"]
    except urllib.error.HTTPError as error:
        error.close()
        return {"received": 0, "stored": 0, "quarantined": 0}
    except OSError:  # its store does not answer in time
        return {"received": 0, "stored": 0, "quarantined": 0}
    return found


def done(platform: UpProcess, run: str, count: int) -> bool:
    """Every message of a run is in the store or in quarantine, and every part is well."""
    poison = sum(is_poison(n) for n in range(count))
    found = account(platform, run)
    return (
        found["stored"] >= 2 * (count - poison)
        and found["quarantined"] >= poison
        and platform.ready()
    )


def judge(platform: UpProcess, run: str, count: int) -> None:
    """Confirmed = distinct stored + quarantined; nothing twice, wrong or half; each device's order kept."""
    found = account(platform, run)
    good = [n for n in range(count) if not is_poison(n)]
    assert found["balanced"] is True
    assert found["stored"] == 2 * len(good), "stored by the account"
    assert _quarantined(platform, run) == [n for n in range(count) if is_poison(n)]
    for i in range(DEVICES):
        mine = [n for n in good if n % DEVICES == i]
        for quantity, modulus in (("pm25", 400), ("pm10", 300)):
            rows = _rows(platform, f"{run}-{i}", quantity)
            # In the order in which they were measured, each once, with its own value.
            assert [at for at, _ in rows] == [T0 + n // DEVICES for n in mine]
            assert [value for _, value in rows] == [n % modulus for n in mine]
        latest = platform.get(f"/api/v1/latest?device={run}-{i}&quantity=pm25")["items"]
        assert [r["value"] for r in latest] == [mine[-1] % 400], "latest is the newest"


def trouble(platform: UpProcess) -> str:
    """What /readyz says is wrong; "" where all is well."""
    try:
        platform.get("/readyz")
    except urllib.error.HTTPError as error:
        with error:
            return str(json.loads(error.read())["detail"])
    except OSError as error:
        return str(error)
    return ""


def spooled(platform: UpProcess) -> float:
    """Bytes that wait on the platform's disk."""
    lines = platform.get("/metrics").decode().splitlines()
    return float(next(x for x in lines if x.startswith("urban_spool_bytes ")).split()[1])


def resident_mb(platform: UpProcess) -> float:
    """Memory of the platform's own process. [MB]"""
    assert platform.process is not None
    pages = int(Path(f"/proc/{platform.process.pid}/statm").read_text().split()[1])
    return pages * 4096 / 2**20


def _rows(platform: UpProcess, device: str, quantity: str) -> list[tuple[int, float]]:
    """(second, value) of everything stored, page by page, in the order of the answer."""
    rows: list[tuple[int, float]] = []
    cursor = ""
    while True:
        page = platform.get(
            f"/api/v1/telemetry?device={device}&quantity={quantity}&{_SPAN}&limit=1000{cursor}"
        )
        for row in page["items"]:
            rows.append((int(datetime.fromisoformat(row["time"]).timestamp()), row["value"]))
        if page["next"] is None:
            return rows
        cursor = f"&cursor={page['next']}"


def _quarantined(platform: UpProcess, run: str) -> list[int]:
    """Numbers of the items of a run, once each."""
    numbers: list[int] = []
    cursor = ""
    while True:
        page = platform.get(f"/api/v1/quarantine?{names(run)}&limit=1000{cursor}")
        for item in page["items"]:
            word = str(json.loads(item["payload"])["pm25"])
            numbers.append(int(word.removeprefix("poison ")))
        if page["next"] is None:
            return sorted(numbers)
        cursor = f"&cursor={page['next']}"
