"""Alerts: what stands, what it comes from, what was, and whether operators can keep up (EEMUA 191)."""

from __future__ import annotations

from devices.registry import Kinds
from grafana.alert_panels import open_by_severity, open_table
from grafana.board import board, choice
from grafana.limits import GREEN
from grafana.measurements import ALERTS, ALL, EVENT
from grafana.panels import bars, column, grid, lines, rename, row, stat
from grafana.queries import Json, graph, of_kind, over_time, select, table
from grafana.tongue import SEVERITIES, Tongue

_RED, _AMBER = SEVERITIES["critical"][2], SEVERITIES["high"][2]
_RAISED = "\"what\" = 'raised'"
_KINDS = '"kind" =~ /^${kind:regex}$/'
# EEMUA 191, 3rd edition: what an operator can manage, per ten minutes in steady state and after an upset.
_STEADY, _UPSET = 1, 10


def alerts_board(kinds: Kinds, tongue: Tongue) -> Json:
    """Alerts of the whole city, or of some kinds."""
    panels = [
        open_by_severity(tongue, ALL, w=12),
        *_standing(tongue),
        open_table(tongue, _KINDS),
        row(tongue("Tải cho người trực (EEMUA 191)", "Load on operators (EEMUA 191)")),
        _rate(tongue),
        _by_rule(tongue),
        _by_subject(tongue),
        row(tongue("Lịch sử", "History")),
        _by_severity(tongue),
        _standing_over_time(tongue),
        _history(tongue),
    ]
    query = 'SHOW TAG VALUES FROM "board.alerts" WITH KEY = "kind"'
    variables = [choice("kind", tongue("Loại", "Kind"), query, many=True, regex="/^(?!all$).*$/")]
    title = tongue("Cảnh báo", "Alerts")
    text = tongue(
        "Cảnh báo nào đang mở, do đâu, và người trực có kham nổi không.",
        "Which alerts stand, where they come from, and whether operators can keep up.",
    )
    return board(tongue, "alerts", title, text, panels, variables, refresh="30s", tags=("alerts",))


def _standing(tongue: Tongue) -> list[Json]:
    unseen = over_time('last("unacknowledged")', ALERTS, of_kind(ALL), '"severity"')
    oldest = over_time('max("oldest_s")', ALERTS, of_kind(ALL))
    return [
        stat(
            tongue("Chưa ai nhận", "Nobody has taken"),
            tongue(
                "Cảnh báo đang mở mà chưa ai nhận, theo mức độ. Mở bảng dưới và giao việc, nặng trước.",
                "Alerts that stand and nobody has, by severity. Open the table below and assign, the worst first.",
            ),
            [graph(unseen, "$tag_severity")],
            w=8,
            steps=((None, GREEN), (1, _AMBER)),
            overrides=[column(n, ("displayName", tongue.severity(n))) for n in SEVERITIES],
        ),
        stat(
            tongue("Chờ lâu nhất", "Longest without an answer"),
            tongue(
                "Cảnh báo lâu nhất chưa ai nhận. Trên 10 phút ở mức khẩn cấp: gọi người trực tiếp theo.",
                "The longest that nobody has taken. Over 10 minutes where critical: call the next on duty.",
            ),
            [graph(oldest, tongue("Lâu nhất", "Longest"))],
            unit="s",
            steps=((None, GREEN), (600, _AMBER), (3600, _RED)),
        ),
    ]


def _rate(tongue: Tongue) -> Json:
    query = select('count("alert")', EVENT, f"{_RAISED} AND {_KINDS}", "time(10m)", tail="fill(0)")
    return lines(
        tongue("Cảnh báo mới trong 10 phút", "New alerts in 10 minutes"),
        tongue(
            "EEMUA 191: tới 1 là chịu được, trên 10 là lũ cảnh báo. Lũ: tìm nguyên nhân chung ở hình bên, gác các cảnh báo con.",
            "EEMUA 191: up to 1 is manageable, above 10 is a flood. In a flood look beside for one cause, and shelve the rest.",
        ),
        [graph(query, tongue("Mới", "New"))],
        w=24,
        unit="short",
        steps=((None, GREEN), (_STEADY, _AMBER), (_UPSET, _RED)),
        defaults={"decimals": 0, "min": 0},
    )


def _by_rule(tongue: Tongue) -> Json:
    query = over_time('count("alert")', EVENT, f"{_RAISED} AND {_KINDS}", '"rule"', fill="none")
    return bars(
        tongue("Do đâu: theo quy tắc", "Where from: by rule"),
        tongue(
            "Cảnh báo mới của mỗi quy tắc. Vài quy tắc chiếm phần lớn: sửa ngưỡng, độ trễ, hoặc nguyên nhân của chúng.",
            "New alerts of each rule. A few that make up most of them: mend their level, their dwell, or their cause.",
        ),
        [graph(query, "$tag_rule")],
        w=12,
        unit="short",
        more={"maxDataPoints": 1000},
        total=True,
    )


def _by_subject(tongue: Tongue) -> Json:
    query = over_time('count("alert")', EVENT, f"{_RAISED} AND {_KINDS}", '"subject"', fill="none")
    return bars(
        tongue("Do đâu: theo thiết bị", "Where from: by device"),
        tongue(
            "Thiết bị nào báo nhiều nhất. Một thiết bị lặp lại: sửa nó, hoặc đưa ra khỏi dịch vụ có lý do và thời hạn.",
            "Which device tells most. One that repeats itself: mend it, or take it out of service with a reason.",
        ),
        [graph(query, "$tag_subject")],
        w=12,
        unit="short",
        more={"maxDataPoints": 1000},
        total=True,
    )


def _by_severity(tongue: Tongue) -> Json:
    query = over_time('count("alert")', EVENT, f"{_RAISED} AND {_KINDS}", '"severity"', fill="0")
    return lines(
        tongue("Cảnh báo mới theo mức độ", "New alerts by severity"),
        tongue(
            "EEMUA 191 mong khoảng 5 % khẩn cấp, 15 % cao, 80 % còn lại. Quá nhiều mức cao: xếp lại mức độ của quy tắc.",
            "EEMUA 191 expects about 5 % critical, 15 % high, 80 % the rest. Too many high: set the rules' severities anew.",
        ),
        [graph(query, "$tag_severity")],
        unit="short",
        stacked="normal",
        overrides=[
            column(
                n,
                ("displayName", tongue.severity(n)),
                ("color", {"mode": "fixed", "fixedColor": c}),
            )
            for n, (_, _, c) in SEVERITIES.items()
        ],
    )


def _standing_over_time(tongue: Tongue) -> Json:
    what = 'max("shown") AS "shown", max("held") AS "held"'
    query = over_time(what, ALERTS, f"{of_kind(ALL)}", '"severity"')
    return lines(
        tongue("Đang mở và đang gác theo thời gian", "Standing and held back over time"),
        tongue(
            "Đang mở không giảm qua nhiều ngày: cảnh báo đứng mãi, phải sửa hoặc bỏ. Đang gác tăng: xem lại thời hạn gác.",
            "Standing ones that do not fall for days stand for good: mend or remove them. More held back: look at the shelf.",
        ),
        [graph(query, "$tag_severity $col")],
        unit="short",
        defaults={"decimals": 0, "min": 0},
    )


def _history(tongue: Tongue) -> Json:
    language = tongue.language
    names = {
        "Time": tongue("Lúc", "When"),
        "what": tongue("Việc", "What"),
        "severity": tongue("Mức", "Severity"),
        f"title_{language}": tongue("Cảnh báo", "Alert"),
        f"place_{language}": tongue("Nơi", "Place"),
        "value": tongue("Giá trị", "Value"),
        "by": tongue("Ai", "By"),
    }
    fields = ", ".join(f'"{n}"' for n in names if n != "Time")
    query = select(fields, EVENT, _KINDS, tail="ORDER BY time DESC LIMIT 500")
    return grid(
        tongue("Lịch sử cảnh báo", "History of alerts"),
        tongue(
            "Mọi thay đổi: mở, nặng lên, nhận, gác, hết. Lọc theo cột để dựng lại một sự cố.",
            "Every change: raised, worse, taken, shelved, over. Filter by a column to go through an incident again.",
        ),
        [table(query)],
        transformations=[rename(names, hidden=())],
    )
