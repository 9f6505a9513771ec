"""Logging in at the page, and what each role is offered there: in a real browser, with cookies."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, expect

from api.app import create_app
from store.access_records import Grant
from tests.access.doors import PASSWORD, Doors, doors_of
from tests.api.world import World
from tests.browser.conftest import Site
from tests.browser.server import Server

pytestmark = pytest.mark.chromium


@pytest.fixture
def doors(city: World) -> Doors:
    made = doors_of(city)
    made.account("lan", "operator")
    made.account("an", "viewer", grant=Grant(role="viewer", areas=("26740",)))
    return made


@pytest.fixture
def closed(doors: Doors, browser: Browser) -> Iterator[Site]:
    with Server(create_app(doors.world.context, access=doors.access)) as server:
        made = Site(doors.world, server.url, browser)
        yield made
        for context in browser.contexts:
            context.close()


def test_an_operator_logs_in_acts_and_leaves(closed: Site, doors: Doors) -> None:
    page = closed.open("/en")
    expect(page).to_have_url(f"{closed.url}/login?next=/en")
    page.get_by_label("Tên đăng nhập").fill("lan")
    page.get_by_label("Mật khẩu").fill("not this one")
    page.get_by_role("button", name="Đăng nhập").click()
    expect(page.get_by_role("alert")).to_contain_text("Sai tên đăng nhập")
    closed.complaints.clear()  # the browser tells of the 401
    page.get_by_label("Tên đăng nhập").fill("lan")
    page.get_by_label("Mật khẩu").fill(PASSWORD)
    page.get_by_role("button", name="Đăng nhập").click()
    expect(page.locator(".who")).to_have_text("lan · Operator")
    row = page.locator('[data-alert="alert-1"]')
    row.get_by_role("button", name="Acknowledge").click()
    expect(row.locator(".taken").first).to_contain_text("lan")
    found = doors.world.operations.alert("alert-1")
    assert found is not None and found.acknowledged_by == "lan"
    page.get_by_role("button", name="Log out").click()
    expect(page).to_have_url(f"{closed.url}/login")
    page.goto(closed.url + "/en")
    expect(page).to_have_url(f"{closed.url}/login?next=/en")
    assert ("person:lan", "alert.acknowledge") in doors.acts()


def test_a_viewer_of_a_part_is_offered_no_act_and_nothing_else(closed: Site) -> None:
    page = closed.open("/login?lang=en&next=/en")
    page.get_by_label("Name").fill("an")
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Log in").click()
    expect(page.locator(".who")).to_have_text("an · Viewer · a part of the city")
    row = page.locator('[data-alert="alert-1"]')
    expect(row).to_be_visible()
    expect(page.get_by_role("button", name="Acknowledge")).to_have_count(0)
    row.get_by_role("button", name="Details").click()
    expect(page.get_by_text("Your role lets you look, and not act.")).to_be_visible()
    expect(page.locator('[data-figure="devices"] .tile-value')).to_contain_text("/ 4")
    assert "Thủ Đức" not in page.locator(".alerts-panel").inner_text()
    closed.check()


def test_a_page_whose_session_ends_goes_to_the_door(closed: Site, doors: Doors) -> None:
    page = closed.open("/login?lang=en&next=/en")
    page.get_by_label("Name").fill("lan")
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Log in").click()
    expect(page.locator(".who")).to_be_visible()
    doors.access.sessions.end_all("lan")
    expect(page).to_have_url(f"{closed.url}/login")
