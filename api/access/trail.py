"""What one request, or one visitor of the page, leaves in the audit log."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from api.access.principal import LOCAL, Principal


@dataclass(frozen=True, slots=True, kw_only=True)
class Done:
    """Something that was done: by whom and from where, what, to what, and what it was before and after.

    before, after  plain data for JSON; None: there was nothing, or is nothing
    """

    principal: Principal
    act: str
    about: str = ""
    before: object = None
    after: object = None


def forget(done: Done) -> None:
    """Where no log is kept."""


@dataclass
class Trail:
    """Notes acts of one principal. `noted`: something was."""

    principal: Principal = LOCAL
    write: Callable[[Done], None] = forget
    noted: bool = field(default=False, compare=False)

    def nothing(self) -> None:
        """Say that nothing was done: a dry run of what else would have been."""
        self.noted = True

    def note(self, act: str, about: str = "", before: object = None, after: object = None) -> None:
        """Write it down; durable on return. Raises StoreError where that fails."""
        self.noted = True
        self.write(Done(principal=self.principal, act=act, about=about, before=before, after=after))
