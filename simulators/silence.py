"""Which devices say nothing, from when to when: those that are dead, and the lamps of a feeder without supply."""

from __future__ import annotations

from collections.abc import Iterable

from simulators.chance import key, uniform
from simulators.faults import Fault
from simulators.fleet import MS, Fleet
from telemetry.clock import SECOND

# A broker notices a client that is gone by its keep-alive: some seconds to a minute later.
NOTICED_MS = 55_000

Spans = dict[str, list[tuple[int, int]]]


class Silence:
    """Spans of silence by device, and the status messages at their ends."""

    def __init__(self, fleets: dict[str, Fleet], seed: int) -> None:
        self._seed = seed
        self._lamps: dict[str, list[str]] = {}
        for lamp in fleets["lamp"].devices if "lamp" in fleets else []:
            self._lamps.setdefault(lamp.parent, []).append(lamp.id)

    def spans(self, faults: Iterable[Fault]) -> Spans:
        """device → [start, end) of each silence that these faults bring. [ns]"""
        found: Spans = {}
        for fault in faults:
            if fault.type == "offline":
                found.setdefault(fault.device, []).append((fault.start, fault.end))
            elif fault.type == "supply_loss":
                for lamp in self._lamps.get(fault.device, []):
                    found.setdefault(lamp, []).append((fault.start, fault.end))
        return found

    def statuses(self, spans: Spans, start: int, end: int) -> list[tuple[int, str, str]]:
        """(time, device, "offline" | "online") in [start, end); silences that overlap are one."""
        found = []
        for device, of in spans.items():
            late = self._noticed(device)
            for begin, over in of:
                others = [s for s in of if s != (begin, over)]
                if not any(s <= begin < e for s, e in others):
                    found.append((begin + late, device, "offline"))
                if not any(s <= over < e for s, e in others):
                    found.append((over, device, "online"))
        return sorted(f for f in found if start <= f[0] < end)

    def _noticed(self, device: str) -> int:
        return int(float(uniform(key(self._seed, device, "noticed"))) * NOTICED_MS) * MS + SECOND
