"""What the operations store holds of access: accounts, keys, sessions, and the audit log."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any


@dataclass(frozen=True, slots=True, kw_only=True)
class Grant:
    """What somebody may do and see. role: a word of api.access.principal; domains, areas: None is all."""

    role: str
    domains: tuple[str, ...] | None = None
    areas: tuple[str, ...] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Account:
    """A person who logs in with a password. Times [ns].

    password     an Argon2 hash, with its parameters in it
    must_change  the password was given by somebody else, and is good for choosing one
    """

    name: str
    grant: Grant
    password: str
    must_change: bool = False
    created: int
    created_by: str
    last_login: int | None = None

    def but(self, **changes: Any) -> Account:
        """The same with other values."""
        return replace(self, **changes)


@dataclass(frozen=True, slots=True, kw_only=True)
class ApiKey:
    """A program's key. Of its secret only the digest is known. Times [ns]; None: never, or not yet."""

    prefix: str
    name: str
    grant: Grant
    digest: str
    created: int
    created_by: str
    expires: int | None = None
    used: int | None = None
    revoked: int | None = None

    def but(self, **changes: Any) -> ApiKey:
        """The same with other values."""
        return replace(self, **changes)


@dataclass(frozen=True, slots=True, kw_only=True)
class Session:
    """Somebody who is logged in. Of the cookie only the digest is known. Times [ns].

    account  "" where an identity provider vouched for the person: the grant is as it said
    expires  the end, however busy it is; `seen` is when it was used last
    """

    id: str
    name: str
    account: str = ""
    grant: Grant
    created: int
    seen: int
    expires: int


@dataclass(frozen=True, slots=True, kw_only=True)
class AuditEntry:
    """Something that was done, before it is in the log. before, after: JSON, or ""."""

    time: int
    who: str
    role: str
    source: str
    act: str
    about: str = ""
    before: str = ""
    after: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class AuditRecord:
    """A link of the log. hash: SHA-256 over the previous one's and what stands here; see store.audit_chain."""

    number: int
    entry: AuditEntry
    previous: str
    hash: str


@dataclass(frozen=True, slots=True, kw_only=True)
class AuditFilter:
    """Which records are meant: those that fit every field; empty: all. start <= time < end [ns]."""

    who: Sequence[str] = ()
    acts: Sequence[str] = ()
    about: Sequence[str] = ()
    start: int | None = None
    end: int | None = None
