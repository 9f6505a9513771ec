"""The seam to the telemetry store. DuckDB stands behind it here, InfluxDB in a city; one contract suite.

Device and quantity codes are those of the process that opened the store; a store keeps its own names.
Positions number the appended batches 1, 2, 3, …: the store is the log that analytics reads.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from telemetry.arrays import AnyArray, Codes16, Codes32, Mask, Times, Values
from telemetry.ledger import Ledger
from telemetry.readings import Readings
from telemetry.retention import Retention


@dataclass(frozen=True, slots=True)
class Series:
    """Which series are meant. None means all."""

    devices: Codes32 | None = None
    quantities: Codes16 | None = None


@dataclass(frozen=True, slots=True)
class Rollups:
    """Aggregates of good and not-evaluated values per series and window; `start` is the window's start."""

    device: Codes32
    quantity: Codes16
    start: Times
    count: AnyArray  # int64
    sum: Values
    min: Values
    max: Values
    last: Values

    def __len__(self) -> int:
        return len(self.start)


@dataclass(frozen=True, slots=True)
class Windows:
    """An answer in windows: one row per series and window that holds at least one reading.

    count   values that entered (flags good and not evaluated)
    total   readings in the window, whatever their flag
    mean, sum, min, max, last are NaN where count is 0. Ordered by device, quantity, start.
    """

    device: Codes32
    quantity: Codes16
    start: Times
    count: AnyArray
    total: AnyArray
    mean: Values
    sum: Values
    min: Values
    max: Values
    last: Values


@dataclass(frozen=True, slots=True)
class Uncounted:
    """How many readings of a series and window do not count: suspect, fail or missing."""

    device: Codes32
    quantity: Codes16
    start: Times
    count: AnyArray  # int64


@dataclass(frozen=True, slots=True)
class Stored:
    """One batch of the log. `position` is its number."""

    position: int
    readings: Readings


@dataclass(frozen=True, slots=True)
class AccountRow:
    """One line of the account; `device` is "" where none could be named. `hour` in ns, UTC."""

    hour: int
    device: str
    outcome: str
    count: int


class TelemetryStore(Protocol):
    """Readings in, answers out. Every method may be called from any thread."""

    def append(self, readings: Readings, ledger: Ledger) -> int:
        """Write a batch and its account in one step; on disk on return. Returns its position.

        The caller has taken out duplicates. An empty batch with a ledger is allowed.
        """
        ...

    def seen(self, readings: Readings) -> Mask:
        """True where (device, quantity, time) is stored already."""
        ...

    def newest_times(self, device: Codes32, quantity: Codes16) -> Times:
        """The newest stored time of each of these series; the smallest int64 where there is none."""
        ...

    def position(self) -> int:
        """The position of the last batch; 0 for an empty store."""
        ...

    def since(self, position: int, limit: int) -> list[Stored]:
        """Batches after `position`, in order: whole ones, until about `limit` rows are reached."""
        ...

    def put_derived(self, readings: Readings) -> None:
        """Write derived readings; one that is there already is replaced. Not part of the log."""
        ...

    def correct_flags(self, readings: Readings) -> None:
        """Set the flag of stored readings, named by (device, quantity, time), to `readings.flag`."""
        ...

    def put_rollups(self, step: int, rollups: Rollups) -> None:
        """Write roll-ups of windows of `step` ns (a minute or an hour); what is there is replaced."""
        ...

    def rollups(self, step: int, series: Series, start: int, end: int) -> Rollups:
        """Roll-ups with start <= window < end, ordered by device, quantity, start."""
        ...

    def recompute(self, step: int, device: Codes32, quantity: Codes16, start: Times) -> Rollups:
        """Aggregate the named windows anew from the stored readings (late data re-opened them)."""
        ...

    def latest(self, series: Series) -> Readings:
        """The reading with the newest time of each series."""
        ...

    def changed(self, series: Series, since: int = 0) -> tuple[Readings, int]:
        """`latest` of the series that changed after a revision, and the revision that it is now.

        Revisions are of this process: they count what changes in `latest`, flags included. 0: all.
        """
        ...

    def raw(
        self,
        series: Series,
        start: int,
        end: int,
        limit: int,
        after: tuple[int, int, int] | None = None,
    ) -> Readings:
        """Readings with start <= time < end, ordered by time, device, quantity: `limit` at most.

        `after` is the (time, device, quantity) of the last row of the page before.
        """
        ...

    def windows(self, series: Series, start: int, end: int, every: int) -> Windows:
        """Aggregates in windows of `every` ns, aligned to multiples of `every` since 1970."""
        ...

    def uncounted(self, series: Series, start: int, end: int, every: int) -> Uncounted:
        """Readings that `windows` would not count, per window: what roll-ups do not know. Not ordered."""
        ...

    def account(self, start: int, end: int, devices: Codes32 | None = None) -> list[AccountRow]:
        """The account of the hours with start <= hour < end, summed per hour, device and outcome."""
        ...

    def expire(self, retention: Retention, now: int, analysed: int) -> dict[str, int]:
        """Remove a bounded part of what is no longer kept at `now` [ns]; call again until nothing is left.

        analysed: the position that analytics has saved. What is behind it in the log stays, and a store
        that keeps its log apart trims that up to there, two days late.

        Returns how much went, by what it was: "raw" (derived readings too), "minutes", "hours", "account",
        "log"; {} where nothing is left. A store that has its server remove things does not count those.
        What is gone is gone from `latest` too. Readings before retention may not be appended any more;
        `recompute` never makes a roll-up of a window less whole for what was removed.
        """
        ...

    def close(self) -> None:
        """Let go of files and connections."""
        ...
