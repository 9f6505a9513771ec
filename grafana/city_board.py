"""The wall: the whole city at a glance, and from each part a way into its own board."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from devices.kind import Kind
from devices.registry import Kinds
from grafana.alert_panels import open_by_severity, open_table
from grafana.board import board, to_board
from grafana.limits import GREEN, is_low_bad, steps_of, words_of
from grafana.maps import geomap
from grafana.measurements import ACCOUNT, ALL, AREA, DEVICE, KIND
from grafana.panels import bars, column, lines, link, row, stat
from grafana.queries import Json, graph, of_kind, over_time, select, table
from grafana.tongue import SEVERITIES, Tongue

_RED, _AMBER = SEVERITIES["critical"][2], SEVERITIES["high"][2]


def city_board(kinds: Kinds, tongue: Tongue) -> Json:
    """City overview; made for a wall (kiosk mode) and readable on a phone, where panels stand in one column."""
    panels = [
        open_by_severity(tongue, ALL, w=12),
        *_presence(kinds, tongue),
        row(tongue("Chỉ số của từng loại", "The figure of each kind")),
        *(_tile(kind, tongue) for kind in kinds),
        row(tongue("Bản đồ và cảnh báo", "Map and alerts")),
        _map(kinds, tongue),
        _offline(kinds, tongue),
        open_table(tongue, h=9),
        row(tongue("Sổ nhận dữ liệu", "The account of what was received")),
        _account(tongue),
        _late(tongue),
    ]
    title = tongue("Toàn thành phố", "City overview")
    text = tongue(
        "Màn hình của trung tâm điều hành: nơi nào cần người ngay bây giờ.",
        "The operations centre's wall: where somebody is needed now.",
    )
    return board(tongue, "city", title, text, panels, refresh="30s", span="now-6h", tags=("wall",))


def _presence(kinds: Kinds, tongue: Tongue) -> Iterator[Json]:
    what = 'sum("online") AS "online"'
    inner = over_time('last("online") AS "online"', KIND, by='"kind"')
    yield stat(
        tongue("Thiết bị kết nối", "Devices online"),
        tongue(
            "Thiết bị đang được nghe thấy trong toàn thành phố. Giảm đột ngột: kiểm tra đường truyền và bảng Nền tảng.",
            "Devices that are heard of in the whole city. A sudden fall: look at the link and the Platform board.",
        ),
        [graph(f"SELECT {what} FROM ({inner}) WHERE $timeFilter GROUP BY time($__interval) fill(none)")],
        w=6,
    )  # fmt: skip
    inner = over_time('last("offline") AS "offline"', KIND, by='"kind"')
    yield stat(
        tongue("Mất kết nối", "Offline"),
        tongue(
            "Thiết bị im lặng quá thời hạn của loại. Xem loại nào ở hình bên dưới rồi mở bảng của loại đó.",
            "Devices silent for longer than their kind allows. See below which kind, then open its board.",
        ),
        [graph(f'SELECT sum("offline") AS "offline" FROM ({inner}) WHERE $timeFilter GROUP BY time($__interval) fill(none)')],
        w=6,
        steps=((None, GREEN), (1, _AMBER)),
    )  # fmt: skip


def _tile(kind: Kind, tongue: Tongue) -> Json:
    name = kind.main
    quantity = kind.quantity(name)
    assert quantity is not None
    calc = "min" if is_low_bad(kind, name) else "max"
    field = f"{name}_mean"
    query = over_time(f'mean("{field}")', AREA, of_kind(kind.name))
    worst = over_time(f'{calc}("{name}_{calc}")', AREA, of_kind(kind.name))
    mean, extreme = tongue("Trung bình", "Mean"), tongue("Xấu nhất", "Worst")
    return stat(
        tongue(kind.vi, kind.en),
        f"{tongue(quantity.vi, quantity.en)}: {tongue('trung bình các khu vực và nơi xấu nhất; bấm để mở bảng của loại.', 'mean of the areas, and the worst place; click for the board of the kind.')} "
        f"{words_of(kind, name, tongue)}",
        [graph(query, mean), graph(worst, extreme)],
        w=6,
        unit=tongue.unit(quantity.unit),
        steps=steps_of(kind, name, tongue),
        defaults={
            "decimals": 1,
            "links": [link(tongue("Mở bảng của loại", "Open the board of the kind"), to_board(tongue, f"kind-{kind.name}"))],
        },
    )  # fmt: skip


def _map(kinds: Kinds, tongue: Tongue) -> Json:
    what = 'last("lat") AS "lat", last("lon") AS "lon", last("name") AS "name", last("online") AS "online"'
    query = select(what, DEVICE, by='"device", "kind", "area_name"')
    to_device = to_board(
        tongue, "device", kind="${__data.fields.kind}", device="${__data.fields.device}"
    )
    return geomap(
        tongue("Bản đồ thiết bị", "Map of devices"),
        tongue(
            "Chấm đỏ là thiết bị mất kết nối. Nhiều chấm đỏ cạnh nhau: mất điện hoặc mất đường truyền ở đó.",
            "A red dot is a device that is offline. Many beside one another: no power or no link there.",
        ),
        [table(query)],
        "online",
        unit="none",
        steps=((None, _RED), (1, GREEN)),
        overrides=[column("device", ("links", [link(tongue("Mở thiết bị", "Open the device"), to_device)]))],
    )  # fmt: skip


def _offline(kinds: Kinds, tongue: Tongue) -> Json:
    query = over_time('last("offline")', KIND, by='"kind"')
    names = [
        column(
            k.name,
            ("displayName", tongue(k.vi, k.en)),
            ("links", [link(tongue(k.vi, k.en), to_board(tongue, f"kind-{k.name}"))]),
        )
        for k in kinds
    ]
    return bars(
        tongue("Ai mất kết nối", "Who is offline"),
        tongue(
            "Số thiết bị mất kết nối theo loại. Cả một loại cùng mất: nghi nhà mạng hoặc cổng của loại đó.",
            "Devices that are offline, by kind. A whole kind at once: suspect its carrier or gateway.",
        ),
        [graph(query, "$tag_kind")],
        h=14,
        steps=((None, GREEN), (1, _AMBER), (10, _RED)),
        overrides=names,
    )


def _account(tongue: Tongue) -> Json:
    words = {
        "received": tongue("Nhận", "Received"),
        "stored": tongue("Lưu", "Stored"),
        "duplicate": tongue("Trùng", "Duplicate"),
    }
    return lines(
        tongue("Sổ nhận dữ liệu theo giờ", "The account by hour"),
        tongue(
            "Nhận = lưu + trùng + cách ly. Nhận tụt xuống: thiết bị hoặc đường truyền; trùng tăng: thiết bị gửi lại nhiều.",
            "Received = stored + duplicate + quarantined. Received falls: devices or link; duplicates rise: they send again.",
        ),
        [graph(_by_hour(words), "$col")],
        unit="short",
        overrides=[column(n, ("displayName", text)) for n, text in words.items()],
    )


def _late(tongue: Tongue) -> Json:
    words = {"late": tongue("Muộn", "Late"), "gap": tongue("Thiếu bản tin", "Gaps")}
    return lines(
        tongue("Muộn và thiếu theo giờ", "Late and missing by hour"),
        tongue(
            "Bản ghi đến muộn, và bản tin mà số thứ tự của thiết bị cho biết đã không đến. Tăng: đường truyền chập chờn.",
            "Records that came late, and messages that a device's numbers say never came. More: the link is unsteady.",
        ),
        [graph(_by_hour(words), "$col")],
        unit="short",
        overrides=[column(n, ("displayName", text)) for n, text in words.items()],
    )


def _by_hour(outcomes: Iterable[str]) -> str:
    """Sums over all devices; the account has one point an hour and device."""
    what = ", ".join(f'sum("{n}") AS "{n}"' for n in outcomes)
    return select(what, ACCOUNT, by="time(1h)", policy="log", tail="fill(none)")
