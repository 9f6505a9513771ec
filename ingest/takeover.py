"""Two clients with one client id: a broker lets in the newer and puts out the older, again and again.

MQTT 5 says so ("Session taken over"); with 3.1.1 the connection just ends, so one that ends soon after it
was made, several times over, is taken for that.
"""

from __future__ import annotations

from collections import deque

from telemetry.clock import SECOND

TAKEN_OVER = "Session taken over"
# A loop turns in seconds: each comes back after one to fifteen.
SHORT = 30 * SECOND
WITHIN = 120 * SECOND
TIMES = 3


class TakeOvers:
    """Remembers how connections ended, and says in words what that looks like."""

    def __init__(self, client_id: str) -> None:
        self._client_id = client_id
        self._told: int | None = None  # when the broker said it last [ns]
        self._short: deque[int] = deque(maxlen=TIMES)
        self._since: int | None = None

    def subscribed(self, now: int) -> None:
        """A connection is made. [ns]"""
        self._since = now

    def lost(self, code: str, now: int) -> None:
        """It ended with this code. [ns]"""
        if code == TAKEN_OVER:
            self._told = now
        elif self._since is not None and now - self._since <= SHORT:
            self._short.append(now)
        self._since = None

    def words(self, now: int) -> str:
        """What is wrong; "" where nothing points to it any more. [ns]"""
        if self._told is not None and now - self._told <= WITHIN:
            begun = "another client has taken our session over"
        elif len(self._short) == TIMES and now - self._short[0] <= WITHIN:
            begun = "the broker ends our connection again and again soon after it is made"
        else:
            return ""
        return (
            f"{begun}: does a second ingestor run with the client id {self._client_id!r}? "
            "Give each its own URBAN_CLIENT_ID"
        )
