"""The operator's page in a real browser: it lives without reload and without the internet, in two languages."""

from __future__ import annotations

import re
import time
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from analytics.facts import Transitions, What
from analytics.rules import rule_list
from devices.device import Device
from telemetry.clock import MINUTE, SECOND
from telemetry.errors import StoreError
from telemetry.ledger import Ledger
from telemetry.readings import Readings
from tests.api.world import NOW, World
from tests.browser.conftest import PHONE, Site

pytestmark = pytest.mark.chromium


def change(world: World, rule: str, device: str, what: What, value: float) -> None:
    """What the engine would tell the book."""
    number = [r.code for _, r in rule_list(world.kinds)].index(rule)
    code, now = world.code(device), world.clock.now()
    book: Any = world.context.alerts
    book.apply(Transitions.of([number], [code], [what], [now], [value], [value]))


def figure(page: Page, name: str) -> str:
    return page.locator(f'[data-figure="{name}"]').inner_text()


def test_the_city_at_a_glance(site: Site) -> None:
    page = site.open()
    expect(page.locator("tr[data-alert]")).to_have_count(3)
    expect(page).to_have_title(re.compile("Thành phố Hồ Chí Minh"))
    assert page.locator("html").get_attribute("lang") == "vi"
    assert "5 / 8" in figure(page, "devices")
    assert "2 chưa gửi dữ liệu" in figure(page, "devices")
    assert "168" in figure(page, "air")
    assert "Xấu" in figure(page, "air")
    assert "Bến Thành" in figure(page, "air")
    assert "Báo động I" in figure(page, "stage")
    assert "✓ Khớp" in figure(page, "account")
    assert figure(page, "quarantined").split("\n")[1] == "3"
    assert page.locator(".clock").inner_text() == "10:00:00  22/11/2026"
    assert not page.locator('[data-figure="history"]').is_visible()
    assert "Mất kết nối với máy chủ" in page.content()  # what it would say
    first = page.locator("tr[data-alert]").first
    expect(first).to_contain_text("Không khí xấu (VN_AQI trên 150)")
    expect(first).to_contain_text("09:50")
    expect(first).to_contain_text("ngưỡng > 150")
    expect(first).to_contain_text("QĐ 1459/QĐ-TCMT")
    expect(first).to_contain_text("Khuyến cáo người dân")
    site.check()


def test_english(site: Site) -> None:
    page = site.open("/en?device=gauge-1")
    expect(page.locator("tr[data-alert]").first).to_contain_text("Unhealthy air")
    assert page.locator("html").get_attribute("lang") == "en-US"
    expect(page.locator(".device-name")).to_have_text("Phú An")
    expect(page.locator(".values")).to_contain_text("1.66 m")
    page.get_by_role("link", name="Tiếng Việt").click()
    expect(page.locator("tr[data-alert]").first).to_contain_text("Không khí xấu")
    expect(page.locator(".device-name")).to_have_text("Phú An")  # the device stays chosen
    expect(page.locator(".values")).to_contain_text("1,66 m")
    site.check()


def test_a_new_alert_appears_within_two_seconds(site: Site, city: World) -> None:
    page = site.open()
    expect(page.locator("tr[data-alert]")).to_have_count(3)
    city.clock.advance(2 * SECOND)
    began = time.monotonic()
    change(city, "air_very_unhealthy", "aq-2", What.RAISE, 231.0)
    expect(page.locator("tr[data-alert]")).to_have_count(4)
    assert time.monotonic() - began < 2.0
    first = page.locator("tr[data-alert]").first
    expect(first).to_contain_text("Khẩn cấp")
    expect(first).to_contain_text("231 · Rất xấu")
    expect(page.locator(".severity-count.critical")).to_contain_text("1")
    city.clock.advance(2 * SECOND)
    change(city, "air_very_unhealthy", "aq-2", What.CLEAR, 120.0)
    last = page.locator("tr[data-alert]").last  # what is over comes last, and is no longer counted
    expect(last).to_contain_text("Đã trở lại bình thường")
    expect(page.locator(".severity-count.critical")).to_contain_text("0")
    assert last.evaluate("e => getComputedStyle(e).display") == "table-row"
    last.get_by_role("button", name=re.compile("^Đã biết: Không khí rất xấu")).click()
    page.get_by_role("textbox", name="Tên của bạn").fill("An")
    page.get_by_role("button", name="Đồng ý").click()
    city.clock.advance(SECOND)
    expect(page.locator("tr[data-alert]")).to_have_count(3)
    site.check()


def test_acknowledging_asks_the_name_once(site: Site, city: World) -> None:
    page = site.open()
    page.get_by_role("button", name=re.compile("Nhận xử lý: Không khí xấu")).click()
    dialog = page.get_by_role("dialog", name="Tên của bạn")
    dialog.get_by_role("textbox").fill("Trần Thị Lan")
    dialog.get_by_role("button", name="Đồng ý").click()
    row = page.locator('tr[data-alert="alert-1"]')
    city.clock.advance(SECOND)
    expect(row).to_contain_text("✓ Trần Thị Lan 10:00")
    expect(row.locator("button.ack")).to_have_count(0)
    page.locator('tr[data-alert="alert-2"] button.ack').click()
    expect(page.locator('tr[data-alert="alert-2"]')).to_contain_text("✓ Trần Thị Lan")
    taken = city.operations.alert("alert-2")
    assert taken is not None
    assert taken.acknowledged_by == "Trần Thị Lan"
    page.reload()
    expect(page.get_by_role("button", name=re.compile("Người trực: Trần Thị Lan"))).to_be_visible()
    site.check()


def test_choosing_a_device_on_the_map(site: Site) -> None:
    page = site.open("/?device=gauge-1")
    expect(page.locator(".device-name")).to_have_text("Phú An")
    page.wait_for_function(
        "getElement(Number(document.querySelector('.city-map').id.slice(1))).chosen === 'gauge-1'"
    )
    where = page.evaluate(
        """() => { const map = getElement(Number(document.querySelector('.city-map').id.slice(1)));
        const mark = map.marks.get('lamp-1');
        map.map.setView(mark.getLatLng(), 16, {animate: false});
        const at = map.map.latLngToContainerPoint(mark.getLatLng());
        const box = map.$el.getBoundingClientRect();
        return [box.x + at.x, box.y + at.y]; }"""
    )
    page.mouse.move(*where)
    expect(page.locator(".leaflet-tooltip")).to_contain_text("lamp-1")
    page.mouse.click(*where)
    expect(page.locator(".device-about")).to_contain_text("lamp-1 · Đèn")
    expect(page).to_have_url(re.compile(r"\?device=lamp-1$"))
    site.check()


def test_finding_a_device_and_another_quantity(site: Site) -> None:
    page = site.open()
    page.get_by_role("combobox", name="Tìm thiết bị").fill("wx")
    page.get_by_role("option", name=re.compile("Tân Sơn Nhất")).click()
    expect(page.locator(".device-name")).to_have_text("Tân Sơn Nhất")
    expect(page.locator(".caption")).to_contain_text("Trung bình mỗi 5 phút")
    page.get_by_role("combobox", name="Đại lượng").click()
    page.get_by_role("option", name="Khí áp").click()
    expect(page.get_by_text("Không có số liệu trong 24 giờ qua.")).to_be_visible()
    site.check()


def test_the_kind_filter(site: Site) -> None:
    page = site.open()
    expect(page.locator("tr[data-alert]")).to_have_count(3)
    chip = page.get_by_role("button", name="Mực nước", exact=True)
    chip.click()
    expect(page.locator("tr[data-alert]")).to_have_count(1)
    expect(chip).to_have_attribute("aria-pressed", "true")
    shown = (
        "() => { const map = getElement(Number(document.querySelector('.city-map').id.slice(1)));"
    )
    shown += (
        "return [...map.marks.values()].filter(m => map.map.hasLayer(m)).map(m => m.options.id) }"
    )
    assert page.evaluate(shown) == ["gauge-1"]
    page.get_by_role("button", name="Tất cả").click()
    expect(page.locator("tr[data-alert]")).to_have_count(3)
    assert len(page.evaluate(shown)) == 7
    site.check()


def test_quarantine_in_words(site: Site) -> None:
    page = site.open()
    page.locator('[data-figure="quarantined"]').click()
    shown = page.locator(".quarantine")
    expect(shown).to_contain_text("không phải số")
    expect(shown).to_contain_text('{"pm25": "n/a"}')
    expect(shown).to_contain_text("base64 //4A")
    site.check()


def test_the_store_away_is_said_and_the_last_figures_stay(
    site: Site, city: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    page = site.open()
    expect(page.locator("tr[data-alert]")).to_have_count(3)

    def away(*_: object) -> Readings:
        raise StoreError("telemetry", "does not answer")

    with monkeypatch.context() as patch:
        patch.setattr(city.telemetry, "latest", away)
        city.clock.advance(SECOND)
        expect(page.get_by_role("alert")).to_contain_text("Không đọc được dữ liệu")
        assert "168" in figure(page, "air")
    city.clock.advance(SECOND)
    expect(page.get_by_role("alert")).to_be_hidden()
    site.check()


def test_troubles_and_history_are_shown(site: Site, city: World) -> None:
    city.context.checks = {"broker": lambda: "not connected"}
    city.context.progress = lambda: (25, 100)
    page = site.open()
    expect(page.get_by_role("alert")).to_contain_text("broker: not connected")
    assert "25%" in figure(page, "history")
    site.check()


def test_a_phone(site: Site) -> None:
    page = site.open("/", PHONE)
    expect(page.locator("tr[data-alert]")).to_have_count(3)
    assert page.evaluate("document.documentElement.scrollWidth") <= PHONE[0]
    button = page.locator("button.ack").first
    button.scroll_into_view_if_needed()
    box = button.bounding_box()
    assert box is not None
    assert box["height"] >= 40
    assert box["x"] >= 0 and box["x"] + box["width"] <= PHONE[0]
    site.check()


def test_every_control_has_a_name(site: Site) -> None:
    page = site.open()
    expect(page.locator("tr[data-alert]")).to_have_count(3)
    nameless = page.evaluate(
        """() => [...document.querySelectorAll('button, a[href], input, [role=combobox]')]
        .filter(e => e.checkVisibility())
        .filter(e => !(e.innerText || '').replace(/[\\w_]+/, '').trim()
          && !e.getAttribute('aria-label') && !e.labels?.length && !e.getAttribute('title')
          && !(e.innerText || '').trim())
        .map(e => e.outerHTML.slice(0, 200))"""
    )
    assert nameless == []


def test_names_are_text_and_never_markup(site: Site, city: World) -> None:
    evil = "<img src=x onerror=window.hacked=1>"
    device = Device(id="evil-1", kind="level", name=evil, lat=10.78, lon=106.70)
    city.catalogue.put(device)
    city.store("evil-1", "level", [NOW - MINUTE], [1.0])
    change(city, "flood_bd3", "evil-1", What.RAISE, 3.0)
    page = site.open("/?device=evil-1")
    expect(page.locator(".device-name")).to_have_text(evil)
    expect(page.locator("tr[data-alert]").first).to_contain_text(evil)
    box = page.locator(".city-map").bounding_box()
    assert box is not None
    page.mouse.move(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
    expect(page.locator(".leaflet-tooltip")).to_contain_text(evil)
    assert page.evaluate("window.hacked") is None
    site.check()


def test_hundreds_of_devices_are_one_message_a_tick(site: Site, city: World) -> None:
    for n in range(400):
        lat, lon = 10.7 + n % 20 / 100, 106.6 + n // 20 / 100
        city.catalogue.put(Device(id=f"noise-x{n:03}", kind="noise", lat=lat, lon=lon))
    page = site.open()
    expect(page.locator("tr[data-alert]")).to_have_count(3)
    codes = [city.code(f"noise-x{n:03}") for n in range(400)]
    quantity = city.kinds.quantity_code["laeq"]
    before = len(site.frames)
    began = time.monotonic()
    for round_ in range(20):
        city.clock.advance(SECOND)
        now = city.clock.now()
        values = [50.0 + round_ + n / 400 for n in range(400)]
        readings = Readings.of(codes, [quantity] * 400, [now] * 400, values, 1, now)
        city.telemetry.append(readings, Ledger.empty())
        city.hub.publish("readings", readings)
        page.wait_for_timeout(200)
    passed = time.monotonic() - began
    count = len(site.frames) - before
    assert 2 <= count <= 8 * passed  # a few a second, however many readings came
    site.check()


def test_the_docs_page_works_offline(site: Site) -> None:
    page = site.open("/docs")
    expect(page.get_by_role("heading", name=re.compile("Urban sensing"))).to_be_visible()
    expect(page.locator(".opblock").first).to_be_visible()
    site.check()
