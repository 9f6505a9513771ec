"""`seq` shows what never arrived, whatever the order, and is not fooled by a counter that starts again."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from ingest.sequence import Sequences


def gap(*seqs: int) -> int:
    sequences = Sequences()
    return sum(sequences.step(7, s) for s in seqs)


def test_steps_by_one_leave_no_gap() -> None:
    assert gap(*range(100)) == 0


def test_skipped_numbers_are_missing_until_they_arrive() -> None:
    assert gap(1, 5) == 3
    assert gap(1, 5, 3) == 2
    assert gap(1, 5, 3, 3) == 2
    assert gap(1, 5, 2, 3, 4, 6) == 0


def test_a_counter_that_starts_again_is_no_gap_and_never_less_than_none() -> None:
    assert gap(100, 101, 0, 1, 2) == 0
    assert gap(100, 103, 0, 2) == 3
    assert gap(5, 2**50, 2**50 + 1) == 0


def test_devices_count_for_themselves() -> None:
    sequences = Sequences()
    assert [sequences.step(d, s) for d, s in ((1, 10), (2, 90), (1, 12), (2, 91))] == [0, 0, 1, 0]


def test_memory_is_bounded() -> None:
    sequences = Sequences()
    sequences.step(1, 0)
    assert sequences.step(1, 900_000) == 899_999
    assert sum(len(m) for m in sequences._missing.values()) == 1_000
    assert sequences.step(1, 899_999) == -1


@given(st.sets(st.integers(1, 200), min_size=1), st.randoms(use_true_random=False))
def test_any_order_within_what_is_remembered_gives_the_same_gap(
    arrived: set[int], rng: object
) -> None:
    # 0 comes first and 201 second, so that every other number is one that was skipped.
    rest = list(arrived)
    rng.shuffle(rest)  # type: ignore[attr-defined]
    assert gap(0, 201, *rest) == 200 - len(arrived)
