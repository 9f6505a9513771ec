"""The figure of a shock wave shows what the roads do: the path that is drawn follows the queue's back."""

from __future__ import annotations

import numpy as np

from benchmarks.shock_wave import CRASH, CRASH_KM, SETTLED, SHOWN, crash, front
from telemetry.clock import MINUTE


def test_the_queues_back_follows_rankine_and_hugoniot_on_a_road_with_side_streets() -> None:
    traffic, cells = crash()
    count = SHOWN[1]
    time = SHOWN[0] + MINUTE * np.arange(count)
    found = traffic.at(np.tile(cells, count), np.repeat(time, len(cells)))
    flow, density = (x.reshape(count, len(cells)) for x in found)
    flow *= 60.0
    km = np.append(0.0, np.cumsum(traffic.graph.length[cells])) / 1_000.0
    minutes, path = front(flow, density, km)
    speed = flow / np.maximum(density, 1e-9)
    begins = (CRASH[0] - SHOWN[0]) // MINUTE
    for after, place in zip(minutes[5:25].astype(int).tolist(), path[5:25].tolist(), strict=True):
        slow = np.flatnonzero(speed[begins + after] < 18.0)
        assert abs(km[slow.min()] - place) < 2.0 * km[1]  # a front is two cells wide
    assert minutes[0] == SETTLED
    assert path[-1] < CRASH_KM - 2.0  # the queue grew by kilometres
    # Ahead of the crash the road is empty and fast.
    ahead = int(np.searchsorted(km, CRASH_KM)) + 3
    assert speed[begins + 15, ahead] > 1.3 * speed[begins - 5, ahead]
