"""What an index says of itself: formula, source, edition, data rule. The API and docs/indices.md tell it.

A module of `analytics` that computes an index holds `INDEX = IndexInfo(...)`, or `INDICES = (IndexInfo(...), ...)`;
`analytics.indices.registry` finds it. An index is named by its derived quantity.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Confidence(StrEnum):
    """How sure we are that the table and the formula are what the text says."""

    VERIFIED = "verified"  # a primary source, or two independent ones that agree
    DERIVED = "derived"  # one secondary source, or derived from one
    UNVERIFIED = "unverified"  # not checked against the text: ships as data that a city can change


@dataclass(frozen=True, slots=True)
class Category:
    """A band of an index, up to and including `top`, in words and colour (#RRGGBB)."""

    top: float
    vi: str
    en: str
    colour: str


@dataclass(frozen=True, slots=True, kw_only=True)
class IndexInfo:
    """One index, or a group of derived readings that follow from one text.

    quantity     the derived quantity that is the index
    kinds        kinds whose devices have it
    also         further derived quantities that the same module tells, with it or for it
    main         the derived quantity that holds the place in `components` of what the index rests on
    components   what the index is made of: pollutants, parameters
    valid_from   first day of the edition, valid_to the last, as YYYY-MM-DD; "" where there is none
    derived      when a reading of it is told, and what its time stands for
    data_rule    when it is published, and whether a text or practice asks for that
    why_not      in a few words, why it is not there when it isn't: (vi, en)
    max_age_s    older than this it says nothing about now [s]
    subject      its subject in devices/legal.toml, where editions go by the day of the reading
    categories   bands in ascending order; empty where the text has none
    """

    quantity: str
    kinds: tuple[str, ...]
    vi: str
    en: str
    unit: str
    formula: str
    edition: str
    valid_from: str
    source: str
    data_rule: str
    derived: str
    confidence: Confidence
    valid_to: str = ""
    also: tuple[str, ...] = ()
    main: str = ""
    components: tuple[str, ...] = ()
    why_not: tuple[str, str] = ("chưa đủ dữ liệu", "too few data")
    max_age_s: int = 3 * 3600
    subject: str = ""
    categories: tuple[Category, ...] = ()
    notes: str = ""

    def category(self, value: float) -> Category | None:
        """The band of a value; the last one for what is beyond, None where there are none or it is NaN."""
        if not self.categories or value != value:
            return None
        return next((c for c in self.categories if value <= c.top), self.categories[-1])
