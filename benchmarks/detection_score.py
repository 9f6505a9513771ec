"""Truth and signals → how well each type of fault and event was detected.

recall       of its truths, the share with a signal that is an answer, from the beginning to half an hour
             after the end
precision    of the signals that are an answer to it, the share with a truth of it under them; those that
             answer to a truth of another type are left out
delay_s      from the beginning to the first answer, the median
false_alerts signals that are an answer to it, with nothing under them that they could be of, or with a sensor's
             fault that misled them; a device of its kinds and year
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from math import nan

import numpy as np

from benchmarks.detection_sees import NOTICED_AT, OF_SENSORS, SEES, STATEMENTS, UNSEEN
from benchmarks.detection_signals import Signal
from devices.device import Device
from simulators.events import EVENT_TYPES
from simulators.fault_types import FAULT_TYPES, GATEWAY
from simulators.truth import Truth
from telemetry.clock import DAY, HOUR, MINUTE, SECOND

SLACK = 30 * MINUTE
LONG = 24 * HOUR  # a fault that is cut off by the end counts after so long
YEAR_D = 365.2425


@dataclass(frozen=True, slots=True)
class Score:
    """How well a type was detected. `truths`, `found`: how many there were; `false`: wrong signals."""

    type: str
    truths: int
    found: int
    recall: float
    precision: float
    delay_s: float
    false: int
    false_alerts: float

    def as_json(self) -> dict[str, object]:
        """For a line of JSON: rounded, NaN as null."""
        return {
            k: (None if v != v else round(v, 3)) if isinstance(v, float) else v
            for k, v in asdict(self).items()
        }


class Count:
    """Counts over the runs of several scenarios."""

    def __init__(self) -> None:
        self._truths: dict[str, int] = defaultdict(int)
        self._delays: dict[str, list[float]] = defaultdict(list)
        self._right: dict[str, int] = defaultdict(int)
        self._false: dict[str, int] = defaultdict(int)
        self._years: dict[str, float] = defaultdict(float)
        self.unexplained: list[Signal] = []
        self.missed: list[Truth] = []

    def add(
        self,
        truth: Sequence[Truth],
        signals: Sequence[Signal],
        devices: Iterable[Device],
        gateway_of: Mapping[str, str],
        start: int,
        end: int,
        scored: Sequence[Truth] | None = None,
    ) -> None:
        """Count what one run over [start, end) [ns] has shown; only what lies within it counts, or long enough.

        scored  those of the truth that somebody had to notice; None: all
        """
        devices = list(devices)
        around = _Around(devices, gateway_of)
        mine = defaultdict[str, list[Signal]](list)
        for signal in signals:
            mine[signal.subject].append(signal)
        told = defaultdict[str, list[Truth]](list)
        for t in truth:
            told[t.device].append(t)
        for t in truth if scored is None else scored:
            whole = t.end <= end or end - t.start >= LONG
            if start <= t.start < end and whole and _noticed(t):
                self._truth(t, [s for who in around.of(t.device) for s in mine[who]])
        for signal in signals:
            if start <= signal.began < end:
                under = [t for who in around.of(signal.subject) for t in told[who]]
                self._signal(signal, [t for t in under if _meets(t, signal)])
        by_kind = defaultdict[str, int](int)
        for device in devices:
            by_kind[device.kind] += 1
        for type_ in SEES:
            kinds = _kinds(type_)
            number = sum(by_kind[k] for k in kinds) if kinds else len(devices)
            self._years[type_] += number * (end - start) / DAY / YEAR_D

    def take(self, other: Count) -> None:
        """Add what another has counted."""
        for mine, its in (
            (self._truths, other._truths), (self._right, other._right), (self._false, other._false),
        ):  # fmt: skip
            for type_, number in its.items():
                mine[type_] += number
        for type_, delays in other._delays.items():
            self._delays[type_] += delays
        for type_, years in other._years.items():
            self._years[type_] += years
        self.unexplained += other.unexplained
        self.missed += other.missed

    def _truth(self, t: Truth, near: Iterable[Signal]) -> None:
        self._truths[t.type] += 1
        answers = SEES.get(t.type, ())
        hits = [s for s in near if s.what in answers and _meets(t, s)]
        if hits:
            first = max(min(s.time for s in hits), t.start)
            self._delays[t.type].append((first - t.start) / SECOND)
        else:
            self.missed.append(t)

    def _signal(self, signal: Signal, under: Sequence[Truth]) -> None:
        types = {t.type for t in under}
        wrong = _wrong(signal, types)
        for type_, answers in SEES.items():
            if signal.what in answers:
                if type_ in types:
                    self._right[type_] += 1
                elif wrong:
                    self._false[type_] += 1
        if wrong:
            self.unexplained.append(signal)

    def scores(self) -> list[Score]:
        """One a type that occurred, or that was signalled in vain, in the order of the table."""
        return [self._score(t) for t in SEES if self._truths[t] or self._false[t]]

    def _score(self, type_: str) -> Score:
        truths, found = self._truths[type_], len(self._delays[type_])
        right, false, years = self._right[type_], self._false[type_], self._years[type_]
        return Score(
            type_,
            truths,
            found,
            found / truths if truths else nan,
            right / (right + false) if right + false else nan,
            float(np.median(self._delays[type_])) if found else nan,
            false,
            false / years if years else nan,
        )


class _Around:
    """Who else a signal about a device may be told of: what it hangs on, its gateway, its area, and back."""

    def __init__(self, devices: Iterable[Device], gateway_of: Mapping[str, str]) -> None:
        self._of: dict[str, set[str]] = defaultdict(set)
        for device in devices:
            above = {device.parent, gateway_of.get(device.id, "")} - {""}
            above |= {f"area:{device.area}"} if device.area else set()
            for other in above:
                self._of[device.id].add(other)
                self._of[other].add(device.id)

    def of(self, subject: str) -> set[str]:
        return {subject} | self._of[subject]


def _wrong(signal: Signal, types: set[str]) -> bool:
    """Whether nothing is there that it is of; or something that should have made it doubt."""
    if not types:
        return signal.what not in STATEMENTS
    of = {t for t, answers in SEES.items() if signal.what in answers}
    return bool(of) and types <= OF_SENSORS and not of & types and not of & OF_SENSORS


def _meets(t: Truth, signal: Signal) -> bool:
    return signal.began < t.end + SLACK and signal.end >= t.start


def _noticed(t: Truth) -> bool:
    at = NOTICED_AT.get(t.type)
    return t.type not in UNSEEN and (at is None or t.kind in at)


def _kinds(type_: str) -> tuple[str, ...]:
    if type_ in FAULT_TYPES:
        return tuple(k for k in FAULT_TYPES[type_].kinds if k != GATEWAY)
    return NOTICED_AT.get(type_, EVENT_TYPES[type_].kinds if type_ in EVENT_TYPES else ())
