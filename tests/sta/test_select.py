"""/req/request-data/select: only what was asked for (18-088, 9.3.2.2)."""

from __future__ import annotations

from tests.sta.conftest import Ask


def test_only_these_properties_and_links(ask: Ask) -> None:
    assert ask("Things", select="id,name", top="1")["value"] == [
        {"@iot.id": "aq-1", "name": "Bến Thành"}
    ]
    assert set(ask("Things('aq-1')", select="name,Datastreams")) == {
        "name",
        "Datastreams@iot.navigationLink",
    }
    assert set(ask("Things('aq-1')", select="@iot.id,selfLink")) == {"@iot.id", "@iot.selfLink"}


def test_with_what_is_expanded(ask: Ask) -> None:
    found = ask("Datastreams('aq-1.pm25')", select="name", expand="Thing($select=id)")
    assert set(found) == {"name", "Thing"}
    assert found["Thing"] == {"@iot.id": "aq-1"}


def test_observations(ask: Ask) -> None:
    rows = ask("Datastreams('aq-2.pm25')/Observations", select="phenomenonTime,result")["value"]
    assert rows == [
        {"phenomenonTime": "2026-11-22T02:58:00Z", "result": 61.5}, {"phenomenonTime": "2026-11-22T02:59:00Z", "result": None},
    ]  # fmt: skip
