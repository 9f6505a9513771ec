"""Provisioning files are what Grafana reads, agree with one another, and their queries find something."""

from __future__ import annotations

from importlib.metadata import packages_distributions
from pathlib import Path
from typing import Any

import pytest
import yaml

from grafana.alerting import CONTACT, RULES, SOURCE_UID, PlatformRule, provisioning, query
from tests.grafana.interpolate import interpolate
from tests.grafana.test_queries import has_data
from tests.grafana.test_rules import BOARDS, unknown_names
from tests.grafana.world import END, World

FOLDER = Path(__file__).parent.parent.parent / "grafana" / "provisioning"
MS = 1_000_000


def read(name: str) -> dict[str, Any]:
    found: dict[str, Any] = yaml.safe_load((FOLDER / name).read_text(encoding="utf-8"))
    assert found["apiVersion"] == 1
    return found


def test_the_source_speaks_influxql_and_its_token_is_a_file() -> None:
    (source,) = read("datasources/influxdb.yaml")["datasources"]
    assert source["uid"] == SOURCE_UID and source["type"] == "influxdb"
    assert "version" not in source["jsonData"], "Flux is asked for by a version"
    assert source["jsonData"]["httpMode"] == "POST" and source["jsonData"]["maxSeries"] == 2000
    assert source["jsonData"]["httpHeaderName1"] == "Authorization"
    assert source["secureJsonData"]["httpHeaderValue1"].startswith("Token $__file{")


def test_both_languages_come_from_files() -> None:
    providers = read("dashboards/boards.yaml")["providers"]
    assert {p["folderUid"] for p in providers} == {"urban-vi", "urban-en"}
    assert all(
        p["options"]["path"].endswith(p["folderUid"][-3:].replace("-", "/")) for p in providers
    )


def test_the_rules_watch_the_platform_and_keep_their_state() -> None:
    found = read("alerting/platform.yaml")
    assert found == provisioning()
    rules = found["groups"][0]["rules"]
    assert {r["uid"] for r in rules} == {r.uid for r in RULES} and len(rules) == len(RULES)
    for rule in rules:
        assert rule["execErrState"] == "KeepLast"
        refs = [d["refId"] for d in rule["data"]]
        assert rule["condition"] in refs and len(set(refs)) == 3
        assert rule["annotations"]["__dashboardUid__"] in BOARDS
        assert rule["annotations"]["summary"] and rule["annotations"]["description"]
    silent = {r["uid"] for r in rules if r["noDataState"] == "Alerting"}
    assert silent == {"urban-ingest-stalled"}, "silence is the fault itself there"
    names = {c["name"] for c in found["contactPoints"]}
    assert names == {CONTACT} == {p["receiver"] for p in found["policies"]}


@pytest.mark.influxdb
@pytest.mark.parametrize("rule", RULES, ids=lambda r: r.uid)
def test_the_query_of_a_rule_finds_something(world: World, rule: PlatformRule) -> None:
    assert unknown_names(query(rule)) == []
    # A rule asks for the last ten minutes; the simulated rounds are a quarter of an hour apart.
    text = interpolate(query(rule), END // MS - 3_600_000, END // MS, {})
    (series,) = world.store._server.query([text])
    assert has_data(series)


def test_nothing_replaces_the_library_that_influxdb_stands_on() -> None:
    # docs/decisions/0035: what a newer grafana-client needs installs itself over urllib3.
    assert set(packages_distributions()["urllib3"]) == {"urllib3"}
