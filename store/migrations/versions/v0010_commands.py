"""Commands to devices."""

from __future__ import annotations

from alembic import op
from sqlalchemy import BigInteger, Column, Float

from store.sql_types import Words

revision = "0010"
down_revision = "0009"


def upgrade() -> None:
    """There are none."""
    op.create_table(
        "commands",
        Column("id", Words, primary_key=True),
        *(Column(n, Words, nullable=False) for n in ("batch", "device", "kind", "command")),
        Column("value", Float),
        Column("requested", BigInteger, nullable=False),
        Column("requested_by", Words, nullable=False),
        Column("why", Words, nullable=False),
        Column("expires", BigInteger, nullable=False),
        Column("state", Words, nullable=False),
        Column("sent", BigInteger),
        Column("answered", BigInteger),
        Column("applied", Float),
        Column("error", Words, nullable=False),
    )
    op.create_index("ix_commands_batch", "commands", ["batch"])
    op.create_index("ix_commands_state", "commands", ["state"])
    op.create_index("commands_age", "commands", ["requested", "id"])
    op.create_index("commands_device", "commands", ["device", "command", "requested"])
