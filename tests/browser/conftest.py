"""A real Chromium on a real server with the small city of tests/api/world.py, console and all."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, sync_playwright

from api.app import create_app
from tests.api.world import World, build
from tests.browser.server import Server
from tests.services import chromium

ARGUMENTS = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
)
WIDE = (1920, 1080)
PHONE = (390, 844)


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    # Of a module, not of the session: its event loop must not be there when other tests run theirs.
    path = chromium()
    with sync_playwright() as playwright:
        made = playwright.chromium.launch(executable_path=path, args=list(ARGUMENTS))
        yield made
        made.close()


@dataclass
class Site:
    """A running city, and what its pages asked for and complained of."""

    world: World
    url: str
    browser: Browser
    requests: list[str] = field(default_factory=list)
    complaints: list[str] = field(default_factory=list)
    frames: list[int] = field(default_factory=list)

    def open(self, path: str = "/", size: tuple[int, int] = WIDE) -> Page:
        """A page in a fresh browser profile, loaded so far that figures are there."""
        page = self.browser.new_page(viewport={"width": size[0], "height": size[1]})
        page.set_default_timeout(15_000)
        page.on("request", lambda r: self.requests.append(r.url))
        page.on("websocket", self._socket)
        page.on("pageerror", lambda e: self.complaints.append(str(e)))
        page.on("console", self._console)
        page.goto(self.url + path)
        return page

    def _socket(self, socket: object) -> None:
        self.requests.append(socket.url.replace("ws://", "http://"))  # type: ignore[attr-defined]
        socket.on("framereceived", lambda data: self.frames.append(len(data)))  # type: ignore[attr-defined]

    def _console(self, message: object) -> None:
        if message.type in ("error", "warning"):  # type: ignore[attr-defined]
            self.complaints.append(message.text)  # type: ignore[attr-defined]

    def check(self) -> None:
        """Everything came from here, and nothing was complained of."""
        assert self.requests
        assert [u for u in self.requests if not u.startswith((self.url, "data:", "blob:"))] == []
        assert self.complaints == []


@pytest.fixture
def city(tmp_path: Path) -> Iterator[World]:
    made = build(tmp_path)
    yield made
    made.close()


@pytest.fixture
def site(city: World, browser: Browser) -> Iterator[Site]:
    with Server(create_app(city.context)) as server:
        made = Site(city, server.url, browser)
        yield made
        for context in browser.contexts:
            context.close()
