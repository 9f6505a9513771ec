"""Every board validates against the JSON Schema made of Grafana's own types (schema/README.md)."""

from __future__ import annotations

import json
from pathlib import Path

import jsonschema
import pytest

from devices.registry import load_kinds
from grafana.boards import all_boards
from grafana.queries import Json
from grafana.tongue import LANGUAGES, Tongue

SCHEMA = json.loads((Path(__file__).parent / "schema" / "dashboard.schema.json").read_text("utf-8"))
BOARDS = {b["uid"]: b for lang in LANGUAGES for b in all_boards(load_kinds(), Tongue(lang))}


def faults(board: Json) -> list[str]:
    found = jsonschema.Draft7Validator(SCHEMA).iter_errors(board)
    return [f"{e.json_path}: {e.message}" for e in found]


@pytest.mark.parametrize("uid", BOARDS)
def test_a_board_is_what_grafana_takes(uid: str) -> None:
    assert BOARDS[uid]["schemaVersion"] == 41
    assert faults(BOARDS[uid]) == []


def test_the_schema_sees_what_is_wrong() -> None:
    board = next(iter(BOARDS.values()))
    assert faults({**board, "refresh": 5})
    assert faults({**board, "colour": "blue"})
    panel = {**board["panels"][0], "gridPos": {"x": "0", "y": 0, "w": 1, "h": 1}}
    assert faults({**board, "panels": [panel]})
