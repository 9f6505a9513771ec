"""Panels about alerts that several boards share."""

from __future__ import annotations

from grafana.board import to_console
from grafana.limits import GREEN
from grafana.measurements import ALERTS, OPEN
from grafana.panels import column, grid, link, rename, stat
from grafana.queries import Json, graph, of_kind, over_time, select, table
from grafana.tongue import SEVERITIES, Tongue

# A board that looks at the past shows what stood then: the last three minutes of its time range.
AT_THE_END = "time > ${__to}ms - 3m"


def open_by_severity(tongue: Tongue, kind: str, w: int = 12, h: int = 4) -> Json:
    """How many alerts stand, by severity. kind: of this kind, or `all`."""
    query = over_time('last("shown")', ALERTS, of_kind(kind), '"severity"')
    return stat(
        tongue("Cảnh báo đang mở theo mức độ", "Open alerts by severity"),
        tongue(
            "Khẩn cấp và cao phải có người nhận ngay: mở bảng Cảnh báo hoặc trang điều hành.",
            "Critical and high need somebody at once: open the Alerts board or the console.",
        ),
        [graph(query, "$tag_severity")],
        w=w,
        h=h,
        overrides=[
            column(
                name,
                ("displayName", tongue.severity(name)),
                ("thresholds", {"mode": "absolute", "steps": [{"value": None, "color": GREEN}, {"value": 1, "color": colour}]}),
            )
            for name, (_, _, colour) in SEVERITIES.items()
        ],
    )  # fmt: skip


def open_table(tongue: Tongue, where: str = "", w: int = 24, h: int = 12) -> Json:
    """The alerts that stand, and what to do about each."""
    language = tongue.language
    names = {
        "severity": tongue("Mức", "Severity"),
        f"title_{language}": tongue("Cảnh báo", "Alert"),
        f"place_{language}": tongue("Nơi", "Place"),
        f"act_{language}": tongue("Việc cần làm", "What to do"),
        "state": tongue("Trạng thái", "State"),
        "since": tongue("Từ", "Since"),
        "value": tongue("Giá trị", "Value"),
        "level": tongue("Ngưỡng", "Level"),
        "subject": tongue("Thiết bị", "Device"),
    }
    fields = (
        f"title_{language}",
        f"place_{language}",
        f"act_{language}",
        "state",
        "since",
        "value",
        "level",
    )
    what = ", ".join(f'last("{f}") AS "{f}"' for f in fields)
    condition = f"{AT_THE_END}" + (f" AND {where}" if where else "")
    query = select(what, OPEN, condition, '"severity", "rule", "subject"')
    mappings = [
        {"type": "value", "options": {s: {"text": tongue(vi, en), "color": c, "index": i}}}
        for i, (s, (vi, en, c)) in enumerate(SEVERITIES.items())
    ]
    field = f'${{__data.fields["{names["subject"]}"]}}'
    to_alert = link(
        tongue("Mở trong trang điều hành", "Open in the console"),
        to_console(tongue, field),
        blank=True,
    )
    return grid(
        tongue("Cảnh báo đang mở", "Alerts that stand"),
        tongue(
            "Nhận việc trong trang điều hành: bấm vào thiết bị. Bảng trống mà số liệu nền tảng đã cũ thì không phải là "
            "không có cảnh báo: xem bảng Nền tảng.",
            "Take one in the console: click its device. An empty table beside old platform figures does not mean that "
            "nothing stands: see the Platform board.",
        ),
        [table(query)],
        w=w,
        h=h,
        overrides=[
            column(names["severity"], ("mappings", mappings), ("custom.cellOptions", {"type": "color-background"})),
            column(names["since"], ("unit", "dateTimeAsIso")),
            column(names["subject"], ("links", [to_alert])),
        ],
        transformations=[rename(names, hidden=("Time", "rule"))],
    )  # fmt: skip
