"""Failures of tests of quality, by hour."""

from __future__ import annotations

from sqlalchemy import BigInteger, Column, Integer, String

from store.migrations.steps import add_index, add_table

revision = "0008"
down_revision = "0007"


def upgrade() -> None:
    """None is known."""
    add_table(
        "quality_failures",
        Column("device", String(64), primary_key=True),
        Column("hour", BigInteger, primary_key=True),
        Column("quantity", String(32), primary_key=True),
        Column("test", String(16), primary_key=True),
        Column("count", Integer, nullable=False),
        Column("worst", Integer, nullable=False),
    )
    add_index("quality_age", "quality_failures", "hour")
