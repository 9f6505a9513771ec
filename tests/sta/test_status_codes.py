"""/req/request-data/status-codes, query-status-code: 200, 204, 400, 404, 405, and never 5xx."""

from __future__ import annotations

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from api.sta.model import COLLECTIONS
from tests.api.client import Client
from tests.sta.conftest import answer

WORDS = st.sampled_from([
    "result", "phenomenonTime", "Datastream", "Thing", "id", "name", "/", "(", ")", ",", "'", "''", "'x'", " ", "eq",
    "ne", "gt", "and", "or", "not", "add", "div", "mod", "-", "0", "1", "1e400", "null", "true", "now()", "length(",
    "geo.distance(", "geography'POINT (1 2)'", "geography'x'", "2026-11-22T03:00:00Z", "2026-11-22T03:00:00", "duration'P1D'",
    "Datastreams", "Locations", "location", "properties", ";", "$filter=", "$expand=", "Observations", "$top=1",
    "round(", "year(", "substringof(", "st_relate(", "\u0000", "ế",
])  # fmt: skip


@pytest.mark.parametrize(
    ("option", "value"),
    [
        ("filter", "result gt"), ("filter", "nothing eq 1"), ("filter", "result eq 'a"), ("filter", "boom(1)"),
        ("filter", "length()"), ("filter", "phenomenonTime gt 2026-11-22T03:00:00"), ("filter", "(" * 60 + "1"),
        ("filter", "1 eq 1 and " * 150 + "1 eq 1"), ("filter", "x" * 5_000), ("filter", "duration'P1D' eq 1"),
        ("filter", "geo.distance(1, geography'nope') lt 1"), ("filter", "result eq 1; drop table"), ("filter", ""),
        ("filter", "phenomenonTime lt 2026-13-40T00:00:00Z"), ("filter", "result eq 1 2"),
        ("orderby", "nothing"), ("orderby", "result up"), ("orderby", ""), ("top", "-1"), ("top", "x"), ("top", "1" * 30),
        ("skip", "1.5"), ("count", "yes"), ("select", "nothing"), ("expand", "Things"), ("expand", "Datastream("),
        ("expand", "Datastream($filter=)"), ("expand", "Datastream($boom=1)"), ("expand", "Datastream,Datastream"),
        ("expand", "Datastream/" * 9 + "Thing"), ("search", "x"), ("skiptoken", "x"), ("format", "csv"),
    ],
)  # fmt: skip
def test_what_is_wrong_is_400_and_names_the_option(client: Client, option: str, value: str) -> None:
    found = answer(client, "Observations", **{option: value})
    assert found.status_code == 400, found.text
    named = "resultFormat" if option == "format" else f"${option}"
    # Inside of an $expand the inner option is named; a cursor says that it is one.
    assert found.json()["parameter"] in (named, "$filter", "$boom", "cursor")


def test_an_option_twice_is_refused(client: Client) -> None:
    found = client.get("/sta/v1.1/Things?$top=1&$top=2")
    assert found.status_code == 400


@pytest.mark.parametrize("method", ["PUT", "PATCH", "DELETE"])
def test_entities_are_not_written_here(client: Client, method: str) -> None:
    found = client.request(method, "/sta/v1.1/Things('aq-1')", json={})
    assert found.status_code == 405


@settings(
    max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(
    st.sampled_from(sorted(COLLECTIONS)), st.sampled_from(["filter", "orderby", "expand", "select"]),
    st.lists(WORDS, max_size=10).map("".join) | st.text(max_size=40),
)  # fmt: skip
def test_whatever_is_asked_is_answered_or_refused(
    client: Client, collection: str, option: str, text: str
) -> None:
    found = answer(client, collection, **{option: text, "top": "2"})
    assert found.status_code in (200, 400, 413), (found.status_code, found.text)
