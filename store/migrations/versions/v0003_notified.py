"""What each channel was told, and up to which line of history."""

from __future__ import annotations

from sqlalchemy import BigInteger, Column, String

from store.migrations.steps import add_table

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    """Nobody has been told anything."""
    add_table(
        "notified",
        Column("channel", String(32), primary_key=True),
        Column("alert", String(40), primary_key=True),
    )
    add_table(
        "notify_cursors",
        Column("channel", String(32), primary_key=True),
        Column("number", BigInteger, nullable=False),
    )
