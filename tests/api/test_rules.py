"""Rules through the API: listed with their words, added, changed, tried on history, removed; refused in words."""

from __future__ import annotations

from typing import Any

import pytest

from analytics.alerts.book import Told
from api.routes.rules import EXAMPLE
from tests.api.client import Client
from tests.api.world import NOW, World

PATH = "/api/v1/rules"
BY = {"by": "Nguyễn Văn An"}
DUST: dict[str, Any] = EXAMPLE | {"code": "dust", "when": {"quantity": "pm25", "above": 38.0}}
DUST.pop("schedule")
DUST.pop("dwell_s")


def put(client: Client, rule: dict[str, Any], **params: str) -> Any:
    return client.request("PUT", f"{PATH}/{rule['code']}", json=rule, params=BY | params)


def listed(client: Client) -> dict[str, dict[str, Any]]:
    return {r["code"]: r for r in client.get(PATH).json()["items"]}


def test_every_rule_is_listed_with_its_words(client: Client) -> None:
    found = listed(client)
    assert found["air_unhealthy"]["origin"] == "kind"
    assert found["air_unhealthy"]["edition"] == "QĐ 1459/QĐ-TCMT"
    assert found["broker_lost"]["origin"] == "platform"
    assert found["broker_lost"]["definition"] is None


def test_the_example_is_one_that_can_be_added(own_client: Client, world: World) -> None:
    answer = put(own_client, EXAMPLE)
    assert answer.status_code == 200
    told = answer.json()
    assert (told["origin"], told["updated_by"]) == ("api", BY["by"])
    assert told["definition"]["when"] == {"unit": "", "below": None, **EXAMPLE["when"]}
    assert listed(own_client)[EXAMPLE["code"]] == told
    assert [r.code for r in world.operations.custom_rules()] == [EXAMPLE["code"]]
    assert put(own_client, EXAMPLE, by="Lê Thị Bình").json() == told  # nothing is changed by it


def test_one_that_is_changed_or_removed_ends_its_alerts(own_client: Client, world: World) -> None:
    put(own_client, DUST)
    book = world.context.alerts
    book.tell([Told(rule="dust", subject="aq-1", stands=True, time=NOW, value=80.0)])  # type: ignore[attr-defined]
    query = {"rule": "dust"}

    def states() -> list[str]:
        return [a["state"] for a in own_client.get("/api/v1/alerts", params=query).json()["items"]]

    assert states() == ["unacknowledged"]
    put(own_client, DUST | {"severity": "low"})
    assert states() == ["cleared"]
    book.tell([Told(rule="dust", subject="aq-1", stands=True, time=NOW + 1, value=80.0)])  # type: ignore[attr-defined]
    assert sorted(states()) == ["cleared", "unacknowledged"]
    answer = own_client.request("DELETE", f"{PATH}/dust")
    assert answer.json()["code"] == "dust"
    assert "dust" not in listed(own_client)
    assert world.operations.custom_rules() == []
    gone = own_client.request("DELETE", f"{PATH}/dust")
    assert (gone.status_code, gone.json()["parameter"]) == (404, "code")
    assert all(a.rule != "dust" for a in book.standing())


@pytest.mark.parametrize("code", ["air_unhealthy", "broker_lost", "nothing"])
def test_what_nobody_added_cannot_be_removed(own_client: Client, code: str) -> None:
    assert own_client.request("DELETE", f"{PATH}/{code}").status_code == 404


@pytest.mark.parametrize(
    ("changes", "parameter"),
    [
        ({"kind": "tram"}, "kind"),
        ({"when": {"quantity": "pm2.5", "above": 1.0}}, "when.quantity"),
        ({"when": {"quantity": "pm25", "above": 50.0, "clear": 60.0}}, "when.clear"),
        ({"when": {"quantity": "pm25", "unit": "Cel", "above": 50.0}}, "when.unit"),
        ({"when": {"quantity": "pm25", "above": 1e9}}, "when.above"),
        ({"law": True}, "edition"),
        ({"areas": ["1"]}, "areas"),
        ({"devices": ["lamp-1"]}, "devices"),
        ({"colour": "red"}, "colour"),
        ({"severity": 3}, "body"),
    ],
    ids=str,
)
def test_what_could_not_do_what_it_says_is_refused(
    client: Client, changes: dict[str, Any], parameter: str
) -> None:
    for answer in (
        put(client, DUST | changes),
        client.post(f"{PATH}/try", json=DUST | changes),
    ):
        assert answer.status_code == 400, answer.text
        assert answer.headers["content-type"] == "application/problem+json"
        assert answer.json()["parameter"] == parameter
    assert "dust" not in listed(client)


def test_the_code_stands_in_the_path_and_somebody_does_it(client: Client) -> None:
    answer = client.request("PUT", f"{PATH}/other", json=DUST, params=BY)
    assert (answer.status_code, answer.json()["parameter"]) == (400, "code")
    answer = client.request("PUT", f"{PATH}/dust", json=DUST)
    assert (answer.status_code, answer.json()["parameter"]) == (400, "by")
    assert client.request("PUT", f"{PATH}/dust", json=[1], params=BY).status_code == 400


def test_a_dry_run_says_how_often_it_would_have_raised(client: Client) -> None:
    # world.py: PM2.5 of aq-1 swings between 20 and 40 once in six hours; aq-2 said 61.5 once.
    answer = client.post(f"{PATH}/try", json=DUST | {"devices": ["aq-1"]})
    assert answer.status_code == 200
    told = answer.json()
    assert told["devices"] == 1
    assert told["by_device"] == {"aq-1": told["raised"]}
    assert told["raised"] == len(told["examples"]) >= 3
    assert told["readings"] > 1_000
    assert 0 < told["standing_s"] < 86_400
    assert all(38 < e["worst"] <= 40 and e["cleared"] for e in told["examples"])
    other = client.post(f"{PATH}/try", json=DUST | {"when": {"quantity": "pm25", "above": 41.0}})
    assert other.json()["by_device"] == {"aq-2": 1}
    assert other.json()["examples"][0]["cleared"] is None
    assert "dust" not in listed(client)
