"""Who one is, in the page's header: name and role, and the way out; or that nobody has to log in."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from nicegui import ui

from api.access.principal import Principal
from api.console.login_texts import LOGIN_TEXTS
from api.console.texts import Texts


def show_who(principal: Principal, texts: Texts, log_out: Callable[[], Awaitable[None]]) -> None:
    """Into the header."""
    if principal.sort == "local":
        ui.label(_words("no_log_in", texts)).classes("subtitle who")
        return
    part = "" if principal.whole else f" · {_words('part_of_city', texts)}"
    role = _words(principal.role.word, texts)
    who = _words("logged_in_as", texts).format(principal.name, role)
    ui.label(who + part).classes("subtitle who")
    ui.button(_words("log_out", texts), on_click=log_out).classes("bar-link").props(
        "flat dense no-caps"
    )


def _words(key: str, texts: Texts) -> str:
    return LOGIN_TEXTS[key][texts.place]
