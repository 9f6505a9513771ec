"""Latest, raw and windowed telemetry: gaps are rows, coverage is honest, too much is refused in words."""

from __future__ import annotations

from typing import Any

import msgspec
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from api.encode import format_times
from api.schemas import Index, Reading, Window
from api.windows import step_for
from store.telemetry import Series
from telemetry.clock import DAY, HOUR, MINUTE, SECOND, format_time, parse_time
from tests.api.client import Client
from tests.api.world import GAP, NOW, World


def items(client: Client, path: str, **params: Any) -> list[dict[str, Any]]:
    answer = client.get(f"/api/v1/{path}", params=params)
    assert answer.status_code == 200, answer.text
    found: list[dict[str, Any]] = answer.json()["items"]
    return found


def test_a_reading_says_what_it_is(client: Client) -> None:
    (found,) = items(client, "latest", device="wx-1", quantity="temperature")
    assert found == {
        "device": "wx-1",
        "kind": "weather",
        "quantity": "temperature",
        "value": 31.25,
        "unit": "Cel",
        "flag": 1,
        "time": "2026-11-22T02:55:00Z",
    }


def test_a_missing_value_is_null_and_keeps_its_flag(client: Client) -> None:
    (found,) = items(client, "latest", device="aq-2", quantity="pm25")
    assert (found["value"], found["flag"]) == (None, 9)


def test_filters_of_latest(client: Client) -> None:
    assert {r["device"] for r in items(client, "latest", kind=["level", "lamp"])} == {
        "gauge-1",
        "lamp-1",
    }
    assert {r["device"] for r in items(client, "latest", area="26824")} == {"aq-2"}
    assert {r["device"] for r in items(client, "latest", bbox="106.64,10.81,106.66,10.83")} == {
        "wx-1"
    }
    assert {r["quantity"] for r in items(client, "latest", quantity=["pm25", "tilt"])} == {
        "pm25",
        "tilt",
    }
    assert items(client, "latest", device="aq-1", kind="level") == []


def test_raw_range_holds_start_and_not_end(client: Client) -> None:
    found = items(
        client,
        "telemetry",
        device="gauge-1",
        quantity="level",
        start="2026-11-22T08:00:00+07:00",
        end="2026-11-22T01:15:00Z",
    )
    assert [r["time"] for r in found] == [
        "2026-11-22T01:00:00Z",
        "2026-11-22T01:05:00Z",
        "2026-11-22T01:10:00Z",
    ]


def test_a_plus_sign_that_was_not_escaped_is_understood(client: Client) -> None:
    answer = client.get("/api/v1/telemetry?device=wx-1&start=2026-11-22T08:00:00+07:00")
    assert answer.status_code == 200


def test_a_gap_is_a_row_with_null_and_count_0(client: Client) -> None:
    found = items(client, "telemetry", device="aq-1", quantity="pm25", every="30m")
    gap = [w for w in found if w["count"] == 0]
    assert [w["time"] for w in gap] == [format_time(GAP[0]), format_time(GAP[0] + 30 * MINUTE)]
    assert all(w["value"] is None and w["flag"] == 9 and w["coverage"] == 0 for w in gap)
    whole = [w for w in found if w["time"] == "2026-11-22T00:00:00Z"]
    assert (whole[0]["count"], whole[0]["coverage"], whole[0]["flag"]) == (30, 1.0, 1)


def test_windows_cover_the_range_without_a_hole(client: Client) -> None:
    found = items(client, "telemetry", device="aq-1", quantity="pm25", every="30m")
    times = [w["time"] for w in found]
    assert times == [format_time(t) for t in range(NOW - DAY, NOW, 30 * MINUTE)]


def test_coverage_counts_only_what_was_asked_and_has_been(client: Client) -> None:
    # 00:10–00:40 in windows of an hour: half an hour of minutes, all there.
    (window,) = items(
        client,
        "telemetry",
        device="aq-1",
        quantity="pm25",
        every="1h",
        start="2026-11-22T00:10:00Z",
        end="2026-11-22T00:40:00Z",
    )
    assert (window["time"], window["count"]) == ("2026-11-22T00:00:00Z", 30)
    assert window["coverage"] == 1.0
    ahead = items(
        client,
        "telemetry",
        device="aq-1",
        quantity="pm25",
        every="1h",
        start="2026-11-22T02:00:00Z",
        end="2026-11-22T05:00:00Z",
    )
    assert [w["coverage"] for w in ahead] == [1.0, None, None]


def test_a_rejected_reading_is_told_by_the_window(client: Client) -> None:
    found = items(
        client,
        "telemetry",
        device="aq-1",
        quantity="pm25",
        every="1m",
        start=format_time(NOW - DAY - MINUTE),
        end=format_time(NOW - DAY + MINUTE),
    )
    assert [(w["count"], w["flag"]) for w in found] == [(0, 3), (1, 1)]


@pytest.mark.parametrize(
    ("agg", "value"), [("min", 1.2), ("max", 1.42), ("sum", 15.72), ("count", 12), ("last", 1.42)]
)
def test_aggregates(client: Client, agg: str, value: float) -> None:
    (found,) = items(
        client,
        "telemetry",
        device="gauge-1",
        quantity="level",
        every="1h",
        agg=agg,
        start="2026-11-22T01:00:00Z",
        end="2026-11-22T02:00:00Z",
    )
    assert found["value"] == pytest.approx(value)
    assert found["unit"] == ("1" if agg == "count" else "m")


def test_the_mean_of_directions_is_a_vector_mean(client: Client) -> None:
    # 350° and 20° mean 5°, not 185°: WMO-No. 8, vol. I, 5.8.
    found = items(client, "telemetry", device="wx-1", quantity="wind_direction", every="1h")
    values = [w["value"] for w in found if w["count"]]
    assert values == [pytest.approx(5.0)]


def test_directions_that_cancel_out_have_no_mean(own_client: Client, world: World) -> None:
    world.store("wx-1", "wind_direction", [NOW - 7 * HOUR, NOW - 7 * HOUR + MINUTE], [90.0, 270.0])
    found = items(own_client, "telemetry", device="wx-1", quantity="wind_direction", every="1h")
    assert [w["value"] for w in found if w["time"] == "2026-11-21T20:00:00Z"] == [None]


def test_a_derived_quantity_has_no_coverage(client: Client) -> None:
    found = items(client, "telemetry", device="aq-1", quantity="vn_aqi", every="1h")
    assert {w["coverage"] for w in found} == {None}
    assert [w["value"] for w in found if w["count"]] == [168.0]


@pytest.mark.parametrize("points", [1, 2, 24, 100, 500, 1440])
def test_points_picks_windows_that_stay_under_it(client: Client, points: int) -> None:
    found = items(client, "telemetry", device="aq-1", quantity="pm25", points=points)
    assert 1 <= len(found) <= points
    assert sum(w["count"] for w in found) == 1_380  # every minute of the day but the gap


@given(st.integers(0, 10 * DAY), st.integers(1, 400 * DAY), st.integers(1, 10_000))
def test_picked_windows_never_exceed_points(start: int, length: int, points: int) -> None:
    context = CONTEXT
    step = step_for(context, Series(), start, start + length, points)
    assert -(-(start + length) // step) - start // step <= max(points, 2)
    assert step >= 1_800 * SECOND or len(context.kinds.kinds) == 0


def test_too_many_windows_are_refused_in_words(client: Client) -> None:
    answer = client.get("/api/v1/telemetry?every=1s")
    assert answer.status_code == 413
    problem = answer.json()
    assert problem["parameter"] == "every"
    assert "points=500" in problem["detail"]


def test_a_range_of_two_centuries_is_refused_before_it_is_laid_out(client: Client) -> None:
    path = "/api/v1/telemetry?every=1s&start=1970-01-01T00:00:00Z&end=2199-01-01T00:00:00Z"
    assert client.get(path).status_code == 413


@pytest.mark.parametrize(
    ("query", "parameter"),
    [
        ("start=2026-11-22T00:00:00", "start"),
        ("end=yesterday", "end"),
        ("start=2026-11-22T01:00:00Z&end=2026-11-22T01:00:00Z", "start"),
        ("start=1969-12-31T23:59:59Z", "start"),
        ("end=9999-12-31T23:59:59Z", "end"),
        ("every=0m", "every"),
        ("every=5", "every"),
        ("every=999999d", "every"),
        ("every=5m&agg=median", "agg"),
        ("agg=mean", "agg"),
        ("points=0", "points"),
        ("points=5&every=5m", "points"),
        ("every=5m&limit=3", "limit"),
        ("limit=0", "limit"),
        ("limit=ten", "limit"),
        ("quantity=pm99", "quantity"),
        ("kind=robot", "kind"),
        ("area=00000", "area"),
        ("bbox=1,2,3", "bbox"),
        ("bbox=107,10,106,11", "bbox"),
        ("bbox=nan,0,1,1", "bbox"),
        ("device=aq-1&start=2026-11-22T00:00:00Z&start=2026-11-21T00:00:00Z", "start"),
        ("every=5m&every=10m", "every"),
        ("nonsense=1", "nonsense"),
    ],
)
def test_what_is_wrong_is_refused_by_name(client: Client, query: str, parameter: str) -> None:
    answer = client.get(f"/api/v1/telemetry?{query}")
    assert answer.status_code == 400, answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.json()["parameter"] == parameter


def test_an_unknown_device_is_not_found(client: Client) -> None:
    answer = client.get("/api/v1/telemetry?device=aq-1&device=ghost")
    assert answer.status_code == 404
    assert answer.json()["parameter"] == "device"


def test_indices_name_their_edition(client: Client) -> None:
    found = {(i["device"], i["quantity"]): i for i in items(client, "indices")}
    there = {key for key, i in found.items() if i["value"] is not None}
    assert there == {("aq-1", "vn_aqi"), ("aq-2", "vn_aqi"), ("gauge-1", "flood_stage")}
    assert found["aq-1", "vn_aqi"]["edition"] == "QĐ 1459/QĐ-TCMT"
    assert found["aq-1", "vn_aqi"]["title"] == {"vi": "Chỉ số VN_AQI", "en": "VN_AQI"}
    assert found["aq-1", "vn_aqi"]["category"] == {"vi": "Xấu", "en": "Unhealthy"}
    assert found["aq-1", "vn_aqi"]["colour"] == "#FF0000"
    assert found["aq-1", "vn_aqi"]["confidence"] == "verified"
    assert found["aq-1", "vn_aqi"]["why"] is None


def test_an_index_that_is_not_there_says_why(client: Client) -> None:
    (day,) = items(client, "indices", device="aq-1", quantity="vn_aqi_day")
    assert day["value"] is None and day["time"] is None and day["flag"] == 9
    assert day["why"]["en"] == "needs PM2.5 or PM10 in 75 % of the day's hours"
    assert day["edition"] == "QĐ 1459/QĐ-TCMT"


def test_an_index_that_is_old_says_why_there_is_none_for_now(
    world: World, own_client: Client
) -> None:
    world.telemetry.put_derived(world.readings("aq-2", "us_aqi", [NOW - 5 * HOUR], [93.0]))
    (old,) = items(own_client, "indices", device="aq-2", quantity="us_aqi")
    assert old["value"] == 93 and old["why"]["vi"].startswith("cần PM2.5")


def test_an_index_names_what_it_rests_on_and_the_edition_of_its_day(
    world: World, own_client: Client
) -> None:
    for time, share in ((NOW - HOUR, 104.45), (parse_time("2019-05-05T00:00:00Z"), 94.0)):
        device = "aq-1" if share > 100 else "aq-2"
        world.telemetry.put_derived(world.readings(device, "limit_24h", [time], [share]))
        world.telemetry.put_derived(world.readings(device, "limit_24h_main", [time], [0.0]))
    found = {i["device"]: i for i in items(own_client, "indices", quantity="limit_24h")}
    assert [found[d]["main"] for d in ("aq-1", "aq-2")] == ["pm25", "pm25"]
    assert found["aq-1"]["edition"] == "QCVN 05:2023/BTNMT"
    assert found["aq-1"]["category"]["vi"] == "Vượt giới hạn"
    assert found["aq-2"]["edition"] == "QCVN 05:2013/BTNMT"
    assert found["aq-2"]["confidence"] == "unverified"


@pytest.mark.parametrize(
    ("path", "shape"),
    [
        ("latest", Reading),
        ("telemetry", Reading),
        ("telemetry?every=1h", Window),
        ("indices", Index),
    ],
)
def test_answers_have_the_shape_that_openapi_tells(
    client: Client, path: str, shape: type[msgspec.Struct]
) -> None:
    body = client.get(f"/api/v1/{path}").json()
    found = msgspec.convert(body["items"], type=list[shape], strict=True)  # type: ignore[valid-type]
    assert found
    assert msgspec.to_builtins(found) == body["items"]


@given(st.lists(st.integers(0, 2**62), min_size=1, max_size=30), st.sampled_from([1, 1_000, 10**9]))
def test_columns_of_times_are_written_like_single_ones(times: list[int], unit: int) -> None:
    column = [t // unit * unit for t in times]
    assert format_times(np.array(column, dtype=np.int64)) == [format_time(t) for t in column]


class _Context:
    """As much of a context as picking a window asks for."""

    def __init__(self) -> None:
        from devices.registry import load_kinds

        self.kinds = load_kinds()


CONTEXT: Any = _Context()
