"""Every query of every panel, variable and annotation runs on a real influxd and finds something."""

from __future__ import annotations

import re
from typing import Any

import pytest

from devices.registry import load_kinds
from grafana.boards import all_boards
from grafana.queries import Json
from grafana.tongue import Tongue
from store.influx_query import Found
from telemetry.clock import parse_duration
from tests.grafana.interpolate import interpolate
from tests.grafana.world import END, START, World

pytestmark = pytest.mark.influxdb
MS = 1_000_000
BOARDS = {b["uid"]: b for lang in ("vi", "en") for b in all_boards(load_kinds(), Tongue(lang))}
Range = tuple[int, int]  # ns, first and last
DAY_OF_WORLD: Range = (START, END)


def queries(board: Json) -> list[tuple[str, str, Range]]:
    """(where, query, range) of everything in a board that asks the store."""
    found = [
        (f"{p['title']}/{t['refId']}", t["query"], range_of(p))
        for p in board["panels"]
        for t in p.get("targets", ())
    ]
    found += [(a["name"], a["target"]["query"], DAY_OF_WORLD) for a in board["annotations"]["list"]]
    return found


def range_of(panel: Json) -> Range:
    """The world's day, or where a panel says "+2d" the two days after it, as Grafana reads it."""
    if not (ahead := panel.get("timeFrom")):
        return DAY_OF_WORLD
    assert ahead.startswith("+")
    return END, END + parse_duration(ahead.removeprefix("+"))


def ask(
    world: World, query: str, variables: dict[str, Any], asked: Range = DAY_OF_WORLD
) -> list[Found]:
    text = interpolate(query, asked[0] // MS, asked[1] // MS, variables)
    (series,) = world.store._server.query([text])
    return series


def found_by(series: list[Found], regex: str) -> list[str]:
    """What a variable's query names: tag values, or field keys; its regex leaves some out."""
    columns = [s.column("value" if "value" in s.columns else "fieldKey") for s in series]
    pattern = re.compile(regex.strip("/"))
    return [v for column in columns for v in column if pattern.search(v)]


def values(world: World, board: Json) -> dict[str, Any]:
    """What Grafana would choose: all of several, the first of one."""
    chosen: dict[str, Any] = {}
    for variable in board["templating"]["list"]:
        if variable["type"] == "query":
            found = sorted(set(found_by(ask(world, variable["query"], chosen), variable["regex"])))
            assert found, f"{board['uid']}: variable {variable['name']} finds nothing"
            # Several that are chosen by hand must find them too, not only the pattern for all.
            chosen[variable["name"]] = found if variable["multi"] else found[0]
        elif variable["type"] == "textbox":
            chosen[variable["name"]] = variable["query"]
    return chosen


def has_data(series: list[Found]) -> bool:
    return any(v is not None for s in series for row in s.values for v in row[1:])


@pytest.mark.parametrize("uid", BOARDS)
def test_every_query_finds_something(world: World, uid: str) -> None:
    board = BOARDS[uid]
    chosen = values(world, board)
    everything = {k: ".*" if isinstance(v, list) else v for k, v in chosen.items()}
    silent = [
        (where, query)
        for where, query, asked in queries(board)
        for variables in (chosen, everything)
        if not has_data(ask(world, query, variables, asked))
    ]
    assert silent == []
