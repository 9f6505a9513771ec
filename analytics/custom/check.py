"""A rule is checked at entry: what it names exists, it can fire, it can clear, and a legal limit has its edition.

Every refusal is a DeclarationError with the place, the value, and what is allowed.
"""

from __future__ import annotations

import tomllib
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec

from analytics.custom.definition import FORMS, MOST, Condition, CustomRule
from devices.device import Catalogue
from devices.kind import NAME, Kind, Quantity
from telemetry.errors import DeclarationError, UnitError
from telemetry.units import conversion


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What rules are checked against. areas: codes of the city's areas."""

    catalogue: Catalogue
    areas: Collection[str]

    @property
    def own_codes(self) -> frozenset[str]:
        """Codes of the kinds' own rules."""
        return frozenset(r.code for k in self.catalogue.kinds for r in k.rules)


def parse_rule(table: Mapping[str, Any], place: str) -> CustomRule:
    """A rule from TOML or JSON, its form checked."""
    _refuse_unknown_keys(table, place)
    try:
        return msgspec.convert(table, CustomRule)
    except msgspec.ValidationError as error:
        raise DeclarationError(place, str(error)) from None


def load_rules(path: Path, around: Surroundings) -> list[CustomRule]:
    """Every rule of a file, checked."""
    try:
        table = tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise DeclarationError(
            str(path), f"must be a file that can be read ({error.strerror})"
        ) from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise DeclarationError(str(path), f"must be TOML: {error}") from None
    for key in table:
        if key != "rules":
            raise DeclarationError(f"{path}: {key}", "must be rules: [[rules]] for each")
    rows = table.get("rules", [])
    if not isinstance(rows, list) or not all(isinstance(r, dict) for r in rows):
        raise DeclarationError(f"{path}: rules", "must be tables: [[rules]] for each")
    rules = [parse_rule(r, f"{path}: rules[{n}]") for n, r in enumerate(rows, 1)]
    check_all(rules, around, [f"{path}: rules[{n}]" for n in range(1, len(rules) + 1)])
    return rules


def check_all(rules: Sequence[CustomRule], around: Surroundings, places: Sequence[str]) -> None:
    """Each rule, and all together."""
    if len(rules) > MOST:
        raise DeclarationError(places[MOST], f"must be one of {MOST} rules at most", len(rules))
    seen: set[str] = set()
    for rule, place in zip(rules, places, strict=True):
        if rule.code in seen:
            raise DeclarationError(f"{place}.code", "must not be another rule's too", rule.code)
        seen.add(rule.code)
        check_rule(rule, around, place)


def check_rule(rule: CustomRule, around: Surroundings, place: str) -> None:
    """One rule: see the module's text."""
    if not NAME.fullmatch(rule.code):
        raise DeclarationError(
            f"{place}.code", "must be lower case letters, digits and _, 32 at most", rule.code
        )
    if rule.code in around.own_codes:
        raise DeclarationError(f"{place}.code", "must not be a rule of the platform's", rule.code)
    kinds = around.catalogue.kinds
    if rule.kind not in kinds:
        raise DeclarationError(
            f"{place}.kind", f"must be one of {', '.join(kinds.code)}", rule.kind
        )
    names = ("when", "also")
    for name, condition in zip(names, rule.conditions(), strict=False):
        _check_condition(condition, kinds[rule.kind], f"{place}.{name}")
    if rule.also is not None and rule.combine == "and":
        _refuse_contradiction(rule.when, rule.also, kinds[rule.kind], place)
    _check_scope(rule, around, place)
    if rule.dwell_s > rule.schedule.longest_s():
        raise DeclarationError(
            f"{place}.dwell_s",
            f"can never fire: the schedule holds for {rule.schedule.longest_s()} s at most",
            rule.dwell_s,
        )
    if rule.law and not rule.edition:
        raise DeclarationError(
            f"{place}.edition", "a legal limit needs its edition, like QCVN 05:2023/BTNMT"
        )


def in_own_unit(condition: Condition, quantity: Quantity, place: str) -> tuple[float, float]:
    """(level, level at which it is over) in the quantity's unit."""
    if not condition.unit:
        return condition.level, condition.over
    try:
        factor, offset = conversion(condition.unit, quantity.unit, place)
    except UnitError as error:
        raise DeclarationError(f"{place}.unit", error.need, error.value, error.remedy) from None
    # Twelve digits: 0.04 mg/m3 is 40 ug/m3, and not a little less.
    level, over = (float(f"{x * factor + offset:.12g}") for x in (condition.level, condition.over))
    return level, over


def _check_condition(condition: Condition, kind: Kind, place: str) -> None:
    quantity = kind.quantity(condition.quantity)
    if quantity is None:
        known = ", ".join(q.name for q in kind.quantities)
        raise DeclarationError(f"{place}.quantity", f"must be one of {known}", condition.quantity)
    if (condition.above is None) == (condition.below is None):
        raise DeclarationError(place, "needs exactly one of above and below")
    level, over = in_own_unit(condition, quantity, place)
    if (over - level) * condition.sign > 0:
        side = "at or under" if condition.sign > 0 else "at or over"
        raise DeclarationError(
            f"{place}.clear", f"must be {side} {condition.level:g}: it would be over before it began",
            condition.clear,
        )  # fmt: skip
    _refuse_never(condition, quantity, level, over, place)


def _refuse_never(
    condition: Condition, quantity: Quantity, level: float, over: float, place: str
) -> None:
    # Values outside the plausible range are suspect, and suspect values raise nothing.
    low, high = quantity.plausible.low, quantity.plausible.high
    side = "above" if condition.sign > 0 else "below"
    given = f"{place}.{side}"
    allowed = f"{quantity.name} is believed between {low:g} and {high:g} {quantity.unit}"
    if (level >= high) if condition.sign > 0 else (level <= low):
        raise DeclarationError(given, f"can never fire: {allowed}", condition.level)
    if (level < low) if condition.sign > 0 else (level > high):
        raise DeclarationError(given, f"would always hold: {allowed}", condition.level)
    if (over < low) if condition.sign > 0 else (over > high):
        raise DeclarationError(f"{place}.clear", f"could never clear: {allowed}", condition.over)


def _refuse_contradiction(when: Condition, also: Condition, kind: Kind, place: str) -> None:
    quantity = kind.quantity(when.quantity)
    if quantity is None or when.quantity != also.quantity or when.sign == also.sign:
        return
    above, below = (when, also) if when.sign > 0 else (also, when)
    low = in_own_unit(above, quantity, place)[0]
    high = in_own_unit(below, quantity, place)[0]
    if low >= high:
        raise DeclarationError(
            f"{place}.also", f"can never fire: nothing is above {low:g} and below {high:g}"
        )


def _check_scope(rule: CustomRule, around: Surroundings, place: str) -> None:
    for area in rule.areas:
        if area not in around.areas:
            raise DeclarationError(f"{place}.areas", "must be codes of this city's areas", area)
    for name in rule.devices:
        device = around.catalogue.get(name)
        if device is None:
            raise DeclarationError(f"{place}.devices", "must be devices that are known", name)
        if device.kind != rule.kind:
            raise DeclarationError(
                f"{place}.devices", f"must be of kind {rule.kind}; {name} is of {device.kind}", name
            )
        if rule.areas and device.area not in rule.areas:
            raise DeclarationError(
                f"{place}.devices", f"can never fire: {name} is in none of the areas", name
            )


def _refuse_unknown_keys(table: Mapping[str, Any], place: str) -> None:
    # msgspec would refuse them too, but without saying what is allowed.
    for name, form in FORMS.items():
        row = table.get(name) if name else table
        for key in row if isinstance(row, Mapping) else ():
            if key not in form.__struct_fields__:
                where = f"{place}.{name}.{key}" if name else f"{place}.{key}"
                allowed = ", ".join(form.__struct_fields__)
                raise DeclarationError(where, f"must be one of {allowed}")
