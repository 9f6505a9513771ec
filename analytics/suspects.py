"""Which batch of the log makes analytics fail: found one by one, and left out when nothing helps."""

from __future__ import annotations

import logging

log = logging.getLogger(__name__)

ROWS = 50_000  # readings taken in at once, about
TRIES = 5


class Suspects:
    """Batches that failed. `left_out` are those that failed alone and often enough."""

    def __init__(self) -> None:
        self.left_out: set[int] = set()
        self._careful = 0  # up to this position one batch at a time: one of them failed
        self._tries: dict[int, int] = {}

    def limit(self, position: int) -> int:
        """How many rows to read behind a position: a single batch where one of the next ones failed."""
        return 1 if position < self._careful else ROWS

    def blame(self, first: int, last: int, trouble: str) -> None:
        """Batches first … last failed together. One that fails alone TRIES times is left out, loudly."""
        self._careful = max(self._careful, last)
        if first < last:
            return
        self._tries[first] = self._tries.get(first, 0) + 1
        if self._tries[first] >= TRIES:
            log.critical("analytics leaves out batch %d: %s", first, trouble)
            self.left_out.add(first)
