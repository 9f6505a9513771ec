"""docs/scenarios.md: its tables are those of the code, and its example is a scenario."""

from __future__ import annotations

import tomllib
from pathlib import Path

import pytest

from benchmarks.detection import read_baseline
from simulators.fault_types import FAULT_TYPES
from simulators.scenario import load_scenario

ROOT = Path(__file__).parent.parent.parent
PAGE = (ROOT / "docs" / "scenarios.md").read_text(encoding="utf-8")


def fault_table() -> str:
    """The types of fault, as the page shows them."""
    rows = ["| fault | what it does | strikes | strength |", "|---|---|---|---|"]
    for name, of in FAULT_TYPES.items():
        strikes = "any kind" if len(of.kinds) == 11 else ", ".join(of.kinds)
        strength = f"{of.low:g}…{of.high:g} {of.unit}, usually {of.usual:g}" if of.unit else ""
        if of.quantity:
            strength += "; of a quantity" if strength else "of a quantity"
        rows.append(f"| `{name}` | {of.says} | {strikes} | {strength} |")
    return "\n".join(rows)


def score_table() -> str:
    """The kept score of `everything`, as the page shows it."""
    rows = [
        "| type | truths | recall | precision | time to detect | false alerts a device-year |",
        "|---|---|---|---|---|---|",
    ]
    for name, s in read_baseline()["everything"].items():
        if s["truths"]:
            shares = [
                "–" if s[k] is None else f"{100 * s[k]:.0f} %" for k in ("recall", "precision")
            ]
            delay = "–" if s["delay_s"] is None else f"{s['delay_s'] / 60:.0f} min"
            false = "–" if s["false_alerts"] is None else f"{s['false_alerts']:.2f}"
            rows.append(f"| {name} | {s['truths']} | {' | '.join(shares)} | {delay} | {false} |")
    return "\n".join(rows)


def between(mark: str) -> str:
    start = PAGE.index("-->", PAGE.index(f"<!-- {mark}: ")) + 3
    return PAGE[start : PAGE.index(f"<!-- end of {mark} -->")].strip()


def test_the_fault_types_are_those_of_the_code() -> None:
    assert between("fault types") == fault_table()


def test_the_score_is_the_baseline() -> None:
    assert between("score") == score_table()


def test_the_example_is_a_scenario(tmp_path: Path) -> None:
    text = PAGE[PAGE.index("```toml\n") + 8 :]
    path = tmp_path / "example.toml"
    path.write_text(text[: text.index("```")], encoding="utf-8")
    found, _ = load_scenario(path)
    assert len(found.faults) == len(found.events) == 1


@pytest.mark.parametrize("path", sorted((ROOT / "scenarios").glob("*.toml")), ids=lambda p: p.stem)
def test_every_scenario_says_what_it_is(path: Path) -> None:
    assert len(tomllib.loads(path.read_text(encoding="utf-8"))["text"]) > 30
