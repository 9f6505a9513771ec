"""Rules that engineers added."""

from __future__ import annotations

from sqlalchemy import BigInteger, Column, LargeBinary, String, Text

from store.migrations.steps import add_table

revision = "0005"
down_revision = "0004"


def upgrade() -> None:
    """There are none."""
    add_table(
        "rules",
        Column("code", String(32), primary_key=True),
        Column("definition", LargeBinary, nullable=False),
        Column("updated", BigInteger, nullable=False),
        Column("updated_by", Text, nullable=False),
    )
