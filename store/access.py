"""The seam to accounts, keys, sessions and the audit log: a part of the operations store."""

from __future__ import annotations

from typing import Protocol

from store.access_records import (
    Account,
    ApiKey,
    AuditEntry,
    AuditFilter,
    AuditRecord,
    Session,
)


class AccessStore(Protocol):
    """Every method may be called from any thread and is durable on return."""

    def accounts(self) -> list[Account]:
        """Every account, by name."""
        ...

    def account(self, name: str) -> Account | None:
        """One account."""
        ...

    def put_account(self, account: Account) -> None:
        """Add an account, or replace the one of its name."""
        ...

    def logged_in(self, name: str, time: int, password: str | None = None) -> None:
        """Note a log-in [ns]; with a hash of the same password that today's parameters made."""
        ...

    def set_password(self, name: str, password: str, *, must_change: bool) -> None:
        """Give an account another password, as a hash."""
        ...

    def remove_account(self, name: str) -> bool:
        """Forget an account and end its sessions. False where there was none."""
        ...

    def api_keys(self) -> list[ApiKey]:
        """Every key, also those that are revoked or over, in the order in which they were made."""
        ...

    def api_key(self, prefix: str) -> ApiKey | None:
        """The key of this prefix."""
        ...

    def put_api_key(self, key: ApiKey) -> None:
        """Add a key, or replace the one of its prefix."""
        ...

    def key_used(self, prefix: str, time: int) -> None:
        """Note when a key was used last. [ns]"""
        ...

    def session(self, session_id: str) -> Session | None:
        """One session; also one that is over."""
        ...

    def put_session(self, session: Session) -> None:
        """Begin a session, or replace what is known of it."""
        ...

    def session_seen(self, session_id: str, time: int) -> None:
        """Note when a session was used last. [ns]"""
        ...

    def end_session(self, session_id: str) -> None:
        """End a session."""
        ...

    def end_sessions(self, *, account: str | None = None, before: int | None = None) -> int:
        """End all sessions of an account, or all that expired before a time [ns]. Returns how many."""
        ...

    def append_audit(self, entry: AuditEntry) -> AuditRecord:
        """Add a link to the log; one writer at a time, whichever process it is in."""
        ...

    def audit(
        self, which: AuditFilter = ..., *, limit: int = 100, before: int | None = None
    ) -> list[AuditRecord]:
        """Records, newest first; `before` is the number of the last one of the page before."""
        ...

    def audit_from(self, number: int, limit: int = 1_000) -> list[AuditRecord]:
        """Records from a number on, in order: for whoever verifies them."""
        ...
