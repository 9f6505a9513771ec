"""Logging in with a password, choosing a new one, logging out; each is in the audit log."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NoReturn

from api.access.guessing import Guessing
from api.access.passwords import LONGEST, check_password, hashed, matches, outdated
from api.access.principal import ANONYMOUS, Principal
from api.access.sessions import Sessions, as_principal
from api.access.trail import Done, Trail
from api.problems import Problem
from store.access import AccessStore
from store.access_records import Account
from telemetry.clock import Clock


@dataclass(frozen=True, slots=True)
class LoggedIn:
    """A session that began. must_change: it is good for choosing a password, and for nothing else yet."""

    token: str
    principal: Principal
    must_change: bool


class PasswordLogIn:
    """People with local accounts. Every method may be called from any thread."""

    def __init__(
        self, store: AccessStore, sessions: Sessions, guessing: Guessing, clock: Clock
    ) -> None:
        self._store = store
        self._sessions = sessions
        self._guessing = guessing
        self._clock = clock

    def log_in(self, name: str, password: str, trail: Trail) -> LoggedIn:
        """Begin a session. Raises Problem: 401 for a wrong name or password (which, it does not say), 429."""
        source = trail.principal.source
        self._guessing.check(name, source)
        account = self._store.account(name)
        if not matches(account.password if account else "", password) or account is None:
            self._refuse(name, source, trail)
        self._guessing.right(name)
        fresh = hashed(password) if outdated(account.password) else None
        self._store.logged_in(name, self._clock.now(), fresh)
        return self._begin(account, source, trail)

    def change(self, name: str, old: str, new: str, trail: Trail) -> LoggedIn:
        """Choose a password; every session of the account ends, and a new one begins here.

        Raises Problem (401, 429) for a wrong old one, QueryError for a new one that is too easily guessed.
        """
        source = trail.principal.source
        self._guessing.check(name, source)
        account = self._store.account(name)
        if not matches(account.password if account else "", old) or account is None:
            self._refuse(name, source, trail)
        if new == old:
            raise Problem(400, "Invalid parameter", "password: must be another one", "password")
        self._store.set_password(name, hashed(check_password(new, name)), must_change=False)
        self._sessions.end_all(name)
        trail.write(_done(as_principal(name, account.grant), source, "account.password"))
        return self._begin(account.but(must_change=False), source, trail)

    def log_out(self, principal: Principal, trail: Trail) -> None:
        """End the session that this principal asks with."""
        if principal.session:
            self._sessions.end(principal.session)
            trail.note("session.end")

    def _begin(self, account: Account, source: str, trail: Trail) -> LoggedIn:
        token, session = self._sessions.begin(account.name, account.grant, account.name)
        principal = as_principal(account.name, account.grant, session.id)
        trail.write(_done(principal, source, "session.begin"))
        trail.nothing()  # more than this
        return LoggedIn(token, principal, account.must_change)

    def _refuse(self, name: str, source: str, trail: Trail) -> NoReturn:
        self._guessing.wrong(name, source)
        who = ANONYMOUS.at(source)
        trail.write(Done(principal=who, act="session.refused", about=name[:LONGEST]))
        raise Problem(401, "Not authenticated", "the name or the password is wrong", "password")


def _done(principal: Principal, source: str, act: str) -> Done:
    return Done(principal=principal.at(source), act=act)
