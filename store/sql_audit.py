"""The audit log in SQL: links are added one at a time, whichever process they come from."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

from sqlalchemy import Connection, Row, Select, select, text

from store.access_records import AuditEntry, AuditFilter, AuditRecord
from store.audit_chain import GENESIS, link
from store.schema import AUDIT
from store.sql_base import SqlBase, fields_of
from store.sql_types import harmless

_ALL = AuditFilter()
_COLUMN = AUDIT.c


class SqlAudit(SqlBase):
    """The part of `SqlOperations` that remembers who did what. See AccessStore."""

    def append_audit(self, entry: AuditEntry) -> AuditRecord:
        """See AccessStore.append_audit."""
        # As the database will give it back: the hash is over that.
        words: dict[str, Any] = {f: harmless(getattr(entry, f)) for f in _WORDS}
        with self._one_writer() as db:
            newest = select(_COLUMN.number, _COLUMN.hash).order_by(_COLUMN.number.desc()).limit(1)
            last = db.execute(newest).first()
            number, previous = (last.number, last.hash) if last is not None else (0, GENESIS)
            made = link(number + 1, replace(entry, **words), previous)
            values = {f: getattr(made.entry, f) for f in AuditEntry.__dataclass_fields__}
            values |= {"number": made.number, "previous": made.previous, "hash": made.hash}
            db.execute(AUDIT.insert(), values)
        return made

    def audit(
        self, which: AuditFilter = _ALL, *, limit: int = 100, before: int | None = None
    ) -> list[AuditRecord]:
        """See AccessStore.audit."""
        query = _where(select(AUDIT), which).order_by(_COLUMN.number.desc()).limit(limit)
        if before is not None:
            query = query.where(_COLUMN.number < before)
        return [_record(row) for row in self._rows(query)]

    def audit_from(self, number: int, limit: int = 1_000) -> list[AuditRecord]:
        """See AccessStore.audit_from."""
        query = select(AUDIT).where(_COLUMN.number >= number).order_by(_COLUMN.number).limit(limit)
        return [_record(row) for row in self._rows(query)]

    @contextmanager
    def _one_writer(self) -> Iterator[Connection]:
        with self._writing() as db:
            if db.dialect.name == "postgresql":
                db.execute(text("select pg_advisory_xact_lock(hashtext('urban.audit'))"))
            else:
                db.exec_driver_sql("begin immediate")  # its driver would begin with the insert
            yield db


_WORDS = ("who", "role", "source", "act", "about", "before", "after")


def _where(query: Select[Any], which: AuditFilter) -> Select[Any]:
    for column, among in (
        (_COLUMN.who, which.who), (_COLUMN.act, which.acts), (_COLUMN.about, which.about),
    ):  # fmt: skip
        if among:
            query = query.where(column.in_(among))
    if which.start is not None:
        query = query.where(_COLUMN.time >= which.start)
    if which.end is not None:
        query = query.where(_COLUMN.time < which.end)
    return query


def _record(row: Row[Any]) -> AuditRecord:
    entry = AuditEntry(**fields_of(row, AuditEntry))
    return AuditRecord(number=row.number, entry=entry, previous=row.previous, hash=row.hash)
