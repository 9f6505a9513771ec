"""Energy of street lighting: what it takes, what dimming saves, how long lamps burn, and which have failed."""

from __future__ import annotations

from devices.registry import Kinds
from grafana.board import area_choice, board, to_board
from grafana.limits import GREEN, words_of
from grafana.measurements import AREA, DEVICE
from grafana.panels import bars, column, grid, lines, link, rename, row, stat
from grafana.queries import AREAS, Json, graph, of_kind, over_time, select, table
from grafana.tongue import SEVERITIES, Tongue

_RED, _AMBER = SEVERITIES["critical"][2], SEVERITIES["high"][2]
_GOOD = '"{0}_flag" <= 2'


def energy_board(kinds: Kinds, tongue: Tongue) -> Json:
    """Lamps and feeders together; needs the kinds `lamp` and `feeder`."""
    panels = [
        row(tongue("Trong khoảng đang xem", "In this range")),
        *_totals(tongue),
        row(tongue("Công suất", "Power")),
        _power(tongue),
        _dimming(tongue),
        row(tongue("Từng đêm", "Night by night")),
        _nights(tongue),
        _burning(tongue),
        row(tongue("Hỏng", "Failures")),
        _failures(kinds, tongue),
        _worst_areas(kinds, tongue),
        _table(tongue),
    ]
    title = tongue("Điện năng chiếu sáng", "Energy of lighting")
    text = tongue(
        "Đèn dùng bao nhiêu điện, giảm sáng tiết kiệm được bao nhiêu, đèn nào hỏng.",
        "What lamps take, what dimming saves, and which have failed.",
    )
    return board(
        tongue, "energy", title, text, panels, [area_choice(tongue, "lamp")],
        span="now-7d", refresh="5m", events=of_kind("lamp"), tags=("lighting",),
    )  # fmt: skip


def _totals(tongue: Tongue) -> list[Json]:
    night = over_time('sum("energy_night")', "lamp", fill="none")
    saving = over_time('mean("dimming_saving")', "lamp", fill="none")
    hours = over_time('mean("burning_hours")', "lamp", fill="none")
    return [
        stat(
            tongue("Điện năng các đêm", "Energy of the nights"),
            tongue(
                "Tổng điện năng các đèn trong các đêm đang xem, theo đồng hồ từng đèn. So với hóa đơn của tủ.",
                "What all lamps took in the nights of this range, by their own meters. Compare with the feeders' bill.",
            ),
            [graph(night, tongue("Điện năng", "Energy"))],
            w=8,
            unit="kwatth",
            total=True,
        ),
        stat(
            tongue("Tiết kiệm so với sáng hết mức", "Saved against full power"),
            tongue(
                "Phần điện năng mà giảm sáng tiết kiệm được, trung bình các đèn. Thấp: xem lại lịch giảm sáng.",
                "The share that dimming saves against full power, mean of the lamps. Low: look at the dimming plan.",
            ),
            [graph(saving, tongue("Tiết kiệm", "Saved"))],
            w=8,
            unit="percent",
            steps=((None, _AMBER), (20, GREEN)),
        ),
        stat(
            tongue("Số giờ sáng mỗi đêm", "Burning hours a night"),
            tongue(
                "Trung bình các đèn. Dài hơn đêm: đèn sáng ban ngày; ngắn hơn nhiều: mất nguồn hoặc sai lịch.",
                "Mean of the lamps. Longer than the night: they burn by day; much shorter: no supply, or a wrong plan.",
            ),
            [graph(hours, tongue("Giờ", "Hours"))],
            w=8,
            unit="h",
        ),
    ]


def _power(tongue: Tongue) -> Json:
    feeder = over_time('mean("power")', "feeder", _GOOD.format("power"), '"device"')
    return lines(
        tongue("Công suất của các tủ", "Power of the feeders"),
        tongue(
            "Tủ về 0 trong đêm: mất nguồn cả tuyến. Có công suất ban ngày: đèn sáng ban ngày hoặc câu trộm điện.",
            "A feeder at 0 by night: the whole string is dark. Power by day: lamps burn by day, or somebody taps the line.",
        ),
        [graph(feeder, "$tag_device")],
        unit="watt",
        defaults={"links": [_to_device(tongue, "feeder", "${__field.labels.device}")]},
    )


def _dimming(tongue: Tongue) -> Json:
    lamp = over_time('mean("dimming") AS "dimming"', "lamp", _GOOD.format("dimming"))
    power = over_time('mean("power") AS "power"', "lamp", _GOOD.format("power"))
    return lines(
        tongue("Mức sáng lệnh và công suất mỗi đèn", "Dimming level and power of a lamp"),
        tongue(
            "Trung bình các đèn. Công suất không theo mức lệnh: bộ điều khiển không nghe, gửi lại lịch hoặc thay.",
            "Mean of the lamps. Power that does not follow the level: controllers do not obey; send the plan again.",
        ),
        [graph(lamp, tongue("Mức sáng", "Level")), graph(power, tongue("Công suất", "Power"))],
        unit="none",
        overrides=[
            column(
                tongue("Mức sáng", "Level"), ("unit", "percent"), ("custom.axisPlacement", "right")
            ),
            column(tongue("Công suất", "Power"), ("unit", "watt")),
        ],
    )


def _nights(tongue: Tongue) -> Json:
    query = over_time('sum("energy_night")', "lamp", fill="none")
    return lines(
        tongue("Điện năng mỗi đêm", "Energy of each night"),
        tongue(
            "Tổng các đèn mỗi đêm. Một đêm cao hẳn: giảm sáng không chạy; thấp hẳn: mất nguồn hoặc mất liên lạc.",
            "All lamps, night by night. One that is much higher: dimming did not run; much lower: no supply or no link.",
        ),
        [graph(query, tongue("Điện năng", "Energy"))],
        unit="kwatth",
    )


def _burning(tongue: Tongue) -> Json:
    what = 'min("burning_hours") AS "min", mean("burning_hours") AS "mean", max("burning_hours") AS "max"'
    return lines(
        tongue("Số giờ sáng: ít nhất, trung bình, nhiều nhất", "Burning hours: least, mean, most"),
        tongue(
            "Chênh lệch lớn giữa các đèn của một thành phố: tìm đèn sáng ban ngày và đèn không sáng ở bảng dưới.",
            "Lamps of one city that differ much: look in the table below for those that burn by day and those that don't.",
        ),
        [graph(over_time(what, "lamp", fill="none"), "$col")],
        unit="h",
    )


def _failures(kinds: Kinds, tongue: Tongue) -> Json:
    what = ", ".join(f'sum("{n}") AS "{n}"' for n in ("lamp_failure", "day_burner"))
    inner = select(
        'last("lamp_failure") AS "lamp_failure", last("day_burner") AS "day_burner"',
        DEVICE, f"{of_kind('lamp')} AND {AREAS}", 'time($__interval), "device"', tail="fill(previous)",
    )  # fmt: skip
    query = f"SELECT {what} FROM ({inner}) WHERE $timeFilter GROUP BY time($__interval) fill(none)"
    words = {
        "lamp_failure": tongue("Đèn hỏng", "Failed"),
        "day_burner": tongue("Sáng ban ngày", "Burning by day"),
    }
    return lines(
        tongue("Số đèn hỏng", "Lamps that have failed"),
        f"{tongue('Tăng từng bậc cả chục đèn: mất một tuyến, xem tủ.', 'A step of a dozen at once: a string is lost, see its feeder.')} "
        f"{words_of(kinds['lamp'], 'lamp_failure', tongue)}",
        [graph(query, "$col")],
        unit="short",
        overrides=[column(n, ("displayName", text)) for n, text in words.items()],
        defaults={"decimals": 0, "min": 0},
    )


def _worst_areas(kinds: Kinds, tongue: Tongue) -> Json:
    query = over_time(
        'mean("lamp_failure_mean") * 100', AREA, f"{of_kind('lamp')} AND {AREAS}", '"area_name"'
    )
    return bars(
        tongue("Tỷ lệ đèn hỏng theo khu vực", "Share of failed lamps by area"),
        tongue(
            "Xếp tuyến thay đèn từ khu vực nhiều nhất; bấm để chỉ xem khu vực đó.",
            "Plan the round from the area with the most; click to see that area alone.",
        ),
        [graph(query, "$tag_area_name")],
        w=12,
        h=8,
        unit="percent",
        steps=((None, GREEN), (2, _AMBER), (5, _RED)),
        defaults={
            "links": [
                link(
                    tongue("Chỉ xem khu vực này", "This area alone"),
                    to_board(tongue, "energy", area="${__field.labels.area_name}"),
                )
            ]
        },
    )


def _table(tongue: Tongue) -> Json:
    names = {
        "device": tongue("Đèn", "Lamp"),
        "name": tongue("Tên", "Name"),
        "area_name": tongue("Khu vực", "Area"),
        "lamp_failure": tongue("Hỏng", "Failed"),
        "day_burner": tongue("Sáng ban ngày", "By day"),
        "power": tongue("Công suất", "Power"),
        "limit_rated_power": tongue("Công suất định mức", "Rated power"),
    }
    what = ", ".join(f'last("{n}") AS "{n}"' for n in names if n not in ("device", "area_name"))
    query = select(what, DEVICE, f"{of_kind('lamp')} AND {AREAS}", '"device", "area_name"')
    field = f'${{__data.fields["{names["device"]}"]}}'
    return grid(
        tongue("Đèn cần sửa", "Lamps to mend"),
        tongue(
            "Sắp xếp theo cột hỏng; công suất thấp hơn định mức khi sáng hết mức là chóa hoặc bộ nguồn yếu.",
            "Sort by failed; a lamp that takes less than its rated power at full level has a weak driver.",
        ),
        [table(query)],
        overrides=[
            column(names["device"], ("links", [_to_device(tongue, "lamp", field)])),
            column(names["power"], ("unit", "watt")),
            column(names["limit_rated_power"], ("unit", "watt")),
        ],
        transformations=[rename(names)],
    )


def _to_device(tongue: Tongue, kind: str, device: str) -> Json:
    return link(
        tongue("Mở thiết bị", "Open the device"),
        to_board(tongue, "device", kind=kind, device=device),
    )
