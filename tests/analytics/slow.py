"""Series over days and weeks for the tests of quality that wait for closed hours."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence

import numpy as np

from analytics.engine import Engine
from analytics.facts import Facts
from analytics.verdicts import Test
from devices.device import Catalogue
from telemetry.arrays import Values
from telemetry.clock import DAY, HOUR, SECOND
from telemetry.flags import Flag
from telemetry.readings import Readings
from tests.analytics.city import KINDS, T0, ZONE

Why = dict[tuple[str, str], dict[str, int]]  # (device, quantity) → test → readings that failed it


def series(
    known: Catalogue, device: str, quantity: str, values: Sequence[float] | Values, every_s: int,
    start: int = T0,
) -> Readings:  # fmt: skip
    """One series at even intervals from `start`."""
    n = len(values)
    code = known.code(device)
    assert code is not None
    time = start + np.arange(n) * every_s * SECOND
    quantities = np.full(n, KINDS.quantity_code[quantity])
    return Readings.of(np.full(n, code), quantities, time, values, Flag.GOOD, time)


def in_time(parts: Sequence[Readings]) -> Readings:
    """Several series as one stream."""
    whole = Readings.concat(list(parts))
    return whole.take(np.argsort(whole.time, kind="stable"))


class Judged:
    """What an engine said of a stream: last word on flags, and why."""

    def __init__(self, known: Catalogue) -> None:
        self.known = known
        self.engine = Engine(known, ZONE)
        self.flags: dict[tuple[str, str, int], int] = {}
        self.why: Why = defaultdict(lambda: defaultdict(int))
        self.first: dict[tuple[str, str, str], int] = {}  # hour in which a test failed first

    def hear(self, readings: Readings, cut: int = DAY) -> Judged:
        """Take in a stream, a batch for each `cut` ns of it."""
        batch = (readings.time - readings.time[0]) // cut
        for number in np.unique(batch).tolist():
            part = readings.take(batch == number)
            self._take(self.engine.process(part, int(part.time[-1])))
        return self

    def end(self, hours: int = 3) -> Judged:
        """Let time pass, so that everything closes."""
        now = self.engine.watermark + hours * HOUR
        self._take(self.engine.advance(now))
        self._take(self.engine.advance(now + hours * HOUR))
        return self

    def flagged(self, device: str, quantity: str) -> list[int]:
        """Times that are worse than good."""
        return sorted(
            t for (d, q, t), f in self.flags.items() if (d, q) == (device, quantity) and f > 1
        )

    def _take(self, facts: Facts) -> None:
        f = facts.flags
        for d, q, t, flag in zip(f.device, f.quantity, f.time, f.flag, strict=True):
            self.flags[self.known.devices[d].id, KINDS.quantities[q], int(t)] = int(flag)
        for i in range(len(facts.failures)):
            d, q, hour, test, count, _ = (
                getattr(facts.failures, n)[i] for n in facts.failures.__dataclass_fields__
            )
            name = Test(int(test)).name.lower()
            key = self.known.devices[d].id, KINDS.quantities[q]
            self.why[key][name] += int(count)
            self.first.setdefault((*key, name), int(hour))
