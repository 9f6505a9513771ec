"""SIGKILL under load, start again: until everything that waited is stored and analysed, with alerts as before."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

from benchmarks.alerts_load import VALUES, Load, gauge, gauges, probe, stations
from benchmarks.ingest_broker import running
from benchmarks.ingest_publisher import Publisher
from benchmarks.platform_process import PlatformProcess, wait_for

_STANDING = 100  # alerts; of every second one somebody has taken notice
_MARKER = _STANDING  # the probe behind everything that waits
_DOWN_S = 2.0
_TARGET_S = 30


def restart(broker: str, seconds: float, folder: Path, rate: float) -> dict[str, Any]:
    """One run. The load goes on while the platform is down and while it catches up."""
    with (
        running(broker, folder / "broker") as process,
        PlatformProcess(
            folder / "data", process.port, [*stations(), *gauges(_STANDING + 1)]
        ) as platform,
    ):
        platform.start()
        first_s = wait_for(platform.ready, "the platform")
        _raise_alerts(process.port, platform)
        load = Load(process.port, rate)
        time.sleep(seconds)
        before = _alerts(platform)
        platform.kill()
        time.sleep(_DOWN_S)
        begun = time.monotonic()
        _publish(process.port, [_MARKER], "bench-marker")
        platform.start()
        wait_for(platform.ready, "the platform, started again")
        ready_s = time.monotonic() - begun
        wait_for(lambda: gauge(_MARKER) in _alerts(platform), "what waited")
        caught_up_s = time.monotonic() - begun
        after = _alerts(platform)
        sent_per_s = load.stop()
        wanted = load.sent * VALUES + _STANDING + 1
        wait_for(lambda: _total(platform, "messages") >= load.sent, "the last message", 0.5)
        wait_for(lambda: _total(platform, "stored") >= wanted, "the last reading", 0.5)
        return {
            "rate": round(rate), "sent_per_s": round(sent_per_s), "down_s": _DOWN_S,
            "reference_ready_s": round(first_s, 2), "ready_s": round(ready_s, 2),
            "caught_up_s": round(caught_up_s, 2), "target_s": _TARGET_S,
            "alerts": len(before),
            "alerts_changed": sum(after.get(d) != a for d, a in before.items()),
            "alerts_new": len(after.keys() - before.keys() - {gauge(_MARKER)}),
            "lost": wanted - _total(platform, "stored"),
        }  # fmt: skip


def _raise_alerts(port: int, platform: PlatformProcess) -> None:
    _publish(port, range(_STANDING), "bench-probe")
    wait_for(lambda: len(_alerts(platform)) == _STANDING, "the alerts")
    for number, alert in enumerate(_alerts(platform).values()):
        if number % 2:
            platform.post(f"/api/v1/alerts/{alert['id']}/ack", {"by": "bench"})


def _publish(port: int, numbers: Any, client_id: str) -> None:
    publisher = Publisher(port, client_id)
    publisher.send(probe(n) for n in numbers)
    publisher.finish(30.0)


def _alerts(platform: PlatformProcess) -> dict[str, dict[str, Any]]:
    """Every alert by its device."""
    return {a["device"]: a for a in platform.get("/api/v1/alerts?limit=1000")["items"]}


def _total(platform: PlatformProcess, outcome: str) -> int:
    return int(platform.get("/api/v1/accounting")["totals"][outcome])
