"""Passwords: Argon2id (RFC 9106, the second recommended set: 64 MiB, 3 passes), few at a time."""

from __future__ import annotations

import secrets
import threading

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from telemetry.errors import QueryError

SHORTEST, LONGEST = 12, 200
# Each takes 64 MiB for a tenth of a second: more at once would be a way to fill the memory.
_AT_ONCE = threading.BoundedSemaphore(2)
_HASHER = PasswordHasher(time_cost=3, memory_cost=65_536, parallelism=4)
_LETTERS = "abcdefghjkmnpqrstuvwxyz23456789"  # none that is read for another


def hashed(password: str) -> str:
    """The hash, with its parameters and salt."""
    with _AT_ONCE:
        return _HASHER.hash(password)


def matches(known: str, password: str) -> bool:
    """Whether it is this password. Of a hash that is none: no, in the same time."""
    try:
        with _AT_ONCE:
            return _HASHER.verify(known or _NOBODYS, password[:LONGEST])
    except (VerificationError, InvalidHashError):
        return False


def outdated(known: str) -> bool:
    """Whether it was hashed with other parameters than today's."""
    return _HASHER.check_needs_rehash(known)


def make_password() -> str:
    """A one-time password that a person can type: 20 letters, 99 bits."""
    parts = ("".join(secrets.choice(_LETTERS) for _ in range(5)) for _ in range(4))
    return "-".join(parts)


def check_password(password: str, name: str) -> str:
    """The same. Raises QueryError for one that is too easily guessed."""
    if not SHORTEST <= len(password) <= LONGEST:
        raise QueryError("password", f"must have {SHORTEST} to {LONGEST} characters")
    if name.lower() in password.lower() or len(set(password)) < 5:
        raise QueryError("password", "must not hold the name, and not be few characters repeated")
    return password


# What is compared with where there is no such account: an answer as late as any.
_NOBODYS = _HASHER.hash(secrets.token_hex(16))
