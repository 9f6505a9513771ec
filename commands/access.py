"""Closing the doors at a start: who may come in, and the first administrator where there is nobody yet."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from api.access.access import Access, make_access
from api.access.oidc_settings import load_oidc
from api.access.passwords import hashed, make_password
from store.access import AccessStore
from store.access_records import Account, Grant
from telemetry.clock import Clock
from telemetry.settings import Settings

FIRST = "admin"


def open_doors(
    settings: Settings, store: AccessStore, clock: Clock, url: str, say: Callable[[str], None]
) -> Access | None:
    """How people and programs come in; None where nobody has to say who they are.

    say: told the first administrator's password, once. Raises DeclarationError for a wrong URBAN_OIDC.
    """
    if not settings.asks_for_log_in:
        return None
    oidc = load_oidc(Path(settings.oidc)) if settings.oidc else None
    password = first_administrator(store, clock)
    if password:
        say(
            f"\nThe first administrator, shown this once: name {FIRST}, password {password}\n"
            f"Log in at {settings.public_url or _reached(settings, url)}/login and choose a password of your own."
        )
    return make_access(settings, store, clock, url, oidc)


def _reached(settings: Settings, url: str) -> str:
    """0.0.0.0 is where we listen, and no address that a browser knows."""
    return url.replace(f"//{settings.bind}:", f"//{settings.here}:")


def first_administrator(store: AccessStore, clock: Clock) -> str:
    """Make the account where there is none at all. Returns its one-time password; "" where there was one."""
    if store.accounts():
        return ""
    password = make_password()
    store.put_account(
        Account(
            name=FIRST, grant=Grant(role="administrator"), password=hashed(password),
            must_change=True, created=clock.now(), created_by="first start",
        )
    )  # fmt: skip
    return password
