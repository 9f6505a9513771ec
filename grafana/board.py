"""A board: panels placed on the grid, variables, links and the alerts drawn into every graph."""

from __future__ import annotations

from collections.abc import Sequence

from grafana.measurements import EVENT
from grafana.queries import SOURCE, Json, of_kind, select
from grafana.tongue import Tongue

WIDTH = 24
CONSOLE = "http://127.0.0.1:8000"
TAG = "urban-sensing"


def board(
    tongue: Tongue,
    name: str,
    title: str,
    text: str,
    panels: Sequence[Json],
    variables: Sequence[Json] = (),
    *,
    span: str = "now-24h",
    refresh: str = "1m",
    events: str = "",
    tags: Sequence[str] = (),
) -> Json:
    """A whole board. events: the condition on alerts that are drawn into its graphs."""
    return {
        "uid": tongue.uid(name),
        "title": title,
        "description": text,
        "tags": [TAG, tongue.language, *tags],
        "schemaVersion": 41,
        "version": 1,
        "editable": False,
        "graphTooltip": 1,
        "timezone": "browser",
        "time": {"from": span, "to": "now"},
        "timepicker": {},
        "refresh": refresh,
        "fiscalYearStartMonth": 0,
        "liveNow": False,
        "weekStart": "",
        "preload": False,
        "links": [_home(tongue), *_kin(tongue)],
        "annotations": {"list": [_alerts(tongue, events)]},
        "templating": {"list": [_source(tongue), *variables, _console(tongue)]},
        "panels": placed(panels),
    }


def placed(panels: Sequence[Json]) -> list[Json]:
    """Panels from left to right and row by row, each with its number; a headline begins a new row."""
    found, x, y, tallest = [], 0, 0, 0
    for number, panel in enumerate(panels, 1):
        w, h = panel["gridPos"]["w"], panel["gridPos"]["h"]
        if x + w > WIDTH or panel["type"] == "row":
            x, y, tallest = 0, y + tallest, 0
        found.append({**panel, "id": number, "gridPos": {"x": x, "y": y, "w": w, "h": h}})
        x, tallest = x + w, max(tallest, h)
    return found


def choice(
    name: str, label: str, query: str, *, many: bool = False, regex: str = "", text: str = ""
) -> Json:
    """A variable whose values a query finds. many: several, and all of them by default."""
    every = {"selected": True, "text": ["All"], "value": ["$__all"]}
    return {
        "type": "query",
        "name": name,
        "label": label,
        "description": text or label,
        "datasource": SOURCE,
        "query": query,
        "definition": query,
        "refresh": 2,
        "regex": regex,
        "sort": 5,
        "multi": many,
        "includeAll": many,
        **(
            {"allValue": ".*", "current": every} if many else {"current": {"text": "", "value": ""}}
        ),
        "options": [],
        "hide": 0,
        "skipUrlSync": False,
    }


def area_choice(tongue: Tongue, kind: str) -> Json:
    """Areas that have devices of a kind; of any where the kind is ""."""
    where = f" WHERE {of_kind(kind)}" if kind else ""
    query = f'SHOW TAG VALUES FROM "board.area" WITH KEY = "area_name"{where}'
    return choice("area", tongue("Khu vực", "Area"), query, many=True)


def to_board(tongue: Tongue, name: str, **variables: str) -> str:
    """The address of another board, with its variables and this one's time range."""
    given = "".join(f"&var-{key}={value}" for key, value in variables.items())
    return f"/d/{tongue.uid(name)}?${{__url_time_range}}{given}"


def to_console(tongue: Tongue, device: str) -> str:
    """The address of a device, with its alerts, in the operators' console."""
    return f"${{console}}/{tongue.language}?device={device}"


def _home(tongue: Tongue) -> Json:
    return {
        "type": "link",
        "title": tongue("Toàn thành phố", "City overview"),
        "url": f"/d/{tongue.uid('city')}",
        "icon": "dashboard",
        "asDropdown": False,
        "includeVars": False,
        "keepTime": True,
        "tags": [],
        "targetBlank": False,
        "tooltip": tongue("Về bảng toàn thành phố", "Back to the whole city"),
    }


def _kin(tongue: Tongue) -> list[Json]:
    return [
        {
            "type": "dashboards",
            "title": tongue("Các bảng", "Boards"),
            "url": "",
            "icon": "external link",
            "asDropdown": True,
            "includeVars": False,
            "keepTime": True,
            "tags": [TAG, tongue.language],
            "targetBlank": False,
            "tooltip": tongue("Mọi bảng của thành phố", "Every board of the city"),
        }
    ]


def _source(tongue: Tongue) -> Json:
    return {
        "type": "datasource",
        "name": "ds",
        "label": tongue("Nguồn dữ liệu", "Data source"),
        "description": tongue("InfluxDB của nền tảng", "The platform's InfluxDB"),
        "query": "influxdb",
        "regex": "",
        "refresh": 1,
        "current": {"text": "", "value": ""},
        "options": [],
        "hide": 2,
        "multi": False,
        "includeAll": False,
        "skipUrlSync": False,
    }


def _console(tongue: Tongue) -> Json:
    return {
        "type": "textbox",
        "name": "console",
        "label": tongue("Địa chỉ trang điều hành", "Console address"),
        "description": tongue(
            "Nơi trang điều hành trả lời; liên kết của cảnh báo dẫn tới đó.",
            "Where the operators' console answers; the links of alerts lead there.",
        ),
        "query": CONSOLE,
        "current": {"text": CONSOLE, "value": CONSOLE},
        "options": [],
        "hide": 2,
        "skipUrlSync": False,
    }


def _alerts(tongue: Tongue, events: str) -> Json:
    condition = '"what" =~ /^(raised|cleared)$/' + (f" AND {events}" if events else "")
    fields = f'"title_{tongue.language}", "place_{tongue.language}", "severity", "what"'
    return {
        "name": tongue("Cảnh báo", "Alerts"),
        "datasource": SOURCE,
        "enable": True,
        "hide": False,
        "iconColor": "red",
        "target": {
            "refId": "Anno",
            "query": select(fields, EVENT, condition, tail="LIMIT 500"),
            "textColumn": f"title_{tongue.language}",
            "tagsColumn": "severity,what",
            "fromAnnotations": True,
        },
    }
