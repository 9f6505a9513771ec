"""Alarm quality as EEMUA 191 and ISA-18.2 count it, from the stored history of alerts.

What is counted is what an operator was asked to act on: lines of history that announce an alert. What is
held back under a cause, shelved or out of service announces nothing. Time of a line is event time.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np

from store.alert_history import AlertHistory, AlertLine
from store.alert_records import AlertState
from telemetry.arrays import Times
from telemetry.clock import DAY, MINUTE, SECOND

PERIOD = 10 * MINUTE
FLOOD_BEGINS = 10  # more than so many in a period, an operator
FLOOD_ENDS = 5  # fewer than so many
CHATTER_RAISES, CHATTER_WINDOW = 3, MINUTE
STALE = DAY
TOP = 10
ANNOUNCING = frozenset({"raised", "released", "unshelved", "in_service", "worse"})


@dataclass(frozen=True, slots=True)
class Flood:
    """From a period with more than ten alerts an operator to the first with fewer than five. [ns]"""

    start: int
    end: int
    count: int


@dataclass(frozen=True, slots=True)
class Share:
    """How much one alert (rule at a subject) has of all."""

    rule: str
    subject: str
    count: int
    share: float


@dataclass(frozen=True, slots=True)
class Spread:
    """Median and 95th percentile (linear between ranks), of `count`. [s]; None where there is none."""

    count: int
    median: float | None
    p95: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class AlarmQuality:
    """Of start <= time < end; see the names' benchmarks in analytics.alerts.benchmarks.

    count            alerts announced
    average, most    an operator and ten minutes; the last period may be shorter
    over_ten         share of periods with more than ten an operator
    flooded          share of the time in floods
    standing, stale  at the end: standing, and of these for more than 24 hours
    chattering       alerts announced three times within a minute, or held as flapping
    by_severity      severity → share of announced ones
    """

    start: int
    end: int
    operators: int
    count: int
    average: float
    most: float
    over_ten: float
    floods: list[Flood]
    flooded: float
    standing: int
    stale: int
    chattering: list[tuple[str, str]]
    top: list[Share]
    top_share: float
    to_acknowledge: Spread
    to_clear: Spread
    by_severity: dict[int, float]


def alarm_quality(history: AlertHistory, start: int, end: int, operators: int = 1) -> AlarmQuality:
    """Count a history of start <= time < end, for so many operators at once. start < end."""
    announced = [line for line in history.lines if _announces(line)]
    counts = _per_period(announced, start, end) / operators
    floods = _floods(counts, start, end, operators)
    top = _top(announced)
    ack = _spans(((t.announced, t.acknowledged) for t in history.times), start, end)
    clear = _spans(((t.raised, t.cleared) for t in history.times), start, end)
    severities = Counter(line.severity for line in announced)
    return AlarmQuality(
        start=start,
        end=end,
        operators=operators,
        count=len(announced),
        average=len(announced) / operators / ((end - start) / PERIOD),
        most=float(counts.max()),
        over_ten=float((counts > FLOOD_BEGINS).mean()),
        floods=floods,
        flooded=sum(f.end - f.start for f in floods) / (end - start),
        standing=len(history.standing),
        stale=sum(end - line.raised > STALE for line in history.standing),
        chattering=_chattering(history.lines, announced),
        top=top,
        top_share=sum(s.share for s in top),
        to_acknowledge=_spread(ack),
        to_clear=_spread(clear),
        by_severity={s: n / len(announced) for s, n in sorted(severities.items())},
    )


def _announces(line: AlertLine) -> bool:
    return line.what in ANNOUNCING and line.state == AlertState.UNACKNOWLEDGED


def _spans(pairs: Iterable[tuple[int, int | None]], start: int, end: int) -> list[int]:
    """How long each took that ended within the range. [ns]"""
    return [over - begun for begun, over in pairs if over is not None and start <= over < end]


def _per_period(
    lines: Sequence[AlertLine], start: int, end: int
) -> np.ndarray[tuple[int], np.dtype[np.float64]]:
    periods = -(-(end - start) // PERIOD)
    which = (np.array([line.time for line in lines], dtype=np.int64) - start) // PERIOD
    return np.bincount(which, minlength=periods).astype(np.float64)


def _floods(
    counts: np.ndarray[tuple[int], np.dtype[np.float64]], start: int, end: int, operators: int
) -> list[Flood]:
    floods: list[Flood] = []
    first: int | None = None
    for number, count in enumerate([*counts.tolist(), 0.0]):
        if first is None and count > FLOOD_BEGINS:
            first = number
        elif first is not None and count < FLOOD_ENDS:
            last = min(start + number * PERIOD, end)
            total = round(float(counts[first:number].sum()) * operators)
            floods.append(Flood(start + first * PERIOD, last, total))
            first = None
    return floods


def _chattering(
    lines: Sequence[AlertLine], announced: Sequence[AlertLine]
) -> list[tuple[str, str]]:
    """(family, subject) of each, in order."""
    found = {(line.family, line.subject) for line in lines if line.what == "chattering"}
    times: dict[tuple[str, str], list[int]] = {}
    for line in announced:
        times.setdefault((line.family, line.subject), []).append(line.time)
    found |= {pair for pair, at in times.items() if _is_chatter(np.array(at, dtype=np.int64))}
    return sorted(found)


def _is_chatter(times: Times) -> bool:
    ahead = CHATTER_RAISES - 1
    return bool((times[ahead:] - times[:-ahead] <= CHATTER_WINDOW).any())


def _top(announced: Sequence[AlertLine]) -> list[Share]:
    counts = Counter((line.rule, line.subject) for line in announced)
    ordered = sorted(counts.items(), key=lambda item: (-item[1], item[0]))
    return [Share(*pair, n, n / len(announced)) for pair, n in ordered[:TOP]]


def _spread(times: Sequence[int]) -> Spread:
    if not times:
        return Spread(0, None, None)
    seconds = np.array(times, dtype=np.float64) / SECOND
    median, p95 = np.percentile(seconds, [50, 95])
    return Spread(len(times), float(median), float(p95))
