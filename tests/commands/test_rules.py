"""`urban rules …` at a running platform: tried on history, added whole or not at all, listed, removed."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.commands.conftest import Running, urban

FILE = """
[[rules]]
code = "dusty"
kind = "air"
vi = "Bụi"
en = "Dust"
severity = "low"
when = { quantity = "pm25", above = 20.0 }
schedule = { start = 00:00:00, end = 23:59:00 }
[[rules]]
code = "dustier"
kind = "air"
vi = "Bụi nhiều"
en = "More dust"
severity = "high"
when = { quantity = "pm25", above = 400.0 }
"""


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "rules.toml"
    path.write_text(FILE, encoding="utf-8")
    return path


def test_tried_added_listed_removed(running: Running, file: Path) -> None:
    running.bench.air(b'{"pm25": 31.2, "time": "2026-11-22T02:00:00Z"}')
    span = ("--start", "2026-11-22T00:00:00Z", "--end", "2026-11-22T03:00:00Z")
    code, out, err = running.urban("rules", "try", str(file), *span, "--json")
    assert (code, err) == (0, "")
    tried = json.loads(out)
    assert {name: t["raised"] for name, t in tried.items()} == {"dusty": 1, "dustier": 0}
    assert "dusty" in running.urban("rules", "try", str(file), *span)[1]
    assert running.urban("rules", "list", "--own")[1].startswith("No rule was added")
    code, out, _ = running.urban("rules", "add", str(file))
    assert (code, out.splitlines()) == (0, ["dusty: in force", "dustier: in force"])
    listed = running.urban("rules", "list", "--own")[1]
    assert "dusty" in listed
    assert "Bụi nhiều" in listed
    assert "device_offline" not in listed
    assert "device_offline" in running.urban("rules", "list")[1]
    assert running.urban("rules", "remove", "dusty")[:2] == (0, "dusty: removed\n")
    code, _, err = running.urban("rules", "remove", "dusty")
    assert code == 2
    assert "no rule 'dusty'" in err


def test_one_that_is_wrong_keeps_all_of_them_out(running: Running, file: Path) -> None:
    file.write_text(FILE.replace("above = 400.0", "above = 9000.0"), encoding="utf-8")
    code, _, err = running.urban("rules", "add", str(file))
    assert code == 2
    assert "can never fire" in err
    assert running.context.operations.custom_rules() == []


@pytest.mark.parametrize(
    ("text", "words"),
    [("[[rules", "must be TOML"), ("", "must hold rules"), ("[[rules]]\nkind = 'air'\n", "rules[1].code")],
)  # fmt: skip
def test_a_file_that_is_none(tmp_path: Path, text: str, words: str) -> None:
    path = tmp_path / "r.toml"
    path.write_text(text, encoding="utf-8")
    code, _, err = urban("rules", "try", str(path))
    assert code == 2
    assert words in err
    assert urban("rules", "try", str(tmp_path / "absent.toml"))[0] == 2
    assert urban("rules", "remove", "../x")[0] == 2
