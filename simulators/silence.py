"""Which devices say nothing, from when to when: the dead, those without signal, a feeder's lamps, a gateway's."""

from __future__ import annotations

from collections.abc import Iterable

from simulators.chance import key, uniform
from simulators.faults import Fault
from simulators.fleet import MS, Fleet
from simulators.gateways import Gateways
from telemetry.clock import SECOND

# A broker notices a client that is gone by its keep-alive: some seconds to a minute later.
NOTICED_MS = 55_000
BATTERY_LASTS = 0.8  # of the time in which a flat battery is the fault; then the device is dead

Spans = dict[str, list[tuple[int, int]]]


class Silence:
    """Spans of silence by device, and the status messages at their ends."""

    def __init__(self, fleets: dict[str, Fleet], gateways: Gateways, seed: int) -> None:
        self._seed = seed
        self._gateways = gateways
        self._lamps: dict[str, list[str]] = {}
        for lamp in fleets["lamp"].devices if "lamp" in fleets else []:
            self._lamps.setdefault(lamp.parent, []).append(lamp.id)

    def spans(self, faults: Iterable[Fault], kept: bool = False) -> Spans:
        """device → [start, end) of each silence that these faults bring. [ns]

        kept  also where what was measured meanwhile comes later
        """
        found: Spans = {}
        for fault in faults:
            start, struck = fault.start, self._struck(fault, kept)
            if fault.type == "flat_battery":
                start += int(BATTERY_LASTS * (fault.end - fault.start))
            for device in struck:
                found.setdefault(device, []).append((start, fault.end))
        return found

    def statuses(self, spans: Spans, start: int, end: int) -> list[tuple[int, str, str]]:
        """(time, device, "offline" | "online") in [start, end); silences that overlap are one.

        What speaks through a gateway has no session, so nobody says that it is gone.
        """
        found = []
        for device, of in spans.items():
            if device in self._gateways.of:
                continue
            late = self._noticed(device)
            for begin, over in set(of):
                if over - begin <= late:
                    continue  # back before anybody noticed
                others = [s for s in of if s != (begin, over)]
                if not any(s <= begin < e for s, e in others):
                    found.append((begin + late, device, "offline"))
                if not any(s <= over < e for s, e in others):
                    found.append((over, device, "online"))
        return sorted(f for f in found if start <= f[0] < end)

    def _struck(self, fault: Fault, kept: bool) -> list[str]:
        if fault.type in ("offline", "flat_battery") or (kept and fault.type == "late_burst"):
            return [fault.device]
        lamps = self._lamps.get(fault.device, [])
        if fault.type in ("supply_loss", "breaker_trip"):
            return lamps
        if fault.type == "cable_theft":  # in the order in which they hang on the cable
            return lamps[len(lamps) - round(fault.how_strong * len(lamps)) :]
        if fault.type == "dead_gateway":
            return self._gateways.behind.get(fault.device, [])
        return []

    def _noticed(self, device: str) -> int:
        return int(float(uniform(key(self._seed, device, "noticed"))) * NOTICED_MS) * MS + SECOND
