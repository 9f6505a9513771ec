"""Items of quarantine wait, are resent or discarded, and are bounded by their size."""

from __future__ import annotations

from alembic import op
from sqlalchemy import BigInteger, Column, Integer, String, Text

from store.migrations.steps import add_column, add_index

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    """Those that are there wait; their size is their payload's."""
    add_column("quarantine", Column("state", String(16), nullable=False, server_default="waiting"))
    add_column("quarantine", Column("acted", BigInteger))
    add_column("quarantine", Column("acted_by", Text, nullable=False, server_default=""))
    add_column("quarantine", Column("note", Text, nullable=False, server_default=""))
    if add_column("quarantine", Column("size", Integer, nullable=False, server_default="0")):
        op.execute("update quarantine set size = length(payload)")
    add_index("quarantine_age", "quarantine", "received", "id", "size")
    add_index("quarantine_state", "quarantine", "state", "received", "id", "size")
