"""The account, summed: received = stored + duplicate + quarantined, per hour, device or kind.

Hours of receipt never change once they are over, so the totals since ever are kept and only the hours
that may still grow are asked for again.
"""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Callable, Iterable

from api.context import Context
from api.schemas import AccountLine
from store.telemetry import AccountRow
from telemetry.clock import HOUR

_QUARANTINED = "quarantined:"


def line(counts: Counter[str]) -> AccountLine:
    """One line of the account from outcome → count."""
    reasons = {
        name.removeprefix(_QUARANTINED): count
        for name, count in sorted(counts.items())
        if name.startswith(_QUARANTINED) and count
    }
    quarantined = sum(reasons.values())
    return AccountLine(
        messages=counts["messages"],
        received=counts["received"],
        stored=counts["stored"],
        duplicate=counts["duplicate"],
        quarantined=quarantined,
        late=counts["late"],
        gap=counts["gap"],
        balanced=counts["received"] == counts["stored"] + counts["duplicate"] + quarantined,
        reasons=reasons,
    )


def group(
    rows: Iterable[AccountRow], by: Callable[[AccountRow], int | str]
) -> dict[int | str, Counter[str]]:
    """Outcome → count, for each value of `by`, in order."""
    groups: dict[int | str, Counter[str]] = {}
    for row in rows:
        groups.setdefault(by(row), Counter())[row.outcome] += row.count
    return dict(sorted(groups.items()))


class Totals:
    """The account of all devices, hour by hour since ever, kept up to date at little cost. Thread-safe."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._hours: dict[int, Counter[str]] = {}
        self._open_from = 0

    def hours(self, context: Context) -> dict[int, Counter[str]]:
        """Hour of receipt [ns] → outcome → count."""
        with self._lock:
            now = context.clock.now()
            rows = context.telemetry.account(self._open_from, now + HOUR)
            fresh = group(rows, lambda row: row.hour)
            self._hours.update({int(hour): counts for hour, counts in fresh.items()})
            # A batch may be written just after its hour ended: an hour closes an hour later.
            self._open_from = max(self._open_from, now // HOUR * HOUR - HOUR)
            return dict(self._hours)

    def since(self, context: Context, start: int) -> AccountLine:
        """The account of all hours from `start` on. [ns]"""
        total: Counter[str] = Counter()
        for hour, counts in self.hours(context).items():
            if hour >= start:
                total.update(counts)
        return line(total)
