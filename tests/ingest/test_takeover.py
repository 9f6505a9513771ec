"""Take-overs told from a network that is merely bad."""

from __future__ import annotations

from ingest.takeover import TAKEN_OVER, TIMES, WITHIN, TakeOvers
from telemetry.clock import SECOND

T0 = 1_790_000_000 * SECOND


def losses(*ends: tuple[int, int], code: str = "Unspecified error") -> tuple[TakeOvers, int]:
    """Connections by (begin, end) in seconds; and the time of the last end."""
    made = TakeOvers("urban-ingest")
    for begin, end in ends:
        made.subscribed(T0 + begin * SECOND)
        made.lost(code, T0 + end * SECOND)
    return made, T0 + ends[-1][1] * SECOND


def test_a_broker_that_says_so_is_believed_at_once_and_for_two_minutes() -> None:
    made, now = losses((0, 3_600), code=TAKEN_OVER)
    told = made.words(now)
    assert "taken our session over" in told and "'urban-ingest'" in told
    assert "URBAN_CLIENT_ID" in told
    made.subscribed(now + SECOND)
    assert made.words(now + WITHIN) and not made.words(now + WITHIN + 1)


def test_without_a_word_short_connections_in_a_row_look_like_one() -> None:
    turns = [(i * 5, i * 5 + 4) for i in range(TIMES)]
    made, now = losses(*turns)
    assert "again and again" in made.words(now)
    made, now = losses(*turns[:-1])
    assert made.words(now) == ""


def test_a_bad_network_is_none() -> None:
    long = [(i * 100, i * 100 + 60) for i in range(TIMES)]
    made, now = losses(*long)
    assert made.words(now) == ""
    rare = [(i * 600, i * 600 + 4) for i in range(TIMES)]
    made, now = losses(*rare)
    assert made.words(now) == ""
    refused = TakeOvers("urban-ingest")
    for i in range(9):
        refused.lost("Connection refused", T0 + i * SECOND)
    assert refused.words(T0 + 9 * SECOND) == ""
