"""What an operator does with an alert on the page: its drawer, the shelf, what is held back, alarm quality."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import Locator, Page, expect

from store.records import AlertState
from telemetry.clock import HOUR, SECOND
from tests.api.world import NOW, World
from tests.browser.conftest import PHONE, WIDE, Site

pytestmark = pytest.mark.chromium

VI = {"details": "Chi tiết", "drawer": "Chi tiết cảnh báo", "name": "Tên của bạn", "why": "Lý do"}


def drawer(page: Page, alert: str = "alert-1", size: tuple[int, int] = WIDE) -> Locator:
    page.locator(f'tr[data-alert="{alert}"] button.more').click()
    found = page.get_by_role("dialog", name=VI["drawer"]).last
    expect(found).to_be_visible()
    return found


@pytest.mark.parametrize("size", [WIDE, PHONE], ids=["wide", "phone"])
def test_shelving_with_a_duration_and_taking_it_off(
    site: Site, city: World, size: tuple[int, int]
) -> None:
    page = site.open("/", size)
    shown = drawer(page)
    shown.get_by_label("Tên của bạn").fill("Trần Thị Lan")
    shown.get_by_label("Lý do").fill("đang sửa cảm biến")
    button = shown.get_by_role("button", name="Tạm gác 2 giờ")
    button.click(trial=True)  # waits until the drawer has slid in
    box = button.bounding_box()
    assert box is not None
    assert box["height"] >= 40
    assert box["x"] >= 0 and box["x"] + box["width"] <= size[0]
    button.click()
    expect(shown).to_contain_text("Đang tạm gác")
    expect(shown).to_contain_text("đang sửa cảm biến")
    alert = city.operations.alert("alert-1")
    assert alert is not None
    assert (alert.state, alert.shelved_until) == (AlertState.SHELVED, NOW + 2 * HOUR)
    assert page.evaluate("document.documentElement.scrollWidth") <= size[0]
    shown.get_by_role("button", name="Đóng", exact=True).click()
    city.clock.advance(SECOND)
    expect(page.locator('tr[data-alert="alert-1"]')).to_have_count(0)
    page.get_by_role("button", name="Đang giữ lại: 1").click()
    page.get_by_role("button", name=re.compile("^Chi tiết – Không khí xấu")).click()
    again = page.get_by_role("dialog", name=VI["drawer"]).last
    expect(again.get_by_label("Tên của bạn")).to_have_value("Trần Thị Lan")  # remembered
    again.get_by_role("button", name="Thôi tạm gác").click()
    expect(again).to_contain_text("Chưa ai nhận")
    city.clock.advance(SECOND)
    expect(page.locator('tr[data-alert="alert-1"]')).to_have_count(1)
    site.check()


def test_assigning_commenting_and_the_history(site: Site, city: World) -> None:
    page = site.open()
    shown = drawer(page)
    shown.get_by_role("button", name="Thêm ghi chú").click()
    expect(page.get_by_text("Chưa có nội dung.")).to_be_visible()
    shown.get_by_label("Giao cho (người hoặc tổ)").fill("Tổ môi trường")
    shown.get_by_role("button", name="Giao việc").click()
    expect(page.get_by_text("Nhập tên của bạn trước.")).to_be_visible()
    shown.get_by_label("Tên của bạn").fill("Lan")
    shown.get_by_role("button", name="Giao việc").click()
    expect(shown).to_contain_text("Giao cho Tổ môi trường")
    shown.get_by_label("Ghi chú").fill("đã gọi <b>tổ trực</b>")
    shown.get_by_role("button", name="Thêm ghi chú").click()
    expect(shown.locator("ol li").first).to_contain_text("Ghi chú · Lan")
    expect(shown.locator("ol li").first).to_contain_text("đã gọi <b>tổ trực</b>")
    shown.get_by_role("button", name="Nhận xử lý").click()
    expect(shown).to_contain_text("Đã có người nhận")
    lines = shown.locator("ol li .drawer-what").all_inner_texts()
    assert lines == ["Nhận xử lý · Lan", "Ghi chú · Lan", "Giao việc · Lan", "Phát sinh"]
    shown.get_by_role("button", name="Đóng", exact=True).click()
    city.clock.advance(SECOND)
    expect(page.locator('tr[data-alert="alert-1"]')).to_contain_text("→ Tổ môi trường")
    site.check()


def test_in_english(site: Site) -> None:
    page = site.open("/en")
    page.locator('tr[data-alert="alert-1"] button.more').click()
    shown = page.get_by_role("dialog", name="Alert details").last
    expect(shown).to_contain_text("History")
    expect(shown.get_by_role("button", name="Shelve for 30 min")).to_be_visible()
    shown.get_by_role("button", name="Close", exact=True).click()
    page.get_by_role("button", name="Alarm quality").click()
    expect(page.locator(".quality")).to_contain_text("Time to acknowledge (median · 95 %)")
    site.check()


@pytest.mark.parametrize("size", [WIDE, PHONE], ids=["wide", "phone"])
def test_alarm_quality_beside_its_benchmarks(
    site: Site, city: World, size: tuple[int, int]
) -> None:
    city.context.alerts.shelve("alert-1", "Lan", NOW + HOUR)
    city.context.alerts.unshelve("alert-1", "Lan")
    city.clock.advance(SECOND)
    page = site.open("/", size)
    page.get_by_role("button", name="Chất lượng cảnh báo").click()
    shown = page.locator(".quality")
    expect(shown.locator("tr", has_text="Mỗi 10 phút, trung bình")).to_contain_text("≤ 1")
    expect(shown).to_contain_text("EEMUA 191")
    expect(shown.locator("tr", has_text="Cảnh báo đã báo")).to_contain_text("1")
    expect(shown.locator("ol li").first).to_contain_text("Không khí xấu")
    shown.get_by_role("button", name="30 ngày").click()
    expect(shown).to_contain_text("30 ngày · Đếm theo")
    assert page.evaluate("document.documentElement.scrollWidth") <= size[0]
    site.check()


def test_a_messages_link_opens_its_alert(site: Site) -> None:
    page = site.open("/?alert=alert-1")
    shown = page.get_by_role("dialog", name=VI["drawer"]).last
    expect(shown).to_be_visible()
    expect(shown).to_contain_text("Không khí xấu")
    site.check()


def test_a_link_to_an_alert_that_is_not_there_says_so(site: Site) -> None:
    page = site.open("/?alert=ghost")
    expect(page.get_by_text("Không có cảnh báo này.")).to_be_visible()
    expect(page.get_by_role("dialog", name=VI["drawer"])).to_have_count(0)
    site.check()
