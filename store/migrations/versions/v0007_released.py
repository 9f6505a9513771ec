"""When its cause let an alert out is kept with it."""

from __future__ import annotations

from sqlalchemy import BigInteger, Column

from store.migrations.steps import add_column

revision = "0007"
down_revision = "0006"


def upgrade() -> None:
    """Not known of those that are there."""
    add_column("alerts", Column("released", BigInteger))
