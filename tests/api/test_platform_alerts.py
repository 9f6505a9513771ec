"""Grafana's webhook into our list of alerts: Grafana's documented body, repeats, disorder, and who is refused."""

from __future__ import annotations

import json
from collections.abc import Iterator
from copy import deepcopy
from dataclasses import replace
from pathlib import Path
from typing import Any

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from analytics.alerts.book import AlertBook
from api.app import create_app
from api.grafana_message import conditions, read_message
from api.problems import Problem
from grafana.alerting import RULES
from store.records import Alert, AlertState
from telemetry.clock import HOUR, SECOND, format_time, parse_time
from tests.api.client import Client
from tests.api.world import NOW, World

BODY: dict[str, Any] = json.loads(
    (Path(__file__).parent / "grafana" / "webhook.json").read_text(encoding="utf-8")
)
PATH = "/api/v1/platform-alerts/grafana"
TOKEN = "k3hG-yb3nUtx_8Wq1zPfRr5m"
MEMORY, CPU = "grafana:c6eadffa33fcdf37", "grafana:bc97ff14869b13e3"


@pytest.fixture
def client(world: World) -> Iterator[Client]:
    context = world.context
    context.settings = replace(context.settings, grafana_token=TOKEN)
    assert isinstance(context.alerts, AlertBook)
    context.told = context.alerts.tell
    with Client(create_app(context, console=False)) as made:
        yield made


def post(client: Client, body: object, token: str | None = TOKEN) -> httpx.Response:
    headers = {} if token is None else {"Authorization": f"Webhook {token}"}
    return client.post(PATH, json=body, headers=headers)


def told(world: World) -> dict[str, Alert]:
    found = world.context.alerts.standing()
    return {a.subject: a for a in found if a.subject.startswith("grafana:")}


def resolved(body: dict[str, Any], end: str) -> dict[str, Any]:
    made = deepcopy(body)
    made["status"] = "resolved"
    for alert in made["alerts"]:
        alert |= {"status": "resolved", "endsAt": end}
    return made


def test_the_documented_body_raises_an_alert_for_each_fingerprint(
    client: Client, world: World
) -> None:
    answer = post(client, BODY)
    assert (answer.status_code, answer.json()) == (200, {"raised": 2, "cleared": 0, "tests": 0})
    found = told(world)
    assert set(found) == {MEMORY, CPU}
    assert found[MEMORY].raised == parse_time("2021-10-12T07:51:03.157076Z")
    assert "High memory usage. This alert was triggered for zone us-1" in found[MEMORY].detail
    items = client.get("/api/v1/alerts?state=unacknowledged").json()["items"]
    shown = {i["subject"]: (i["severity"], i["domain"], i["runbook"]) for i in items}
    assert shown[MEMORY] == ("medium", "platform", "grafana_alert")
    assert shown[CPU] == ("critical", "platform", "grafana_alert")


def test_what_is_told_again_changes_nothing_and_its_end_clears_it(
    client: Client, world: World
) -> None:
    post(client, BODY)
    first = told(world)
    again = deepcopy(BODY)
    again["alerts"][0]["values"] = {"B": 99.0}
    assert post(client, again).status_code == 200
    assert told(world) == first
    history = [e.what for e in world.operations.alert_events(first[MEMORY].id)]
    assert history == ["raised"]
    over = resolved(BODY, "2021-10-12T11:00:00+02:00")
    assert post(client, over).json() == {"raised": 0, "cleared": 2, "tests": 0}
    assert {a.state for a in told(world).values()} == {AlertState.RETURNED}
    post(client, BODY)  # came late: it is older than its end
    assert {a.state for a in told(world).values()} == {AlertState.RETURNED}
    anew = deepcopy(BODY)
    anew["alerts"][0]["startsAt"] = "2021-10-13T00:00:00Z"
    post(client, anew)
    assert told(world)[MEMORY].state is AlertState.UNACKNOWLEDGED


@given(st.lists(st.tuples(st.booleans(), st.integers(0, 5)), max_size=8))
def test_in_any_order_the_newest_word_stands(messages: list[tuple[bool, int]]) -> None:
    """What is made of messages carries their own times, so the book can leave out older news."""
    for firing, hour in messages:
        body = deepcopy(BODY)
        time = format_time(NOW - (6 - hour) * HOUR)
        body["alerts"][0] |= {"startsAt": time}
        message = read_message(body if firing else resolved(body, time))
        one = conditions(message, NOW)[0]
        assert (one.subject, one.stands, one.time) == (MEMORY, firing, NOW - (6 - hour) * HOUR)


def test_nothing_of_the_future_is_taken_in() -> None:
    body = deepcopy(BODY)
    body["alerts"][0]["startsAt"] = format_time(NOW + 90 * SECOND)
    assert conditions(read_message(body), NOW)[0].time == NOW


def test_the_contact_points_test_is_only_answered(client: Client, world: World) -> None:
    body = deepcopy(BODY)
    del body["alerts"][1]
    body["alerts"][0]["labels"] = {"alertname": "TestAlert", "instance": "Grafana"}
    assert post(client, body).json() == {"raised": 0, "cleared": 0, "tests": 1}
    assert told(world) == {}


def test_a_rule_without_data_says_which_it_is() -> None:
    body = deepcopy(BODY)
    body["alerts"][0]["labels"] = {"alertname": "DatasourceNoData", "rulename": "Ingest stalled"}
    assert conditions(read_message(body), NOW)[0].detail.startswith("Ingest stalled. This alert")


def test_our_own_rules_have_severities_that_are_known() -> None:
    from api.grafana_message import _SEVERITY

    assert {r.severity for r in RULES} <= set(_SEVERITY)


@pytest.mark.parametrize("token", [None, "", "wrong", TOKEN[:-1], TOKEN + "x", "đúng-mà-không"])
def test_who_does_not_know_the_token_is_refused(
    client: Client, world: World, token: str | None
) -> None:
    raw = None if token is None else f"Webhook {token}".encode()
    headers = {} if raw is None else {"Authorization": raw}
    answer = client.post(PATH, json=BODY, headers=headers)
    assert answer.status_code == 401 and TOKEN not in answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    assert told(world) == {}


def test_without_a_token_of_its_own_nobody_is_let_in(own_client: Client) -> None:
    answer = post(own_client, BODY, "")
    assert answer.status_code == 401 and "set URBAN_GRAFANA_TOKEN" in answer.json()["detail"]


@pytest.mark.parametrize(
    ("change", "place"),
    [
        ({"status": "maybe"}, "alerts[1].status"),
        ({"fingerprint": "../../etc"}, "alerts[1].fingerprint"),
        ({"fingerprint": ""}, "alerts[1].fingerprint"),
        ({"startsAt": "yesterday"}, "alerts[1].startsAt"),
        ({"startsAt": "2021-10-12T09:56:03"}, "alerts[1].startsAt"),
        ({"labels": "none"}, "$.alerts[1].labels"),
        ({"labels": {"severity": 3}}, "$.alerts[1].labels"),
    ],
)
def test_an_alert_that_can_not_be_read_is_named_and_none_is_taken(
    client: Client, world: World, change: dict[str, Any], place: str
) -> None:
    body = deepcopy(BODY)
    body["alerts"][1] |= change
    answer = post(client, body)
    assert answer.status_code == 400 and place in answer.json()["detail"]
    assert told(world) == {}


@pytest.mark.parametrize("body", [{}, [], {"alerts": {}}, {"alerts": [{}]}, {"alerts": None}])
def test_what_is_no_message_of_grafanas_is_refused(client: Client, body: object) -> None:
    assert post(client, body).status_code == 400


def test_a_message_has_its_limit() -> None:
    body = deepcopy(BODY)
    body["alerts"] = body["alerts"][:1] * 501
    with pytest.raises(Problem, match="at most 500"):
        conditions(read_message(body), NOW)


@given(st.dictionaries(st.text(max_size=9), st.text(max_size=700), max_size=4), st.text())
def test_whatever_is_said_stays_readable(annotations: dict[str, str], summary: str) -> None:
    body = deepcopy(BODY)
    body["alerts"][0] |= {"annotations": annotations | {"summary": summary}}
    detail = conditions(read_message(body), NOW)[0].detail
    assert len(detail) <= 500 and detail.isprintable()
