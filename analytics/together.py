"""Who fell silent together: devices behind one gateway, on one feeder, in one area → one outage with its cause.

Devices time out one by one, though one cause took them at one moment. So when the first of a group does,
all that are overdue by half of their time-out count as lost, those heard since then as alive, and those
that need not have reported yet as neither. Gateways come before feeders before areas: what a gateway's or
a feeder's outage explains is not counted for the area.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

from analytics.alerts.group_rules import AREA, GATEWAY, STRING
from analytics.facts import Outage
from analytics.groups import Groups
from analytics.table import Table
from telemetry.arrays import AnyArray, Mask, Times
from telemetry.clock import MINUTE

NEVER = np.iinfo(np.int64).min


@dataclass(frozen=True, slots=True)
class Sharing:
    """When neighbours count as lost together. window: of those told offline before, how far back [ns]."""

    share: float = 0.6
    least: int = 3
    window: int = 10 * MINUTE


@dataclass(frozen=True, slots=True)
class Silence:
    """Every device at one moment, by code. heard: when last; expected: not known as offline before."""

    now: int
    heard: Times
    expected: Mask
    overdue: Mask
    timed_out: Mask
    offline_at: Times  # NEVER where it is not offline

    def lost(self, window: int) -> Mask:
        """Overdue, or told offline within the window."""
        told: Mask = self.offline_at >= self.now - window
        return told | (self.expected & self.overdue)

    def starts(self, window: int) -> Mask:
        """Those who may begin an outage: timed out now, or told offline within the window."""
        return self.timed_out | (self.offline_at >= self.now - window)


class Together:
    """What stands: per group since when, and per device in which outage it was lost (`in_outage`, bits)."""

    def __init__(self, groups: Groups, sharing: Sharing | None = None) -> None:
        self._groups = groups
        self._sharing = sharing or Sharing()
        self._standing: dict[tuple[str, str], int] = {}
        self.table = Table({"in_outage": (np.uint8, 0)})

    def adopt(self, standing: Iterable[tuple[str, str, int]]) -> None:
        """(rule, subject, since) of what stands in the alert book."""
        self._standing |= {(rule, subject): since for rule, subject, since in standing}

    @property
    def stands(self) -> bool:
        """Some outage stands."""
        return bool(self._standing)

    def look(self, s: Silence) -> list[Outage]:
        """Outages that began or ended. The ends first; a gateway's before a feeder's before an area's."""
        told = self._ended(s)
        lost, starts = s.lost(self._sharing.window), s.starts(self._sharing.window)
        explained = self.table["in_outage"][: len(s.heard)] != 0
        for bit, (rule, of) in enumerate(self._groups.columns()):
            told += self._began(s, rule, of, 1 << bit, lost & ~explained, starts & ~explained)
            explained = self.table["in_outage"][: len(s.heard)] != 0
            # Who is lost with a cabinet that is silent itself hangs under that.
            explained |= self._groups.under_lost_parent(lost | (s.offline_at != NEVER))
        self._join(lost)
        return told

    def _began(
        self, s: Silence, rule: str, of: AnyArray, bit: int, lost: Mask, starts: Mask
    ) -> list[Outage]:
        touched = np.unique(of[starts & (of >= 0)])
        told = []
        for group in touched.tolist():
            subject = self._groups.subject(rule, group)
            if (rule, subject) in self._standing:
                continue
            members = of == group
            gone = members & lost
            alive = members & s.expected & ~s.overdue & (s.heard > s.heard[gone].max(initial=NEVER))
            n, m = int(gone.sum()), int(alive.sum())
            if not self._is_outage(rule, n, m):
                continue
            self._standing[rule, subject] = s.now
            self.table["in_outage"][: len(gone)][gone] |= bit
            told.append(Outage(rule, subject, True, s.now, float(n), f"{n}/{n + m}"))
        return told

    def _is_outage(self, rule: str, lost: int, alive: int) -> bool:
        if rule == GATEWAY:
            return alive == 0 and lost >= 2
        return lost >= self._sharing.least and lost >= self._sharing.share * (lost + alive)

    def _join(self, lost: Mask) -> None:
        """Who is lost later in an outage that stands belongs to it."""
        flags = self.table["in_outage"]
        for bit, (rule, of) in enumerate(self._groups.columns()):
            codes = self._groups.codes(rule, [s for r, s in self._standing if r == rule])
            if len(codes):
                late = lost & np.isin(of, codes) & (flags[: len(lost)] == 0)
                flags[: len(lost)][late] |= 1 << bit

    def _ended(self, s: Silence) -> list[Outage]:
        told = []
        flags = self.table["in_outage"][: len(s.heard)]
        columns = dict(self._groups.columns())
        bits = {rule: 1 << i for i, rule in enumerate(columns)}
        for (rule, subject), since in list(self._standing.items()):
            codes = self._groups.codes(rule, [subject])
            in_group = np.isin(columns[rule], codes) if len(codes) else np.zeros(len(flags), bool)
            if not (in_group & (flags & bits[rule] != 0)).any():
                # Adopted without a snapshot: those that are offline now are those that it lost.
                flags[in_group & (s.offline_at != NEVER)] |= bits[rule]
            gone = in_group & (flags & bits[rule] != 0)
            back = gone & (s.heard > since)
            if self._is_over(rule, int(gone.sum()), int(back.sum())):
                flags[in_group] &= np.uint8(0xFF ^ bits[rule])
                del self._standing[rule, subject]
                told.append(Outage(rule, subject, False, max(s.now, since + 1)))
        return told

    def _is_over(self, rule: str, lost: int, back: int) -> bool:
        if rule == GATEWAY:
            return back > 0 or lost == 0
        return lost - back < self._sharing.share / 2 * lost or lost == 0


__all__ = ["AREA", "GATEWAY", "STRING", "Sharing", "Silence", "Together"]
