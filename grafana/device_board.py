"""One device in depth: its values with their flags, whether it is heard of, its battery, commands, alerts and account."""

from __future__ import annotations

from devices.registry import Kinds
from grafana.board import board, choice, to_console
from grafana.limits import GREEN
from grafana.measurements import ACCOUNT, COMMAND, DEVICE, EVENT
from grafana.panels import grid, lines, link, rename, row, stat
from grafana.queries import Json, graph, over_time, select, table
from grafana.tongue import SEVERITIES, Tongue

_RED, _AMBER = SEVERITIES["critical"][2], SEVERITIES["high"][2]
_THIS = "\"device\" = '$device'"


def device_board(kinds: Kinds, tongue: Tongue) -> Json:
    """Any device of any kind: kind and device are chosen above, quantities too."""
    panels = [
        *_now(tongue),
        row(tongue("Giá trị và cờ chất lượng", "Values and quality flags")),
        _values(tongue),
        _flags(tongue),
        row(tongue("Liên lạc", "Link")),
        _online(tongue),
        _records(tongue),
        row(tongue("Lệnh đến thiết bị", "Commands to the device")),
        _commands(tongue),
        row(tongue("Cảnh báo của thiết bị", "The device's alerts")),
        _history(tongue),
    ]
    own = {q.name for k in kinds for q in k.quantities} - {"online"}
    regex = "/^(?!.*_flag$)(?!online$|received$|computed$).*$/"
    assert not any(name.endswith("_flag") for name in own)
    variables = [
        choice(
            "kind", tongue("Loại", "Kind"), 'SHOW TAG VALUES FROM "board.device" WITH KEY = "kind"'
        ),
        choice(
            "device",
            tongue("Thiết bị", "Device"),
            'SHOW TAG VALUES FROM "board.device" WITH KEY = "device" WHERE "kind" = \'$kind\'',
        ),
        choice(
            "quantity",
            tongue("Đại lượng", "Quantity"),
            'SHOW FIELD KEYS FROM "$kind"',
            many=True,
            regex=regex,
        ),
    ]
    title = tongue("Thiết bị", "Device")
    text = tongue(
        "Một thiết bị: nó đo gì, có tin được không, và cần sửa gì.",
        "One device: what it measures, whether it can be trusted, and what to mend.",
    )
    return board(
        tongue, "device", title, text, panels, variables,
        events="\"subject\" = '$device'", tags=("device",),
    )  # fmt: skip


def _now(tongue: Tongue) -> list[Json]:
    to_alerts = link(
        tongue("Cảnh báo trong trang điều hành", "Alerts in the console"),
        to_console(tongue, "${device}"),
        blank=True,
    )
    return [
        stat(
            tongue("Kết nối", "Online"),
            tongue(
                "Đỏ: thiết bị im lặng. Kiểm tra nguồn và đường truyền; bấm để xem cảnh báo của nó.",
                "Red: the device is silent. Check power and link; click for its alerts.",
            ),
            [graph(over_time('last("online")', DEVICE, _THIS))],
            w=6,
            steps=((None, _RED), (1, GREEN)),
            defaults={
                "links": [to_alerts],
                "mappings": [
                    {
                        "type": "value",
                        "options": {
                            "0": {"text": tongue("Mất kết nối", "Offline"), "index": 0},
                            "1": {"text": tongue("Đang kết nối", "Online"), "index": 1},
                        },
                    }
                ],
            },
        ),
        stat(
            tongue("Số liệu cuối", "Last reading"),
            tongue(
                "Lần cuối thiết bị gửi số đo. Cũ hơn chu kỳ của loại: nguồn, đường truyền hoặc đồng hồ của thiết bị.",
                "When it last sent a reading. Older than its kind's interval: power, link or the device's clock.",
            ),
            [graph(over_time('last("seen")', DEVICE, _THIS))],
            w=6,
            unit="dateTimeFromNow",
        ),
        stat(
            tongue("Bị từ chối vì gửi quá dày", "Refused for sending too often"),
            tongue(
                "Tỷ lệ bản tin bị từ chối trong các giờ qua. Trên 0: kiểm tra cấu hình; bản tin thừa nằm trong khu cách ly.",
                "Records refused in the past hours. Above 0: check its settings; what was too much waits in quarantine.",
            ),
            [graph(over_time('sum("quarantined:rate_limited") / sum("received") * 100', ACCOUNT, _THIS, policy="log"))],
            w=6,
            unit="percent",
            steps=((None, GREEN), (0.01, _AMBER)),
            defaults={"noValue": "0"},
        ),
        stat(
            tongue("Nhận trong khoảng đang xem", "Received in this range"),
            tongue(
                "Số bản ghi của thiết bị. Ít hơn hẳn thiết bị cùng loại: mất bản tin trên đường.",
                "Records of the device. Many fewer than others of its kind: messages are lost on the way.",
            ),
            [graph(over_time('sum("received")', ACCOUNT, _THIS, policy="log"))],
            w=6,
            unit="short",
        ),
    ]  # fmt: skip


def _values(tongue: Tongue) -> Json:
    return lines(
        tongue("Giá trị", "Values"),
        tongue(
            "Trung bình mỗi khoảng, mọi cờ. Chọn đại lượng phía trên; so với hình cờ bên dưới trước khi tin một đỉnh.",
            "Mean of each interval, whatever the flag. Choose quantities above; look at the flags before you trust a peak.",
        ),
        [graph(over_time("mean(/^${quantity:regex}$/)", "$kind", _THIS), "$col")],
        w=24,
        h=10,
    )


def _flags(tongue: Tongue) -> Json:
    return lines(
        tongue("Cờ chất lượng", "Quality flags"),
        tongue(
            "Cờ xấu nhất mỗi khoảng: 1 tốt, 2 chưa đánh giá, 3 nghi ngờ, 4 sai, 9 thiếu. Ở 4 lâu: sửa hoặc hiệu chuẩn cảm biến.",
            "The worst flag of each interval: 1 good, 2 not evaluated, 3 suspect, 4 fail, 9 missing. Long at 4: mend or calibrate.",
        ),
        [graph(over_time("max(/_flag$/)", "$kind", _THIS), "$col")],
        w=24,
        h=7,
        steps=((None, GREEN), (3, _AMBER), (4, _RED)),
        defaults={"min": 0, "max": 9, "decimals": 0},
    )


def _online(tongue: Tongue) -> Json:
    return lines(
        tongue("Kết nối theo thời gian", "Online over time"),
        tongue(
            "1 khi được nghe thấy, 0 khi im lặng. Rơi đều đặn vào một giờ: xem nguồn điện hoặc lịch của nhà mạng.",
            "1 while heard of, 0 while silent. It falls at the same hour each day: look at the supply or the carrier.",
        ),
        [graph(over_time('min("online")', DEVICE, _THIS, fill="previous"), tongue("Kết nối", "Online"))],
        defaults={"min": 0, "max": 1, "decimals": 0},
    )  # fmt: skip


def _records(tongue: Tongue) -> Json:
    what = ", ".join(
        f'sum("{n}") AS "{n}"' for n in ("received", "stored", "duplicate", "late", "gap")
    )
    return lines(
        tongue("Sổ của thiết bị", "The device's account"),
        tongue(
            "Nhận, lưu, trùng, muộn và thiếu, theo giờ nhận. Thiếu tăng: bản tin mất trên đường; trùng tăng: gửi lại.",
            "Received, stored, duplicate, late and gaps, by hour of receipt. More gaps: lost on the way; duplicates: sent again.",
        ),
        [graph(over_time(what, ACCOUNT, _THIS, policy="log", fill="none"), "$col")],
        unit="short",
    )


def _commands(tongue: Tongue) -> Json:
    names = {
        "Time": tongue("Lúc", "When"),
        "command": tongue("Lệnh", "Command"),
        "value": tongue("Giá trị", "Value"),
        "state": tongue("Trạng thái", "State"),
        "applied": tongue("Đã đặt", "Applied"),
        "error": tongue("Lý do", "Why not"),
        "by": tongue("Ai", "By"),
    }
    fields = ", ".join(f'"{n}"' for n in names if n != "Time")
    query = select(fields, COMMAND, _THIS, tail="ORDER BY time DESC LIMIT 100")
    return grid(
        tongue("Lệnh đã gửi", "Commands"),
        tongue(
            "Ai đã yêu cầu thiết bị làm gì, và kết quả. Quá hạn nhiều lần: thiết bị không nghe được; xem kết nối và quyền ở máy chủ MQTT.",
            "Who told it what, and what became of it. Timed out again and again: it does not hear; look at its link and its rights at the broker.",
        ),
        [table(query)],
        transformations=[rename(names, hidden=())],
    )  # fmt: skip


def _history(tongue: Tongue) -> Json:
    language = tongue.language
    names = {
        "Time": tongue("Lúc", "When"),
        "what": tongue("Việc", "What"),
        f"title_{language}": tongue("Cảnh báo", "Alert"),
        "severity": tongue("Mức", "Severity"),
        "value": tongue("Giá trị", "Value"),
        "by": tongue("Ai", "By"),
    }
    fields = ", ".join(f'"{n}"' for n in names if n != "Time")
    query = select(fields, EVENT, "\"subject\" = '$device'", tail="ORDER BY time DESC LIMIT 200")
    return grid(
        tongue("Lịch sử cảnh báo", "History of alerts"),
        tongue(
            "Mỗi dòng là một thay đổi của cảnh báo ở thiết bị này. Lặp lại nhiều: sửa nguyên nhân, đừng chỉ nhận.",
            "Each line is a change of an alert at this device. The same again and again: mend the cause.",
        ),
        [table(query)],
        transformations=[rename(names, hidden=())],
    )
