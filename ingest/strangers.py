"""Topics that name no device: gateways, uplinks that nobody can be told for, strangers.

Such a topic has an allowance as well, for messages that bring nothing to store: like that of a device that
reports every minute. Above it the topic's messages are refused unread, until it has kept to it for a while.
Topics are found by a checksum in a table of fixed size; where two meet in one place they share it.
"""

from __future__ import annotations

import logging
import zlib
from collections.abc import Sequence

import numpy as np

from devices.intake import Message
from ingest.allowance import BUCKET, Groups, Table, tokens_now
from telemetry.arrays import AnyArray, Index, Mask
from telemetry.clock import SECOND

_LOG = logging.getLogger(__name__)
_PLACES = 2**14
_INTERVAL_S = 60.0


class Strangers:
    """The allowance of every topic that names no device. Used by one thread; `now` in ns."""

    def __init__(self, factor: float, burst_s: float, calm_s: float) -> None:
        self._calm = calm_s * SECOND
        self._rate = factor / _INTERVAL_S
        self._capacity = max(self._rate * burst_s, factor)
        self._table = Table(BUCKET | {"limited": np.bool_, "over": np.int64}, _PLACES)
        self._limited: Index = np.zeros(0, dtype=np.intp)
        self.words = (
            f"this topic brings nothing to store more than {factor:g} times a minute; refused until it has "
            f"kept to that for {calm_s:g} s"
        )

    def watches(self) -> bool:
        """True while a topic is limited."""
        return bool(len(self._limited))

    def before(self, messages: Sequence[Message], which: Index, now: int) -> Index:
        """Which of these messages are refused unread."""
        if not self.watches() or not len(which):
            return np.zeros(0, dtype=np.intp)
        place = _places(messages, which)
        held = self._table["limited"][place]
        return which[held][self._charge(place[held], now)]

    def after(self, messages: Sequence[Message], which: Index, now: int) -> None:
        """These messages were read, and brought nothing."""
        if len(which):
            place = _places(messages, which)
            # Who is limited has paid before.
            self._charge(place[~self._table["limited"][place]], now)

    def release(self, now: int) -> None:
        """Let go of topics that have kept to their allowance for long enough."""
        calm = self._limited[now - self._table["over"][self._limited] >= self._calm]
        if len(calm):
            self._table.put(calm, limited=False)

    def keep(self) -> None:
        """What was judged is durable: it stays charged."""
        asked = np.union1d(self._limited, self._table.changed("limited")).astype(np.intp)
        self._table.keep()
        limited = asked[self._table["limited"][asked]]
        if len(np.setdiff1d(limited, self._limited)):
            _LOG.warning("a topic that names no device is limited: see quarantine, rate_limited")
        self._limited = limited

    def back(self) -> None:
        """Undo what was judged since the last `keep`."""
        self._table.back()

    def _charge(self, place: AnyArray, now: int) -> Mask:
        """Which of these rows, a place each, are above the allowance."""
        by = Groups(place)
        rate, usual = np.array([self._rate]), np.array([1 / _INTERVAL_S])
        tokens = tokens_now(self._table, by.codes, now, rate, np.array([self._capacity]), usual)
        room = np.floor(tokens).astype(np.int64)
        self._table.put(by.codes, tokens=tokens - np.minimum(by.count, room), at=now)
        over = by.codes[by.count > room]
        if len(over):
            self._table.put(over, limited=True, over=now)
        above: Mask = by.rank >= room[by.group]
        return above


def _places(messages: Sequence[Message], which: Index) -> AnyArray:
    topics = [messages[i].topic for i in which.tolist()]
    return np.array([zlib.crc32(t.encode("utf-8", "replace")) % _PLACES for t in topics], np.int64)
