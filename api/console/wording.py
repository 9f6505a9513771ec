"""Values, units, ages and times as an operator reads them: 31,2 µg/m³ in Vietnamese, 31.2 µg/m³ in English."""

from __future__ import annotations

import math
from zoneinfo import ZoneInfo

from analytics.indices.registry import component
from api.console.scales import AIR_LEVELS, FLOOD_STAGES, level_of
from api.console.texts import Texts
from devices.kind import Quantity
from telemetry import wording
from telemetry.clock import DAY, HOUR, MINUTE, SECOND, to_datetime
from telemetry.flags import Flag

FLAG_WORDS = {
    Flag.GOOD: "good",
    Flag.NOT_EVALUATED: "not_evaluated",
    Flag.SUSPECT: "suspect",
    Flag.FAIL: "fail",
    Flag.MISSING: "missing",
}


def unit_text(unit: str, texts: Texts) -> str:
    """A UCUM code as people write it; "" where there is nothing to write."""
    return wording.unit_text(unit, texts.language)


def number_text(value: float, texts: Texts, digits: int | None = None) -> str:
    """About four significant digits, or `digits` decimals; the language's own separators."""
    return wording.number_text(value, texts.language, digits)


def value_text(quantity: Quantity | None, unit: str, value: float, texts: Texts) -> str:
    """A value with its unit; states, stages and levels in words."""
    if not math.isfinite(value):
        return "–"
    if unit == "{state}":
        return texts("yes") if value > 0.5 else texts("no")
    if unit == "{stage}":
        level = level_of(FLOOD_STAGES, round(value))
        return texts.pick(level.vi, level.en)
    if unit == "{code}" and quantity is not None:
        return component(quantity.name, value) or "–"
    if unit == "{class}":
        return "ABCD"[min(max(round(value), 1), 4) - 1]
    if quantity is not None and quantity.name in ("vn_aqi", "vn_aqi_day"):
        level = level_of(AIR_LEVELS, value)
        return f"{value:.0f} · {texts.pick(level.vi, level.en)}"
    return wording.with_unit(value, unit, texts.language)


def age_text(age: int, texts: Texts) -> str:
    """How long ago, roughly. [ns]"""
    if age < MINUTE:
        return texts("just_now")
    if age < HOUR:
        return texts("minutes_ago", age // MINUTE)
    if age < 2 * DAY:
        return texts("hours_ago", age // HOUR)
    return texts("days_ago", age // DAY)


def span_text(span: int, texts: Texts) -> str:
    """A length of time in its largest whole unit. [ns]"""
    if span % HOUR == 0:
        return texts("hours", span // HOUR)
    if span % MINUTE == 0:
        return texts("minutes", span // MINUTE)
    return texts("seconds", span // SECOND)


def clock_text(time: int, now: int, zone: ZoneInfo) -> str:
    """Local time of the day; with the date where it is not today."""
    moment, today = to_datetime(time, zone), to_datetime(now, zone)
    if moment.date() == today.date():
        return moment.strftime("%H:%M")
    return moment.strftime("%H:%M %d/%m")
