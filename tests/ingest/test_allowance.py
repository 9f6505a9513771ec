"""The arrays behind allowances, against the plain way to say the same."""

from __future__ import annotations

from collections import Counter, defaultdict

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from ingest.allowance import EventHours, Groups, Table
from telemetry.clock import HOUR

CODES = st.lists(st.integers(-3, 6), max_size=40)


@given(CODES)
def test_groups_count_rank_and_sum_like_a_loop(codes: list[int]) -> None:
    groups, weight = Groups(np.array(codes, dtype=np.int32)), np.arange(1.0, len(codes) + 1)
    rank, running, seen, sums = [], [], Counter[int](), defaultdict[int, float](float)
    for code, w in zip(codes, weight.tolist(), strict=True):
        rank.append(seen[code])
        seen[code] += 1
        sums[code] += w
        running.append(sums[code])
    assert dict(zip(groups.codes.tolist(), groups.count.tolist(), strict=True)) == seen
    assert groups.rank.tolist() == rank
    assert groups.running(weight).tolist() == running
    assert groups.codes[groups.group].tolist() == codes


@given(st.lists(st.tuples(st.integers(0, 2), st.integers(-3, 3)), max_size=40), st.integers(1, 5))
def test_an_hour_has_room_for_so_many_however_they_are_cut(
    told: list[tuple[int, int]], size: int
) -> None:
    hours, kept = EventHours(), []
    for start in range(0, len(told), size):
        part = np.array(told[start : start + size])
        time = part[:, 1] * HOUR + 7
        kept += hours.take(part[:, 0].astype(np.int32), time, np.full(len(part), 3.0)).tolist()
        hours.keep()
    seen: Counter[tuple[int, int]] = Counter()
    for key, room in zip(told, kept, strict=True):
        assert room == (seen[key] < 3)
        seen[key] += 1


def test_what_is_undone_was_never_counted() -> None:
    hours = EventHours()
    row = np.zeros(3, dtype=np.int32), np.full(3, HOUR), np.full(3, 3.0)
    for _ in range(5):
        assert hours.take(*row).all()
        hours.back()
    hours.take(*row)
    hours.keep()
    assert not hours.take(*row).any()


def test_hours_that_meet_in_one_place_forget_in_the_senders_favour() -> None:
    hours = EventHours(places=1)
    time = np.arange(50) * HOUR
    for _ in range(5):
        assert hours.take(np.zeros(50, dtype=np.int32), time, np.full(50, 2.0)).sum() >= 49
        hours.keep()


def test_a_table_grows_and_goes_back_to_what_was_kept() -> None:
    table = Table({"a": np.float64, "b": np.bool_}, 2)
    table.grow(5)
    table.put(np.array([4]), a=1.0, b=True)
    table.keep()
    table.put(np.array([3, 4]), a=np.array([2.0, 3.0]))
    table.put(np.array([4]), a=9.0)
    assert table.changed("a").tolist() == [3, 4, 4] and table.changed("b").tolist() == []
    table.back()
    assert table["a"].tolist()[:5] == [0, 0, 0, 0, 1] and table["b"][4]
