"""What an engineer's rule says: which devices, which condition, how bad, when, and what to do.

The same form in the rules file (TOML, `[[rules]]`) and in the API (JSON).
"""

from __future__ import annotations

from typing import Annotated, Any, Literal

import msgspec

from telemetry.schedule import Schedule

SeverityName = Literal["low", "medium", "high", "critical"]
Text = Annotated[str, msgspec.Meta(min_length=1, max_length=200)]
MOST = 500  # rules that may be in force at once


class Condition(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """A level of a quantity. Exactly one of `above` and `below`.

    quantity  of the rule's kind, measured or derived (an index)
    unit      UCUM, of the levels; empty: the quantity's own
    clear     the level at which it is over; absent: the one at which it began
    """

    quantity: str
    unit: str = ""
    above: float | None = None
    below: float | None = None
    clear: float | None = None

    @property
    def level(self) -> float:
        """The level at which it begins."""
        found = self.below if self.above is None else self.above
        assert found is not None
        return found

    @property
    def over(self) -> float:
        """The level at which it is over."""
        return self.level if self.clear is None else self.clear

    @property
    def sign(self) -> float:
        """1 where more is worse, -1 where less is."""
        return -1.0 if self.above is None else 1.0


class CustomRule(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """One rule.

    when, also  the condition, and a second one on the same device: both (`and`) or one of them (`or`)
    areas, devices, tags  which devices of the kind; each that is empty does not restrict
    dwell_s     the condition holds for so long in event time before the alert is raised [s]
    readings    … and at so many readings in a row
    schedule    when it is watched; outside of it the condition counts as not holding
    law         the level is a legal limit; `edition` then names the text that it is from
    runbook     a link to what to do, beside the words of act_vi and act_en
    """

    code: str
    kind: str
    vi: Text
    en: Text
    severity: SeverityName
    when: Condition
    also: Condition | None = None
    combine: Literal["and", "or"] = "and"
    areas: tuple[str, ...] = ()
    devices: tuple[str, ...] = ()
    tags: tuple[str, ...] = ()
    dwell_s: Annotated[int, msgspec.Meta(ge=0, le=604_800)] = 0
    readings: Annotated[int, msgspec.Meta(ge=1, le=1_000)] = 1
    schedule: Schedule = Schedule()
    act_vi: Annotated[str, msgspec.Meta(max_length=1_000)] = ""
    act_en: Annotated[str, msgspec.Meta(max_length=1_000)] = ""
    runbook: Annotated[str, msgspec.Meta(max_length=300)] = ""
    law: bool = False
    edition: Annotated[str, msgspec.Meta(max_length=200)] = ""

    def conditions(self) -> tuple[Condition, ...]:
        """The one or two conditions."""
        return (self.when,) if self.also is None else (self.when, self.also)

    def encoded(self) -> bytes:
        """The definition as JSON, fields in their order: what is stored, and what tells versions apart."""
        return msgspec.json.encode(self)


class RuleFile(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A rules file."""

    rules: tuple[CustomRule, ...] = ()


FORMS: dict[str, Any] = {"": CustomRule, "when": Condition, "also": Condition, "schedule": Schedule}
