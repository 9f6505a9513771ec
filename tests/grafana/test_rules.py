"""What every board must keep to: names, sources, queries, words, places and links."""

from __future__ import annotations

import re
from collections import Counter
from itertools import combinations
from urllib.parse import parse_qsl

import pytest

from devices.kind import Kind, Quantity, Span
from devices.registry import Kinds, load_kinds
from grafana.boards import all_boards
from grafana.kind_board import kind_board
from grafana.measurements import schema
from grafana.queries import SOURCE, Json
from grafana.tongue import LANGUAGES, Tongue
from telemetry.units import UNITS

KINDS = load_kinds()
BOARDS = {b["uid"]: b for lang in LANGUAGES for b in all_boards(KINDS, Tongue(lang))}
KNOWN = schema(KINDS)
AGGREGATE = re.compile(r"\b(mean|min|max|sum|last|count|derivative|difference)\(")
BUILT_IN = {"timeFilter", "__interval", "__interval_ms", "__to", "__from", "__url_time_range",
            "__field", "__data", "__value", "__series"}  # fmt: skip


def panels(board: Json) -> list[Json]:
    return [p for p in board["panels"] if p["type"] != "row"]


def targets(board: Json) -> list[str]:
    return [t["query"] for p in panels(board) for t in p["targets"]]


def queries(board: Json) -> list[str]:
    annotations = [a["target"]["query"] for a in board["annotations"]["list"]]
    return targets(board) + annotations


def texts(value: object) -> list[str]:
    if isinstance(value, dict):
        return [t for v in value.values() for t in texts(v)]
    if isinstance(value, list):
        return [t for v in value for t in texts(v)]
    return [value] if isinstance(value, str) else []


def test_uids_and_titles_are_unique() -> None:
    assert len(BOARDS) == sum(len(all_boards(KINDS, Tongue(lang))) for lang in LANGUAGES)
    for lang in LANGUAGES:
        titles = Counter(b["title"] for b in BOARDS.values() if lang in b["tags"])
        assert max(titles.values()) == 1
    assert all(re.fullmatch(r"[a-z0-9-]{1,40}", uid) for uid in BOARDS)


def test_both_languages_ask_the_same() -> None:
    for uid, board in BOARDS.items():
        if not uid.startswith("urban-vi-"):
            continue
        other = BOARDS[uid.replace("-vi-", "-en-", 1)]
        same = [q.replace("_vi", "_en") for q in queries(board)]
        assert same == queries(other)
        assert board["title"] != other["title"]
        assert [p["gridPos"] for p in board["panels"]] == [p["gridPos"] for p in other["panels"]]


@pytest.mark.parametrize("uid", BOARDS)
def test_a_panel_says_what_it_is_and_what_to_do(uid: str) -> None:
    names = Counter(p["title"] for p in panels(BOARDS[uid]))
    assert max(names.values()) == 1, names.most_common(1)
    for panel in panels(BOARDS[uid]):
        assert panel["title"] and len(panel["description"]) > 40, panel["title"]
        assert panel["fieldConfig"]["defaults"]["unit"], panel["title"]
        assert panel["targets"], panel["title"]


@pytest.mark.parametrize("uid", BOARDS)
def test_panels_stand_beside_one_another(uid: str) -> None:
    places = [p["gridPos"] for p in BOARDS[uid]["panels"]]
    assert all(p["x"] >= 0 and p["w"] > 0 and p["x"] + p["w"] <= 24 for p in places)
    for one, two in combinations(places, 2):
        beside = one["x"] + one["w"] <= two["x"] or two["x"] + two["w"] <= one["x"]
        under = one["y"] + one["h"] <= two["y"] or two["y"] + two["h"] <= one["y"]
        assert beside or under, (one, two)
    assert len({p["id"] for p in BOARDS[uid]["panels"]}) == len(places)


@pytest.mark.parametrize("uid", BOARDS)
def test_every_source_is_the_variable(uid: str) -> None:
    board = BOARDS[uid]
    held = [x["datasource"] for p in panels(board) for x in (p, *p["targets"])]
    held += [v["datasource"] for v in board["templating"]["list"] if v["type"] == "query"]
    held += [a["datasource"] for a in board["annotations"]["list"]]
    assert held and all(d == SOURCE for d in held)
    assert board["templating"]["list"][0]["name"] == "ds"


def wrong_queries(board: Json) -> list[str]:
    """Queries that leave the time range, aggregate without an interval or a table, or list values wrongly."""
    several = {v["name"] for v in board["templating"]["list"] if v.get("multi")}
    known = {v["name"] for v in board["templating"]["list"]}
    wrong = [q for q in queries(board) if "$timeFilter" not in q]
    for panel in panels(board):
        for target in panel["targets"]:
            query = target["query"]
            in_time = re.search(r"GROUP BY time\((\$__interval|10m|1h)\)", query)
            if target["resultFormat"] == "time_series" and AGGREGATE.search(query) and not in_time:
                wrong.append(query)
    for query in queries(board):
        names = re.findall(r"\$\{?(\w+)", query)
        wrong += [query for n in names if n not in known | BUILT_IN]
        bare = re.sub(r"/\^\$\{\w+:regex\}\$/", "", query)
        wrong += [query for n in several if re.search(rf"\$\{{?{n}\b", bare)]
    return wrong


def unknown_names(query: str) -> list[str]:
    """What stands in double quotes and is neither a measurement, nor a tag or field of it, nor a name given here."""
    found = []
    (measurement,) = re.findall(r'FROM (?:"\w+"\.)?"([^"]+)"', query)
    given = set(re.findall(r'AS "(\w+)"', query))
    if "$" in measurement:
        return []
    if measurement not in KNOWN:
        return [measurement]
    allowed = KNOWN[measurement].tags | KNOWN[measurement].fields | given
    rest = re.sub(r'FROM (?:"\w+"\.)?"[^"]+"', "", query)
    found += [n for n in re.findall(r'"([^"$]+)"', rest) if n not in allowed]
    return found


@pytest.mark.parametrize("uid", BOARDS)
def test_queries_keep_to_the_rules(uid: str) -> None:
    assert wrong_queries(BOARDS[uid]) == []
    asked = queries(BOARDS[uid])
    asked += [
        v["query"]
        for v in BOARDS[uid]["templating"]["list"]
        if v["type"] == "query" and "board." in v["query"]
    ]
    assert [(q, n) for q in asked for n in unknown_names(q)] == []


def test_the_checks_see_what_is_wrong() -> None:
    good = next(iter(BOARDS.values()))
    for query in (
        'SELECT mean("pm25") FROM "air"',
        'SELECT mean("pm25") FROM "air" WHERE $timeFilter',
        'SELECT mean("vn_aqi_max") FROM "board.area" WHERE $timeFilter AND "area_name" = \'$area\' GROUP BY time($__interval)',
        'SELECT mean("pm25") FROM "air" WHERE $timeFilter AND "device" = \'$nobody\' GROUP BY time($__interval)',
    ):
        target = {"query": query, "resultFormat": "time_series"}
        board = good | {"panels": [{"type": "stat", "targets": [target]}]}
        assert wrong_queries(board), query
    assert unknown_names('SELECT mean("pm26") FROM "air" WHERE $timeFilter') == ["pm26"]
    assert unknown_names('SELECT mean("pm25") FROM "airs" WHERE $timeFilter') == ["airs"]


@pytest.mark.parametrize("uid", BOARDS)
def test_links_lead_somewhere(uid: str) -> None:
    board = BOARDS[uid]
    for url in [t for t in texts(board) if t.startswith("/d/")]:
        path, _, query = url.removeprefix("/d/").partition("?")
        assert path in BOARDS, url
        there = {v["name"] for v in BOARDS[path]["templating"]["list"]}
        given = [k.removeprefix("var-") for k, _ in parse_qsl(query) if k.startswith("var-")]
        assert set(given) <= there, url
        assert path.split("-")[1] == uid.split("-")[1], "a link stays in its language"
    for url in [t for t in texts(board) if t.startswith("${console}")]:
        assert re.fullmatch(
            r"\$\{console\}/(vi|en)\?device=(\$\{__data\.fields.+\}|\$\{device\})", url
        ), url


@pytest.mark.parametrize("uid", BOARDS)
def test_a_board_ends_now(uid: str) -> None:
    """Links hand the range on, and open alerts are those of its end: ahead of now none would be shown."""
    assert BOARDS[uid]["time"]["to"] == "now"


@pytest.mark.parametrize("uid", BOARDS)
def test_nothing_is_fetched_from_the_internet(uid: str) -> None:
    assert [
        t for t in texts(BOARDS[uid]) if "//" in t and not t.startswith("http://127.0.0.1")
    ] == []


@pytest.mark.parametrize("kind", list(KINDS), ids=lambda k: k.name)
def test_levels_of_rules_are_lines_with_their_edition(kind: Kind) -> None:
    found = {p["title"]: p for p in panels(kind_board(kind, Tongue("en")))}
    for rule in kind.rules:
        quantity = kind.quantity(rule.quantity)
        assert quantity is not None
        if rule.quantity in ("online", "refused_share"):
            continue
        panel = found[quantity.en]
        steps = [s["value"] for s in panel["fieldConfig"]["defaults"]["thresholds"]["steps"]]
        assert len(steps) > 1
        assert rule.edition in panel["description"] and rule.en in panel["description"]
        assert rule.act_en in panel["description"]


def test_a_kind_that_is_new_has_a_board_of_its_own() -> None:
    fog = Quantity(
        name="fog",
        unit="m",
        vi="Tầm nhìn",
        en="Visibility",
        possible=Span(0, 1e5),
        plausible=Span(0, 5e4),
    )
    kind = Kind(name="fog", vi="Sương mù", en="Fog", domain="environment", interval_s=60, timeout_s=300,
                model="", main="fog", quantities=(fog,))  # fmt: skip
    (whole,) = Kinds([kind])
    board = kind_board(whole, Tongue("vi"))
    assert board["uid"] == "urban-vi-kind-fog" and "Tầm nhìn" in {
        p["title"] for p in board["panels"]
    }


@pytest.mark.parametrize("unit", UNITS)
def test_every_unit_has_a_name_in_grafana(unit: str) -> None:
    assert Tongue("vi").unit(unit)
