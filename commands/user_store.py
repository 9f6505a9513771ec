"""The operations store for `urban users`: opened, with the audit log, and closed again."""

from __future__ import annotations

import getpass
import re
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass

from api.access.audit_log import AuditLog
from api.access.principal import Principal, Role
from api.access.trail import Done
from devices.city import City, load_city
from devices.registry import Kinds, load_kinds
from store.access_records import Account, Grant
from store.audit_anchor import NAME, Anchor
from store.sql_store import SqlOperations
from telemetry.clock import SystemClock
from telemetry.errors import QueryError
from telemetry.settings import Settings, load_settings

_SHAPE = re.compile(r"[a-z0-9][a-z0-9._-]{1,63}")


@dataclass
class Desk:
    """The store, who works at it, and when."""

    settings: Settings
    store: SqlOperations
    who: str
    now: int

    @property
    def kinds(self) -> Kinds:
        """What domains there are."""
        return load_kinds()

    @property
    def city(self) -> City:
        """What areas there are."""
        return load_city(self.settings.city)

    def account(self, name: str) -> Account:
        """Raises QueryError where there is none."""
        found = self.store.account(name)
        if found is None:
            known = ", ".join(a.name for a in self.store.accounts()) or "there is none yet"
            raise QueryError("NAME", "must be an account", name, f"known: {known}")
        return found

    def refuse_bad_name(self, name: str) -> None:
        """Raises QueryError. No @: those come from an identity provider."""
        if not _SHAPE.fullmatch(name):
            raise QueryError("NAME", "must look like [a-z0-9][a-z0-9._-]{1,63}", name)

    def refuse_last_administrator(self, name: str) -> None:
        """Raises QueryError where nobody else could let anybody in again."""
        others = [a for a in self.store.accounts() if a.name != name]
        if not any(a.grant.role == "administrator" for a in others):
            raise QueryError("NAME", "is the last administrator: make another first", name)

    def note(
        self, act: str, about: str, before: Grant | None = None, after: Grant | None = None
    ) -> None:
        """Into the audit log."""
        log = AuditLog(self.store, Anchor(self.settings.data_dir / NAME), SystemClock())
        who = Principal(
            name=self.who, role=Role.ADMINISTRATOR, sort="local", source=socket.gethostname()
        )
        old, new = (None if g is None else asdict(g) for g in (before, after))
        log.write(Done(principal=who, act=act, about=about, before=old, after=new))


@contextmanager
def opened() -> Iterator[Desk]:
    """The desk for one command. Raises StoreError where the store can't be opened."""
    settings = load_settings()
    settings.data_dir.mkdir(parents=True, exist_ok=True)
    store = SqlOperations(settings.operations_url)
    try:
        yield Desk(settings, store, _user(), SystemClock().now())
    finally:
        store.close()


def _user() -> str:
    try:
        return getpass.getuser()
    except (OSError, KeyError):
        return "command line"
