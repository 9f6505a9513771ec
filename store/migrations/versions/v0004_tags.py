"""Devices have tags."""

from __future__ import annotations

from sqlalchemy import Column, Text

from store.migrations.steps import add_column

revision = "0004"
down_revision = "0003"


def upgrade() -> None:
    """Those that are there have none."""
    add_column("devices", Column("tags", Text, nullable=False, server_default="[]"))
