"""The simulated air keeps within stated bounds of the recordings, and docs/simulation.md says what is so."""

from __future__ import annotations

import os
import re
from pathlib import Path

import pytest

from benchmarks.figures import FIGURES, draw
from benchmarks.likeness import LIKENESSES, Likeness
from benchmarks.likeness_series import beijing, valencia
from benchmarks.simulation import BEGIN, END, with_table

ROOT = Path(__file__).parent.parent.parent
PAGE = ROOT / "docs" / "simulation.md"
DATA_SETS = Path(os.environ.get("URBAN_DATA_SETS", ROOT.parent / "shared" / "data"))


@pytest.mark.parametrize("row", LIKENESSES, ids=lambda r: f"{r.city}: {r.name}")
def test_a_simulated_year_lies_within_its_bounds(row: Likeness) -> None:
    assert row.low <= row.simulated() <= row.high


@pytest.mark.parametrize("row", LIKENESSES, ids=lambda r: f"{r.city}: {r.name}")
def test_bounds_hold_the_recorded_value(row: Likeness) -> None:
    """A bound that the recording itself breaks would say nothing of likeness."""
    assert row.low <= row.recorded <= row.high


@pytest.mark.recordings
def test_the_recorded_values_are_the_recordings() -> None:
    if not DATA_SETS.is_dir():
        pytest.skip(f"no recordings in {DATA_SETS}: set URBAN_DATA_SETS")
    recorded = {"valencia": valencia(DATA_SETS), "beijing": beijing(DATA_SETS)}
    for row in LIKENESSES:
        assert row.of(recorded[row.recording]) == pytest.approx(row.recorded, abs=0.0051), row.name


def _cells(page: str) -> list[list[str]]:
    table = page.split(BEGIN)[1].split(END)[0]
    return [line.strip("| ").split(" | ") for line in table.splitlines()[2:]]


def test_the_pages_table_is_up_to_date() -> None:
    text = PAGE.read_text(encoding="utf-8")
    remedy = "run: urban bench simulation --table"
    written, now = _cells(text), _cells(with_table(text))
    assert [r[0] for r in written] == [r[0] for r in now], remedy
    for was, is_now in zip(written, now, strict=True):
        assert was[2:] == is_now[2:], remedy
        # Another numpy may round another way.
        values = [float(re.match(r"-?[\d.]+", cells[1]).group()) for cells in (was, is_now)]  # type: ignore[union-attr]
        assert values[0] == pytest.approx(values[1], abs=0.03), f"{was[0]}: {remedy}"


def test_the_page_shows_every_figure() -> None:
    shown = re.findall(r"images/simulation/([a-z-]+)\.png", PAGE.read_text(encoding="utf-8"))
    assert sorted(shown) == sorted(FIGURES)


@pytest.mark.parametrize("name", ["tide", "waters", "a-day-of-each"])
def test_figures_can_be_drawn_anywhere(name: str, tmp_path: Path) -> None:
    assert draw(name, {}, tmp_path).read_bytes().startswith(b"\x89PNG")
