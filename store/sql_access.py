"""Accounts, keys and sessions in SQL."""

from __future__ import annotations

import json
from typing import Any

from sqlalchemy import Row, Table, delete, select, update

from store.access_records import Account, ApiKey, Grant, Session
from store.schema import ACCOUNTS, API_KEYS, SESSIONS
from store.sql_base import SqlBase


class SqlAccess(SqlBase):
    """The part of `SqlOperations` that knows who may come in. See AccessStore."""

    def accounts(self) -> list[Account]:
        """See AccessStore.accounts."""
        return [_record(Account, r) for r in self._rows(select(ACCOUNTS).order_by(ACCOUNTS.c.name))]

    def account(self, name: str) -> Account | None:
        """See AccessStore.account."""
        rows = self._rows(select(ACCOUNTS).where(ACCOUNTS.c.name == name))
        return _record(Account, rows[0]) if rows else None

    def put_account(self, account: Account) -> None:
        """See AccessStore.put_account."""
        self._put(ACCOUNTS, "name", _values(account))

    def logged_in(self, name: str, time: int, password: str | None = None) -> None:
        """See AccessStore.logged_in."""
        fresh = {} if password is None else {"password": password}
        self._change_account(name, last_login=time, **fresh)

    def set_password(self, name: str, password: str, *, must_change: bool) -> None:
        """See AccessStore.set_password."""
        self._change_account(name, password=password, must_change=must_change)

    def _change_account(self, name: str, **values: Any) -> None:
        # Only these columns: who is given another role meanwhile keeps it.
        with self._writing() as db:
            db.execute(update(ACCOUNTS).where(ACCOUNTS.c.name == name).values(**values))

    def remove_account(self, name: str) -> bool:
        """See AccessStore.remove_account."""
        with self._writing() as db:
            db.execute(delete(SESSIONS).where(SESSIONS.c.account == name))
            return db.execute(delete(ACCOUNTS).where(ACCOUNTS.c.name == name)).rowcount > 0

    def api_keys(self) -> list[ApiKey]:
        """See AccessStore.api_keys."""
        query = select(API_KEYS).order_by(API_KEYS.c.created, API_KEYS.c.prefix)
        return [_record(ApiKey, r) for r in self._rows(query)]

    def api_key(self, prefix: str) -> ApiKey | None:
        """See AccessStore.api_key."""
        rows = self._rows(select(API_KEYS).where(API_KEYS.c.prefix == prefix))
        return _record(ApiKey, rows[0]) if rows else None

    def put_api_key(self, key: ApiKey) -> None:
        """See AccessStore.put_api_key."""
        self._put(API_KEYS, "prefix", _values(key))

    def key_used(self, prefix: str, time: int) -> None:
        """See AccessStore.key_used."""
        with self._writing() as db:
            db.execute(update(API_KEYS).where(API_KEYS.c.prefix == prefix).values(used=time))

    def session(self, session_id: str) -> Session | None:
        """See AccessStore.session."""
        rows = self._rows(select(SESSIONS).where(SESSIONS.c.id == session_id))
        return _record(Session, rows[0]) if rows else None

    def put_session(self, session: Session) -> None:
        """See AccessStore.put_session."""
        self._put(SESSIONS, "id", _values(session))

    def session_seen(self, session_id: str, time: int) -> None:
        """See AccessStore.session_seen."""
        with self._writing() as db:
            db.execute(update(SESSIONS).where(SESSIONS.c.id == session_id).values(seen=time))

    def end_session(self, session_id: str) -> None:
        """See AccessStore.end_session."""
        with self._writing() as db:
            db.execute(delete(SESSIONS).where(SESSIONS.c.id == session_id))

    def end_sessions(self, *, account: str | None = None, before: int | None = None) -> int:
        """See AccessStore.end_sessions."""
        gone = delete(SESSIONS)
        if account is not None:
            gone = gone.where(SESSIONS.c.account == account)
        if before is not None:
            gone = gone.where(SESSIONS.c.expires < before)
        if account is None and before is None:
            return 0
        with self._writing() as db:
            return db.execute(gone).rowcount

    def _put(self, table: Table, key: str, values: dict[str, Any]) -> None:
        statement = self._insert(table).values(values)
        changed = {c: statement.excluded[c] for c in values if c != key}
        with self._writing() as db:
            db.execute(statement.on_conflict_do_update(index_elements=[key], set_=changed))


def _values(record: Any) -> dict[str, Any]:
    """A record as a row: its grant in three columns."""
    grant: Grant = record.grant
    values = {f: getattr(record, f) for f in record.__dataclass_fields__ if f != "grant"}
    return values | {
        "role": grant.role,
        "domains": json.dumps(grant.domains, ensure_ascii=False),
        "areas": json.dumps(grant.areas, ensure_ascii=False),
    }


def _record(into: Any, row: Row[Any]) -> Any:
    fields = {f: row._mapping[f] for f in into.__dataclass_fields__ if f != "grant"}
    domains, areas = (None if (found := json.loads(text)) is None else tuple(found)
                      for text in (row.domains, row.areas))  # fmt: skip
    return into(grant=Grant(role=row.role, domains=domains, areas=areas), **fields)
