"""Quality flags of QARTOD (IOOS, "Manual for Real-Time Oceanographic Data Quality Control Flags", 2020).

Five values for everything; higher is not worse: MISSING is 9, and the roll-up order is
FAIL > SUSPECT > GOOD > NOT_EVALUATED > MISSING.
"""

from __future__ import annotations

from enum import IntEnum

import numpy as np

from telemetry.arrays import Flags, Mask


class Flag(IntEnum):
    """What is known of a value's quality."""

    GOOD = 1
    NOT_EVALUATED = 2
    SUSPECT = 3
    FAIL = 4
    MISSING = 9


# Rank in the roll-up order, indexed by flag.
_RANK = np.zeros(10, dtype=np.uint8)
_RANK[[Flag.MISSING, Flag.NOT_EVALUATED, Flag.GOOD, Flag.SUSPECT, Flag.FAIL]] = [0, 1, 2, 3, 4]
_BY_RANK = np.array(
    [Flag.MISSING, Flag.NOT_EVALUATED, Flag.GOOD, Flag.SUSPECT, Flag.FAIL], dtype=np.uint8
)


def worst(*flags: Flags) -> Flags:
    """Roll several flag vectors of one length up into one, value by value (QARTOD order)."""
    ranks = [_RANK[f] for f in flags]
    return _BY_RANK[np.maximum.reduce(ranks)]


def counts_in_windows(flags: Flags) -> Mask:
    """True where a value may enter an aggregate or an index: good or not evaluated."""
    counts: Mask = (flags == Flag.GOOD) | (flags == Flag.NOT_EVALUATED)
    return counts
