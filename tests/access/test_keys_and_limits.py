"""Programs come with a key; nobody asks more than their share; other origins read only where they are named."""

from __future__ import annotations

from dataclasses import replace

import pytest

from api.access.keys import make_key, parse_key
from api.access.limits import BURST_S, Limits, Rates
from api.access.principal import ANONYMOUS, Principal, Role
from api.problems import Problem
from store.access_records import Grant
from telemetry.clock import HOUR, MINUTE, SECOND, ManualClock
from tests.access.doors import Doors, doors_of
from tests.api.client import Client
from tests.api.world import NOW, World


@pytest.fixture
def doors(world: World) -> Doors:
    return doors_of(world)


def bearer(key: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {key}"}


def test_a_key_opens_what_its_role_and_part_allow(doors: Doors) -> None:
    key = doors.key("operator", areas=("26740",))
    with doors.client() as client:
        for headers in (bearer(key), {"X-API-Key": key}, {"Authorization": f"bearer  {key}"}):
            me = client.get("/api/v1/me", headers=headers).json()
            assert (me["sort"], me["role"], me["areas"]) == ("key", "operator", ["26740"])
        devices = client.get("/api/v1/devices", headers=bearer(key)).json()["items"]
        assert {d["area"] for d in devices} == {"26740"}
        assert client.get("/api/v1/audit", headers=bearer(key)).status_code == 403


def test_only_a_digest_is_kept_and_use_is_noted(doors: Doors) -> None:
    key = doors.key()
    prefix, secret = key.removeprefix("urb_").split(".")
    kept = doors.world.operations.api_key(prefix)
    assert kept is not None and secret not in repr(kept) and kept.used is None
    with doors.client() as client:
        client.get("/api/v1/me", headers=bearer(key))
        doors.world.clock.advance(30 * SECOND)
        client.get("/api/v1/me", headers=bearer(key))
        first = doors.world.operations.api_key(prefix)
        assert first is not None and first.used == NOW, "not written down at each request"
        doors.world.clock.advance(MINUTE)
        client.get("/api/v1/me", headers=bearer(key))
        later = doors.world.operations.api_key(prefix)
        assert later is not None and later.used == NOW + 90 * SECOND


def test_keys_end(doors: Doors) -> None:
    key, clock = doors.key(expires=NOW + HOUR), doors.world.clock
    other = doors.key()
    with doors.client() as client:
        assert client.get("/api/v1/latest", headers=bearer(key)).status_code == 200
        clock.advance(HOUR)
        answer = client.get("/api/v1/latest", headers=bearer(key))
        assert answer.status_code == 401 and "expired" in answer.json()["detail"]
        kept = doors.world.operations.api_key(other[4:12])
        assert kept is not None
        assert client.get("/api/v1/latest", headers=bearer(other)).status_code == 200
        doors.world.operations.put_api_key(kept.but(revoked=clock.now()))
        clock.advance(3 * SECOND)
        answer = client.get("/api/v1/latest", headers=bearer(other))
        assert answer.status_code == 401 and "revoked" in answer.json()["detail"]


@pytest.mark.parametrize("change", ["secret", "prefix", "shape", "empty"])
def test_a_key_that_is_none_is_refused_also_where_nobody_needs_one(
    doors: Doors, change: str
) -> None:
    key = doors.key()
    bad = {
        "secret": key[:-1] + ("A" if key[-1] != "A" else "B"),
        "prefix": key.replace(key[4:12], "aaaaaaaa"), "shape": "hello", "empty": "",
    }[change]  # fmt: skip
    with doors.client() as client:
        for path in ("/api/v1/latest", "/healthz"):
            answer = client.get(path, headers=bearer(bad))
            assert (answer.status_code, answer.json()["title"]) == (401, "Not authenticated")


def test_keys_are_random_and_readable_back() -> None:
    made = {make_key("x", Grant(role="viewer"), "test", 0)[1] for _ in range(50)}
    assert len(made) == 50
    assert all(parse_key(text) is not None for text in made)


def test_who_asks_too_often_waits(world: World) -> None:
    doors = doors_of(world, api_rate=2.0, api_rate_anonymous=1.0)
    one, other = doors.key(), doors.key()
    with doors.client() as client:
        for _ in range(2 * BURST_S):
            assert client.get("/api/v1/me", headers=bearer(one)).status_code == 200
        answer = client.get("/api/v1/me", headers=bearer(one))
        assert (answer.status_code, answer.headers["retry-after"]) == (429, "1")
        assert answer.json()["title"] == "Too many requests"
        assert client.get("/api/v1/me", headers=bearer(other)).status_code == 200, "only who asks"
        assert client.get("/healthz", headers=bearer(other)).status_code == 200
        world.clock.advance(SECOND)
        for status in (200, 200, 429):
            assert client.get("/api/v1/me", headers=bearer(one)).status_code == status
        for _ in range(BURST_S):
            assert client.get("/api/v1/me").status_code == 200
        assert client.get("/api/v1/me").status_code == 429, "nobody in particular: by address"


def test_guessing_keys_counts_as_asking(world: World) -> None:
    doors = doors_of(world, api_rate_anonymous=0.5)
    with doors.client() as client:
        statuses = [client.get("/healthz", headers=bearer("x")).status_code for _ in range(7)]
    assert statuses == [401] * 5 + [429] * 2


def test_what_is_given_is_paid_and_debt_is_waited_for(world: World) -> None:
    doors = doors_of(world, api_readings=0.001)  # a thousand a minute
    key = doors.key()
    with doors.client() as client:
        day = "/api/v1/telemetry?device=aq-1&quantity=pm25&limit=1200"
        assert client.get(day, headers=bearer(key)).status_code == 200
        answer = client.get("/api/v1/latest", headers=bearer(key))
        assert answer.status_code == 429 and "readings a minute" in answer.json()["detail"]
        wait = int(answer.headers["retry-after"])
        assert 5 <= wait <= 30
        world.clock.advance(wait * SECOND)
        assert client.get("/api/v1/me", headers=bearer(key)).status_code == 200


def test_debt_is_bounded_and_memory_too() -> None:
    clock = ManualClock(NOW)
    limits = Limits(Rates(10, 100), Rates(1, 10), clock)
    who = Principal(name="x", role=Role.VIEWER, sort="key", key="x")
    limits.charge(who, 10**9)
    with pytest.raises(Problem) as refused:
        limits.admit(who)
    assert int(refused.value.headers["Retry-After"]) == 5 * 60
    for number in range(30_000):
        limits.admit(ANONYMOUS.at(f"10.0.{number >> 8}.{number & 255}"))
    assert len(limits._buckets) == 20_000


def test_other_origins_read_only_where_they_are_named(world: World) -> None:
    map_page, evil = "https://map.example", "https://evil.example"
    closed, opened = doors_of(world), doors_of(world, cors=(map_page,))
    key = opened.key()

    def allowed(client: Client, origin: str) -> str | None:
        headers = bearer(key) | {"Origin": origin}
        found: str | None = client.get("/api/v1/latest", headers=headers).headers.get(
            "access-control-allow-origin"
        )
        return found

    with opened.client() as client:
        assert allowed(client, map_page) == map_page
        assert allowed(client, evil) is None
        asked = {"Origin": map_page, "Access-Control-Request-Method": "GET"}
        answer = client.request("OPTIONS", "/api/v1/latest", headers=asked)
        assert answer.status_code == 200
        assert "access-control-allow-credentials" not in answer.headers
        asked["Access-Control-Request-Method"] = "POST"
        assert client.request("OPTIONS", "/api/v1/latest", headers=asked).status_code == 400
        path = "/api/v1/alerts/alert-1/ack"
        write = client.post(path, json={}, headers=bearer(key) | {"Origin": map_page})
        assert write.status_code == 403, "reading is not acting"
    world.context.settings = closed.world.context.settings
    world.context.settings = replace(world.context.settings, cors=())
    with closed.client() as client:
        assert allowed(client, map_page) is None


def test_an_address_that_is_too_long_is_refused(doors: Doors) -> None:
    with doors.client() as client:
        answer = client.get("/api/v1/latest?device=" + "x" * 61_000)
    assert (answer.status_code, answer.json()["parameter"]) == (414, "query")


def test_readiness_tells_strangers_no_words(doors: Doors) -> None:
    doors.world.context.checks = {"store": lambda: "postgresql://10.0.0.5 is away"}
    with doors.client() as client:
        told = client.get("/readyz")
        assert (told.status_code, told.json()["checks"]) == (503, {"store": "not well"})
        assert "10.0.0.5" not in told.text
        assert "10.0.0.5" in client.get("/readyz", headers=bearer(doors.key("operator"))).text
