"""Who asks: a person, a program with a key, nobody in particular, or whoever sits at this machine."""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import IntEnum
from typing import Literal

from telemetry.errors import QueryError


class Role(IntEnum):
    """What one may do; each may do what those before it may."""

    ANONYMOUS = 0
    VIEWER = 1
    OPERATOR = 2
    ENGINEER = 3
    ADMINISTRATOR = 4

    @property
    def word(self) -> str:
        """viewer, operator, engineer, administrator; anonymous."""
        return self.name.lower()

    @staticmethod
    def of(word: str) -> Role:
        """The role of this word. Raises QueryError for one that nobody can be given."""
        if word not in ROLES:
            raise QueryError("role", f"must be one of {', '.join(ROLES)}", word)
        return Role[word.upper()]


ROLES = tuple(role.name.lower() for role in Role if role is not Role.ANONYMOUS)
Sort = Literal["local", "person", "key", "anonymous"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Principal:
    """Who asks, and from where.

    name     as acts are signed with it; "" where it is not known
    domains  departments whose kinds of device are seen (a kind's `domain`); None: all
    areas    official codes of the areas whose devices are seen; None: all, and devices without an area
    key      the key's public part, where a program asks
    source   the address that it asks from
    session  id of the session, where a person is logged in
    """

    name: str
    role: Role
    sort: Sort
    domains: frozenset[str] | None = None
    areas: frozenset[str] | None = None
    key: str = ""
    source: str = ""
    session: str = ""

    @property
    def whole(self) -> bool:
        """Whether the whole city is seen."""
        return self.domains is None and self.areas is None

    @property
    def label(self) -> str:
        """What limits are counted under and the audit log says: one name for one principal."""
        if self.sort == "key":
            return f"key:{self.key}"
        return f"{self.sort}:{self.name}" if self.name else self.sort

    def at(self, source: str) -> Principal:
        """The same, asking from this address."""
        return replace(self, source=source)

    def signed(self, by: str) -> str:
        """Whose name stands under an act for which `by` was given.

        Who is logged in signs with that name and no other. A program may say for whom it acts. Without
        authentication nobody knows better than what was given. Raises QueryError.
        """
        if self.sort == "person":
            if by and by != self.name:
                raise QueryError("by", f"must be left out, or {self.name!r}: you are logged in", by)
            return self.name
        if self.sort == "key":
            return f"{by} ({self.name})" if by else self.name
        if not by:
            raise QueryError("by", "must say who does it: nobody is logged in here")
        return by


# Whoever reaches a platform that asks for no log-in: it listens on loopback only.
LOCAL = Principal(name="", role=Role.ADMINISTRATOR, sort="local")
ANONYMOUS = Principal(name="", role=Role.ANONYMOUS, sort="anonymous")
