"""The small city with its doors closed: accounts, keys, and an app that asks who one is."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace

import httpx

from api.access.access import Access, make_access
from api.access.audit_log import AuditLog
from api.access.keys import make_key
from api.access.oidc_settings import OidcSettings
from api.access.passwords import hashed
from api.app import create_app
from store.access_records import Account, Grant
from store.audit_anchor import NAME, Anchor
from tests.api.client import Client
from tests.api.world import HOST, World

PASSWORD = "correct horse battery"
_HASH = hashed(PASSWORD)  # once: it is slow on purpose


@dataclass
class Doors:
    """The world, and what stands before it."""

    world: World
    access: Access

    def account(self, name: str, role: str = "viewer", **more: object) -> Account:
        """An account whose password is PASSWORD."""
        fields: dict[str, object] = {
            "created": 1, "created_by": "test", "password": _HASH, "grant": Grant(role=role),
        }  # fmt: skip
        made = Account(name=name, **fields | more)  # type: ignore[arg-type]
        self.world.operations.put_account(made)
        return made

    def key(self, role: str = "viewer", expires: int | None = None, **part: object) -> str:
        """A key's text."""
        grant = Grant(role=role, **part)  # type: ignore[arg-type]
        kept, text = make_key(f"{role}-key", grant, "test", self.world.clock.now(), expires)
        self.world.operations.put_api_key(kept)
        return text

    @contextmanager
    def client(self) -> Iterator[Client]:
        """A fresh browser, or program."""
        app = create_app(self.world.context, console=False, access=self.access)
        with Client(app) as made:
            yield made

    def acts(self) -> list[tuple[str, str]]:
        """(who, act) of the audit log."""
        found = self.world.operations.audit_from(1)
        return [(r.entry.who, r.entry.act) for r in found]


def doors_of(world: World, oidc: OidcSettings | None = None, **changes: object) -> Doors:
    """changes: of settings."""
    context = world.context
    context.settings = replace(context.settings, auth="on", **changes)  # type: ignore[arg-type]
    folder = context.settings.data_dir
    context.audit = AuditLog(world.operations, Anchor(folder / NAME), world.clock).write
    return Doors(world, make_access(context.settings, world.operations, world.clock, HOST, oidc))


def log_in(client: Client, name: str, password: str = PASSWORD, **more: str) -> httpx.Response:
    """As the form does it."""
    data = {"name": name, "password": password, **more}
    return client.post("/login", data=data, headers={"Origin": HOST})
