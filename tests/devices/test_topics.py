"""Topic filters: a part of what ingest understands, and nothing beside it."""

from __future__ import annotations

import pytest

from devices.topics import FEED, UPLINK, topic_filters
from telemetry.errors import QueryError


@pytest.mark.parametrize(
    ("text", "filters"),
    [
        ("city/air/+/+", ["city/air/+/+"]),
        (" city/air/+/telemetry , city/+/aq-1/status,", ["city/air/+/telemetry", "city/+/aq-1/status"]),
        (f"{FEED},{UPLINK}", [FEED, UPLINK]),
        ("application/7/device/+/event/up", ["application/7/device/+/event/up"]),
        ("city/gateway/gw-1/telemetry", ["city/gateway/gw-1/telemetry"]),
    ],
)  # fmt: skip
def test_filters_are_taken_apart(text: str, filters: list[str]) -> None:
    assert list(topic_filters(text, "--topics")) == filters


@pytest.mark.parametrize(
    "text",
    [
        "city/#", "#", "+/air/+/+", "$share/a/city/air/+/+", "city/air+/x/telemetry", " , ", "",
        "city/air/+/cmd", "city/air/+/+/x", "application/+/device/+/event/join", "city/air/+/+;x",
        "city//+/+",
    ],
)  # fmt: skip
def test_others_are_refused_with_an_example(text: str) -> None:
    with pytest.raises(QueryError, match=r"--topics: must be filters like.*city/air/\+/\+"):
        topic_filters(text, "--topics")
