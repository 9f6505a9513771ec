"""A process that tells the alert book of a long, fixed stream of conditions, to be killed at any moment.

python -m tests.analytics.book_process DATABASE: prints the number of each step that it began.
"""

from __future__ import annotations

import random
import sys
from pathlib import Path

from analytics.alerts.book import AlertBook
from analytics.facts import What
from store.sql_store import SqlOperations
from telemetry.clock import SECOND, ManualClock
from telemetry.live import Hub
from tests.analytics.city import T0, catalogue
from tests.analytics.test_book import transitions

STEPS = 100
PAIRS = (
    ("flood_bd1", "phu-an"),
    ("flood_bd2", "phu-an"),
    ("feeder_supply_loss", "tu-1"),
    ("lamp_failure", "den-1"),
    ("lamp_failure", "den-2"),
    ("device_offline", "den-2"),
)


def steps() -> list[list[tuple[What, str, str, int, float]]]:
    """What is told, step by step: the same in every process."""
    chance = random.Random(5)
    stands: dict[tuple[str, str], bool] = {}
    found = []
    for number in range(STEPS):
        step = []
        for pair in chance.sample(PAIRS, 3):
            stands[pair] = not stands.get(pair, False)
            what = What.RAISE if stands[pair] else What.CLEAR
            step.append((what, *pair, number * 900, float(number)))
        found.append(step)
    return found


def run(path: Path) -> None:
    """All steps, from the first on: as after a restart without a snapshot."""
    known = catalogue()
    store = SqlOperations(f"sqlite:///{path}")
    clock = ManualClock(T0 + STEPS * 900 * SECOND)
    book = AlertBook(store, known, Hub(), clock)
    for number, step in enumerate(steps()):
        print(number, flush=True)
        book.apply(transitions(known, *step))
    store.close()


if __name__ == "__main__":
    run(Path(sys.argv[1]))
