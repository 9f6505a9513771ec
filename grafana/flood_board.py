"""Flood: water level of each station against its own alarm levels I to III, the tide and the rain that come."""

from __future__ import annotations

from devices.registry import Kinds
from grafana.alert_panels import open_table
from grafana.board import board, choice, to_board
from grafana.limits import GREEN, steps_of, words_of
from grafana.maps import geomap
from grafana.measurements import DEVICE, TIDE
from grafana.panels import bars, column, lines, link, row
from grafana.queries import Json, graph, of_kind, over_time, select, table
from grafana.tongue import SEVERITIES, Tongue

_LEVEL = of_kind("level")
_THESE = '"device" =~ /^${station:regex}$/'
_COLOURS = {
    "bd1": SEVERITIES["medium"][2],
    "bd2": SEVERITIES["high"][2],
    "bd3": SEVERITIES["critical"][2],
}


def flood_board(kinds: Kinds, tongue: Tongue) -> Json:
    """Stations of kind `level`; alarm levels come with each device."""
    panels = [
        _stages(kinds, tongue),
        _map(kinds, tongue),
        row(tongue("Mực nước và cấp báo động", "Water level and alarm levels")),
        _levels(kinds, tongue),
        _one(tongue),
        _tide(tongue),
        row(tongue("Mưa", "Rain")),
        _rain(tongue),
        _rain_sum(tongue),
        open_table(tongue, _LEVEL, h=8),
    ]
    query = f'SHOW TAG VALUES FROM "board.device" WITH KEY = "device" WHERE {_LEVEL}'
    variables = [
        choice("station", tongue("Trạm", "Station"), query, many=True),
        choice("one", tongue("So với báo động ở trạm", "Against the levels at"), query),
    ]
    title = tongue("Ngập và triều", "Flood")
    text = tongue(
        "Trạm nào lên tới báo động nào, triều sắp lên tới đâu, và mưa ở đâu.",
        "Which station has reached which alarm level, how high the tide comes, and where it rains.",
    )
    return board(
        tongue,
        "flood",
        title,
        text,
        panels,
        variables,
        events=_LEVEL,
        tags=("flood",),
        span="now-2d",
    )


def _stages(kinds: Kinds, tongue: Tongue) -> Json:
    kind = kinds["level"]
    query = over_time('last("flood_stage")', DEVICE, f"{_LEVEL} AND {_THESE}", '"device"')
    return bars(
        tongue("Cấp báo động của mỗi trạm", "Alarm level of each station"),
        words_of(kind, "flood_stage", tongue),
        [graph(query, "$tag_device")],
        h=14,
        steps=steps_of(kind, "flood_stage", tongue),
        defaults={
            "min": 0,
            "max": 3,
            "decimals": 0,
            "links": [_to_device(tongue, "${__field.labels.device}")],
        },
    )


def _map(kinds: Kinds, tongue: Tongue) -> Json:
    what = 'last("lat") AS "lat", last("lon") AS "lon", last("name") AS "name", last("flood_stage") AS "flood_stage", last("level") AS "level"'
    query = select(what, DEVICE, f"{_LEVEL} AND {_THESE}", '"device"')
    return geomap(
        tongue("Bản đồ các trạm", "Map of stations"),
        f"{tongue('Màu là cấp báo động; bấm để mở trạm.', 'The colour is the alarm level; click to open a station.')} "
        f"{words_of(kinds['level'], 'flood_stage', tongue)}",
        [table(query)],
        "flood_stage",
        unit="none",
        steps=steps_of(kinds["level"], "flood_stage", tongue),
        overrides=[column("device", ("links", [_to_device(tongue, "${__data.fields.device}")]))],
    )


def _levels(kinds: Kinds, tongue: Tongue) -> Json:
    query = over_time('max("level")', "level", f'{_THESE} AND "level_flag" <= 2', '"device"')
    return lines(
        tongue("Mực nước các trạm", "Water level of the stations"),
        tongue(
            "Cao nhất mỗi khoảng, theo mốc quốc gia. Nước lên nhanh hơn triều ở một trạm: mưa hoặc xả từ thượng nguồn.",
            "The highest of each interval, national datum. Faster than the tide at one station: rain, or water released.",
        ),
        [graph(query, "$tag_device")],
        unit="lengthm",
    )


def _one(tongue: Tongue) -> Json:
    level = over_time(
        'max("level") AS "level"', "level", '"device" = \'$one\' AND "level_flag" <= 2'
    )
    limits = ", ".join(f'last("limit_{n}") AS "{n}"' for n in _COLOURS)
    held = over_time(limits, DEVICE, "\"device\" = '$one'", fill="previous")
    words = {
        "level": tongue("Mực nước", "Level"),
        "bd1": tongue("Báo động I", "Alarm level I"),
        "bd2": tongue("Báo động II", "Alarm level II"),
        "bd3": tongue("Báo động III", "Alarm level III"),
    }
    return lines(
        tongue("Một trạm so với BĐ1–3 của nó", "One station against its levels I–III"),
        tongue(
            "Cấp báo động riêng của trạm (QĐ 05/2020/QĐ-TTg). Cách BĐ dưới 10 cm và đang lên: báo các phường thấp trước.",
            "The station's own levels (QĐ 05/2020/QĐ-TTg). Within 10 cm of one and rising: warn the low wards before it comes.",
        ),
        [graph(level, "$col"), graph(held, "$col")],
        unit="lengthm",
        overrides=[
            column("level", ("displayName", words["level"])),
            *(
                column(n, ("displayName", words[n]), ("color", {"mode": "fixed", "fixedColor": c}), ("custom.lineStyle", {"fill": "dash", "dash": [8, 8]}))
                for n, c in _COLOURS.items()
            ),
        ],
    )  # fmt: skip


def _tide(tongue: Tongue) -> Json:
    """Over the hours to come, whatever the board shows: a board that reached ahead would find no open alerts."""
    query = over_time('max("level")', TIDE, "", '"station"', fill="none")
    return lines(
        tongue("Triều thiên văn dự báo ở Vũng Tàu", "Astronomical tide forecast at Vũng Tàu"),
        tongue(
            "48 giờ tới, so với mực nước biển trung bình, không phải mốc quốc gia của các trạm. Chỉ là triều thiên văn, chưa kể "
            "nước dâng và mưa. Đỉnh triều tới Phú An sau khoảng 3 đến 3,7 giờ: đóng cống ngăn triều và cho bơm trực trước lúc đó. "
            "Nguồn: hằng số điều hòa TICON-4 (CC BY 4.0). Trống ở thành phố không có triều, như Hà Nội.",
            "The coming 48 hours, above mean sea level, not the stations' national datum. The astronomical tide alone, without "
            "surge and rain. High water reaches Phú An about 3 to 3.7 hours later: close the tide gates and man the pumps before. "
            "Source: harmonic constituents of TICON-4 (CC BY 4.0). Empty for a city without a tide, such as Hanoi.",
        ),
        [graph(query, "$tag_station")],
        w=24,
        unit="lengthm",
        more={"timeFrom": "+2d", "interval": "10m"},
    )


def _rain(tongue: Tongue) -> Json:
    query = over_time('sum("rain")', "level", f'{_THESE} AND "rain_flag" <= 2', '"device"')
    return lines(
        tongue("Mưa ở các trạm mực nước", "Rain at the level stations"),
        tongue(
            "Tổng mỗi khoảng. Mưa lớn lúc triều lên: cho bơm trực và đóng cống ngăn triều.",
            "Sum of each interval. Heavy rain on a rising tide: man the pumps and close the tide gates.",
        ),
        [graph(query, "$tag_device")],
        unit="lengthmm",
    )


def _rain_sum(tongue: Tongue) -> Json:
    query = over_time('sum("rain")', "weather", '"rain_flag" <= 2', '"device"', fill="none")
    return bars(
        tongue("Mưa ở các trạm khí tượng", "Rain at the weather stations"),
        tongue(
            "Tổng trong khoảng đang xem. Trên 50 mm trong vài giờ: kiểm tra các điểm ngập quen thuộc trong vùng.",
            "Sum of this range. More than 50 mm in a few hours: look at the places nearby that are known to flood.",
        ),
        [graph(query, "$tag_device")],
        w=12,
        h=8,
        unit="lengthmm",
        steps=((None, GREEN), (16, _COLOURS["bd1"]), (50, _COLOURS["bd2"]), (100, _COLOURS["bd3"])),
        total=True,
    )


def _to_device(tongue: Tongue, device: str) -> Json:
    return link(
        tongue("Mở trạm", "Open the station"),
        to_board(tongue, "device", kind="level", device=device),
    )
