"""The operator's page: one build per visitor, one tick a second, the stores asked once for all visitors."""

from __future__ import annotations

import asyncio
import json
import logging
from collections.abc import Awaitable, Callable
from pathlib import Path
from urllib.parse import quote

from fastapi import FastAPI
from nicegui import app as framework
from nicegui import ui
from nicegui.language import Language
from nicegui.translations import translations
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Match, Mount
from starlette.types import Scope

from api.access.access import Access
from api.access.principal import Role
from api.access.rules import principal_of
from api.console.alert_list import AlertList
from api.console.city_map import CityMap, legend
from api.console.device_panel import DevicePanel
from api.console.figures import Figures
from api.console.overview import Overview, Watch, Watches
from api.console.quarantine import QuarantineDialog
from api.console.scales import pictogram
from api.console.texts import LANGUAGES, Texts
from api.console.who import show_who
from api.context import Context
from telemetry.clock import to_datetime
from telemetry.errors import UrbanError

log = logging.getLogger(__name__)

TICK_S = 1.0
RECONNECT_S = 60.0  # a page whose line broke for so long goes on where it was
_CSS = Path(__file__).with_name("console.css")
_ICON = (
    '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 32 32"><rect width="32" height="32" rx="6" '
    'fill="#0d141c"/><circle cx="16" cy="16" r="5" fill="#4aa8ff"/><circle cx="16" cy="16" r="11" '
    'fill="none" stroke="#3fb37f" stroke-width="2.5"/></svg>'
)


class Console:
    """One visitor's page."""

    def __init__(
        self, context: Context, watch: Watch, texts: Texts, access: Access | None = None
    ) -> None:
        self.context = context
        self.access = access
        self.principal = context.trail.principal
        self.watch = watch
        self.texts = texts
        self.kinds: frozenset[str] | None = None  # None: all
        self.found: Overview | None = None

    def build(self) -> None:
        """Lay the page out; the first tick fills it."""
        ui.add_head_html(f"<style>{_CSS.read_text(encoding='utf-8')}</style>")
        with ui.element("div").classes("console"):
            self._header()
            self.troubles = ui.label("").classes("troubles").props('role="alert"')
            self.troubles.visible = False
            quarantine = QuarantineDialog(self.context, self.texts)
            looks_in = self.principal.role >= Role.OPERATOR
            self.figures = Figures(self.context, self.texts, quarantine.open if looks_in else None)
            with ui.element("main").classes("panels"):
                self._map_panel()
                with ui.element("div").classes("panel alerts-panel"):
                    self.alerts = AlertList(self.context, self.watch, self.texts, self._chosen)
                with ui.element("div").classes("panel device-panel"):
                    self.panel = DevicePanel(self.context, self.texts)

    def _header(self) -> None:
        city, texts = self.context.city, self.texts
        with ui.element("header").classes("bar"):
            ui.label(texts.pick(city.vi, city.en)).classes("city").props(
                'role="heading" aria-level="1"'
            )
            ui.label(texts("page_title")).classes("subtitle")
            ui.element("span").classes("stretch")
            self.clock = ui.label("").classes("clock").props(f'aria-label="{texts("local_time")}"')
            show_who(self.principal, texts, self._log_out)
            ui.link(texts("api_docs"), "/docs").classes("bar-link")
            other = next(name for name in LANGUAGES if name != texts.language)
            self.language = (
                ui.link(texts("other_language"), f"/{other}")
                .classes("bar-link")
                .props(f'lang="{other}" hreflang="{other}"')
            )

    def _map_panel(self) -> None:
        texts = self.texts
        with ui.element("div").classes("panel map-panel"):
            with ui.element("header").classes("panel-bar"):
                self._kind_filter()
                self.find = (
                    ui.select({}, with_input=True, clearable=True, on_change=self._found)
                    .props(
                        f'dense outlined options-dense dark aria-label="{texts("find_device")}" '
                        f'placeholder="{texts("find_device")}"'
                    )
                    .classes("find")
                )
            self.map = CityMap(self.context, texts, self._chosen).classes("map")
            legend(texts)

    def _kind_filter(self) -> None:
        label = self.texts("kind_filter")
        self.chips: dict[str, ui.button] = {}
        with ui.element("div").classes("kinds").props(f'role="group" aria-label="{label}"'):
            self.all = self._chip("", self.texts("all_kinds"), "apps")
            for kind in self.context.kinds:
                title = self.texts.pick(kind.vi, kind.en)
                self.chips[kind.name] = self._chip(kind.name, title, pictogram(kind.name))
        self._press_chips()

    def _chip(self, kind: str, title: str, icon: str) -> ui.button:
        button = ui.button(icon=icon, on_click=lambda: self._filter(kind)).classes("chip")
        button.props(f'flat dense no-caps aria-label="{title}"').tooltip(title)
        return button

    def _filter(self, kind: str) -> None:
        """Toggle a kind; all of them again where none is left or "all" was pressed."""
        chosen = (self.kinds or frozenset()) ^ {kind} if kind else frozenset()
        self.kinds = chosen or None
        self._press_chips()
        self.map.hide(k for k in self.chips if self.kinds is not None and k not in self.kinds)
        if self.found is not None:
            self.alerts.update_rows(self.found.standing, self.found.now, self.kinds)

    def _press_chips(self) -> None:
        for name, chip in {"": self.all, **self.chips}.items():
            pressed = name in self.kinds if self.kinds is not None else not name
            chip.props(f'aria-pressed="{str(pressed).lower()}"')
            chip.classes(add="pressed") if pressed else chip.classes(remove="pressed")

    async def _log_out(self) -> None:
        if self.access is not None:
            await asyncio.to_thread(
                self.access.passwords.log_out, self.principal, self.context.trail
            )
        ui.navigate.to("/login")

    async def tick(self) -> None:
        """Once a second: what changed, and only that, goes to the browser."""
        if self.access is not None and not await asyncio.to_thread(
            self.access.identity.alive, self.principal
        ):
            ui.navigate.to("/login")
            return
        try:
            found = await asyncio.to_thread(self.watch.current)
        except UrbanError as error:
            self._trouble(self.texts("no_data", error))
            return
        self.found = found
        wrong = "; ".join(f"{name}: {what}" for name, what in found.troubles.items())
        self._trouble(f"{self.texts('troubles')}: {wrong}" if wrong else "")
        self.clock.text = to_datetime(found.now, self.context.city.zone).strftime(
            "%H:%M:%S  %d/%m/%Y"
        )
        self.figures.update(found)
        self.alerts.update_rows(found.standing, found.now, self.kinds)
        self.map.update_devices(found)
        self._offer_devices()
        await self.panel.refresh(found)

    def _trouble(self, text: str) -> None:
        self.troubles.text = text
        self.troubles.visible = bool(text)

    def _offer_devices(self) -> None:
        every = self.context.catalogue.devices
        devices = [every[code] for code in self.context.sight.codes().tolist()]
        if len(devices) != len(self.find.options):
            names = {d.id: f"{d.name} · {d.id}" if d.name else d.id for d in devices}
            self.find.set_options(names)

    async def first(self, device: str, alert: str = "") -> None:
        """Before anything was chosen: what was asked for, else the device with the worst alert.

        alert: as the links of messages name it; its details are opened.
        """
        if self.found is None:
            return
        if alert:
            device = await self.alerts.show(alert) or device
        wanted = [device] if device else []
        wanted += [alert.device for alert in self.found.standing]
        newest = self.found.states.newest
        if len(newest) and newest.max() > 0:
            wanted.append(self.context.catalogue.devices[int(newest.argmax())].id)
        for name in wanted:
            if await self.panel.show(name, self.found):
                self._mark(name, travel=bool(device))
                return

    async def _chosen(self, device: str) -> None:
        if self.found is not None and await self.panel.show(device, self.found):
            self._mark(device, travel=True)

    async def _found(self, event: object) -> None:
        device = getattr(event, "value", None)
        if device:
            await self._chosen(str(device))

    def _mark(self, device: str, *, travel: bool) -> None:
        self.alerts.choose(device)
        self.map.choose(device, travel=travel)
        # The address follows, so that it can be passed on and survives a reload.
        other = self.language.props["href"].partition("?")[0]
        self.language.props["href"] = f"{other}?device={device}"
        query = json.dumps(f"?device={device}")
        ui.run_javascript(f"history.replaceState(null, '', location.pathname + {query})")


def mount_console(app: FastAPI, context: Context) -> None:
    """Put the console on `/` (in the settings' language), `/vi` and `/en` of this app.

    Its framework is one per process: an app that is made later takes the pages over.
    """
    watches = Watches()
    default = context.settings.language
    _translate()
    for path, language in (("/", default), *((f"/{name}", name) for name in LANGUAGES)):
        texts = Texts(language)
        ui.page(
            path,
            title=f"{texts.pick(context.city.vi, context.city.en)} · {texts('page_title')}",
            language="vi" if language == "vi" else "en-US",
            reconnect_timeout=RECONNECT_S,
        )(_page(app, watches, texts))
    framework.user_middleware.clear()
    framework.middleware_stack = None
    ui.run_with(app, favicon=_ICON, dark=True, tailwind=False, show_welcome_message=False)
    mount = app.router.routes.pop()
    assert isinstance(mount, Mount)
    app.router.routes.append(_ConsoleMount("/", app=mount.app))


def _translate() -> None:
    """The framework's own words, which it has in few languages."""
    names: dict[str, Language] = {"vi": "vi", "en": "en-US"}
    for language, name in names.items():
        translations[name] = Texts(language).some(
            "connection_lost", "trying_to_reconnect", "message_too_long", "message_too_long_body"
        )


def _page(
    app: FastAPI, watches: Watches, texts: Texts
) -> Callable[..., Awaitable[Response | None]]:
    async def page(request: Request, device: str = "", alert: str = "") -> Response | None:
        principal = principal_of(request)
        if principal.role < Role.VIEWER:
            where = request.url.path + (f"?{request.url.query}" if request.url.query else "")
            return RedirectResponse(f"/login?next={quote(where)}", 303)
        seen = app.state.eyes.see(principal)
        console = Console(seen, watches.of(seen), texts, app.state.access)
        console.build()
        await console.tick()
        await ui.context.client.connected()
        await console.first(device, alert)
        ui.timer(TICK_S, console.tick)
        return None

    return page


class _ConsoleMount(Mount):
    """Mount the console's own paths only: everything else that is unknown stays a problem of the API."""

    _PATHS = frozenset({"/", "/favicon.ico", *(f"/{name}" for name in LANGUAGES)})

    def matches(self, scope: Scope) -> tuple[Match, Scope]:
        path = scope.get("path", "")
        if path in self._PATHS or path.startswith(("/_nicegui/", "/_nicegui_ws/")):
            return super().matches(scope)
        return Match.NONE, {}
