"""What physics and the season say of a kind's values, declared as data: bands, pairs, meters."""

from __future__ import annotations

from dataclasses import dataclass
from math import inf

ALL_MONTHS = tuple(range(1, 13))
ALL_HOURS = tuple(range(24))


@dataclass(frozen=True, slots=True, kw_only=True)
class Climate:
    """Outside of [low, high] a value is suspect in these months and local hours (QARTOD climatology).

    low, high in the quantity's unit; months 1…12, hours 0…23.
    """

    low: float = -inf
    high: float = inf
    months: tuple[int, ...] = ALL_MONTHS
    hours: tuple[int, ...] = ALL_HOURS


@dataclass(frozen=True, slots=True, kw_only=True)
class Pair:
    """Two quantities that a device measures at one time: less <= more * factor + margin, or both are suspect.

    limit    factor is multiplied by this limit of the device's own ("rated_power"); without it the
             pair is not judged
    only     the quantity that is suspect where the other is a command and no measurement; "": both
    above    judged only where `more` is above it: what happens there belongs to a detector
    """

    less: str
    more: str
    factor: float = 1.0
    margin: float = 0.0
    limit: str = ""
    only: str = ""
    above: float = -inf


@dataclass(frozen=True, slots=True, kw_only=True)
class Meter:
    """A meter over what hangs on it: the sum of the parts' hour means <= share * its own + margin.

    The parts are devices of kind `parts` whose parent the device is, with the same quantity. Less is no
    contradiction: a part may be silent.
    """

    quantity: str
    parts: str
    share: float
    margin: float
