"""Devices can be retired, and what people change of them is kept."""

from __future__ import annotations

from alembic import op
from sqlalchemy import BigInteger, Boolean, Column, false

from store.sql_types import NUMBER, Words

revision = "0012"
down_revision = "0011"


def upgrade() -> None:
    """None is retired; nothing is known of earlier changes."""
    op.add_column("devices", Column("retired", Boolean, nullable=False, server_default=false()))
    op.create_table(
        "device_events",
        Column("number", NUMBER, primary_key=True, autoincrement=True),
        Column("device", Words, nullable=False),
        Column("time", BigInteger, nullable=False),
        *(Column(n, Words, nullable=False) for n in ("what", "by", "why", "before", "after")),
    )
    op.create_index("ix_device_events_device", "device_events", ["device"])
