"""The database carries its mark from here on: a program that does not know it is refused by `meta`.

On PostgreSQL text has any length and the order of its bytes, and numbers that count up have 64 bits.
"""

from __future__ import annotations

from alembic import op
from sqlalchemy import String, Text, inspect

from store.migrations.steps import on_postgresql

revision = "0009"
down_revision = "0008"

_TABLES = (
    "devices", "alerts", "alert_events", "conditions", "out_of_service",
    "rules", "notified", "notify_cursors", "quality_failures", "quarantine",
)  # fmt: skip


def upgrade() -> None:
    """Nothing in the rows changes."""
    # Left behind where an earlier program completed a database of the first tables.
    op.drop_index("quarantine_received", "quarantine", if_exists=True)
    if on_postgresql():
        for table in _TABLES:
            _any_length(table)
        for table, column in (("devices", "number"), ("alert_events", "number")):
            op.execute(f"alter table {table} alter column {column} type bigint")
            op.execute(f"alter sequence {table}_{column}_seq as bigint")
        op.execute("alter table quarantine alter column seen type bigint")
    op.execute("delete from meta")
    op.execute("insert into meta (version) values (3)")


def _any_length(table: str) -> None:
    # One statement a table: it is written anew once at most.
    texts = [
        column["name"]
        for column in inspect(op.get_bind()).get_columns(table)
        if isinstance(column["type"], (String, Text))
    ]
    changes = ", ".join(f'alter column "{name}" type text collate "C"' for name in texts)
    op.execute(f"alter table {table} {changes}")
