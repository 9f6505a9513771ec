"""The newest readings in memory, against a dictionary: updates, flags, and what is forgotten for its age."""

from __future__ import annotations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from store.latest import NEVER, LatestTable
from store.series_index import SeriesIndex
from store.telemetry import Series
from telemetry.readings import Readings

QUANTITIES = 40
Key = tuple[int, int]

DEVICES = st.sampled_from([0, 1, 2, 255, 256, 900, 5_000])
ROWS = st.lists(
    st.tuples(DEVICES, st.integers(0, QUANTITIES - 1), st.integers(0, 50)), min_size=1, max_size=6
)
STEPS = st.lists(
    st.one_of(ROWS, st.integers(0, 50), st.tuples(DEVICES, st.integers(0, 9), st.integers(0, 50))),
    max_size=12,
)


@settings(deadline=None)
@given(STEPS)
def test_it_agrees_with_a_dictionary_whatever_is_forgotten(
    steps: list[list[tuple[int, int, int]] | int | tuple[int, int, int]],
) -> None:
    table, truth = LatestTable(QUANTITIES), dict[Key, tuple[int, float, int]]()
    for number, step in enumerate(steps):
        if isinstance(step, int):
            table.forget(step)
            truth = {k: v for k, v in truth.items() if v[0] >= step}
        elif isinstance(step, tuple):
            d, q, t = step
            table.correct_flags(Readings.of([d], [q], [t], [0.0], 4))
            if truth.get((d, q), (-1,))[0] == t:
                truth[d, q] = (*truth[d, q][:2], 4)
        else:
            values = [float(number * 10 + i) for i in range(len(step))]
            device, quantity, time = (list(c) for c in zip(*step, strict=True))
            table.update(Readings.of(device, quantity, time, values, 1))
            for (d, q, t), value in zip(step, values, strict=True):
                if t >= truth.get((d, q), (-1,))[0]:
                    truth[d, q] = (t, value, 1)
    columns = [c.tolist() for c in table.select(Series()).columns()]
    found = {(d, q): (t, v, f) for d, q, t, v, f, _ in zip(*columns, strict=True)}
    assert found == truth
    assert len(table) == len(truth)
    asked = [(d, q) for d in (0, 256, 5_000, 9_999) for q in range(QUANTITIES)]
    series = np.array(asked).T
    times = table.times(series[0].astype(np.int32), series[1].astype(np.int16)).tolist()
    assert times == [truth.get(key, (NEVER,))[0] for key in asked]


def test_forgetting_one_series_leaves_the_others_their_own() -> None:
    table = LatestTable(4)
    for device, time in ((9, 100), (1, 50), (2, 1)):
        table.update(Readings.of([device], [0], [time], [float(device)]))
    table.forget(20)
    found = table.select(Series())
    assert found.device.tolist() == [1, 9]
    assert found.value.tolist() == [1.0, 9.0]


def test_a_hundred_thousand_devices_with_four_quantities_take_few_bytes() -> None:
    index = SeriesIndex(132)
    device = np.repeat(np.arange(100_000, dtype=np.int32), 4)
    quantity = np.tile(np.array([3, 50, 51, 90], dtype=np.int16), 100_000)
    index.put(device, quantity, np.arange(400_000))
    np.testing.assert_array_equal(index.rows_of(device, quantity), np.arange(400_000))
    assert index._page.nbytes + index._row.nbytes < 32 * 2**20  # a plain table: 53


@settings(deadline=None)
@given(ROWS)
def test_it_knows_which_quantities_each_kind_has(rows: list[tuple[int, int, int]]) -> None:
    kind_of = (np.arange(6_000) % 3).astype(np.int16)
    table = LatestTable(QUANTITIES)
    device, quantity, time = (list(c) for c in zip(*rows, strict=True))
    table.update(Readings.of(device, quantity, time, [0.0] * len(rows), 1))
    kinds, quantities = np.nonzero(table.present(kind_of, 3))
    found = set(zip(kinds.tolist(), quantities.tolist(), strict=True))
    assert found == {(d % 3, q) for d, q, _ in rows}
