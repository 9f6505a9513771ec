"""The telemetry of one kind: what its devices measure → what they say, and when it leaves.

Measured on the device's beat, changed by faults, kept or lost on the way, written as flat JSON, or handed to
a gateway as records of its pack.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, NamedTuple

import msgspec
import numpy as np

from devices.kind import Quantity
from devices.topics import telemetry_topic
from simulators.delivery import EARLY, LATE, burst, due, leaving, within
from simulators.effects import change_values, lost, malformed, said_time, twice
from simulators.faults import Fault
from simulators.fleet import Fleet, Rows
from simulators.gateways import PACK_EVERY, Gateways, collected, record
from simulators.models import Model
from simulators.silence import Spans
from telemetry.arrays import AnyArray, Times, Values


class Message(NamedTuple):
    """One publish. `time` is when it leaves [ns]; a retained message is a status."""

    time: int
    topic: str
    payload: bytes
    retain: bool = False


Packs = dict[tuple[int, str], list[bytes]]  # (when it leaves, gateway) → records


@dataclass
class _Said:
    """What is said of rows: `says` is the time that each names, `times` how often it is sent."""

    rows: Rows
    sent: Times
    says: Times
    times: AnyArray
    columns: dict[str, Values]
    broken: dict[int, bytes]


class Stream:
    """The devices of one kind; `messages` of any slice of time."""

    def __init__(self, fleet: Fleet, model: Model, gateways: Gateways) -> None:
        self.fleet = fleet
        self._model = model
        kind = fleet.kind
        self._quantities = [q for q in kind.quantities if not q.derived]
        fields: list[Any] = [("time", str), ("seq", int)]
        fields += [(q.name, float | None) for q in self._quantities]
        self._body = msgspec.defstruct(f"{kind.name}_body", fields, gc=False)
        self._encode = msgspec.json.Encoder().encode
        self._topics = [telemetry_topic(kind.name, d.id) for d in fleet.devices]
        self._via = [gateways.of.get(d.id, "") for d in fleet.devices]
        self._sends = gateways.sends(fleet) if all(self._via) else None

    def messages(
        self, start: int, end: int, faults: dict[str, list[Fault]], silences: Spans, packs: Packs
    ) -> list[Message]:
        """What leaves in [start, end), device by device; records for gateways go into `packs`."""
        mine = {d: faults[d] for d in faults.keys() & self.fleet.index.keys()}
        rows, sent = self._due(start, end, mine)
        if not len(rows):
            return []
        said = _Said(
            rows, sent, rows.time, np.ones(len(rows), dtype=np.intp), self._model.values(rows), {}
        )
        for device in sorted(mine):
            for fault in mine[device]:
                self._strike(fault, said)
        for device in silences.keys() & self.fleet.index.keys():
            for begin, over in silences[device]:
                low, high = rows.span(self.fleet.index[device], begin, over)
                said.times[low:high] = 0
        if self._sends is None:
            return self._flat(said)
        self._records(said, packs)
        return []

    def _due(self, start: int, end: int, faults: dict[str, list[Fault]]) -> tuple[Rows, Times]:
        """Rows that leave in [start, end), and when."""
        bursts = [f for of in faults.values() for f in of if f.type == "late_burst"]
        late = LATE if self._sends is None else LATE + PACK_EVERY
        rows = due(self.fleet, start, end, bursts, EARLY, late)
        sent = leaving(rows, self.fleet)
        if self._sends is not None:
            sent = collected(sent, self._sends[rows.device])
        for fault in bursts:
            low, high = rows.span(self.fleet.index[fault.device], fault.start, fault.end)
            sent[low:high] = burst(fault, rows.slice(low, high), self.fleet)
        wanted = within(sent, start, end)
        return rows.take(wanted), sent[wanted]

    def _strike(self, fault: Fault, said: _Said) -> None:
        """Let a fault change what its device says."""
        low, high = said.rows.span(self.fleet.index[fault.device], fault.start, fault.end)
        if low == high:
            return
        part = said.rows.slice(low, high)
        if fault.type == "duplicate":
            said.times[low:high] += twice(fault, part)
        elif fault.type == "gap":
            said.times[low:high][lost(fault, part)] = 0
        elif fault.type == "wrong_clock":
            if said.says is said.rows.time:
                said.says = said.says.copy()
            said.says[low:high] = said_time(fault, part)
        elif fault.type == "malformed":
            main = self._quantities[0].name
            said.broken |= {low + row: b for row, b in malformed(fault, part, main).items()}
        else:
            before = {name: column[low:high] for name, column in said.columns.items()}
            after = change_values(fault, part, before, self.fleet, self._model)
            for name, column in after.items():
                said.columns[name][low:high] = column

    def _flat(self, said: _Said) -> list[Message]:
        text = np.datetime_as_string(said.says.view("datetime64[ns]"), unit="ms", timezone="UTC")
        values = [rounded(said.columns[q.name], q) for q in self._quantities]
        bodies = map(self._body, text.tolist(), said.rows.slot.tolist(), *values)
        payloads: list[bytes] = list(map(self._encode, bodies))
        for row, payload in said.broken.items():
            payloads[row] = payload
        topics = [self._topics[i] for i in said.rows.device.tolist()]
        found = list(map(Message, said.sent.tolist(), topics, payloads))
        if (said.times == 1).all():
            return found
        return [found[i] for i in np.repeat(np.arange(len(found)), said.times).tolist()]

    def _records(self, said: _Said, packs: Packs) -> None:
        values = [rounded(said.columns[q.name], q) for q in self._quantities]
        which = np.repeat(np.arange(len(said.rows)), said.times).tolist()
        for i in which:
            device = int(said.rows.device[i])
            name = self.fleet.devices[device].id
            if i in said.broken:
                text = _broken_record(name, self._quantities[0].name)
            else:
                text = record(name, int(said.says[i]), self._quantities, [v[i] for v in values])
            packs.setdefault((int(said.sent[i]), self._via[device]), []).append(text)


def _broken_record(device: str, quantity: str) -> bytes:
    """A record that says a word for a number: the rest of the pack can be read."""
    return msgspec.json.encode({"bn": f"{device}/", "n": quantity, "vs": "n/a"})


def rounded(column: Values, quantity: Quantity) -> list[Any]:
    """Values at the sensor's resolution, whole numbers as such; NaN → null."""
    step = quantity.resolution
    steps = np.rint(column / step)
    if step >= 1:
        whole = steps * step
        if np.isfinite(whole).all():
            return list(whole.astype(np.int64).tolist())
    # Rounded once more in decimals, so that 312 steps of 0.1 are written 31.2.
    decimals = max(0, int(np.ceil(-np.log10(step))))
    values = np.round(steps * step, decimals) + 0.0
    if np.isfinite(values).all():
        return list(values.tolist())
    return [v if v == v else None for v in values.tolist()]
