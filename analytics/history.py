"""Where the log is read from its middle: which facts are whole, and which only the store can tell."""

from __future__ import annotations

from dataclasses import dataclass, replace

from analytics.facts import Facts, merged
from analytics.indices.vn_aqi import HOURS
from store.telemetry import Stored
from telemetry.clock import HOUR


@dataclass(slots=True)
class Cut:
    """Batches received before `time` are left out, up to the batch `end` that the log ended with.

    The engine then knows only part of the windows and hours around the cut: the store computes those
    roll-ups anew from all readings, and an index that rests on them stays as it was told before.
    """

    time: int
    end: int
    left_out: bool = False

    def reaches(self, batch: Stored) -> bool:
        """Whether a batch is to be taken in."""
        if batch.position > self.end or int(batch.readings.received.max()) >= self.time:
            return True
        self.left_out = True
        return False

    def passed(self, position: int) -> bool:
        """Whether the log is read up to where it ended at the start."""
        return position >= self.end

    def whole(self, facts: Facts) -> Facts:
        """The facts with roll-ups to be computed anew, without derived values that may lack their past."""
        if not self.left_out:
            return facts
        named = {step: (r.device, r.quantity, r.start) for step, r in facts.rollups.items()}
        stale = merged([Facts(stale=facts.stale), Facts(stale=named)]).stale
        known = facts.derived.time >= self.time + HOURS * HOUR
        return replace(facts, derived=facts.derived.take(known), rollups={}, stale=stale)
