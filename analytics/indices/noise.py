"""Noise: LAeq over windows, Lden (Directive 2002/49/EC, annex I), and the limits of QCVN 26. Levels in dB(A).

LAeq = 10·log10(mean(10^(L/10))): means are of energy, never of decibels. An hour counts with three readings,
a part of the day with 75 % of its hours (both practice, no rule of a text).
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from analytics.indices.info import Category, Confidence, IndexInfo
from devices import legal
from telemetry.arrays import AnyArray, Index, Mask, Values

SUBJECT = "noise"
NEED = 3  # readings in an hour
CAPTURE = 0.75  # of the hours of a part of the day
# Hours on the local clock, [from, to): annex I of the directive.
DAY, EVENING = (7, 19), (19, 23)
PENALTY = (0.0, 5.0, 10.0)  # dB on day, evening, night
SPECIAL, ORDINARY = 1, 2  # areas of QCVN 26
_FIRST_HOUR = legal.Dated(legal.editions(SUBJECT), lambda e: e.table["hours"]["day"][0])
_LAST_HOUR = legal.Dated(legal.editions(SUBJECT), lambda e: e.table["hours"]["day"][1])
LIMITS = {
    (area, part): legal.limit(SUBJECT, str(area), part)
    for area in (SPECIAL, ORDINARY)
    for part in ("day", "night")
}


def energy(level: ArrayLike) -> Values:
    """10^(L/10), of any shape. [dB] → [1]"""
    return np.asarray(10.0 ** (np.asarray(level, dtype=np.float64) / 10.0))


def level(mean_energy: ArrayLike) -> Values:
    """10·log10 of a mean of energy, of any shape; NaN where it is not above 0. [1] → [dB]"""
    e = np.asarray(mean_energy, dtype=np.float64)
    out = np.full(e.shape, np.nan)
    return np.asarray(10.0 * np.log10(e, out=out, where=e > 0))


def laeq(levels: ArrayLike) -> Values:
    """LAeq of each row, NaN left out. [n, m] → [n] [dB]"""
    e = energy(levels)
    there = ~np.isnan(e)
    total = np.where(there, e, 0.0).sum(axis=1)
    return level(np.divide(total, there.sum(axis=1), out=np.zeros(len(e)), where=there.any(axis=1)))


def lden(day: ArrayLike, evening: ArrayLike, night: ArrayLike) -> Values:
    """Day-evening-night level, of any shape; NaN where a part is. [dB] → [dB]

    Lden = 10·log10[(12·10^(Ld/10) + 4·10^((Le+5)/10) + 8·10^((Ln+10)/10)) / 24]
    """
    parts = [
        hours * energy(np.asarray(part, dtype=np.float64) + penalty)
        for hours, part, penalty in zip((12, 4, 8), (day, evening, night), PENALTY, strict=True)
    ]
    return level((parts[0] + parts[1] + parts[2]) / 24)


def within(hours: AnyArray, clock: AnyArray, first: AnyArray, last: AnyArray) -> Values:
    """LAeq of the hours of each row from `first` to before `last` on the clock; from `last` to `first`
    where that is past midnight. NaN where fewer than 75 % of them are there.

    hours   mean energies [n, h], NaN for none; clock: what the clock shows [n, h], -1 for no hour of the day
    first, last   [n] or one value
    """
    start, end = np.atleast_1d(first)[:, None], np.atleast_1d(last)[:, None]
    by_day = (clock >= start) & (clock < end)
    round_midnight = (clock >= start) | (clock < end)
    inside = np.where(start < end, by_day, round_midnight) & (clock >= 0)
    there: Mask = inside & ~np.isnan(hours)
    count = there.sum(axis=1)
    enough = (count > 0) & (count >= CAPTURE * inside.sum(axis=1))
    total = np.where(there, hours, 0.0).sum(axis=1)
    return level(np.divide(total, count, out=np.zeros(len(hours)), where=enough))


def day_hours(day: Index) -> tuple[Values, Values]:
    """First hour of the day and of the night on the clock, by QCVN 26's edition of each local day."""
    return _FIRST_HOUR.on(day), _LAST_HOUR.on(day)


def limit(area: AnyArray, day: Index, clock: AnyArray) -> Values:
    """QCVN 26's limit for an area at an hour of the clock, by the edition of the local day. [n] → [dB]

    An area that is not known counts as ordinary. NaN where no edition was in force.
    """
    first, last = day_hours(day)
    by_day = (clock >= first) & (clock < last)
    special = area == SPECIAL
    parts = [
        np.where(special, LIMITS[SPECIAL, part].on(day), LIMITS[ORDINARY, part].on(day))
        for part in ("day", "night")
    ]
    return np.where(by_day, parts[0], parts[1])


_QCVN = legal.in_force(SUBJECT)
_EU = {
    "kinds": ("noise",),
    "unit": "dB{A}",
    "edition": "2002/49/EC",
    "valid_from": "2002-07-18",
    "source": "Directive 2002/49/EC, annex I; hours of the day 07–19, of the evening 19–23, of the night 23–07",
    "derived": "once the local day has ended, at its start; the night is the hours 23–07 of that one day",
    "confidence": Confidence.VERIFIED,
    "max_age_s": 2 * 86400,
    "why_not": (
        "cần 75 % số giờ của mỗi buổi trong ngày",
        "needs 75 % of the hours of each part of the day",
    ),
}
INDICES = (
    IndexInfo(
        quantity="laeq_1h",
        kinds=("noise",),
        vi="LAeq của giờ",
        en="LAeq of the hour",
        unit="dB{A}",
        formula="LAeq = 10·log10(mean(10^(L/10))) over the hour's good readings",
        edition="ISO 1996-1:2016",
        valid_from="2016-03-01",
        source="ISO 1996-1:2016 (TCVN 7878-1): equivalent continuous A-weighted level",
        data_rule="three readings in the hour (practice)",
        derived="once the hour's window has closed, at the hour's start; corrected when a reading of it is",
        confidence=Confidence.VERIFIED,
        why_not=("cần ba số đo trong giờ", "needs three readings in the hour"),
    ),
    IndexInfo(
        quantity="noise_over_limit",
        kinds=("noise",),
        vi="Vượt giới hạn tiếng ồn",
        en="Over the noise limit",
        unit="dB{A}",
        formula="""LAeq of the hour − limit of the area at that hour; above 0 exceeds. Ordinary area 70 by day (06–21) and
        55 by night (21–06), special area (limits noise_area = 1) 55 and 45""",
        edition=_QCVN.name,
        valid_from=legal.editions(SUBJECT)[0].valid_from.isoformat(),
        source=_QCVN.source,
        data_rule="three readings in the hour (practice)",
        derived="with laeq_1h",
        confidence=Confidence(_QCVN.confidence),
        also=("laeq_day", "laeq_night"),
        subject=SUBJECT,
        why_not=("cần ba số đo trong giờ", "needs three readings in the hour"),
        categories=(
            Category(0, "Trong giới hạn", "Within the limit", "#3fb37f"),
            Category(1e9, "Vượt giới hạn", "Over the limit", "#ff5c5c"),
        ),
        notes=_QCVN.note + " laeq_day and laeq_night are LAeq of the hours 06–21 and 21–06 of the local day.",
    ),
    IndexInfo(
        quantity="lden",
        vi="Mức ồn ngày – tối – đêm Lden",
        en="Day-evening-night level Lden",
        formula="Lden = 10·log10[(12·10^(Ld/10) + 4·10^((Le+5)/10) + 8·10^((Ln+10)/10)) / 24]",
        data_rule="75 % of the hours of day, evening and night each (practice)",
        also=("lday", "levening", "lnight"),
        notes="WHO's guideline for road traffic: Lden 53, Lnight 45 dB. The directive's Lden is a year's mean; this is one day's.",
        **_EU,  # type: ignore[arg-type]
    ),
)  # fmt: skip
