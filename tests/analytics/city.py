"""Catalogues, batches and a store-like memory of facts, for the tests of analytics."""

from __future__ import annotations

from collections.abc import Iterable
from zoneinfo import ZoneInfo

from analytics.engine import Engine
from analytics.facts import Facts, What
from devices.device import Catalogue, Device
from devices.registry import load_kinds
from telemetry.clock import HOUR, parse_time
from telemetry.readings import Readings

KINDS = load_kinds()
ZONE = ZoneInfo("Asia/Ho_Chi_Minh")
T0 = parse_time("2026-11-22T00:00:00Z")

PHU_AN = {"bd1": 1.4, "bd2": 1.5, "bd3": 1.6}
DEVICES = (
    Device(id="aq-1", kind="air"),
    Device(id="aq-2", kind="air"),
    Device(id="phu-an", kind="level", limits=PHU_AN),
    Device(id="tu-1", kind="feeder"),
    Device(id="den-1", kind="lamp", parent="tu-1", limits={"rated_power": 100.0}),
    Device(id="den-2", kind="lamp", parent="tu-1", limits={"rated_power": 100.0}),
    Device(id="gio-1", kind="weather"),
)

Row = tuple[str, str, int, float]
Key = tuple[str, str, int]


def catalogue(devices: Iterable[Device] = DEVICES) -> Catalogue:
    """A catalogue of these devices."""
    found = Catalogue(KINDS)
    for device in devices:
        found.put(device)
    return found


def engine(known: Catalogue | None = None) -> Engine:
    """A new engine."""
    return Engine(known or catalogue(), ZONE)


def batch(known: Catalogue, rows: Iterable[Row], received: int | None = None) -> Readings:
    """(device, quantity, time, value) rows as ingest hands them on; received when measured, or then."""
    table = list(rows)
    code = [known.code(d) for d, _, _, _ in table]
    kind = [known.devices[c].kind for c in code if c is not None]
    flags = [_gross(k, q, v) for k, (_, q, _, v) in zip(kind, table, strict=True)]
    time = [t for _, _, t, _ in table]
    return Readings.of(
        [c for c in code if c is not None],
        [KINDS.quantity_code[q] for _, q, _, _ in table],
        time,
        [v for _, _, _, v in table],
        flags,
        time if received is None else received,
    )


def _gross(kind: str, quantity: str, value: float) -> int:
    if value != value:
        return 9
    found = KINDS[kind].quantity(quantity)
    assert found is not None
    return 1 if found.plausible.low <= value <= found.plausible.high else 3


class Told:
    """What a store would hold after facts came in: the last word on each key wins."""

    def __init__(self, known: Catalogue) -> None:
        self._known = known
        self.flags: dict[Key, int] = {}
        self.derived: dict[Key, float] = {}
        self.rollups: dict[tuple[int, str, str, int], tuple[float, ...]] = {}
        self.stale: dict[int, set[Key]] = {}
        self.transitions: list[tuple[str, str, str, int, float]] = []

    def take(self, facts: Facts) -> Facts:
        """Keep what was told."""
        for row in _rows(self._known, facts.flags):
            self.flags[row[:3]] = row[4]
        for row in _rows(self._known, facts.derived):
            if row[4] == 9:
                self.derived.pop(row[:3], None)
            else:
                self.derived[row[:3]] = row[3]
        for step, r in facts.rollups.items():
            columns = (r.count, r.sum, r.min, r.max, r.last)
            for i in range(len(r)):
                device, quantity = (
                    self._known.devices[r.device[i]].id,
                    KINDS.quantities[r.quantity[i]],
                )
                values = tuple(float(c[i]) for c in columns)
                self.rollups[step, device, quantity, int(r.start[i])] = values
        for step, (device_codes, quantity_codes, start) in facts.stale.items():
            for d, q, s in zip(device_codes, quantity_codes, start, strict=True):
                key = self._known.devices[d].id, KINDS.quantities[q], int(s)
                self.stale.setdefault(step, set()).add(key)
                self.rollups.pop((step, *key), None)  # the store has its own from now on
        self._take_transitions(facts)
        return facts

    def _take_transitions(self, facts: Facts) -> None:
        rules = [rule.code for kind in KINDS for rule in kind.rules]
        t = facts.transitions
        for i in range(len(t)):
            self.transitions.append(
                (
                    What(int(t.what[i])).name.lower(),
                    rules[t.rule[i]],
                    self._known.devices[t.device[i]].id,
                    int(t.time[i]),
                    float(t.value[i]),
                )
            )

    def of(self, quantity: str) -> dict[tuple[str, int], float]:
        """Derived values of a quantity by (device, time)."""
        return {(d, t): v for (d, q, t), v in self.derived.items() if q == quantity}

    def changes(self, rule: str) -> list[tuple[str, str]]:
        """(what, device) of a rule's transitions, updates left out."""
        return [(w, d) for w, r, d, _, _ in self.transitions if r == rule and w != "update"]


def _rows(known: Catalogue, readings: Readings) -> list[tuple[str, str, int, float, int]]:
    return [
        (known.devices[d].id, KINDS.quantities[q], int(t), float(v), int(f))
        for d, q, t, v, f, _ in zip(*readings.columns(), strict=True)
    ]


def hours(n: float) -> int:
    """T0 and n hours."""
    return T0 + int(n * HOUR)
