"""The files beside the code are what the code says, and `urban dashboards` says where they are not."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from devices.city import load_city
from devices.registry import load_kinds
from grafana.build import build, compare
from grafana.maps import geojson, style
from tests.commands.conftest import urban

KINDS = load_kinds()


def test_the_files_are_up_to_date() -> None:
    assert not compare(KINDS), "run: urban dashboards build"


def test_what_is_missing_changed_or_too_much_is_seen_and_mended(tmp_path: Path) -> None:
    assert build(KINDS, tmp_path) and not compare(KINDS, tmp_path)
    boards = tmp_path / "dashboards" / "vi"
    (boards / "kind-air.json").unlink()
    (boards / "kind-lamp.json").write_text("{}")
    (boards / "old.json").write_text("{}")
    (boards / "README.md").write_text("stays")
    drift = compare(KINDS, tmp_path)
    assert drift.missing == ("dashboards/vi/kind-air.json",)
    assert drift.changed == ("dashboards/vi/kind-lamp.json",)
    assert drift.extra == ("dashboards/vi/old.json",)
    assert build(KINDS, tmp_path) == drift and not compare(KINDS, tmp_path)
    assert (boards / "README.md").exists()


def test_the_command_builds_checks_and_ends_with_1_on_drift(tmp_path: Path) -> None:
    code, out, _ = urban("dashboards", "check", "--folder", str(tmp_path))
    assert code == 1 and "dashboards/vi/kind-air.json: missing" in out
    assert "urban dashboards build" in out
    assert urban("dashboards", "build", "--folder", str(tmp_path))[0] == 0
    code, out, _ = urban("dashboards", "check", "--folder", str(tmp_path))
    assert code == 0 and "what the code says" in out
    code, out, _ = urban("dashboards", "--help")
    assert code == 0 and "Example:" in out


@pytest.mark.parametrize("name", ["hanoi", "hcmc"])
def test_a_map_holds_the_city_and_asks_nobody(name: str) -> None:
    city = load_city(name)
    drawn = geojson(city)["features"]
    sorts = [f["properties"]["sort"] for f in drawn]
    assert sorts.count("area") == len(city.areas) and sorts.count("road") == len(city.roads)
    west, south, east, north = city.bbox
    points = [f["geometry"]["coordinates"] for f in drawn if f["geometry"]["type"] == "Point"]
    assert all(west <= lon <= east and south <= lat <= north for lon, lat in points)
    text = json.dumps(style(city))
    assert "//" not in text and "glyphs" not in text
    assert {x["source"] for x in style(city)["layers"] if "source" in x} == {"city"}
