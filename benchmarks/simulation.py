"""How like the real thing the simulated city is: JSON lines beside the recordings, and the figures of docs/simulation.md.

`urban bench simulation` measures; `--figures docs/images/simulation` draws (needs matplotlib, of the test
extra); `--table` writes the table of docs/simulation.md anew. The recordings are found by URBAN_DATA_SETS.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
from collections.abc import Mapping
from pathlib import Path

from benchmarks.likeness import LIKENESSES, as_table
from benchmarks.likeness_series import Series, beijing, valencia

ROOT = Path(__file__).parent.parent
DATA_SETS = Path(os.environ.get("URBAN_DATA_SETS", ROOT.parent / "shared" / "data"))
PAGE = ROOT / "docs" / "simulation.md"
BEGIN, END = "<!-- likeness -->\n", "<!-- /likeness -->\n"


def main() -> None:
    """Exit code 1 where a statistic is out of its bounds, 2 where the recordings are not there."""
    parser = argparse.ArgumentParser(
        prog="urban bench simulation",
        description="The simulated city beside real recordings, as JSON lines.",
        epilog="Example: urban bench simulation --figures docs/images/simulation --table",
    )
    parser.add_argument("--figures", type=Path, metavar="FOLDER", help="draw the figures there")
    parser.add_argument("--table", action="store_true", help="write docs/simulation.md's table")
    given = parser.parse_args()
    recorded = _recordings()
    held = [_tell(row.name, row.simulated(), row.of(recorded[row.recording]), row.low, row.high)
            for row in LIKENESSES]  # fmt: skip
    if given.table:
        PAGE.write_text(with_table(PAGE.read_text(encoding="utf-8")), encoding="utf-8")
    if given.figures:
        _draw(recorded, given.figures)
    sys.exit(0 if all(held) else 1)


def with_table(page: str) -> str:
    """The page with its table as it is now."""
    before, rest = page.split(BEGIN)
    _, after = rest.split(END)
    return before + BEGIN + as_table() + END + after


def _recordings() -> Mapping[str, Series]:
    try:
        return {"valencia": valencia(DATA_SETS), "beijing": beijing(DATA_SETS)}
    except FileNotFoundError as error:
        print(
            f"no recording {error.filename}: set URBAN_DATA_SETS to their folder", file=sys.stderr
        )
        sys.exit(2)


def _tell(name: str, simulated: float, recorded: float, low: float, high: float) -> bool:
    holds = low <= simulated <= high
    line = {
        "bench": "simulation", "statistic": name, "simulated": round(simulated, 3),
        "recorded": round(recorded, 3), "low": low, "high": high, "holds": holds,
    }  # fmt: skip
    print(json.dumps(line, ensure_ascii=False), flush=True)
    return holds


def _draw(recorded: Mapping[str, Series], folder: Path) -> None:
    try:
        from benchmarks.figures import FIGURES, draw
    except ImportError:
        print("figures need matplotlib: pip install -e '.[test]'", file=sys.stderr)
        sys.exit(2)
    folder.mkdir(parents=True, exist_ok=True)
    for name in FIGURES:
        print(draw(name, recorded, folder), file=sys.stderr)


if __name__ == "__main__":
    main()
