"""The newest of everything in one call, and what of it has changed since."""

from __future__ import annotations

from tests.api.client import Client
from tests.api.world import NOW, World


def test_everything_comes_in_one_answer_that_says_so(client: Client) -> None:
    found = client.get("/api/v1/latest").json()
    assert found["complete"] is True and found["next"] is None
    assert len(found["items"]) == len({(r["device"], r["quantity"]) for r in found["items"]})
    part = client.get("/api/v1/latest?limit=2").json()
    assert part["complete"] is False and part["next"]


def test_what_has_not_changed_is_not_sent_again(world: World, own_client: Client) -> None:
    first = own_client.get("/api/v1/latest?kind=air")
    tag = first.headers["etag"]
    again = own_client.get("/api/v1/latest?kind=air", headers={"If-None-Match": tag})
    assert (again.status_code, again.content, again.headers["etag"]) == (304, b"", tag)
    world.store("gauge-1", "level", [NOW], [1.0])  # another kind
    headers = {"If-None-Match": f'"other", {tag}'}
    assert own_client.get("/api/v1/latest?kind=air", headers=headers).status_code == 304
    world.store("aq-1", "pm25", [NOW], [99.0])
    changed = own_client.get("/api/v1/latest?kind=air", headers={"If-None-Match": tag})
    assert changed.status_code == 200 and changed.headers["etag"] != tag
    assert changed.headers["cache-control"] == "private, no-cache"


def test_other_questions_have_other_tags(client: Client) -> None:
    paths = ("latest", "latest?kind=air", "latest?limit=3", "latest.csv", "latest.geojson")
    tags = {client.get(f"/api/v1/{path}").headers["etag"] for path in paths}
    assert len(tags) == len(paths)


def test_a_revision_gives_what_changed_since(world: World, own_client: Client) -> None:
    revision = own_client.get("/api/v1/latest").json()["revision"]
    nothing = own_client.get("/api/v1/latest", params={"since": revision}).json()
    assert nothing["items"] == [] and nothing["revision"] == revision
    world.store("aq-1", "pm25", [NOW], [99.0])
    world.store("aq-2", "pm25", [NOW - 10**13], [1.0])  # late: the newest stays
    old = world.readings("gauge-1", "level", [NOW - 5 * 60 * 10**9], [1.0], 4)
    world.telemetry.correct_flags(old)
    found = own_client.get("/api/v1/latest", params={"since": revision}).json()
    assert [(r["device"], r["flag"]) for r in found["items"]] == [("aq-1", 1), ("gauge-1", 4)]


def test_a_revision_of_another_run_gives_everything(client: Client) -> None:
    whole = client.get("/api/v1/latest").json()["items"]
    assert client.get("/api/v1/latest?since=00000000.99").json()["items"] == whole


def test_a_time_gives_what_was_measured_since(client: Client) -> None:
    found = client.get("/api/v1/latest?since=2026-11-22T02:58:00Z").json()["items"]
    assert {(r["device"], r["time"]) for r in found} == {
        ("aq-1", "2026-11-22T02:59:00Z"),
        ("aq-2", "2026-11-22T02:59:00Z"),
    }


def test_since_that_is_neither_is_refused(client: Client) -> None:
    for since in ("yesterday", "2026-11-22T02:58:00", "1.2.3", "-1"):
        answer = client.get("/api/v1/latest", params={"since": since})
        assert (answer.status_code, answer.json()["parameter"]) == (400, "since")
