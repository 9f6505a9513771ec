"""Sessions of people who are logged in: a random cookie, its digest in the store, an idle and an absolute end.

What an account may do is read anew every few seconds, so a role that is taken away is gone at once
everywhere. A person whom an identity provider vouched for keeps what it said until the session ends.
"""

from __future__ import annotations

import hashlib
import secrets
from dataclasses import dataclass, replace

from api.access.cache import Cache
from api.access.principal import Principal, Role
from store.access import AccessStore
from store.access_records import Account, Grant, Session
from telemetry.clock import MINUTE, Clock

_NOTED = MINUTE  # how often the store is told that a session is in use


@dataclass(frozen=True, slots=True)
class Lengths:
    """How long a session lasts when nobody uses it, and at most. [ns]"""

    idle: int
    most: int


class Sessions:
    """Every method may be called from any thread."""

    def __init__(self, store: AccessStore, clock: Clock, lengths: Lengths) -> None:
        self._store = store
        self._clock = clock
        self._lengths = lengths
        self._known: Cache[Session | None] = Cache(clock)
        self._accounts: Cache[Account | None] = Cache(clock)

    def begin(self, name: str, grant: Grant, account: str = "") -> tuple[str, Session]:
        """(the cookie's value, the session). A new one each time: what was there before is not taken over."""
        now, token = self._clock.now(), secrets.token_urlsafe(32)
        self._store.end_sessions(before=now)
        session = Session(
            id=_digest(token), name=name, account=account, grant=grant, created=now, seen=now,
            expires=now + self._lengths.most,
        )  # fmt: skip
        self._store.put_session(session)
        return token, session

    def find(self, token: str) -> Principal | None:
        """Who is logged in with this cookie; None where nobody is, or no longer."""
        return self.principal(_digest(token))

    def principal(self, session_id: str) -> Principal | None:
        """Who is logged in with this session; None where nobody is, or no longer."""
        session = self._known.get(session_id, lambda: self._store.session(session_id))
        now = self._clock.now()
        if session is None or now >= min(session.expires, session.seen + self._lengths.idle):
            return None
        grant = self._grant(session)
        if grant is None:
            return None
        if now - session.seen >= _NOTED:
            self._store.session_seen(session_id, now)
            self._known.put(session_id, replace(session, seen=now))
        return as_principal(session.name, grant, session_id)

    def end(self, session_id: str) -> None:
        """Log out."""
        self._store.end_session(session_id)
        self._known.forget(session_id)

    def end_all(self, account: str) -> None:
        """Log an account out everywhere."""
        self._store.end_sessions(account=account)
        self._known.clear()
        self._accounts.clear()

    def _grant(self, session: Session) -> Grant | None:
        if not session.account:
            return session.grant
        name = session.account
        account = self._accounts.get(name, lambda: self._store.account(name))
        if account is None:
            return None
        return replace(account.grant, role="anonymous") if account.must_change else account.grant


def as_principal(name: str, grant: Grant, session: str = "") -> Principal:
    """A person as a principal."""
    return Principal(
        name=name,
        role=Role[grant.role.upper()],
        sort="person",
        domains=None if grant.domains is None else frozenset(grant.domains),
        areas=None if grant.areas is None else frozenset(grant.areas),
        session=session,
    )


def _digest(token: str) -> str:
    return hashlib.sha256(token.encode()).hexdigest()
