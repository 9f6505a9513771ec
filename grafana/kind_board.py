"""The board of a kind, derived from what the kind declares: index, limits, areas, map, quality, devices."""

from __future__ import annotations

from collections.abc import Iterator

from analytics.indices.registry import index_of
from devices.kind import Kind, Quantity
from grafana.alert_panels import open_by_severity
from grafana.board import area_choice, board, to_board, to_console
from grafana.limits import GREEN, is_low_bad, steps_of, words_of
from grafana.maps import geomap
from grafana.measurements import AREA, DEVICE, FLAGS, KIND, QUALITY, measured, shown
from grafana.panels import bars, column, grid, lines, link, rename, row, stat
from grafana.queries import AREAS, Json, graph, of_kind, over_time, select, table
from grafana.tongue import SEVERITIES, Tongue

_RED, _AMBER = SEVERITIES["critical"][2], SEVERITIES["high"][2]
_BY_AREA = '"area_name"'
FLAG_WORDS = {
    "good": ("Tốt", "Good", GREEN),
    "not_evaluated": ("Chưa đánh giá", "Not evaluated", "#7cc4ff"),
    "suspect": ("Nghi ngờ", "Suspect", "#f5d04c"),
    "fail": ("Sai", "Fail", "#ff5c5c"),
    "missing": ("Thiếu", "Missing", "#6c7887"),
}


def kind_board(kind: Kind, tongue: Tongue) -> Json:
    """One kind in the whole city and by area."""
    panels = [
        row(tongue("Hiện tại", "Now")),
        *_now(kind, tongue),
        row(tongue("Chỉ số và giới hạn theo khu vực", "Indices and limits by area")),
        *_by_area(kind, tongue),
        row(tongue("Bản đồ và so sánh khu vực", "Map, and areas compared")),
        _map(kind, tongue),
        _areas_compared(kind, tongue),
        *_measured(kind, tongue),
        row(tongue("Chất lượng và độ phủ dữ liệu", "Data quality and coverage")),
        _flags(kind, tongue),
        _coverage(kind, tongue),
        _bad_by_quantity(kind, tongue),
        row(tongue("Thiết bị", "Devices")),
        device_table(kind, tongue),
    ]
    title = f"{tongue(kind.vi, kind.en)} · {tongue('theo loại', 'by kind')}"
    text = tongue(
        f"{kind.vi}: khu vực nào xấu, vì sao, và dữ liệu có đáng tin không.",
        f"{kind.en}: which area is bad, why, and whether the data can be trusted.",
    )
    return board(
        tongue, f"kind-{kind.name}", title, text, panels, [area_choice(tongue, kind.name)],
        events=of_kind(kind.name), tags=("kind", kind.domain),
    )  # fmt: skip


def _now(kind: Kind, tongue: Tongue) -> Iterator[Json]:
    here = of_kind(kind.name)
    yield stat(
        tongue("Thiết bị kết nối", "Devices online"),
        tongue(
            "Số thiết bị đang được nghe thấy. Giảm nhiều cùng lúc: kiểm tra đường truyền, không phải thiết bị.",
            "How many are heard of. Many fewer at once: look at the link, not at the devices.",
        ),
        [graph(over_time('last("online")', KIND, here))],
    )
    yield stat(
        tongue("Mất kết nối", "Offline"),
        tongue(
            f"Im lặng quá {kind.timeout_s} giây. Mở bảng thiết bị bên dưới và cử người nếu không tự nối lại.",
            f"Silent for more than {kind.timeout_s} s. Open the table below; send someone if it does not come back.",
        ),
        [graph(over_time('last("offline")', KIND, here))],
        steps=((None, GREEN), (1, _AMBER)),
    )
    yield stat(
        tongue("Báo cáo đúng hạn", "Reporting in time"),
        tongue(
            f"Tỷ lệ thiết bị có số liệu trong {2 * kind.interval_s} giây qua. Dưới 90 %: xem độ phủ bên dưới.",
            f"Share of devices with a reading of the last {2 * kind.interval_s} s. Under 90 %: see coverage below.",
        ),
        [graph(over_time('last("current") * 100 / last("devices")', KIND, here))],
        unit="percent",
        steps=((None, _RED), (75, _AMBER), (90, GREEN)),
    )
    yield open_by_severity(tongue, kind.name, w=12)


def _by_area(kind: Kind, tongue: Tongue) -> Iterator[Json]:
    for name in shown(kind):
        quantity = kind.quantity(name)
        assert quantity is not None
        low = is_low_bad(kind, name)
        field = f"{name}_{'min' if low else 'max'}"
        query = over_time(
            f'{"min" if low else "max"}("{field}")',
            AREA,
            f"{of_kind(kind.name)} AND {AREAS}",
            _BY_AREA,
        )
        index = index_of(kind.name, name)
        worst = tongue("Thiết bị xấu nhất của mỗi khu vực.", "The worst device of each area.")
        yield lines(
            tongue(quantity.vi, quantity.en),
            f"{worst} {words_of(kind, name, tongue)}",
            [graph(query, "$tag_area_name")],
            unit=tongue.unit(quantity.unit),
            steps=steps_of(kind, name, tongue),
            bands=bool(index and index.categories),
            defaults={"links": [_to_area(kind, tongue)], "decimals": _decimals(quantity)},
        )


def _to_area(kind: Kind, tongue: Tongue) -> Json:
    return link(
        tongue("Chỉ xem khu vực này", "This area alone"),
        to_board(tongue, f"kind-{kind.name}", area="${__field.labels.area_name}"),
    )


def _decimals(quantity: Quantity) -> int:
    return 0 if quantity.resolution >= 1 else 1 if quantity.resolution >= 0.1 else 2


def headline(kind: Kind) -> str:
    """The quantity that stands for a kind: its main one."""
    return kind.main


def _areas_compared(kind: Kind, tongue: Tongue) -> Json:
    name = headline(kind)
    quantity = kind.quantity(name)
    assert quantity is not None
    query = over_time(f'mean("{name}_mean")', AREA, f"{of_kind(kind.name)} AND {AREAS}", _BY_AREA)
    return bars(
        tongue(f"So sánh khu vực: {quantity.vi}", f"Areas compared: {quantity.en}"),
        f"{tongue('Trung bình của mỗi khu vực, lần gần nhất.', 'The mean of each area, the latest.')} "
        f"{words_of(kind, name, tongue)}",
        [graph(query, "$tag_area_name")],
        h=14,
        unit=tongue.unit(quantity.unit),
        steps=steps_of(kind, name, tongue),
        defaults={"links": [_to_area(kind, tongue)], "decimals": _decimals(quantity)},
    )


def _map(kind: Kind, tongue: Tongue) -> Json:
    name = headline(kind)
    quantity = kind.quantity(name)
    assert quantity is not None
    what = f'last("lat") AS "lat", last("lon") AS "lon", last("name") AS "name", last("{name}") AS "{name}"'
    query = select(what, DEVICE, f"{of_kind(kind.name)} AND {AREAS}", '"device"')
    return geomap(
        tongue(f"Bản đồ: {quantity.vi}", f"Map: {quantity.en}"),
        f"{tongue('Mỗi chấm là một thiết bị; bấm để mở.', 'Each dot is a device; click to open it.')} "
        f"{words_of(kind, name, tongue)}",
        [table(query)],
        name,
        unit=tongue.unit(quantity.unit),
        steps=steps_of(kind, name, tongue),
        overrides=[column("device", ("links", [_to_device(kind, tongue), _to_console(tongue)]))],
    )


def _to_device(kind: Kind, tongue: Tongue) -> Json:
    url = to_board(tongue, "device", kind=kind.name, device="${__data.fields.device}")
    return link(tongue("Mở thiết bị", "Open the device"), url)


def _to_console(tongue: Tongue) -> Json:
    url = to_console(tongue, "${__data.fields.device}")
    return link(tongue("Cảnh báo trong trang điều hành", "Alerts in the console"), url, blank=True)


def _measured(kind: Kind, tongue: Tongue) -> list[Json]:
    """What the devices send and no panel above shows: the city's mean of what counts."""
    others = [n for n in measured(kind) if n not in shown(kind)]
    if not others:
        return []
    panels = [row(tongue("Các đại lượng đo khác", "Other quantities that are measured"))]
    for name in others:
        quantity = kind.quantity(name)
        assert quantity is not None
        query = over_time(f'mean("{name}")', kind.name, f'"{name}_flag" <= 2')
        panels.append(
            lines(
                tongue(quantity.vi, quantity.en),
                f"{tongue('Trung bình toàn thành phố của các giá trị tốt.', 'Mean of the good values of the city.')} "
                f"{words_of(kind, name, tongue)}",
                [graph(query, tongue("Trung bình", "Mean"))],
                w=8,
                h=7,
                unit=tongue.unit(quantity.unit),
                steps=steps_of(kind, name, tongue),
                defaults={"decimals": _decimals(quantity)},
            )
        )
    return panels


def _flags(kind: Kind, tongue: Tongue) -> Json:
    what = ", ".join(f'sum("{flag}") AS "{flag}"' for flag in FLAGS)
    words = {f: tongue(vi, en) for f, (vi, en, _) in FLAG_WORDS.items()}
    return lines(
        tongue("Cờ chất lượng (QARTOD)", "Quality flags (QARTOD)"),
        tongue(
            "Tỷ lệ giá trị mới nhất theo cờ. Phần sai hoặc nghi ngờ tăng: xem đại lượng nào ở hình bên, rồi mở thiết bị.",
            "Share of the latest values by flag. More fail or suspect: see which quantity beside, then open the device.",
        ),
        [graph(over_time(what, QUALITY, of_kind(kind.name)), "$col")],
        w=8,
        stacked="percent",
        unit="percentunit",
        overrides=[
            column(f, ("displayName", words[f]), ("color", {"mode": "fixed", "fixedColor": c}))
            for f, (_, _, c) in FLAG_WORDS.items()
        ],
    )


def _coverage(kind: Kind, tongue: Tongue) -> Json:
    query = over_time('mean("current") * 100 / mean("devices")', KIND, of_kind(kind.name))
    return lines(
        tongue("Độ phủ", "Coverage"),
        tongue(
            "Tỷ lệ thiết bị báo cáo đúng hạn. Dưới 75 % chỉ số giờ không còn được tính: tìm chỗ mất liên lạc.",
            "Share of devices that report in time. Under 75 % hourly indices stop: look for the lost link.",
        ),
        [graph(query, tongue("Độ phủ", "Coverage"))],
        w=8,
        unit="percent",
        steps=((None, _RED), (75, _AMBER), (90, GREEN)),
        defaults={"min": 0, "max": 100},
    )


def _bad_by_quantity(kind: Kind, tongue: Tongue) -> Json:
    what = '100 * (last("fail") + last("suspect")) / (last("good") + last("not_evaluated") + last("suspect") + last("fail") + last("missing"))'
    return bars(
        tongue("Sai hoặc nghi ngờ theo đại lượng", "Fail or suspect by quantity"),
        tongue(
            "Đại lượng nào đang có nhiều giá trị xấu. Một đại lượng xấu ở nhiều nơi: nghi phần mềm hoặc hiệu chuẩn.",
            "Which quantity has many bad values now. One that is bad in many places: suspect firmware or calibration.",
        ),
        [graph(over_time(what, QUALITY, of_kind(kind.name), '"quantity"'), "$tag_quantity")],
        h=8,
        unit="percent",
        steps=((None, GREEN), (5, _AMBER), (20, _RED)),
        defaults={"min": 0, "max": 100},
    )


def device_table(kind: Kind, tongue: Tongue) -> Json:
    """Every device of a kind with what is known of it now."""
    names = {"device": tongue("Thiết bị", "Device"), "name": tongue("Tên", "Name")}
    names |= {"area_name": tongue("Khu vực", "Area"), "online": tongue("Kết nối", "Online")}
    names |= {"seen": tongue("Số liệu cuối", "Last reading")}
    overrides = [
        column(names["device"], ("links", _row_links(kind, tongue, names["device"]))),
        column(names["seen"], ("unit", "dateTimeFromNow")),
        column(names["online"], ("custom.cellOptions", {"type": "color-background"}), ("thresholds", {"mode": "absolute", "steps": [{"value": None, "color": _RED}, {"value": 1, "color": GREEN}]})),
    ]  # fmt: skip
    what = ['last("name") AS "name"', 'last("online") AS "online"', 'last("seen") AS "seen"']
    for name in shown(kind):
        quantity = kind.quantity(name)
        assert quantity is not None
        names[name] = tongue(quantity.vi, quantity.en)
        what.append(f'last("{name}") AS "{name}"')
        steps = [{"value": v, "color": c} for v, c in steps_of(kind, name, tongue)]
        overrides.append(
            column(
                names[name],
                ("unit", tongue.unit(quantity.unit)),
                ("thresholds", {"mode": "absolute", "steps": steps}),
                ("custom.cellOptions", {"type": "color-text"}),
            )
        )
    query = select(
        ", ".join(what), DEVICE, f"{of_kind(kind.name)} AND {AREAS}", '"device", "area_name"'
    )
    return grid(
        tongue(f"Thiết bị: {kind.vi}", f"Devices: {kind.en}"),
        tongue(
            "Sắp xếp theo cột để tìm thiết bị xấu nhất; bấm vào mã để mở thiết bị hoặc cảnh báo của nó.",
            "Sort by a column to find the worst; click an id to open the device or its alerts.",
        ),
        [table(query)],
        h=12,
        overrides=overrides,
        transformations=[rename(names)],
    )


def _row_links(kind: Kind, tongue: Tongue, title: str) -> list[Json]:
    field = f'${{__data.fields["{title}"]}}'
    return [
        link(tongue("Mở thiết bị", "Open the device"), to_board(tongue, "device", kind=kind.name, device=field)),
        link(tongue("Cảnh báo trong trang điều hành", "Alerts in the console"), to_console(tongue, field), blank=True),
    ]  # fmt: skip
