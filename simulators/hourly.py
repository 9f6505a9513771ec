"""What is known at full hours: computed by blocks of days, kept for a while, linear in between.

A block is a function of its hours alone, so whoever asks first changes nothing.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from telemetry.arrays import Times, Values

KEEP_HOURS = 24 * 60  # of blocks; the oldest goes first


class Hourly:
    """Columns at full hours since 1970. `calculate(hours)` → (hours, …) for the hours of one block."""

    def __init__(self, calculate: Callable[[Times], Values], block_h: int = 24) -> None:
        self._calculate = calculate
        self._block_h = block_h
        self._blocks: dict[int, Values] = {}

    def between(self, first: int, last: int) -> Values:
        """The values of the hours first…last, both included."""
        parts = [self._block(b) for b in range(first // self._block_h, last // self._block_h + 1)]
        offset = first // self._block_h * self._block_h
        return np.concatenate(parts)[first - offset : last - offset + 1]

    def around(self, t: Values) -> tuple[Values, Times, Values]:
        """(values of the hours around these times, index of the hour before each, the part since it).

        `t` in s since 1970, at least one; value(t) = v[i] + part·(v[i + 1] - v[i]).
        """
        place = t / 3_600.0
        hour = np.floor(place).astype(np.int64)
        first = int(hour.min())
        return self.between(first, int(hour.max()) + 1), hour - first, place - hour

    def at(self, t: Values) -> Values:
        """Values at any times, one row a time; t may be empty only where the columns are not needed."""
        values, index, part = self.around(t)
        share = part.reshape(-1, *(1,) * (values.ndim - 1))
        return np.asarray(values[index] * (1.0 - share) + values[index + 1] * share)

    def _block(self, number: int) -> Values:
        if number not in self._blocks:
            while len(self._blocks) >= max(2, KEEP_HOURS // self._block_h):
                self._blocks.pop(next(iter(self._blocks)))
            hours = np.arange(number * self._block_h, (number + 1) * self._block_h, dtype=np.int64)
            self._blocks[number] = self._calculate(hours)
        return self._blocks[number]
