"""What each device's `seq` says never arrived.

A jump forward is a gap of what was skipped; one of the skipped that arrives late takes itself back. Any
other step backward is a device that counts from the start again (a restart, a LoRaWAN re-join).
"""

from __future__ import annotations

from collections import OrderedDict

# Further ahead than this is another counter, not a gap: a year of minutes is half of it.
_OTHER_COUNTER = 1_000_000
# Skipped numbers that are remembered for each device; older ones can no longer take themselves back.
_REMEMBERED = 1_000


class Sequences:
    """Each device's newest `seq` and what is missing before it. Memory is bounded per device."""

    def __init__(self) -> None:
        self._newest: dict[int, int] = {}
        self._missing: dict[int, OrderedDict[int, None]] = {}

    def step(self, device: int, seq: int) -> int:
        """Take in a `seq`; returns how many more (or fewer) messages are missing by it."""
        newest = self._newest.get(device)
        if newest is None or seq == newest + 1:
            self._newest[device] = seq
            return 0
        if newest < seq <= newest + _OTHER_COUNTER:
            self._newest[device] = seq
            self._remember(device, range(max(newest + 1, seq - _REMEMBERED), seq))
            return seq - newest - 1
        missing = self._missing.get(device)
        if missing is not None and seq in missing:
            del missing[seq]
            return -1
        if seq != newest:
            self._newest[device] = seq
            self._missing.pop(device, None)
        return 0

    def unread(self, device: int) -> None:
        """A message arrived whose `seq` was not read: the next one, of a device that counts."""
        if device in self._newest:
            self._newest[device] += 1

    def _remember(self, device: int, skipped: range) -> None:
        missing = self._missing.setdefault(device, OrderedDict())
        missing.update(dict.fromkeys(skipped))
        while len(missing) > _REMEMBERED:
            missing.popitem(last=False)
