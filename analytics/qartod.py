"""QARTOD tests as pure functions on columns.

Source: IOOS, "Manual for Real-Time Quality Control of Water Level Data", version 2.1; ioos_qc computes
the same where both define a test (tests/published/).
"""

from __future__ import annotations

import numpy as np

from telemetry.arrays import AnyArray, Flags, Mask, Values
from telemetry.flags import Flag

# 1.42 - (1.20 + 1.24) / 2 is 0.19999999999999996 or 0.20000000000000018, by how it is summed:
# a value at the threshold is not above it.
TOLERANCE = 1e-9
REPEATS = 3, 5  # of the flat line test: REP_CNT_SUSPECT, REP_CNT_FAIL

Bound = AnyArray | float


def grade(suspect: Mask, fail: Mask) -> Flags:
    """GOOD, SUSPECT or FAIL of each value; FAIL wins."""
    flags = np.full(len(suspect), Flag.GOOD, dtype=np.uint8)
    flags[suspect] = Flag.SUSPECT
    flags[fail] = Flag.FAIL
    return flags


def gross_range(value: Values, suspect: tuple[Bound, Bound], fail: tuple[Bound, Bound]) -> Flags:
    """Outside the suspect span (low, high): SUSPECT; outside the fail span: FAIL; NaN: MISSING."""
    flags = grade(
        (value < suspect[0]) | (value > suspect[1]), (value < fail[0]) | (value > fail[1])
    )
    flags[np.isnan(value)] = Flag.MISSING
    return flags


def spike(before: Values, value: Values, after: Values, suspect: Bound, fail: Bound) -> Flags:
    """Average method: |x(n-1) - (x(n-2) + x(n)) / 2| > threshold. A neighbour that is NaN: NOT_EVALUATED.

    `value` is x(n-1), so it is judged when x(n), `after`, has come. Thresholds in the value's unit.
    """
    return spike_of(value - before, after - value, suspect, fail)


def spike_of(step: Values, next_step: Values, suspect: Bound, fail: Bound) -> Flags:
    """The spike test from the two steps x(n-1) - x(n-2) and x(n) - x(n-1): so angles can be tested."""
    # x(n-1) - (x(n-2) + x(n)) / 2 = ((x(n-1) - x(n-2)) - (x(n) - x(n-1))) / 2
    height = np.abs(step - next_step) / 2
    flags = grade(height > suspect + TOLERANCE, height > fail + TOLERANCE)
    flags[np.isnan(height)] = Flag.NOT_EVALUATED
    return flags


def rate_of_change(step: Values, elapsed: AnyArray, limit: Bound) -> Mask:
    """True (suspect) where |x(n) - x(n-1)| > limit * elapsed; limit in the value's unit per `elapsed`'s."""
    suspect: Mask = np.abs(step) > limit * elapsed + TOLERANCE
    return suspect


def flat_line(age: AnyArray, length: AnyArray, suspect: Bound, fail: Bound) -> Flags:
    """Standing still for `suspect` or longer: SUSPECT; for `fail` or longer: FAIL. All in one unit of time.

    `length` is the number of values that stand still: at least the manual's 3 to be suspect and 5 to
    fail, so that two equal values on either side of a gap are no flat line.
    """
    return grade((age >= suspect) & (length >= REPEATS[0]), (age >= fail) & (length >= REPEATS[1]))


def turn(step: Values) -> Values:
    """A difference of two angles, the short way round. [deg] → [-180, 180)"""
    return (step + 180.0) % 360.0 - 180.0


def climatology(value: Values, low: Bound, high: Bound) -> Mask:
    """True (suspect) outside of the band for the season; no band where a bound is NaN."""
    suspect: Mask = (value < low - TOLERANCE) | (value > high + TOLERANCE)
    return suspect


def attenuated_signal(span: AnyArray, suspect: Bound, fail: Bound) -> Flags:
    """Range (max - min) over the test period below a threshold. NaN: NOT_EVALUATED."""
    flags = grade(span < suspect, span < fail)
    flags[np.isnan(span)] = Flag.NOT_EVALUATED
    return flags


def neighbour(value: Values, middle: Values, spread: Values, tolerance: Bound, k: float) -> Mask:
    """True (suspect) where a value departs from the median of its neighbourhood.

    spread: the neighbourhood's median absolute deviation; 1.4826 of it estimate a standard deviation
    (P. J. Rousseeuw, C. Croux, J. Am. Stat. Assoc. 88 (1993) 1273).
    """
    suspect: Mask = np.abs(value - middle) > np.maximum(tolerance, k * 1.4826 * spread) + TOLERANCE
    return suspect


def cusum(above: Values, deviation: Values, slack: Bound, top: Bound) -> Values:
    """One step of Page's one-sided cumulative sum, held to at most `top` so that it can come back.

    Source: E. S. Page, Biometrika 41 (1954) 100.
    """
    return np.asarray(np.clip(above + deviation - slack, 0.0, top))
