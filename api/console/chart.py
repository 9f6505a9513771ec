"""One quantity of one device over the last 24 hours → options of an ECharts chart. Pure: columns in, a dict out.

What is measured is drawn as means in windows, what is derived value by value. A gap stays a gap; suspect and
failed readings stand apart; the alert rules' levels are lines.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any
from zoneinfo import ZoneInfo

import numpy as np

from api.console.scales import COLOURS
from api.console.texts import Texts
from api.console.wording import span_text, unit_text
from api.context import Context
from api.encode import severity_name
from api.windows import Asked, grid, step_for
from devices.kind import Kind, Quantity
from store.telemetry import Series
from telemetry.arrays import Mask, Times, Values
from telemetry.clock import DAY, SECOND, to_datetime
from telemetry.flags import Flag
from telemetry.readings import Readings

POINTS = 300
MAX_RAW = 5_000
_TEXT, _LINE, _GRID = "#9fb0c3", "#4aa8ff", "#1f2a36"


@dataclass(frozen=True, slots=True)
class Curve:
    """What is drawn. `every` is the windows' length [ns], 0 for single values; NaN breaks the line."""

    start: int
    end: int
    every: int
    time: Times
    value: Values
    suspect: Readings
    fail: Readings
    coverage: float | None

    @property
    def empty(self) -> bool:
        """Nothing at all was received."""
        return not np.isfinite(self.value).any() and not len(self.suspect) + len(self.fail)


def read_curve(context: Context, device: int, quantity: int) -> Curve:
    """The last 24 hours of one series."""
    end = context.clock.now()
    start = end - DAY
    series = Series(np.array([device], dtype=np.int32), np.array([quantity], dtype=np.int16))
    raw = context.telemetry.raw(series, start, end, MAX_RAW)
    bad = {flag: raw.take(raw.flag == flag) for flag in (Flag.SUSPECT, Flag.FAIL)}
    kind = context.kinds.kinds[context.catalogue.kind_of[device]]
    if not context.kinds.accepted[context.kinds.code[kind.name], quantity]:
        every, time, value, coverage = 0, raw.time, raw.value, None
    else:
        every = step_for(context, series, start, end, POINTS)
        known = context.telemetry.latest(series)
        found, _ = grid(context, known, series, Asked(start, end, every))
        time, value = found.time, found.value
        assert found.coverage is not None
        coverage = float(np.nanmean(found.coverage)) if np.isfinite(found.coverage).any() else None
    return Curve(start, end, every, time, value, bad[Flag.SUSPECT], bad[Flag.FAIL], coverage)


def options(
    curve: Curve, kind: Kind, quantity: Quantity, zone: ZoneInfo, texts: Texts
) -> dict[str, Any]:
    """The chart's options. Times are shifted to the city's zone, so that any browser shows local time there."""
    shift = _shift(zone, curve.end)
    name = texts.pick(quantity.vi, quantity.en)
    series: list[dict[str, Any]] = [
        {
            "name": name,
            "type": "line",
            "step": False if curve.every else "end",
            "showSymbol": curve.every == 0 and len(curve.time) < 60,
            "symbolSize": 5,
            "connectNulls": False,
            "lineStyle": {"width": 1.6},
            "itemStyle": {"color": _LINE},
            "areaStyle": {"opacity": 0.06},
            "data": _pairs(curve.time, curve.value, shift),
            "markLine": _levels(kind, quantity, texts),
        },
        _marks(texts("suspect"), curve.suspect, shift, "triangle", COLOURS["medium"]),
        _marks(texts("fail"), curve.fail, shift, "diamond", COLOURS["critical"]),
    ]
    return {
        "useUTC": True,
        "animation": False,
        "aria": {"enabled": True, "label": {"description": f"{name}. {texts('chart')}"}},
        "textStyle": {"color": _TEXT, "fontFamily": "inherit"},
        "grid": {"left": 56, "right": 24, "top": 34, "bottom": 28},
        "tooltip": {
            "trigger": "axis",
            "backgroundColor": "#16202b",
            "borderColor": "#2d3a49",
            "textStyle": {"color": "#e6edf5", "fontSize": 12},
        },
        "legend": _legend(curve, name, texts),
        "xAxis": _time_axis(curve, shift),
        "yAxis": _value_axis(kind, quantity, curve, texts),
        "series": series,
    }


def caption(curve: Curve, texts: Texts) -> str:
    """What a point of the line is."""
    if not curve.every:
        return texts("chart_raw")
    words = texts("chart_windows", span_text(curve.every, texts))
    if curve.coverage is None:
        return words
    return f"{words} · {texts('coverage_note', round(100 * curve.coverage))}"


def _shift(zone: ZoneInfo, time: int) -> int:
    offset = to_datetime(time, zone).utcoffset()
    assert offset is not None
    return int(offset.total_seconds()) * SECOND


def _pairs(time: Times, value: Values, shift: int) -> list[list[float | None]]:
    moments = ((time + shift) // 1_000_000).tolist()
    values = np.round(value, 4).tolist()
    return [[m, v if v == v else None] for m, v in zip(moments, values, strict=True)]


def _marks(name: str, readings: Readings, shift: int, symbol: str, colour: str) -> dict[str, Any]:
    return {
        "name": name,
        "type": "scatter",
        "symbol": symbol,
        "symbolSize": 8,
        "itemStyle": {"color": colour},
        "data": _pairs(readings.time, readings.value, shift),
    }


def _levels(kind: Kind, quantity: Quantity, texts: Texts) -> dict[str, Any]:
    rules = [r for r in kind.rules if r.quantity == quantity.name]
    return {
        "symbol": "none",
        "silent": True,
        "data": [
            {
                "yAxis": rule.level,
                "name": texts(severity_name(rule.severity)),
                "lineStyle": {
                    "color": COLOURS[severity_name(rule.severity)],
                    "type": "dashed",
                    "width": 1,
                },
                "label": {
                    "formatter": f"{texts(severity_name(rule.severity))} "
                    f"{'>' if rule.above is not None else '<'} {rule.level:g}",
                    "position": "insideStartTop",
                    "color": COLOURS[severity_name(rule.severity)],
                    "fontSize": 11,
                },
            }
            for rule in rules
        ],
    }


def _legend(curve: Curve, name: str, texts: Texts) -> dict[str, Any]:
    shown = [name]
    if len(curve.suspect):
        shown.append(texts("suspect"))
    if len(curve.fail):
        shown.append(texts("fail"))
    style = {"color": _TEXT, "fontSize": 12}
    return {"data": shown, "top": 4, "right": 16, "itemHeight": 8, "textStyle": style}


def _time_axis(curve: Curve, shift: int) -> dict[str, Any]:
    return {
        "type": "time",
        "min": (curve.start + shift) // 1_000_000,
        "max": (curve.end + shift) // 1_000_000,
        "axisLine": {"lineStyle": {"color": "#3a4757"}},
        "axisLabel": {"color": _TEXT, "hideOverlap": True, "formatter": _TIME_LABELS},
        "splitLine": {"show": True, "lineStyle": {"color": _GRID}},
    }


_TIME_LABELS = {"day": "{dd}/{MM}", "hour": "{HH}:{mm}", "minute": "{HH}:{mm}"}


def _value_axis(kind: Kind, quantity: Quantity, curve: Curve, texts: Texts) -> dict[str, Any]:
    axis: dict[str, Any] = {
        "type": "value",
        "name": unit_text(quantity.unit, texts),
        "nameTextStyle": {"color": _TEXT, "align": "left", "padding": [0, 0, 0, -40]},
        "scale": True,
        "axisLabel": {"color": _TEXT},
        "splitLine": {"lineStyle": {"color": _GRID}},
    }
    return axis | _reach(kind, quantity, curve)


def _reach(kind: Kind, quantity: Quantity, curve: Curve) -> dict[str, float]:
    """Let a rule's level be seen where the values come near it; far ones would flatten the curve."""
    seen = np.concatenate([curve.value, curve.suspect.value])
    seen = seen[_finite(seen)]
    if len(seen) == 0:
        return {}
    low, high = float(seen.min()), float(seen.max())
    room = max(high - low, abs(high) * 0.1, 1e-9)
    levels = [r.level for r in kind.rules if r.quantity == quantity.name]
    near = [x for x in levels if low - 1.5 * room <= x <= high + 1.5 * room]
    step = 10.0 ** np.floor(np.log10(room))
    found: dict[str, float] = {}
    if near and max(near) > high:
        found["max"] = float(np.ceil((max(near) + 0.1 * room) / step) * step)
    if near and min(near) < low:
        found["min"] = float(np.floor((min(near) - 0.1 * room) / step) * step)
    return found


def _finite(values: Values) -> Mask:
    found: Mask = np.isfinite(values)
    return found
