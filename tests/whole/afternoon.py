"""The script of an afternoon at the Sài Gòn river: who measures what, when. Times are local, HH:MM.

Wednesday, 25 November 2026, a day after full moon. Every device reports as often as its kind declares, and
a message's time is its minute.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from itertools import pairwise

import numpy as np

from devices.device import Device
from devices.topics import telemetry_topic
from telemetry.clock import HOUR, MINUTE, parse_time

MIDNIGHT = parse_time("2026-11-25T00:00:00+07:00")
LEVELS = {"bd1": 1.4, "bd2": 1.5, "bd3": 1.6}
AREA = "26740"  # phường Sài Gòn
LAMPS = ("den-1", "den-2", "den-3")

DEVICES = (
    Device(id="tram-khi", kind="air", area=AREA),
    Device(id="phu-an", kind="level", area=AREA, limits=LEVELS),
    Device(id="nha-be", kind="level", limits=LEVELS),
    Device(id="tu-1", kind="feeder", area=AREA),
    *(
        Device(
            id=lamp, kind="lamp", area=AREA, parent="tu-1", limits={"rated_power": 100.0},
            lat=10.7757, lon=106.7010,
        )
        for lamp in LAMPS
    ),
)  # fmt: skip

# What happens when: straight lines between these points.
Line = dict[str, float]
DUST: Line = {
    "12:00": 30,
    "15:00": 30,
    "15:05": 180,
    "16:30": 180,
    "16:35": 30,
    "21:00": 30,
}  # PM2.5, µg/m³
KING_TIDE: Line = {
    "12:00": 0.80,
    "15:00": 1.10,
    "17:00": 1.64,
    "17:30": 1.64,
    "20:20": 1.10,
    "21:00": 1.0,
}  # m
STUCK_GAUGE: Line = {"12:00": 0.80, "12:30": 0.90, "21:00": 0.90}  # the same tide, had it not stuck
DUSK, CUT, BACK = (
    "18:00",
    "18:36",
    "19:24",
)  # lamps are told to burn; the feeder's supply goes and comes
BROKER_STOPS, BROKER_STARTS = "16:40", "16:45"
BEGIN, END = "12:00", "20:20"
TICK = 4 * MINUTE  # how often messages go out; less than the shortest time-out, 5 minutes


def at(clock: str) -> int:
    """Local time of day → ns."""
    hour, minute = map(int, clock.split(":"))
    return MIDNIGHT + hour * HOUR + minute * MINUTE


def local(ns: int) -> str:
    """ns → local time of day."""
    minutes = (ns - MIDNIGHT) // MINUTE
    return f"{minutes // 60:02d}:{minutes % 60:02d}"


def on(line: Line, time: int) -> float:
    """The value of a line at a time."""
    return float(np.interp(time, [at(c) for c in line], list(line.values())))


def _air(device: str, time: int) -> dict[str, float]:
    # A sensor's last digit is never still.
    dust = on(DUST, time) - 0.3 * (time // MINUTE % 2)
    return {"pm25": round(dust, 1), "pm10": round(1.5 * dust, 1)}


def _level(device: str, time: int) -> dict[str, float]:
    return {"level": round(on(STUCK_GAUGE if device == "nha-be" else KING_TIDE, time), 3)}


def _feeder(device: str, time: int) -> dict[str, float]:
    # The cabinet's controller has a battery: it goes on to report, without voltage.
    if at(CUT) <= time < at(BACK):
        return {"voltage": 0.0, "power": 0.0}
    return {"voltage": 230.0, "power": 300.0 if time >= at(DUSK) else 0.0}


def _lamp(device: str, time: int) -> dict[str, float] | None:
    if at(CUT) <= time < at(BACK):
        return None
    return {"dimming": 100.0, "power": 95.0} if time >= at(DUSK) else {"dimming": 0.0, "power": 0.0}


_MEASURES: dict[str, Callable[[str, int], dict[str, float] | None]] = {
    "air": _air, "level": _level, "feeder": _feeder, "lamp": _lamp,
}  # fmt: skip
_EVERY = {"air": 1, "level": 5, "feeder": 1, "lamp": 5}  # minutes


def messages(since: int, until: int) -> Iterator[tuple[str, bytes]]:
    """What the devices send in (since, until], in order of time; the air station, which sends always, last."""
    for time in range(since + MINUTE, until + MINUTE, MINUTE):
        for device in reversed(DEVICES):
            minutes = (time - MIDNIGHT) // MINUTE
            due = minutes % _EVERY[device.kind] == 0
            values = _MEASURES[device.kind](device.id, time) if due else None
            if values is not None:
                body = {"time": time // 1_000_000_000, **values}
                yield telemetry_topic(device.kind, device.id), json.dumps(body).encode()


def ticks() -> Iterator[tuple[int, int]]:
    """(since, until) of each step of the clock; the broker's end and start are steps of their own."""
    times = {*range(at(BEGIN), at(END) + 1, TICK), at(BROKER_STOPS), at(BROKER_STARTS)}
    yield from pairwise(sorted(times))
