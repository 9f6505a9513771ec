"""Panels as plain dicts of Grafana's classic schema; a board places them.

Each takes its title, what it says and asks of who looks at it, its targets and its unit.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from grafana.limits import GREEN, Steps
from grafana.queries import SOURCE, Json

PLUGIN_VERSION = "12.4.11"
_PLAIN: Steps = ((None, GREEN),)


def panel(
    sort: str,
    title: str,
    text: str,
    targets: Sequence[Json],
    *,
    w: int,
    h: int,
    unit: str = "none",
    steps: Steps = _PLAIN,
    options: Json | None = None,
    custom: Json | None = None,
    defaults: Json | None = None,
    overrides: Sequence[Json] = (),
    transformations: Sequence[Json] = (),
    more: Json | None = None,
) -> Json:
    """A panel of `w` x `h` grid units. defaults: more of fieldConfig.defaults; more: of the panel."""
    return {
        "type": sort,
        "title": title,
        "description": text,
        "datasource": SOURCE,
        "targets": [t | {"refId": chr(65 + i)} for i, t in enumerate(targets)],
        "gridPos": {"x": 0, "y": 0, "w": w, "h": h},
        "pluginVersion": PLUGIN_VERSION,
        "fieldConfig": {
            "defaults": {
                "unit": unit,
                "color": {"mode": "thresholds"},
                "thresholds": {
                    "mode": "absolute",
                    "steps": [{"value": value, "color": colour} for value, colour in steps],
                },
                **({"custom": custom} if custom else {}),
                **(defaults or {}),
            },
            "overrides": list(overrides),
        },
        "options": options or {},
        "transformations": list(transformations),
        **(more or {}),
    }


def row(title: str) -> Json:
    """A headline that begins a new row of the grid."""
    return {
        "type": "row",
        "title": title,
        "collapsed": False,
        "panels": [],
        "gridPos": {"x": 0, "y": 0, "w": 24, "h": 1},
    }


def stat(
    title: str, text: str, targets: Sequence[Json], *, w: int = 4, h: int = 4, **rest: Any
) -> Json:
    """The newest value in large figures; total: the sum of the range."""
    options = {
        "colorMode": "background",
        "graphMode": "area",
        "justifyMode": "auto",
        "orientation": "auto",
        "textMode": "auto",
        "reduceOptions": _reduced(rest.pop("total", False)),
    }
    return panel("stat", title, text, targets, w=w, h=h, options=options, **rest)


def bars(
    title: str, text: str, targets: Sequence[Json], *, w: int = 8, h: int = 9, **rest: Any
) -> Json:
    """The newest value of each series as a bar, one under another; total: the sum of the range."""
    options = {
        "displayMode": "basic",
        "orientation": "horizontal",
        "showUnfilled": True,
        "reduceOptions": _reduced(rest.pop("total", False)),
    }
    return panel("bargauge", title, text, targets, w=w, h=h, options=options, **rest)


def lines(
    title: str,
    text: str,
    targets: Sequence[Json],
    *,
    w: int = 12,
    h: int = 8,
    steps: Steps = _PLAIN,
    bands: bool = False,
    stacked: str = "none",
    **rest: Any,
) -> Json:
    """Values over time; steps are drawn as lines, or as bands behind them."""
    mode = ("area" if bands else "dashed") if len(steps) > 1 else "off"
    custom = {
        "drawStyle": "line",
        "lineWidth": 1,
        "fillOpacity": 60 if stacked != "none" else 0,
        "showPoints": "never",
        "spanNulls": 7_200_000,
        "stacking": {"mode": stacked, "group": "A"},
        "thresholdsStyle": {"mode": mode},
    }
    options = {
        "legend": {"displayMode": "list", "placement": "bottom", "showLegend": True, "calcs": []},
        "tooltip": {"mode": "multi", "sort": "desc"},
    }
    defaults = {"color": {"mode": "palette-classic"}} | rest.pop("defaults", {})
    return panel(
        "timeseries", title, text, targets, w=w, h=h, steps=steps, custom=custom, options=options,
        defaults=defaults, **rest,
    )  # fmt: skip


def _reduced(total: bool) -> Json:
    return {"calcs": ["sum" if total else "lastNotNull"], "fields": "", "values": False}


def grid(
    title: str, text: str, targets: Sequence[Json], *, w: int = 24, h: int = 10, **rest: Any
) -> Json:
    """A table; cells keep their colours by override."""
    options = {"showHeader": True, "cellHeight": "sm"}
    custom = {"align": "auto", "cellOptions": {"type": "auto"}, "filterable": True}
    return panel("table", title, text, targets, w=w, h=h, options=options, custom=custom, **rest)


def column(name: str, *properties: tuple[str, Any]) -> Json:
    """An override of one column or series, by its name."""
    return {
        "matcher": {"id": "byName", "options": name},
        "properties": [{"id": key, "value": value} for key, value in properties],
    }


def link(title: str, url: str, blank: bool = False) -> Json:
    """A link behind a value."""
    return {"title": title, "url": url, "targetBlank": blank}


def rename(names: dict[str, str], hidden: Sequence[str] = ("Time",)) -> Json:
    """The transformation that gives columns their titles, in this order, and leaves some out."""
    return {
        "id": "organize",
        "options": {
            "renameByName": names,
            "indexByName": {name: i for i, name in enumerate(names)},
            "excludeByName": {name: True for name in (*hidden, "time") if name not in names},
        },
    }
