"""Tables of accounts, keys, sessions and the audit log. Times are ns, UTC."""

from __future__ import annotations

from sqlalchemy import DDL, BigInteger, Boolean, Column, Index, MetaData, Table, event

from store.sql_types import Words


def access_tables(metadata: MetaData) -> tuple[Table, Table, Table, Table]:
    """(accounts, api_keys, sessions, audit), declared in this metadata."""
    accounts = Table(
        "accounts",
        metadata,
        Column("name", Words, primary_key=True),
        *_grant(),
        Column("password", Words, nullable=False),
        Column("must_change", Boolean, nullable=False),
        Column("created", BigInteger, nullable=False),
        Column("created_by", Words, nullable=False),
        Column("last_login", BigInteger),
    )
    keys = Table(
        "api_keys",
        metadata,
        Column("prefix", Words, primary_key=True),
        Column("name", Words, nullable=False),
        *_grant(),
        Column("digest", Words, nullable=False),
        Column("created", BigInteger, nullable=False),
        Column("created_by", Words, nullable=False),
        Column("expires", BigInteger),
        Column("used", BigInteger),
        Column("revoked", BigInteger),
    )
    sessions = Table(
        "sessions",
        metadata,
        Column("id", Words, primary_key=True),
        Column("name", Words, nullable=False),
        Column("account", Words, nullable=False, index=True),
        *_grant(),
        Column("created", BigInteger, nullable=False),
        Column("seen", BigInteger, nullable=False),
        Column("expires", BigInteger, nullable=False, index=True),
    )
    audit = Table(
        "audit",
        metadata,
        # Given one by one in the transaction that links it: a gap is a record that was removed.
        Column("number", BigInteger, primary_key=True, autoincrement=False),
        Column("time", BigInteger, nullable=False),
        *(Column(n, Words, nullable=False) for n in ("who", "role", "source", "act", "about")),
        Column("before", Words, nullable=False),
        Column("after", Words, nullable=False),
        Column("previous", Words, nullable=False),
        Column("hash", Words, nullable=False),
        Index("audit_time", "time"),
    )
    for dialect, statements in APPEND_ONLY.items():
        for statement in statements:
            step = DDL(statement)  # type: ignore[no-untyped-call]
            event.listen(audit, "after_create", step.execute_if(dialect=dialect))
    return accounts, keys, sessions, audit


def _grant() -> tuple[Column[str], ...]:
    # domains, areas: JSON, `null` for all.
    return tuple(Column(n, Words, nullable=False) for n in ("role", "domains", "areas"))


# Not what the log's trust rests on (the chain is), but nobody changes it by accident.
APPEND_ONLY = {
    "sqlite": tuple(
        f"create trigger audit_no_{what} before {what} on audit "
        "begin select raise(abort, 'the audit log is append-only'); end"
        for what in ("update", "delete")
    ),
    "postgresql": (
        "create or replace function audit_append_only() returns trigger language plpgsql as "
        "$$begin raise exception 'the audit log is append-only'; end$$",
        "create trigger audit_append_only before update or delete or truncate on audit "
        "for each statement execute function audit_append_only()",
    ),
}
