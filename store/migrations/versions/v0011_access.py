"""Accounts, keys, sessions, and the audit log."""

from __future__ import annotations

from alembic import op
from sqlalchemy import BigInteger, Boolean, Column

from store.migrations.steps import on_postgresql
from store.sql_types import Words

revision = "0011"
down_revision = "0010"


def upgrade() -> None:
    """There are none."""
    op.create_table(
        "accounts",
        Column("name", Words, primary_key=True),
        *_words("role", "domains", "areas", "password"),
        Column("must_change", Boolean, nullable=False),
        Column("created", BigInteger, nullable=False),
        *_words("created_by"),
        Column("last_login", BigInteger),
    )
    op.create_table(
        "api_keys",
        Column("prefix", Words, primary_key=True),
        *_words("name", "role", "domains", "areas", "digest"),
        Column("created", BigInteger, nullable=False),
        *_words("created_by"),
        *(Column(n, BigInteger) for n in ("expires", "used", "revoked")),
    )
    op.create_table(
        "sessions",
        Column("id", Words, primary_key=True),
        *_words("name", "account", "role", "domains", "areas"),
        *(Column(n, BigInteger, nullable=False) for n in ("created", "seen", "expires")),
    )
    op.create_index("ix_sessions_account", "sessions", ["account"])
    op.create_index("ix_sessions_expires", "sessions", ["expires"])
    op.create_table(
        "audit",
        Column("number", BigInteger, primary_key=True, autoincrement=False),
        Column("time", BigInteger, nullable=False),
        *_words(
            "who", "role", "source", "act", "about", "before", "after", "previous", "hash"
        ),
    )  # fmt: skip
    op.create_index("audit_time", "audit", ["time"])
    _append_only()


def _words(*names: str) -> list[Column[str]]:
    return [Column(name, Words, nullable=False) for name in names]


def _append_only() -> None:
    if on_postgresql():
        op.execute(
            "create or replace function audit_append_only() returns trigger language plpgsql as "
            "$$begin raise exception 'the audit log is append-only'; end$$"
        )
        op.execute(
            "create trigger audit_append_only before update or delete or truncate on audit "
            "for each statement execute function audit_append_only()"
        )
        return
    for what in ("update", "delete"):
        op.execute(
            f"create trigger audit_no_{what} before {what} on audit "
            "begin select raise(abort, 'the audit log is append-only'); end"
        )
