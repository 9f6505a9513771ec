"""The tide forecast: what a city names, what the feed writes of it and when, what the Flood board finds."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from devices.city import FOLDER, load_city
from devices.tide import STATIONS, VUNG_TAU, tide, tide_station
from grafana.flood_board import flood_board
from grafana.tide_figures import tide_lines
from grafana.tongue import Tongue
from telemetry.clock import DAY, HOUR, MINUTE, SECOND, parse_time
from telemetry.errors import DeclarationError, StoreError
from tests.grafana.interpolate import interpolate
from tests.grafana.test_feed import NOW, Bench
from tests.grafana.world import END, World
from tests.simulators.cities import KINDS

MS = 1_000_000
POINTS = 49 * 6 + 1


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[Bench]:
    made = Bench(tmp_path)
    yield made
    made.operations.close()


def heights(lines: list[str]) -> dict[int, float]:
    """Time → level of lines of this one station."""
    found = {}
    for line in lines:
        head, fields, time = line.rsplit(" ", 2)
        assert head == r"board.tide,station=Vũng\ Tàu", line
        found[int(time)] = float(fields.removeprefix("level="))
    return found


def test_it_is_the_harmonic_prediction_every_ten_minutes_of_two_days(bench: Bench) -> None:
    bench.clock.advance(17 * MINUTE)
    bench.feed.step()
    found = heights(bench.taken.of("board.tide"))
    assert list(found) == [NOW + i * 10 * MINUTE for i in range(POINTS)]
    # At the hour's last minute it still reaches 48 hours.
    assert max(found) >= NOW + HOUR - MINUTE + 2 * DAY
    for time in (NOW, NOW + 10 * MINUTE, NOW + 30 * HOUR):
        assert found[time] == pytest.approx(float(tide(np.array([time / SECOND]))[0]), abs=6e-4)


def test_a_published_high_water_is_in_it() -> None:
    # Vũng Tàu, 2025-11-06 14:31 Indochina time: 1.590 m above mean sea level (TICON-4 by the predictor
    # neaps); ten constituents have an rms error of 0.060 m.
    peak = parse_time("2025-11-06T14:31:00+07:00")
    found = heights(list(tide_lines(STATIONS["vung-tau"], peak - 20 * HOUR)))
    near = {t: h for t, h in found.items() if abs(t - peak) <= 3 * HOUR}
    highest = max(near, key=near.__getitem__)
    assert near[highest] == pytest.approx(1.590, abs=0.12) and abs(highest - peak) <= 30 * MINUTE


def test_it_is_written_once_an_hour(bench: Bench) -> None:
    for _ in range(3):
        bench.feed.step()
        bench.clock.advance(19 * MINUTE)
    assert len(bench.taken.of("board.tide")) == POINTS
    bench.clock.advance(3 * MINUTE)
    bench.feed.step()
    assert len(bench.taken.of("board.tide")) == 2 * POINTS


def test_what_could_not_be_written_is_written_next(bench: Bench) -> None:
    bench.taken.away = True
    with pytest.raises(StoreError):
        bench.feed.step()
    bench.taken.away = False
    bench.feed.step()
    assert len(bench.taken.of("board.tide")) == POINTS


def test_a_city_without_a_tide_writes_none(bench: Bench) -> None:
    bench.again("hanoi").step()
    assert bench.taken.of("board.device") and not bench.taken.of("board.tide")


def test_the_cities_name_their_tide() -> None:
    station = load_city("hcmc").tide
    assert station is not None and station.constituents == VUNG_TAU
    assert load_city("hanoi").tide is None


@pytest.mark.parametrize(
    ("table", "place", "need"),
    [
        ({"station": "vung tau"}, "tide.station", "must be one of vung-tau"),
        ({"station": 3}, "tide.station", "must be one of vung-tau"),
        ({}, "tide.station", "must be one of vung-tau"),
        ({"station": "vung-tau", "lag": 3}, "tide", "takes station"),
    ],
)
def test_a_tide_that_nobody_knows_is_refused(table: dict[str, Any], place: str, need: str) -> None:
    with pytest.raises(DeclarationError) as refused:
        tide_station(table)
    assert refused.value.place == place and need in str(refused.value)


def test_a_city_file_with_an_unknown_tide_is_refused(tmp_path: Path) -> None:
    text = (FOLDER / "hcmc.toml").read_text("utf-8")
    path = tmp_path / "other.toml"
    path.write_text(text.replace('station = "vung-tau"', 'station = "hon-dau"'), "utf-8")
    with pytest.raises(DeclarationError, match="hon-dau"):
        load_city(str(path))


@pytest.mark.influxdb
def test_the_board_draws_the_coming_two_days_whole(world: World) -> None:
    panels = flood_board(KINDS, Tongue("en"))["panels"]
    (panel,) = [p for p in panels if p.get("timeFrom")]
    assert panel["timeFrom"] == "+2d" and panel["fieldConfig"]["defaults"]["unit"] == "lengthm"
    query = interpolate(
        panel["targets"][0]["query"], END // MS, (END + 2 * DAY) // MS, {}, least=600_000
    )
    ((series,),) = world.store._server.query([query])
    assert series.tags == {"station": "Vũng Tàu"}
    drawn = series.column("max")
    assert len(drawn) == 2 * 24 * 6 + 1
    expected = tide((END + np.arange(len(drawn)) * 10 * MINUTE) / SECOND)
    assert drawn == pytest.approx(expected, abs=6e-4)
