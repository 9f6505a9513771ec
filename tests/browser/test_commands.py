"""A lamp is dimmed from the page: asked once more, sent, and the lamp's answer shown."""

from __future__ import annotations

import pytest
from playwright.sync_api import expect

from control.settle import Heard
from devices.command import Answer
from devices.topics import Topic
from tests.api.world import World
from tests.browser.conftest import PHONE, WIDE, Site

pytestmark = pytest.mark.chromium


@pytest.mark.parametrize("size", [WIDE, PHONE], ids=["wide", "phone"])
def test_a_lamp_is_dimmed(site: Site, city: World, size: tuple[int, int]) -> None:
    page = site.open("/?device=lamp-1", size)
    page.get_by_role("button", name="Điều khiển", exact=True).click()
    box = page.get_by_role("dialog", name="Điều khiển").last
    box.get_by_label("Giá trị (0…100 %)").fill("140")
    box.get_by_role("button", name="Gửi lệnh…").click()
    expect(box).to_contain_text("0…100 %")
    expect(box.get_by_role("status")).to_contain_text("140")
    box.get_by_label("Giá trị (0…100 %)").fill("40")
    box.get_by_label("Tên của bạn").fill("Trần Thị Lan")
    box.get_by_role("button", name="Gửi lệnh…").click()
    expect(box).to_contain_text("Gửi “Mức sáng 40 %” tới lamp-1?")
    assert city.operations.commands() == [], "asked once more before anything is sent"
    box.get_by_role("button", name="Xác nhận gửi").click()
    expect(box.get_by_role("status")).to_contain_text("Đang gửi")
    (sent,) = city.operations.commands()
    assert (sent.value, sent.requested_by) == (40.0, "Trần Thị Lan")
    desk = city.context.commands
    assert desk is not None
    desk.settle([Heard(Topic("lamp", "lamp-1", "ack", "dimming"), Answer(sent.id, True, 38.0))])
    expect(box.get_by_role("status")).to_have_text("Thiết bị đã thực hiện: 38 %")
    assert page.evaluate("document.documentElement.scrollWidth") <= size[0]
    site.check()
