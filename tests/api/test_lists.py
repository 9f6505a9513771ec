"""Lists: pages hold each item once, in order; cursors are opaque, outlive a restart and can't be bent."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from api.cursor import make_cursor, read_cursor
from telemetry.errors import QueryError
from tests.api.client import Client
from tests.api.world import World


def pages(client: Client, path: str, limit: int) -> list[list[dict[str, object]]]:
    found, cursor = [], ""
    while True:
        joint = "&" if "?" in path else "?"
        answer = client.get(f"/api/v1/{path}{joint}limit={limit}{cursor}")
        assert answer.status_code == 200, answer.text
        body = answer.json()
        found.append(body["items"])
        if body["next"] is None:
            return found
        cursor = f"&cursor={body['next']}"


@pytest.mark.parametrize(
    ("path", "count"),
    [
        ("devices", 8),
        ("devices?kind=air", 3),
        ("latest", 12),
        ("alerts", 4),
        ("quarantine", 2),
        ("accounting", 2),
        ("accounting?by=device", 3),
        ("accounting?by=kind", 3),
    ],
)
def test_pages_are_the_whole_list_cut(client: Client, path: str, count: int) -> None:
    whole = pages(client, path, 100)
    assert len(whole) == 1
    assert len(whole[0]) == count
    for limit in (1, 2, 3):
        cut = pages(client, path, limit)
        assert all(len(page) == limit for page in cut[:-1])
        assert 1 <= len(cut[-1]) <= limit
        assert [item for page in cut for item in page] == whole[0]


def test_raw_pages_are_the_whole_range_cut(client: Client) -> None:
    path = "telemetry?device=gauge-1&quantity=level"
    (whole,) = pages(client, path, 1_000)
    assert len(whole) == 24
    assert [item for page in pages(client, path, 7) for item in page] == whole
    assert [item["time"] for item in whole] == sorted(str(item["time"]) for item in whole)


def test_the_last_day_stands_still_between_pages(own_client: Client, world: World) -> None:
    first = own_client.get("/api/v1/telemetry?device=aq-1&quantity=pm25&limit=1").json()
    world.clock.advance(3_600_000_000_000)
    second = own_client.get(
        f"/api/v1/telemetry?device=aq-1&quantity=pm25&limit=1&cursor={first['next']}"
    ).json()
    assert first["items"][0]["time"] == "2026-11-21T03:00:00Z"
    assert second["items"][0]["time"] == "2026-11-21T03:01:00Z"


@pytest.mark.parametrize("cursor", ["x", "%00", "bm9uc2Vuc2U", "W10", "é", "a" * 500])
@pytest.mark.parametrize("path", ["devices", "latest", "telemetry", "alerts", "quarantine"])
def test_a_cursor_that_is_none_of_ours_is_refused(client: Client, path: str, cursor: str) -> None:
    answer = client.get(f"/api/v1/{path}", params={"cursor": cursor})
    assert answer.status_code == 400
    assert answer.json()["parameter"] == "cursor"


def test_a_cursor_of_another_list_is_refused(client: Client) -> None:
    cursor = client.get("/api/v1/devices?limit=1").json()["next"]
    answer = client.get(f"/api/v1/alerts?cursor={cursor}")
    assert answer.status_code == 400
    assert answer.json()["parameter"] == "cursor"


@given(st.text(max_size=40), st.integers(-(2**63), 2**63 - 1), st.text(max_size=40))
def test_a_cursor_gives_back_what_it_was_made_of(owner: str, number: int, name: str) -> None:
    cursor = make_cursor(owner, [number, name])
    assert read_cursor(owner, cursor, tuple[int, str]) == (number, name)
    with pytest.raises(QueryError):
        read_cursor(owner + "x", cursor, tuple[int, str])
