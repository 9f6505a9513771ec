"""Request → principal: a key in a header, or a session in a cookie; nobody otherwise."""

from __future__ import annotations

import asyncio

from starlette.requests import HTTPConnection

from api.access.cache import Cache
from api.access.keys import fits, parse_key
from api.access.principal import ANONYMOUS, Principal, Role
from api.access.rules import unauthenticated
from api.access.sessions import Sessions
from store.access import AccessStore
from store.access_records import ApiKey
from telemetry.clock import MINUTE, Clock

COOKIE = "urban_session"
SECURE_COOKIE = "__Host-urban_session"  # browsers take it over TLS only, and from this host only


class Identity:
    """Finds out who asks. `await identity(connection)` is what the gate calls."""

    def __init__(
        self, store: AccessStore, sessions: Sessions, clock: Clock, *, secure: bool
    ) -> None:
        self.cookie = SECURE_COOKIE if secure else COOKIE
        self._store = store
        self._sessions = sessions
        self._clock = clock
        self._keys: Cache[ApiKey | None] = Cache(clock)

    async def __call__(self, connection: HTTPConnection) -> Principal:
        """Who asks. Raises Problem (401) for a key that is none, or is good no longer."""
        key = _key_in(connection)
        if key is not None:
            return await asyncio.to_thread(self.of_key, key)
        token = connection.cookies.get(self.cookie)
        if token:
            found = await asyncio.to_thread(self._sessions.find, token[:100])
            if found is not None:
                return found
        return ANONYMOUS

    def of_key(self, text: str) -> Principal:
        """The program behind a key. Raises Problem (401)."""
        parsed = parse_key(text)
        if parsed is None:
            raise unauthenticated("the key must look like urb_xxxxxxxx.…, as it was shown once")
        prefix, secret = parsed
        key = self._keys.get(prefix, lambda: self._store.api_key(prefix))
        now = self._clock.now()
        if key is None or not fits(key, secret):
            raise unauthenticated("there is no such key")
        if key.revoked is not None:
            raise unauthenticated(f"the key {prefix} was revoked")
        if key.expires is not None and now >= key.expires:
            raise unauthenticated(f"the key {prefix} has expired: ask for a new one")
        if key.used is None or now - key.used >= MINUTE:
            self._store.key_used(prefix, now)
            self._keys.put(prefix, key.but(used=now))
        return _program(key)

    def alive(self, principal: Principal) -> bool:
        """Whether this one may still be served: for streams and pages, which outlive their request."""
        if principal.sort == "person":
            found = self._sessions.principal(principal.session)
            return found is not None and found.at(principal.source) == principal
        if principal.sort == "key":
            key = self._keys.get(principal.key, lambda: self._store.api_key(principal.key))
            over = key is None or key.revoked is not None
            return not over and (key.expires is None or self._clock.now() < key.expires)  # type: ignore[union-attr]
        return True


def _program(key: ApiKey) -> Principal:
    grant = key.grant
    return Principal(
        name=key.name,
        role=Role[grant.role.upper()],
        sort="key",
        domains=None if grant.domains is None else frozenset(grant.domains),
        areas=None if grant.areas is None else frozenset(grant.areas),
        key=key.prefix,
    )


def _key_in(connection: HTTPConnection) -> str | None:
    scheme, _, given = connection.headers.get("authorization", "").partition(" ")
    if scheme.lower() == "bearer":
        return given.strip()
    return connection.headers.get("x-api-key")
