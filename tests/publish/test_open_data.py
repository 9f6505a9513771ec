"""Open data: only what is marked open, to everybody; days that stay, unless late readings correct them."""

from __future__ import annotations

import io
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pyarrow.parquet as parquet
import pytest

from api.access.principal import ANONYMOUS
from devices.city import load_city
from devices.open_data import open_data
from devices.registry import load_kinds
from telemetry.clock import DAY, HOUR, MINUTE, parse_time
from telemetry.errors import DeclarationError
from tests.access.people import client_for
from tests.api.client import Client
from tests.api.world import NOW, World

YESTERDAY = "/open/air/26740/2026-11-21.parquet"  # local day: 2026-11-20T17:00Z…2026-11-21T17:00Z
MIDNIGHT = parse_time("2026-11-21T17:00:00Z")


@pytest.fixture
def anybody(world: World) -> Iterator[Client]:
    with client_for(world.context, ANONYMOUS) as made:
        yield made


def rows(content: bytes) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = parquet.read_table(io.BytesIO(content)).to_pylist()
    return found


def test_everybody_gets_what_is_open_and_nothing_else(anybody: Client) -> None:
    assert anybody.get("/open/catalog").status_code == 200
    assert anybody.get(YESTERDAY).status_code == 200
    assert anybody.get("/open/air/26740/latest.csv").status_code == 200
    assert anybody.get("/api/v1/latest").status_code == 401
    for path in (
        "air/26824",  # its area is not marked
        "tree/26740",  # its kind is not marked
        "level/26824",  # nothing measures there
        "robot/26740",
        "air/99999",
        "air/..%2F..%2Fetc",
    ):
        for more in ("", "/latest.csv", "/2026-11-21.parquet"):
            assert anybody.get(f"/open/{path}{more}").status_code in (400, 404), path + more


def test_a_day_is_the_citys_own(anybody: Client, world: World) -> None:
    answer = anybody.get(YESTERDAY)
    assert answer.headers["content-type"] == "application/vnd.apache.parquet"
    assert 'filename="air-26740-2026-11-21.parquet"' in answer.headers["content-disposition"]
    found = rows(answer.content)
    times = [r["time"].value for r in found]
    assert min(times) >= MIDNIGHT - DAY and max(times) < MIDNIGHT
    assert {r["device"] for r in found} == {"aq-1"}
    assert {r["quantity"] for r in found} <= {"pm25", "vn_aqi"}


def test_a_closed_day_stays_until_late_readings_correct_it(anybody: Client, world: World) -> None:
    first = anybody.get(YESTERDAY)
    tag = first.headers["etag"]
    assert first.headers["cache-control"] == "public, max-age=600"
    world.store("gauge-1", "level", [MIDNIGHT - HOUR], [1.0])  # another set
    world.clock.advance(11 * MINUTE)
    same = anybody.get(YESTERDAY, headers={"If-None-Match": tag})
    assert (same.status_code, same.content) == (304, b"")
    assert anybody.get(YESTERDAY).content == first.content
    world.store("aq-1", "pm10", [MIDNIGHT - HOUR], [77.0])
    assert anybody.get(YESTERDAY).headers["etag"] == tag  # looked at a moment ago
    world.clock.advance(11 * MINUTE)
    corrected = anybody.get(YESTERDAY, headers={"If-None-Match": tag})
    assert corrected.status_code == 200 and corrected.headers["etag"] != tag
    assert len(rows(corrected.content)) == len(rows(first.content)) + 1


def test_today_grows(anybody: Client, world: World) -> None:
    path = YESTERDAY.replace("11-21", "11-22")
    first = anybody.get(path)
    assert first.headers["cache-control"] == "public, max-age=60"
    world.store("aq-1", "pm10", [NOW], [77.0])
    world.clock.advance(2 * MINUTE)
    assert len(rows(anybody.get(path).content)) == len(rows(first.content)) + 1


def test_days_that_can_not_be(anybody: Client) -> None:
    for day in ("2026-11-23", "2026-11-19", "2026-02-30", "9999-01-01", "today", "2026-11-21T00"):
        answer = anybody.get(f"/open/air/26740/{day}.parquet")
        assert (answer.status_code, answer.json()["parameter"]) == (404, "day"), day


def test_parts_of_a_file_may_be_asked_for(anybody: Client) -> None:
    whole = anybody.get(YESTERDAY).content
    part = anybody.get(YESTERDAY, headers={"Range": "bytes=-4"})
    assert (part.status_code, part.content) == (206, whole[-4:] == b"PAR1" and b"PAR1")
    head = anybody.request("HEAD", YESTERDAY)
    assert (head.content, int(head.headers["content-length"])) == (b"", len(whole))


def test_what_was_published_outlives_its_readings(anybody: Client, world: World) -> None:
    first = anybody.get(YESTERDAY)
    world.context.settings = replace(world.context.settings, retention_raw_days=8)
    world.clock.advance(30 * DAY)
    world.telemetry._db.execute("delete from readings")
    again = anybody.get(YESTERDAY)
    assert (again.content, again.headers["etag"]) == (first.content, first.headers["etag"])
    assert anybody.get(YESTERDAY.replace("11-21", "11-22")).status_code == 404


def test_the_folder_is_bounded(
    anybody: Client, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    anybody.get(YESTERDAY)
    monkeypatch.setattr("api.publish.partitions.KEPT_BYTES", 10)
    anybody.get(YESTERDAY.replace("11-21", "11-22"))
    folder: Path = world.context.settings.data_dir / "open"
    assert [p.name for p in folder.rglob("*.parquet")] == ["2026-11-22.parquet"]
    assert anybody.get(YESTERDAY).status_code == 200  # made anew


def test_closed_and_strange_devices_stay_out(anybody: Client, world: World) -> None:
    device = world.catalogue.get("aq-1")
    assert device is not None
    world.catalogue.put(replace(device, tags=("closed",)))
    assert anybody.get(YESTERDAY).status_code == 404
    world.catalogue.put(replace(device, registered=False))
    assert anybody.get("/open/air/26740").status_code == 404


def test_a_city_that_marks_nothing_publishes_nothing(anybody: Client, world: World) -> None:
    world.context.city = replace(world.context.city, open_data=None)
    for path in ("/open/catalog", "/open/air/26740", YESTERDAY):
        assert anybody.get(path).status_code == 404


@pytest.mark.parametrize("name", ["hcmc", "hanoi"])
def test_the_cities_mark_kinds_that_there_are(name: str) -> None:
    found = load_city(name).open_data
    assert found is not None and set(found.kinds) <= {k.name for k in load_kinds()}


@pytest.mark.parametrize(
    ("table", "place"),
    [
        ({"licence": "x", "publisher": "y", "kinds": {"air": ["00000"]}}, "open_data.kinds.air"),
        ({"licence": "x", "publisher": "y", "kinds": {"air": "some"}}, "open_data.kinds.air"),
        ({"publisher": "y"}, "open_data.licence"),
        ({"licence": "x", "publisher": "y", "kind": {}}, "open_data"),
    ],
)
def test_what_is_marked_wrongly_is_refused(table: dict[str, Any], place: str) -> None:
    with pytest.raises(DeclarationError) as refused:
        open_data(table, ["26740"])
    assert refused.value.place == place
