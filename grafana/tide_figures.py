"""The astronomical tide of the hours to come, as lines for InfluxDB: the only figures whose time lies ahead."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from devices.tide import TideStation, tide
from grafana.measurements import TIDE
from store.line_protocol import encode_point
from telemetry.clock import HOUR, MINUTE, SECOND

AHEAD = 48 * HOUR
STEP = 10 * MINUTE


def tide_lines(station: TideStation, now: int) -> Iterator[str]:
    """Heights above mean sea level [m], from the hour that has begun.

    Written again as an hour begins, they reach AHEAD at every minute of this one.
    """
    begin = now // HOUR * HOUR
    times = np.arange(begin, begin + HOUR + AHEAD + STEP, STEP, dtype=np.int64)
    heights = np.round(tide(times / SECOND, station.constituents), 3)
    for time, height in zip(times.tolist(), heights.tolist(), strict=True):
        yield encode_point(TIDE, {"station": station.name}, {"level": height}, time)
