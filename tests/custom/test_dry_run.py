"""A rule on stored history: what it would have done, page by page as in one go."""

from __future__ import annotations

from pathlib import Path

import pytest

from analytics.custom import dry_run
from analytics.custom.dry_run import Raised, try_out
from store.duckdb_store import DuckDBStore
from telemetry.clock import HOUR, MINUTE
from telemetry.ledger import Ledger
from telemetry.readings import Readings
from tests.analytics.city import KINDS, T0
from tests.custom.model import ZONE, rule
from tests.custom.test_evaluate import catalogue

VALUES = [30.0, 60.0, 70.0, 45.0, 40.0, 30.0, 55.0, 55.0]


@pytest.mark.parametrize("page", [3, 7, 200_000])
def test_it_counts_what_would_have_been_raised(
    tmp_path: Path, page: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(dry_run, "PAGE", page)
    known = catalogue()
    store = DuckDBStore(tmp_path / "t.duckdb", known)
    pm25 = KINDS.quantity_code["pm25"]
    times = [T0 + n * MINUTE for n in range(len(VALUES))]
    for code, factor in ((0, 1.0), (1, 0.5)):
        flags = [1] * len(VALUES)
        values = [v * factor for v in VALUES]
        store.append(
            Readings.of([code] * len(VALUES), [pm25] * len(VALUES), times, values, flags, times),
            Ledger.empty(),
        )
    shares: list[float] = []
    found = try_out(rule(known), known, store, ZONE, T0, T0 + HOUR, shares.append)
    assert (found.devices, found.readings, found.raised) == (2, 16, 2)
    assert found.by_device == {"aq-1": 2}
    assert found.examples == [
        Raised("aq-1", T0 + MINUTE, T0 + 4 * MINUTE, 70.0),
        Raised("aq-1", T0 + 6 * MINUTE, None, 55.0),
    ]
    assert found.standing == 3 * MINUTE + 54 * MINUTE
    assert shares == sorted(shares)
    assert bool(shares) == (page < 16)
    nothing = try_out(rule(known, tags=["market"]), known, store, ZONE, T0, T0 + HOUR)
    assert (nothing.devices, nothing.readings, nothing.raised) == (0, 0, 0)
    store.close()
