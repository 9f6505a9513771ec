"""How long each resolution is kept: readings, minutes, hours. Counted in event time.

A store removes whole UTC days, and a day late: no window loses a part of its readings, and what was
accepted a moment before its time was over is still taken by every part behind.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

from telemetry.clock import DAY
from telemetry.errors import SettingsError

FOR_EVER = 0
_SETTINGS = tuple(f"URBAN_RETENTION_{name}_DAYS" for name in ("RAW", "MINUTES", "HOURS"))
GRACE = DAY


@dataclass(frozen=True, slots=True)
class Retention:
    """How long readings, minutes and hours are kept [ns]; 0: for ever.

    raw      readings, measured and derived
    minutes  roll-ups of a minute; never shorter than `raw`
    hours    roll-ups of an hour, and the account; never shorter than `minutes`
    """

    raw: int = FOR_EVER
    minutes: int = FOR_EVER
    hours: int = FOR_EVER

    @staticmethod
    def of_days(raw: int, minutes: int, hours: int) -> Retention:
        """From whole days."""
        return Retention(raw * DAY, minutes * DAY, hours * DAY)

    def refuse_gaps(self) -> None:
        """Raise SettingsError where a resolution is kept shorter than what it is made of."""
        kept = tuple(time // DAY for time in (self.raw, self.minutes, self.hours))
        for (finer, low), (coarser, high) in pairwise(zip(_SETTINGS, kept, strict=True)):
            if high and (not low or low > high):
                need = f"{low} days or more, or 0 (for ever)" if low else "0 (for ever)"
                raise SettingsError(coarser, f"must be {need}, as long as {finer} is {low}", high)


def removed_before(kept_for: int, now: int) -> int | None:
    """The start of a UTC day: what is older may be removed at `now`. None: nothing ever. [ns]"""
    if kept_for == FOR_EVER:
        return None
    return (now - kept_for - GRACE) // DAY * DAY
