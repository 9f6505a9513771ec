"""Snapshot and restore: at any point it changes nothing, also with other codes or a kind that has grown."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from analytics import checkpoint
from analytics.engine import Engine
from devices.device import Catalogue, Device
from telemetry.clock import HOUR, MINUTE, SECOND
from telemetry.errors import StoreError
from tests.analytics.city import DEVICES, T0, ZONE, Row, Told, batch, catalogue, engine


def a_day(seed: int) -> list[list[Row]]:
    """Batches of an eventful day: spikes, gaps, flat lines, a flood, a feeder cut, late readings."""
    rng = np.random.default_rng(seed)
    rows: list[Row] = []
    for minute in range(0, 14 * 60, 5):
        t = T0 + minute * MINUTE + int(rng.integers(0, 60)) * SECOND
        dark = 300 < minute < 400
        pm25 = 400.0 if rng.random() < 0.05 else 60 + 100 * np.sin(minute / 100) ** 2
        rows += [
            ("aq-1", "pm25", t, float(pm25)),
            ("aq-2", "pm10", t, 80.0 if minute > 200 else float(80 + rng.normal(0, 3))),
            ("phu-an", "level", t, float(1.3 + 0.4 * np.sin(minute / 120))),
            ("tu-1", "voltage", t, 0.0 if dark else float(230 + rng.normal(0, 1))),
            ("den-1", "power", t, 20.0 if minute > 500 else 98.0),
            ("den-1", "dimming", t, 100.0),
            ("gio-1", "wind_direction", t, float(rng.normal(0, 8) % 360)),
        ]
    arrival = sorted(rows, key=lambda r: r[2] + int(rng.exponential(120)) * SECOND)
    return [arrival[i : i + 60] for i in range(0, len(arrival), 60)]


def now_of(rows: list[Row]) -> int:
    return max(r[2] for r in rows) + SECOND


def told_by(batches: list[list[Row]], known: Catalogue, e: Engine, told: Told) -> Told:
    for rows in batches:
        told.take(e.process(batch(known, rows), now_of(rows)))
        told.take(e.advance(now_of(rows) + SECOND))
    return told


def everything(told: Told) -> tuple[object, ...]:
    # NaN is not equal to itself, but to its text.
    rollups = {k: repr(v) for k, v in told.rollups.items()}
    return told.flags, told.derived, rollups, told.stale, told.transitions


@settings(max_examples=12, deadline=None)
@given(st.integers(0, 1000), st.sets(st.integers(0, 19), max_size=4))
def test_restoring_at_any_point_changes_nothing(seed: int, points: set[int]) -> None:
    known, batches = catalogue(), a_day(seed)
    whole = told_by(batches, known, engine(known), Told(known))
    e, told = engine(known), Told(known)
    for i, rows in enumerate(batches):
        if i in points:
            e = Engine.restore(e.snapshot(), known, ZONE)
        told_by([rows], known, e, told)
    # A restart gives devices a grace period: when they are missed may differ, and nothing else.
    for t in (whole, told):
        t.derived = {k: v for k, v in t.derived.items() if k[1] != "online"}
        t.transitions = [x for x in t.transitions if x[1] != "device_offline"]
    assert everything(told) == everything(whole)
    assert whole.transitions


def test_codes_may_differ_after_a_restart() -> None:
    batches = a_day(7)
    known = catalogue()
    whole = told_by(batches, known, engine(known), Told(known))
    e, first = engine(known), Told(known)
    told_by(batches[:9], known, e, first)
    other = catalogue(reversed(DEVICES))
    told = Told(other)
    told_by(batches[9:], other, Engine.restore(e.snapshot(), other, ZONE), told)
    merged_rollups = first.rollups | told.rollups
    assert {k: repr(v) for k, v in merged_rollups.items()} == {
        k: repr(v) for k, v in whole.rollups.items()
    }
    index = {**first.of("vn_aqi"), **told.of("vn_aqi")}
    assert index == whole.of("vn_aqi")
    # At one time devices come in the order of their codes, which differ here.
    rest = [t for t in first.transitions + told.transitions if t[1] != "device_offline"]
    wanted = [t for t in whole.transitions if t[1] != "device_offline"]
    assert [t[3] for t in rest] == [t[3] for t in wanted]
    assert sorted(rest, key=lambda t: (t[3], *t)) == sorted(wanted, key=lambda t: (t[3], *t))


def test_a_device_that_is_gone_is_left_out() -> None:
    known = catalogue()
    e = engine(known)
    told_by(a_day(3)[:5], known, e, Told(known))
    fewer = catalogue(DEVICES[1:4])
    restored = Engine.restore(e.snapshot(), fewer, ZONE)
    told = Told(fewer)
    told.take(
        restored.process(batch(fewer, [("aq-2", "pm10", T0 + 9 * HOUR, 80.0)]), T0 + 9 * HOUR)
    )
    assert any(device == "aq-2" for _, device, _, _ in told.rollups)


@pytest.mark.parametrize("data", [b"", b"not a snapshot", b"PK\x03\x04 cut short"])
def test_what_is_no_snapshot_is_refused_in_words(data: bytes) -> None:
    with pytest.raises(StoreError, match="analytics snapshot"):
        Engine.restore(data, catalogue(), ZONE)


def test_another_lateness_has_other_windows_and_is_refused() -> None:
    state = engine().snapshot()
    with pytest.raises(StoreError, match="windows"):
        Engine.restore(state, catalogue(), ZONE, lateness=2 * HOUR)


def test_a_checkpoint_is_the_old_one_or_the_new(tmp_path_factory: pytest.TempPathFactory) -> None:
    path = tmp_path_factory.mktemp("state") / "analytics.npz"
    assert checkpoint.load(path) is None
    checkpoint.save(path, 41, b"state\nwith lines")
    assert checkpoint.load(path) == (41, b"state\nwith lines")
    path.with_name("analytics.npz.new").write_bytes(b"half a")  # killed while writing
    assert checkpoint.load(path) == (41, b"state\nwith lines")
    checkpoint.save(path, 42, b"")
    assert checkpoint.load(path) == (42, b"")
    path.write_bytes(b"something else")
    with pytest.raises(StoreError, match=r"analytics\.npz"):
        checkpoint.load(path)


def test_state_stays_under_one_kilobyte_a_series() -> None:
    e = engine()
    assert e.state_bytes() / e.layout.n_series < 1024


@pytest.mark.parametrize("kind", ["air", "noise", "water", "level"])
def test_state_of_each_kind_with_its_indices_stays_under_one_kilobyte_a_series(kind: str) -> None:
    e = engine(catalogue(Device(id=f"{kind}-{i}", kind=kind) for i in range(100)))
    assert e.state_bytes() / e.layout.n_series < 1024
