"""A healthy city keeps its flags: the tests of closed hours find nothing wrong with what is well."""

from __future__ import annotations

import numpy as np
import pytest

from devices.device import Catalogue
from telemetry.readings import Readings
from tests.analytics.slow import Judged, in_time
from tests.simulators.cities import KINDS, day_of, scene

STARTS = ("2026-11-20", "2026-07-10")


@pytest.mark.parametrize("name", ["hcmc", "hanoi"])
@pytest.mark.parametrize("start", STARTS)
def test_a_healthy_city_fails_no_test(name: str, start: str) -> None:
    known = Catalogue(KINDS)
    parts = []
    of = scene(name)
    for kind in KINDS:
        rows, values = day_of(name, kind.name, f"{start}T00:00:00Z", 1.2)
        codes = np.array([known.put(d) for d in of.fleets[kind.name].devices])
        for quantity, column in values.items():
            if quantity in {q.name for q in kind.quantities if not q.derived}:
                q = np.full(len(column), KINDS.quantity_code[quantity])
                parts.append(Readings.of(codes[rows.device], q, rows.time, column, 1, rows.time))
    judged = Judged(known).hear(in_time(parts)).end()
    why = {k: dict(v) for k, v in judged.why.items()}
    assert why == {}
    assert judged.engine.layout.n_devices >= 200
