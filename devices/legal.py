"""Legal limits as dated data (`legal.toml`): which edition is in force on a day, and what it says.

Rules name their edition by it, indices judge by it, and an answer tells which one it used.
"""

from __future__ import annotations

import itertools
import tomllib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import date
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np

from telemetry.arrays import AnyArray, Index, Values
from telemetry.errors import DeclarationError

FILE = Path(__file__).parent / "legal.toml"
CONFIDENCES = ("verified", "derived", "unverified")
_KEYS = {"subject", "name", "valid_from", "valid_to", "source", "confidence", "unit", "note"}
_NEVER = date.max


@dataclass(frozen=True, slots=True, kw_only=True)
class Edition:
    """One table of one edition. valid_from, valid_to: its first and last day.

    table: what else the file says of it, by key: limits, hours, classes, stations, unverified.
    """

    subject: str
    name: str
    valid_from: date
    valid_to: date = _NEVER
    source: str
    confidence: str
    unit: str
    note: str = ""
    table: Mapping[str, Any] = field(default_factory=dict)


class Dated:
    """A value for each local day, from the editions of a subject. NaN where none is in force."""

    def __init__(self, editions: tuple[Edition, ...], get: Callable[[Edition], float]) -> None:
        self._first = np.array([_number(e.valid_from) for e in editions], dtype=np.int64)
        self._last = np.array([_number(e.valid_to) for e in editions], dtype=np.int64)
        self._value = np.array([get(e) for e in editions], dtype=np.float64)

    def on(self, day: AnyArray) -> Values:
        """The value on each local day, numbered from 1970-01-01."""
        days: Index = np.asarray(day, np.int64)
        place = np.maximum(np.searchsorted(self._first, days, side="right") - 1, 0)
        inside = (days >= self._first[place]) & (days <= self._last[place])
        return np.asarray(np.where(inside, self._value[place], np.nan))


@cache
def editions(subject: str) -> tuple[Edition, ...]:
    """Every table of a subject, the oldest first. Raises DeclarationError where there is none."""
    found = tuple(e for e in _read(FILE) if e.subject == subject)
    if not found:
        known = ", ".join(sorted({e.subject for e in _read(FILE)}))
        raise DeclarationError("legal limits", f"subject must be one of {known}", subject)
    return found


def in_force(subject: str, day: date | None = None) -> Edition:
    """The table in force on a day, or the newest one. Raises DeclarationError where there is none."""
    if day is None:
        return editions(subject)[-1]
    for edition in editions(subject):
        if edition.valid_from <= day <= edition.valid_to:
            return edition
    raise DeclarationError(f"legal limits {subject}", "no edition was in force", day.isoformat())


def edition(subject: str) -> str:
    """The name of the newest edition: what a rule says that it follows."""
    return in_force(subject).name


def limit(subject: str, group: str, name: str) -> Dated:
    """A limit by day: of a pollutant (`name`) over a window (`group`), of an area by part of the day."""

    def get(edition: Edition) -> float:
        return float(edition.table["limits"].get(group, {}).get(name, np.nan))

    return Dated(editions(subject), get)


@cache
def _read(path: Path) -> tuple[Edition, ...]:
    return load(tomllib.loads(path.read_text(encoding="utf-8")), str(path.name))


def load(table: Mapping[str, Any], place: str) -> tuple[Edition, ...]:
    """Editions from a file's table, checked. Raises DeclarationError in words."""
    found = [_edition(row, f"{place}: edition {i + 1}") for i, row in enumerate(table["edition"])]
    found.sort(key=lambda e: (e.subject, e.valid_from))
    for one, two in itertools.pairwise(found):
        if one.subject == two.subject and one.valid_to >= two.valid_from:
            raise DeclarationError(
                f"{place}: {two.subject} {two.name}",
                f"must begin after {one.name} has ended ({one.valid_to.isoformat()})",
                two.valid_from.isoformat(),
            )
    return tuple(found)


def _edition(row: Mapping[str, Any], place: str) -> Edition:
    given = {k: v for k, v in row.items() if k in _KEYS}
    for name in ("subject", "name", "source", "unit", "valid_from", "confidence"):
        if not given.get(name):
            raise DeclarationError(place, f"needs {name}: a limit is dated data with its source")
    if given["confidence"] not in CONFIDENCES:
        need = f"confidence must be one of {', '.join(CONFIDENCES)}"
        raise DeclarationError(place, need, given["confidence"])
    if given.get("valid_to", _NEVER) < given["valid_from"]:
        raise DeclarationError(place, "valid_to must not be before valid_from", given["valid_to"])
    return Edition(**given, table={k: v for k, v in row.items() if k not in _KEYS})


def _number(day: date) -> int:
    return (day - date(1970, 1, 1)).days
