"""A city over one engine or four, in any order and cuts, killed or not: the same flags, windows and alerts."""

from __future__ import annotations

from collections import defaultdict
from functools import cache
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from analytics.engine import Engine
from devices.device import Catalogue, Device
from devices.together import group, partition
from telemetry.clock import DAY, SECOND
from telemetry.errors import DeclarationError
from telemetry.readings import Readings
from tests.analytics.city import T0, ZONE, Told, catalogue
from tests.analytics.slow import series

AREAS = ["26734", "26737", "26740", ""]
DEVICES = [
    *(Device(id=f"w-{i}", kind="weather", area=AREAS[i % 2]) for i in range(10)),
    *(Device(id=f"f-{i}", kind="feeder", area=AREAS[i]) for i in range(4)),
    *(Device(id=f"l-{i}", kind="lamp", parent=f"f-{i % 4}", limits={"rated_power": 100.0}) for i in range(12)),
    *(Device(id=f"a-{i}", kind="air", area=AREAS[i % 3]) for i in range(6)),
    *(Device(id=f"t-{i}", kind="traffic", area=AREAS[i], limits={"road": 7.0}) for i in range(3)),
    Device(id="phu-an", kind="level", area="26740", limits={"bd1": 1.4, "bd2": 1.5, "bd3": 1.6}),
]  # fmt: skip
FLUSH = "gio-flush"
Facts = tuple[Any, ...]  # flags, windows, derived readings, alerts


def eventful(known: Catalogue, seed: int, days: float = 1.0) -> Readings:
    """Readings of a city in which something is wrong in every way, in order of time."""
    rng = np.random.default_rng(seed)
    parts = []
    slow, n = 900, int(days * 96)
    day = np.sin(2 * np.pi * np.arange(n) / 96)

    def put(device: str, quantity: str, values: np.ndarray, every_s: int = slow) -> None:
        start = T0 + int(rng.integers(0, every_s)) * SECOND
        parts.append(series(known, device, quantity, values, every_s, start))

    for i in range(10):
        warm = 27 + 4 * day + rng.normal(0, 0.2, n)
        if i == 0:
            warm[30:80] += np.minimum(np.arange(50), 8)
        put(f"w-{i}", "temperature", warm)
    for i in range(4):
        put(f"f-{i}", "power", (250 if i == 1 else 320) + rng.normal(0, 2, n))
        put(
            f"f-{i}",
            "voltage",
            np.where((np.arange(n) // 20 == 2) & (i == 2), 0, 230 + rng.normal(0, 1, n)),
        )
    for i in range(12):
        start = len(parts)
        put(f"l-{i}", "power", 98 + rng.normal(0, 1, n))
        again = parts[start]
        parts.append(again.take(slice(None)))
        dimming = np.where(np.arange(n) % 50 < 40, 100.0, 40.0)
        code = known.kinds.quantity_code["dimming"]
        parts[-1] = Readings.of(
            again.device, np.full(n, code), again.time, dimming, 1, again.received
        )
    for i in range(6):
        fine = np.abs(40 + 10 * day + rng.normal(0, 4, n))
        fine[rng.random(n) < 0.03] = 300
        put(f"a-{i}", "pm25", fine)
    put("phu-an", "level", np.where(np.arange(n) < 60, 1.2 + 0.4 * day, 1.2 + 0.004 * day))
    for i in range(3):
        put(f"t-{i}", "speed", np.abs(40 + rng.normal(0, 3, n)))
    whole = Readings.concat(parts)
    return whole.take(np.argsort(whole.time, kind="stable"))


def told_over(
    rows: Readings, partitions: int, cuts: list[int], seed: int = 0, kill: bool = False
) -> Facts:
    """What a store holds at the end: each partition an engine of its own, with its devices only."""
    whole = catalogue(DEVICES)
    told = Told(whole)
    for part in range(partitions):
        ours = [d for d in DEVICES if partition(whole, d, partitions) == part]
        known = catalogue([*ours, Device(id=FLUSH, kind="tree")])
        code = np.array([-1 if (c := known.code(d.id)) is None else c for d in whole.devices])
        mine = rows.take(code[rows.device] >= 0)
        mine = Readings(code[mine.device].astype(np.int32), *mine.columns()[1:])
        own = Told(known)
        e = Engine(known, ZONE)
        for batch in np.split(np.arange(len(mine)), between_messages(mine, cuts)):
            if len(batch):
                own.take(e.process(mine.take(batch), T0 + 9 * DAY))
            if kill:
                e = Engine.restore(e.snapshot(), known, ZONE)
        flush = series(known, FLUSH, "tilt", [0.0, 0.1], 3600, T0 + 4 * DAY)
        own.take(e.process(flush, T0 + 9 * DAY))
        told.flags |= own.flags
        told.derived |= own.derived
        told.rollups |= own.rollups
        for step, keys in own.stale.items():
            told.stale.setdefault(step, set()).update(keys)
        told.transitions += own.transitions
    return settled(told)


def between_messages(rows: Readings, cuts: list[int]) -> list[int]:
    """Thousandths of the rows → places to cut: the readings of one message come in one batch."""
    new = np.flatnonzero((np.diff(rows.time) != 0) | (np.diff(rows.device) != 0)) + 1
    wanted = np.searchsorted(new, np.array(sorted(cuts), dtype=np.int64) * len(rows) // 1000)
    return [int(new[i]) for i in wanted if i < len(new)]


def settled(told: Told) -> Facts:
    """Everything but the flushing device; windows that the store computes follow from flags."""
    anew = {(step, *key) for step, keys in told.stale.items() for key in keys}
    flags = {k: v for k, v in told.flags.items() if v > 1}
    windows = {k: v for k, v in told.rollups.items() if k not in anew and k[1] != FLUSH}
    derived = {k: v for k, v in told.derived.items() if k[0] != FLUSH and k[1] != "online"}
    # How often a standing alert is told to have grown worse follows the batches; when it was raised and
    # cleared does not.
    changes = [t for t in told.transitions if t[2] != FLUSH and t[0] != "update"]
    return flags, windows, derived, sorted(changes)


@cache
def day() -> Readings:
    return eventful(catalogue(DEVICES), 5)


@cache
def alone() -> Facts:
    """What one engine says that hears the day at once."""
    return told_over(day(), 1, [])


def test_something_of_everything_happens() -> None:
    flags, windows, derived, transitions = alone()
    assert {q for _, q, _ in flags} >= {"temperature", "power", "voltage", "pm25", "level"}
    assert windows
    assert derived
    assert {t[1] for t in transitions} >= {"feeder_supply_loss", "flood_bd1"}


@settings(max_examples=5, deadline=None)
@given(st.sampled_from([1, 4]), st.lists(st.integers(0, 1000), max_size=10), st.booleans())
def test_partitions_cuts_and_kills_change_nothing(
    partitions: int, cuts: list[int], kill: bool
) -> None:
    _same(told_over(day(), partitions, cuts, kill=kill), alone())


@settings(max_examples=5, deadline=None)
@given(
    st.integers(0, 2**32 - 1), st.sampled_from([1, 4]), st.lists(st.integers(0, 1000), max_size=10)
)
def test_the_order_within_the_lateness_changes_no_flag_and_no_window(
    seed: int, partitions: int, cuts: list[int]
) -> None:
    rows = day()
    delay = np.random.default_rng(seed).integers(0, 600 * SECOND, len(rows))
    arrival = rows.take(np.argsort(rows.time + delay, kind="stable"))
    _same(told_over(arrival, partitions, cuts)[:2], alone()[:2])


def _same(found: Facts, wanted: Facts) -> None:
    """Equal, windows to the last bit; those that either has the store compute follow from the flags."""
    assert found[0] == wanted[0]
    both = found[1].keys() & wanted[1].keys()
    assert len(both) > 0.9 * len(wanted[1])
    assert {k: repr(found[1][k]) for k in both} == {k: repr(wanted[1][k]) for k in both}
    assert found[2:] == wanted[2:]


def test_what_belongs_together_is_in_one_partition() -> None:
    known = catalogue(DEVICES)
    of: dict[str, set[int]] = defaultdict(set)
    for device in DEVICES:
        of[group(known, device)].add(partition(known, device, 4))
    assert all(len(found) == 1 for found in of.values())
    lamp = known.get("l-1")
    feeder = known.get("f-1")
    assert lamp and feeder
    assert group(known, lamp) == group(known, feeder) == "area:26737"
    assert {group(known, d) for d in DEVICES if d.kind == "traffic"} == {"road:7"}
    assert group(known, Device(id="x-1", kind="lamp", parent="gone")) == "device:gone"
    assert len({partition(known, Device(id=f"x-{i}", kind="lamp"), 4) for i in range(50)}) == 4


def test_parents_that_bite_their_tail_end_somewhere() -> None:
    known = catalogue(
        [Device(id="x-1", kind="lamp", parent="x-2"), Device(id="x-2", kind="lamp", parent="x-1")]
    )
    assert group(known, known.devices[0]).startswith("device:")


def test_no_partitions_is_refused_in_words() -> None:
    with pytest.raises(DeclarationError, match="1 or more"):
        partition(catalogue(DEVICES), DEVICES[0], 0)
