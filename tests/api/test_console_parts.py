"""The console's parts without a browser: texts, words for values, the chart, the overview."""

from __future__ import annotations

import math
import re
from pathlib import Path
from zoneinfo import ZoneInfo

import numpy as np
import pytest

import api.console
from api.console import alert_drawer, quality, reasons, texts
from api.console.alert_list import alert_row
from api.console.chart import caption, options, read_curve
from api.console.overview import Watch
from api.console.scales import AIR_LEVELS, COLOURS, level_of, pictogram
from api.console.texts import Texts
from api.console.wording import age_text, clock_text, number_text, unit_text, value_text
from api.state import STATES
from devices.kind import Severity
from store.alert_records import EVENTS, AlertState
from store.command_records import CommandState
from telemetry.clock import DAY, HOUR, MINUTE, SECOND
from telemetry.ledger import Ledger
from telemetry.readings import Readings
from telemetry.reasons import Reason
from telemetry.units import UNITS
from tests.api.world import GAP, NOW, World

VI, EN = Texts("vi"), Texts("en")
FOLDER = Path(api.console.__file__).parent


def test_every_text_is_there_in_both_languages() -> None:
    for key, pair in texts._TEXTS.items():
        vi, en = pair
        assert vi.strip() and en.strip(), key
        assert re.findall(r"\{\d\}", vi) == re.findall(r"\{\d\}", en), key


# Keys that are put together from what there is.
MADE = {
    *(f"st_{state}" for state in AlertState),
    *(f"cs_{state}" for state in CommandState),
    *(f"ev_{what}" for what in EVENTS),
    *(f"d_{duration}" for duration in alert_drawer.DURATIONS),
    *(f"span_{days}" for days in quality.SPANS),
    *(f"q_{figure}" for figure in quality.FIGURES),
}


def test_every_text_is_used_and_every_used_text_is_there() -> None:
    code = "".join(p.read_text() for p in FOLDER.glob("*.py") if not p.name.endswith("texts.py"))
    named = set(re.findall(r"['\"]([a-z_]+)['\"]", code)) | set(COLOURS) | MADE
    assert set(texts._TEXTS) - named == set()
    asked = set(re.findall(r"texts\(['\"]([a-z_]+)['\"]", code))
    assert (asked | MADE) - set(texts._TEXTS) == set()


def test_the_components_ask_only_for_texts_that_they_are_given() -> None:
    code = "".join(p.read_text() for p in FOLDER.glob("*.py"))
    for script in FOLDER.glob("*.js"):
        for key in set(re.findall(r"texts\.([a-z_]+)", script.read_text())):
            assert f'"{key}"' in code, (script.name, key)


def test_every_reason_has_words() -> None:
    assert reasons.untold() == []
    assert set(reasons._REASONS) == {str(r) for r in Reason}
    assert reasons.reason_text("brand_new", VI) == "brand_new"


def test_every_kind_state_and_severity_has_its_look(shared_world: World) -> None:
    for kind in shared_world.kinds:
        assert pictogram(kind.name) != "sensors", kind.name
    assert pictogram("brand_new") == "sensors"
    assert set(COLOURS) == set(STATES) >= {s.name.lower() for s in Severity}
    style = (FOLDER / "console.css").read_text()
    for state, colour in COLOURS.items():
        assert f"--{state}: {colour};" in style
        assert f".sign.{state}" in style


@pytest.mark.parametrize(
    ("value", "vi", "en"),
    [
        (31.25, "31,2", "31.2"),
        (1.4, "1,40", "1.40"),
        (1234567.8, "1.234.568", "1,234,568"),
        (0.0, "0", "0"),
        (-0.317, "-0,32", "-0.32"),
        (math.nan, "–", "–"),
        (math.inf, "–", "–"),
    ],
)
def test_numbers(value: float, vi: str, en: str) -> None:
    assert (number_text(value, VI), number_text(value, EN)) == (vi, en)


def test_values_in_words(shared_world: World) -> None:
    kinds = shared_world.kinds
    aqi = kinds["air"].quantity("vn_aqi")
    assert value_text(aqi, "{index}", 168.0, VI) == "168 · Xấu"
    assert value_text(kinds["level"].quantity("flood_stage"), "{stage}", 2.0, VI) == "Báo động II"
    main = kinds["air"].quantity("vn_aqi_main")
    assert [value_text(main, "{code}", v, VI) for v in (0.0, 2.0, 9.0)] == ["pm25", "o3", "–"]
    assert [value_text(None, "{class}", v, EN) for v in (1.0, 4.0)] == ["A", "D"]
    assert value_text(None, "{state}", 1.0, EN) == "Yes"
    assert value_text(None, "ug/m3", 31.2, VI) == "31,2 µg/m³"
    assert value_text(None, "deg", 45.0, EN) == "45°"
    assert value_text(None, "[pH]", 6.5, EN) == "6.50"


def test_no_unit_leaves_with_its_annotation(shared_world: World) -> None:
    for code in UNITS:
        assert "{" not in unit_text(code, VI) or code not in {
            q.unit for k in shared_world.kinds for q in k.quantities
        }, code


@pytest.mark.parametrize(("value", "word"), [(0, "Tốt"), (50, "Tốt"), (51, "Trung bình"), (100, "Trung bình"), (101, "Kém"), (150, "Kém"), (151, "Xấu"), (200, "Xấu"), (201, "Rất xấu"), (300, "Rất xấu"), (301, "Nguy hại"), (500, "Nguy hại")])  # fmt: skip
def test_levels_of_vn_aqi(value: float, word: str) -> None:
    """QĐ 1459/QĐ-TCMT, 12/11/2019, table 1."""
    assert level_of(AIR_LEVELS, value).vi == word


def test_ages_and_times() -> None:
    zone = ZoneInfo("Asia/Ho_Chi_Minh")
    assert age_text(59 * SECOND, VI) == "vừa xong"
    assert age_text(90 * SECOND, VI) == "1 phút trước"
    assert age_text(3 * HOUR, EN) == "3 h ago"
    assert age_text(3 * DAY, EN) == "3 d ago"
    assert clock_text(NOW - HOUR, NOW, zone) == "09:00"
    assert clock_text(NOW - 11 * HOUR, NOW, zone) == "23:00 21/11"


def test_a_gap_breaks_the_line_and_bad_values_stand_apart(world: World) -> None:
    world.store("aq-1", "pm25", [NOW - 90 * SECOND], [410.0], 4)
    world.store("aq-1", "pm25", [NOW - 100 * SECOND], [95.0], 3)
    device, quantity = world.code("aq-1"), world.kinds.quantity_code["pm25"]
    curve = read_curve(world.context, device, quantity)
    assert curve.every == 5 * MINUTE
    in_gap = (curve.time >= GAP[0]) & (curve.time < GAP[1])
    assert np.isnan(curve.value[in_gap]).all()
    assert np.isfinite(curve.value[~in_gap]).all()
    kind = world.kinds["air"]
    declared = kind.quantity("pm25")
    assert declared is not None
    chart = options(curve, kind, declared, world.context.city.zone, VI)
    line, suspect, fail = chart["series"]
    assert line["connectNulls"] is False
    assert [p[1] for p in line["data"] if p[1] is None] == [None] * 12
    assert [p[1] for p in suspect["data"]] == [95.0]
    assert [p[1] for p in fail["data"]] == [410.0]
    # 10:00 in the city, whatever the browser's zone: shifted by seven hours and shown as UTC.
    assert chart["useUTC"] is True
    assert chart["xAxis"]["max"] == (NOW + 7 * HOUR) // 1_000_000
    assert chart["legend"]["data"] == ["Bụi PM2.5", "Nghi ngờ", "Hỏng"]
    assert caption(curve, VI).startswith("Trung bình mỗi 5 phút · Đủ dữ liệu 96 %")


def test_a_derived_quantity_is_drawn_value_by_value_with_its_rules(world: World) -> None:
    device, quantity = world.code("aq-1"), world.kinds.quantity_code["vn_aqi"]
    curve = read_curve(world.context, device, quantity)
    assert (curve.every, curve.value.tolist(), curve.coverage) == (0, [168.0], None)
    kind = world.kinds["air"]
    declared = kind.quantity("vn_aqi")
    assert declared is not None
    chart = options(curve, kind, declared, world.context.city.zone, EN)
    assert chart["series"][0]["step"] == "end"
    assert {line["yAxis"] for line in chart["series"][0]["markLine"]["data"]} == {150, 200, 300}
    assert caption(curve, EN) == "Each value"


def test_a_series_without_readings_has_an_empty_chart(world: World) -> None:
    curve = read_curve(world.context, world.code("noise-1"), world.kinds.quantity_code["laeq"])
    assert curve.empty


def test_a_row_says_what_where_since_when_and_what_to_do(shared_world: World) -> None:
    alert = shared_world.operations.alert("alert-1")
    assert alert is not None
    row = alert_row(shared_world.context, alert, NOW, EN)
    shown = {k: row[k] for k in ("title", "device_name", "area", "since", "ago", "value", "limit")}
    assert shown == {
        "title": "Unhealthy air (VN_AQI over 150)",
        "device_name": "Bến Thành",
        "area": "Phường Bến Thành",
        "since": "09:50",
        "ago": "10 min ago",
        "value": "168 · Unhealthy",
        "limit": "limit > 150",
    }


def test_the_overview_is_worked_out_once_a_second(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    watch = Watch(world.context)
    first = watch.current()
    assert watch.current() is first
    world.clock.advance(SECOND)
    second = watch.current()
    assert second is not first
    watch.forget()
    assert watch.current() is not second


def test_the_account_since_ever_stays_exact_from_hour_to_hour(world: World) -> None:
    from telemetry.ledger import OUTCOME_CODE

    watch = Watch(world.context)
    expected = 125
    for step in range(6):
        assert watch.current().account.received == expected
        hour = world.clock.now() // HOUR * HOUR
        rows = [
            (hour, world.code("aq-1"), OUTCOME_CODE[o], step + 1) for o in ("received", "stored")
        ]
        world.telemetry.append(Readings.empty(), Ledger.of(rows))
        expected += step + 1
        world.clock.advance(40 * MINUTE)
    found = watch.current()
    assert (found.account.received, found.account.balanced) == (expected, True)


def test_an_old_index_says_nothing_of_now(world: World) -> None:
    watch = Watch(world.context)
    air = watch.current().air
    assert air is not None and air.value == 168.0
    world.clock.advance(3 * HOUR)
    assert watch.current().air is None


def test_alerts_are_worst_first(world: World) -> None:
    found = [a.id for a in Watch(world.context).current().standing]
    assert found == ["alert-1", "alert-2", "alert-3"]
    world.context.alerts.acknowledge("alert-2", "An")
    world.context.alerts.acknowledge("alert-1", "An")
    assert [a.id for a in Watch(world.context).current().standing] == [
        "alert-1",
        "alert-3",
        "alert-2",
    ]
